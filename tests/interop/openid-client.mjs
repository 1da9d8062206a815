// npm install openid-client
import { createServer } from 'node:http'
import * as oidc from 'openid-client'

const { ISSUER = 'http://localhost:8080', CLIENT_SECRET, PORT = '3000' } = process.env
const redirect_uri = `http://localhost:${PORT}/callback`

// Plain http is for this machine alone: leave `execute` out where the issuer is https.
const config = await oidc.discovery(new URL(ISSUER), 'wiki', CLIENT_SECRET, undefined, {
  execute: [oidc.allowInsecureRequests],
})

async function signIn(request, response) {
  const state = oidc.randomState()
  const code_verifier = oidc.randomPKCECodeVerifier()
  const to = oidc.buildAuthorizationUrl(config, {
    redirect_uri,
    state,
    scope: 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(code_verifier),
    code_challenge_method: 'S256',
  })
  const begun = `begun=${state}.${code_verifier}; HttpOnly; SameSite=Lax; Path=/`
  response.writeHead(303, { location: to.href, 'set-cookie': begun }).end()
}

async function callback(request, response) {
  const [, expectedState, pkceCodeVerifier] = /begun=([^.;]+)\.([^.;]+)/.exec(request.headers.cookie) ?? []
  const url = new URL(request.url, redirect_uri)
  const tokens = await oidc.authorizationCodeGrant(config, url, { expectedState, pkceCodeVerifier })
  const user = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  response.setHeader('content-type', 'application/json').end(JSON.stringify(user))
}

const pages = { '/': signIn, '/callback': callback }

createServer(async (request, response) => {
  try {
    const page = pages[new URL(request.url, redirect_uri).pathname]
    await (page ? page(request, response) : response.writeHead(404).end())
  } catch (error) {
    response.writeHead(400).end(error.message)
  }
}).listen(PORT)
