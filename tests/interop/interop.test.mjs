// Apps and APIs with the libraries of clients.json against Latchkey, with a real browser; and every page through axe.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { demo, freePort, here, install, top } from './latchkey.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const password = 'correct horse battery staple'
let latchkey, browser, exported, port, elsewhere, expired

before(async () => {
  latchkey = await install()
  port = `${await freePort()}`
  exported = latchkey.script(readFileSync(join(here, 'register.sh'), 'utf8').replaceAll('3000', port))
  elsewhere = await tokenForPhotos()
  expired = await tokenOfASecond()
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
})

after(async () => {
  await browser?.close()
  await latchkey?.stop()
})

// ----------------------------------------------------------------------------------------- apps and APIs, by the library

const libraries = JSON.parse(readFileSync(join(here, 'clients.json'), 'utf8'))

for (const app of libraries.apps) {
  test(`an app with ${app.library} in ${app.language} signs a user in: ${['state', ...app.does].join(', ')}`, async () => {
    const program = await latchkey.run(app.run, { ...(app.readme ? exported : register(app)), PORT: port })
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      const does = (what) => app.does.includes(what)
      // The way that the app sends the browser, and what the app answers when the browser comes back.
      const begin = async () => new URL((await context.request.get(program.url, { maxRedirects: 0 })).headers().location)
      const comeBack = async (to) => {
        const back = page.waitForResponse((response) => response.url().startsWith(`${program.url}callback`))
        await page.goto(`${to}`)
        if (await page.locator('#username').count()) await signIn(page, 'alice')
        // Asked once, remembered for the next app of the same name.
        if (await page.locator('#consent-allow').count()) await page.click('#consent-allow')
        return back
      }

      // Browsers ask for it beside any page, and a sign-in that this began would end the one on its way.
      const icon = await fetch(`${program.url}favicon.ico`, { redirect: 'manual' })
      assert.ok(icon.status >= 400, `an icon is no sign-in: ${icon.status}`)

      const begun = (await begin()).searchParams
      assert.equal(begun.has('code_challenge'), does('PKCE'))
      assert.equal(begun.has('nonce'), does('nonce'))
      // An answer, or an ID token, that belongs to another sign-in: the first is not worth a request, the second is.
      for (const [what, requests] of Object.entries({ state: 0, ...(does('nonce') && { nonce: 1 }) })) {
        const [other, before] = [await begin(), await tokenRequests()]
        other.searchParams.set(what, 'another')
        assert.ok((await comeBack(other)).status() >= 400, `the ${what} of another sign-in`)
        assert.equal(await tokenRequests(), before + requests, what)
      }

      const answered = await comeBack(program.url)
      assert.equal(answered.status(), 200, await answered.text())
      await isAlice(page)
      if (does('refresh')) {
        const before = await tokenRequests()
        await page.goto(`${program.url}refresh`)
        await isAlice(page)
        assert.equal(await tokenRequests(), before + 1)
      }
      if (does('sign-out')) {
        await page.goto(`${program.url}sign-out`)
        assert.equal(page.url(), `${program.url}signed-out`)
        await page.goto(program.url)
        await page.waitForSelector('#username')
      }
    } catch (error) {
      error.message += `\n${program.printed()}`
      throw error
    } finally {
      await context.close()
      await program.stop()
    }
  })
}

for (const api of libraries.apis) {
  test(`an API with ${api.library} in ${api.language} takes the tokens that are for it, and no others`, async () => {
    const program = await latchkey.run(api.run, exported)
    const call = (token) => fetch(program.url, { headers: token ? { authorization: `Bearer ${token}` } : {} })
    const taken = async (token) => {
      const answer = await call(token)
      assert.equal(answer.status, 200, `${await answer.clone().text()}\n${program.printed()}`)
      assert.equal((await answer.json()).client_id, 'reporter')
    }
    const refused = async (token, why) => {
      const answer = await call(token)
      assert.equal(answer.status, 401, why)
      assert.match(answer.headers.get('www-authenticate'), /^Bearer error="invalid_token"/)
    }
    try {
      const token = await reporterToken()
      await taken(token)
      await refused('', 'no token')
      await refused(`${token.slice(0, -8)}AAAAAAAA`, 'a bad signature')
      await refused(elsewhere, 'another audience')
      await refused(expired, 'an expired token')

      // The next key has been published all the time, so that nobody needs to fetch it in a hurry.
      latchkey.cli(['key', 'rotate', '--now'])
      let rotated = token
      const late = Date.now() + 10_000
      while (kid(rotated) === kid(token) && Date.now() < late) rotated = await reporterToken()
      assert.notEqual(kid(rotated), kid(token), 'the next key signs')
      await taken(rotated)
      await taken(token)
    } finally {
      await program.stop()
    }
  })
}

