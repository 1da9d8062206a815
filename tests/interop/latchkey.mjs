// A Latchkey of its own for the tests, on a free port and an empty database, and the programs that use it.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const here = dirname(fileURLToPath(import.meta.url))
export const top = dirname(dirname(here))
const program = process.env.LATCHKEY ?? join(top, 'target', 'debug', 'latchkey')

export async function freePort() {
  const server = createServer().listen(0, 'localhost')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

// Starts a program and waits until it answers; what it printed is shown when it does not.
async function start(command, args, { env, cwd, url }) {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text))
  const ended = new Promise((resolve) => child.once('close', resolve))
  const stop = async () => {
    child.kill()
    await ended
  }
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) break
    const answered = await fetch(url, { redirect: 'manual' }).catch(() => undefined)
    if (answered) return { stop, url, printed: () => printed }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await stop()
  throw new Error(`${command} ${args.join(' ')} does not answer:\n${printed}`)
}

// The demo as a newcomer starts it, but for the browser, which is ours; what it says to programs.
export async function demo() {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-demo-'))
  const child = spawn(program, ['demo', '--no-open', '--data', folder], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const stop = async () => {
    child.kill()
    await ended
    rmSync(folder, { recursive: true })
  }
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{"demo":')) return { ...JSON.parse(line).demo, stop }
  }
  await stop()
  throw new Error('the demo ended without saying where it is')
}

export async function install() {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-interop-'))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const env = {
    ...process.env,
    PATH: `${dirname(program)}:${process.env.PATH}`,
    LATCHKEY_ISSUER: issuer,
    LATCHKEY_LISTEN: `127.0.0.1:${port}`,
  }
  const cli = (args, input = '') =>
    JSON.parse(execFileSync(program, ['--json', ...args], { cwd: folder, env, input, encoding: 'utf8' }))
  // A shell script, and the variables it exports.
  const script = (text) => {
    const printed = execFileSync('bash', ['-euc', `{ ${text}\n} >&2; env -0`], { cwd: folder, env, encoding: 'utf8' })
    return Object.fromEntries(printed.split('\0').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]))
  }
  // An app or an API, with the variables it needs beside the issuer and a port.
  const run = async ([command, ...args], variables) => {
    const PORT = variables.PORT ?? `${await freePort()}`
    const env = { ...process.env, ...variables, ISSUER: issuer, PORT }
    return start(command.includes('/') ? join(top, command) : command, args, { cwd: here, env, url: `http://localhost:${PORT}/` })
  }
  // A second server on the same database.
  const serveToo = async (settings) => {
    const listen = `127.0.0.1:${await freePort()}`
    const own = { ...env, LATCHKEY_LISTEN: listen, ...settings }
    const second = await start(program, ['serve'], { cwd: folder, env: own, url: `http://${listen}/.well-known/openid-configuration` })
    return { ...second, url: `http://${listen}` }
  }
  const server = await start(program, ['serve'], { cwd: folder, env, url: `${issuer}/.well-known/openid-configuration` })
  const stop = async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
  return { issuer, cli, script, run, serveToo, stop }
}
