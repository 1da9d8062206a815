// README's programs against Latchkey, with a real browser; and every page through axe.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { demo, freePort, here, install, top } from './latchkey.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const password = 'correct horse battery staple'
let latchkey, browser, exported, port

before(async () => {
  latchkey = await install()
  port = `${await freePort()}`
  exported = latchkey.script(readFileSync(join(here, 'register.sh'), 'utf8').replaceAll('3000', port))
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
})

after(async () => {
  await browser?.close()
  await latchkey?.stop()
})

// ------------------------------------------------------------------------------------------------- README's programs

const apps = {
  'openid-client in JavaScript': ['node', ['openid-client.mjs']],
  'Authlib in Python': [join(top, 'target', 'interop', 'bin', 'python'), ['authlib_app.py']],
  'openidconnect in Rust': [join(top, 'target', 'debug', 'examples', 'openidconnect'), []],
}

for (const [name, [command, args]] of Object.entries(apps)) {
  test(`README's app with ${name} signs a user in`, async () => {
    const app = await latchkey.run(command, args, { ...exported, PORT: port })
    try {
      const page = await (await browser.newContext()).newPage()
      await page.goto(app.url)
      await signIn(page, 'alice')
      // Asked once, remembered for the next app of the same name.
      if (await page.locator('#consent-allow').count()) await page.click('#consent-allow')
      await page.waitForURL((url) => url.pathname === '/callback')
      const user = JSON.parse(await page.textContent('body'))
      assert.equal(user.name, 'Alice Liddell')
      assert.equal(user.email, 'alice@example.com')
      assert.equal(user.email_verified, true)
      await page.context().close()
    } finally {
      await app.stop()
    }
  })
}

test("README's resource server takes the tokens that are for it, and no others", async () => {
  const api = await latchkey.run('node', ['resource-server.mjs'], exported)
  const call = (token) => fetch(api.url, { headers: token ? { authorization: `Bearer ${token}` } : {} })
  const tokenFor = async (id, secret, scope) => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) })
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    const answer = await fetch(`${latchkey.issuer}/token`, { method: 'POST', body, headers: { authorization } })
    assert.equal(answer.status, 200, await answer.clone().text())
    return (await answer.json()).access_token
  }
  try {
    const token = await tokenFor('reporter', exported.REPORTER_SECRET)
    const taken = await call(token)
    assert.equal(taken.status, 200, taken.headers.get('www-authenticate'))
    assert.equal((await taken.json()).client_id, 'reporter')

    assert.equal((await call('')).status, 401)
    assert.equal((await call(`${token.slice(0, -8)}AAAAAAAA`)).status, 401)
    latchkey.cli(['resource', 'create', 'https://photos.example', '--name', 'Photos', '--scope', 'photos:read', '--gate', 'consent'])
    const other = latchkey.cli(['client', 'create', '--name', 'Other', '--grant', 'client_credentials', '--scope', 'photos:read'])
    const elsewhere = await call(await tokenFor(other.client_id, other.client_secret))
    assert.equal(elsewhere.status, 401)
    assert.match(elsewhere.headers.get('www-authenticate'), /aud/)
  } finally {
    await api.stop()
  }
})

// ---------------------------------------------------------------------------------------------------------- the pages