// Registers an app, and says what it has to know.
function register({ library, register = [] }) {
  const id = library.split('/').findLast((part) => part.length > 2)
  const made = latchkey.cli([
    ...['client', 'create', '--id', id, '--name', library, ...register],
    ...['--redirect-uri', `http://localhost:${port}/callback`],
    ...['--post-logout-redirect-uri', `http://localhost:${port}/signed-out`],
  ])
  return { CLIENT_ID: made.client_id, CLIENT_SECRET: made.client_secret }
}

async function isAlice(page) {
  const user = JSON.parse(await page.textContent('body'))
  assert.equal(user.name, 'Alice Liddell')
  assert.equal(user.email, 'alice@example.com')
  assert.equal(user.email_verified, true)
}

// How many requests the token endpoint has granted.
async function tokenRequests() {
  const metrics = await (await fetch(`${latchkey.issuer}/metrics`)).text()
  const granted = metrics.split('\n').filter((line) => /^latchkey_http_requests_total\{.*route="\/token".*status="200"/.test(line))
  return granted.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

async function tokenFor(id, secret, { at = latchkey.issuer } = {}) {
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  const answer = await fetch(`${at}/token`, { method: 'POST', body, headers: { authorization } })
  assert.equal(answer.status, 200, await answer.clone().text())
  return (await answer.json()).access_token
}

const reporterToken = (where) => tokenFor('reporter', exported.REPORTER_SECRET, where)

// A token for another API.
async function tokenForPhotos() {
  latchkey.cli(['resource', 'create', 'https://photos.example', '--name', 'Photos', '--scope', 'photos:read', '--gate', 'consent'])
  const other = latchkey.cli(['client', 'create', '--name', 'Other', '--grant', 'client_credentials', '--scope', 'photos:read'])
  return tokenFor(other.client_id, other.client_secret)
}

// A token whose time is over, from a second server on the same database that makes them so.
async function tokenOfASecond() {
  const brief = await latchkey.serveToo({ LATCHKEY_TOKENS_ACCESS_TOKEN: '1s' })
  const token = await reporterToken({ at: brief.url })
  await brief.stop()
  while (Date.now() / 1000 <= part(token, 1).exp) await new Promise((resolve) => setTimeout(resolve, 50))
  return token
}

const part = (token, number) => JSON.parse(Buffer.from(token.split('.')[number], 'base64url'))
const kid = (token) => part(token, 0).kid

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

// What `cargo test` has left in target/tmp/pages: every page in every state. Light and dark, wide and narrow, from the left
// and from the right each have their turn; that nothing scrolls sideways is seen in every language, and with long names.
test('every state of every page passes axe', async () => {
  const folder = join(top, 'target', 'tmp', 'pages')
  const files = readdirSync(folder).filter((file) => file.endsWith('.html'))
  assert.ok(files.length > 100, 'the pages are written by: cargo test --test it pages')
  // The pages of the error codes are all alike.
  const isOneOfMany = (file) => /-error-/.test(file) && !/invalid_request|unmet/.test(file)
  const types = { css: 'text/css', html: 'text/html; charset=utf-8', js: 'text/javascript', svg: 'image/svg+xml' }
  const answer = (route) => {
    const { pathname } = new URL(route.request().url())
    // The form for the app would send itself, and the page of a sign-out goes on.
    if (!existsSync(join(folder, pathname)) || /(form-post|signing-out).*\.js$/.test(pathname)) return route.fulfill({ status: 404 })
    return route.fulfill({ path: join(folder, pathname), contentType: types[pathname.split('.').pop()] })
  }
  const looks = [
    ['en', 'light', 1024, true],
    ['ar', 'dark', 320, true],
    ...['de', 'es', 'fr', 'ja', 'long'].map((language) => [language, 'light', 320, false]),
  ]
  const look = async ([language, colorScheme, width, asksAxe]) => {
    const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce', viewport: { width, height: 720 } })
    await context.route('**/*', answer)
    const page = await context.newPage()
    for (const file of files.filter((file) => file.startsWith(`${language}-`) && !isOneOfMany(file))) {
      await page.goto(`http://pages.example/${file}`)
      if (asksAxe) assert.deepEqual(await findings(page), [], `${file}, ${colorScheme}, ${width} px`)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(wide <= width, `${file} is ${wide} px wide on a page of ${width} px`)
    }
    await context.close()
  }
  await Promise.all(looks.map(look))
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
      assert.deepEqual(await findings(page), [], `${name}, ${colorScheme}, ${width} px`)
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

async function findings(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`))
}