test('every page passes axe in light and in dark, and fits a narrow phone', async (t) => {
  latchkey.cli(['user', 'create', 'bob', '--email', 'bob@example.com', '--name', 'Bob', '--password-stdin'], password)
  for (const [slug, name] of [['acme', 'Acme'], ['globex', 'Globex']]) {
    latchkey.cli(['org', 'create', slug, '--name', name])
    latchkey.cli(['member', 'add', slug, 'bob', '--role', slug === 'acme' ? 'editor' : 'viewer'])
  }
  const callback = `http://localhost:${port}/callback`
  const desk = latchkey.cli([
    ...['client', 'create', '--name', 'Help desk', '--redirect-uri', callback, '--post-logout-redirect-uri', callback],
    ...['--scope', 'openid profile email phone address offline_access org kb:*', '--client-uri', 'https://desk.example'],
    ...['--policy-uri', 'https://desk.example/privacy', '--tos-uri', 'https://desk.example/terms'],
  ])
  const request = new URLSearchParams({
    client_id: desk.client_id,
    response_type: 'code',
    redirect_uri: callback,
    scope: 'openid profile email phone address offline_access org kb:read kb:delete',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const { authorization_endpoint, end_session_endpoint } = await (
    await fetch(`${latchkey.issuer}/.well-known/openid-configuration`)
  ).json()
  const authorize = `${authorization_endpoint}?${request}`
  const context = await browser.newContext()
  const page = await context.newPage()
  const shows = (name) => t.test(name, () => inspect(page, name))

  await page.goto(authorize)
  await shows('sign in')
  await page.goto(`${authorize}&ui_locales=ar`)
  assert.equal(await page.getAttribute('html', 'dir'), 'rtl')
  await shows('sign in, in Arabic')
  await page.goto(authorize)
  await page.fill('#username', 'bob')
  await page.fill('#password', 'wrong')
  await page.click('#login-submit')
  await shows('sign in, after a mistake')
  await signIn(page, 'bob')
  await shows('consent, with a choice of organisations')
  await page.goto(`${authorize}&prompt=select_account`)
  await shows('pick an account')
  await page.goto(`${latchkey.issuer}/account`)
  await shows('account')
  await page.goto(`${authorization_endpoint}?client_id=nobody`)
  await shows('authorization error')
  await page.goto(`${latchkey.issuer}/errors/invalid_grant`)
  await shows('what an error code means')
  await page.goto(end_session_endpoint)
  await shows('sign out?')
  await page.click('#logout-confirm')
  await shows('signed out')
  await context.close()
})

test('the demo shows what it says, and its pages pass axe', async (t) => {
  const { app, users, stop } = await demo()
  try {
    const context = await browser.newContext()
    const page = await context.newPage()
    const shows = (name) => t.test(name, () => inspect(page, `demo, ${name}`))

    await page.goto(app)
    await shows('before the sign-in')
    await page.click('#sign-in')
    await signIn(page, 'bob', users.bob)
    await shows('consent')
    await page.click('#consent-allow')
    await page.waitForSelector('#membership')
    assert.match(await page.textContent('#membership'), /editor/)
    await shows('after the sign-in')
    await page.click('#call-read')
    assert.match(await page.getAttribute('#verdict', 'class'), /yes/)
    await page.click('#call-delete')
    assert.match(await page.getAttribute('#verdict', 'class'), /no/, 'an editor may not delete')
    await shows('a call that the role does not allow')
    await page.click('#refresh-now')
    await page.waitForSelector('#refreshed')
    await page.click('#sign-out')
    await page.waitForSelector('#signed-out')
    await shows('signed out')
    await context.close()
  } finally {
    await stop()
  }
})

async function signIn(page, username, secret = password) {
  await page.fill('#username', username)
  await page.fill('#password', secret)
  await page.click('#login-submit')
}

// No finding of axe, nothing that scrolls sideways, no target too small; with SCREENSHOTS a picture of each.
async function inspect(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1024, 320]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 720 })
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => globalThis.axe.run())
      const found = violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`))
      assert.deepEqual(found, [], `${name}, ${colorScheme}, ${width} px`)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(wide <= width, `${name} is ${wide} px wide on a page of ${width} px`)
      if (process.env.SCREENSHOTS) {
        mkdirSync(process.env.SCREENSHOTS, { recursive: true })
        const path = join(process.env.SCREENSHOTS, `${name.replace(/\W+/g, '-')}-${colorScheme}-${width}.png`)
        await page.screenshot({ path, fullPage: true })
      }
    }
  }
}
