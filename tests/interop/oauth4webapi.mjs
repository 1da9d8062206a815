// npm install oauth4webapi
import { createServer } from 'node:http'
import * as oauth from 'oauth4webapi'

const { ISSUER = 'http://localhost:8080', CLIENT_ID: client_id, CLIENT_SECRET, PORT = '3000' } = process.env
const here = `http://localhost:${PORT}`
const redirect_uri = `${here}/callback`

// Plain http is for this machine alone: leave this out where the issuer is https.
const http = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(ISSUER)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
const client = { client_id }
const proof = oauth.ClientSecretBasic(CLIENT_SECRET)
const sessions = new Map()

async function signIn(request, response) {
  const id = crypto.randomUUID()
  const [state, nonce, verifier] = [oauth.generateRandomState(), oauth.generateRandomNonce(), oauth.generateRandomCodeVerifier()]
  sessions.set(id, { state, nonce, verifier })
  const to = new URL(as.authorization_endpoint)
  to.search = new URLSearchParams({
    client_id,
    redirect_uri,
    response_type: 'code',
    scope: 'openid profile email offline_access',
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  response.setHeader('set-cookie', `id=${id}; HttpOnly; SameSite=Lax; Path=/`).writeHead(303, { location: to.href }).end()
}

async function callback(request, response, session) {
  const { state, nonce, verifier } = session
  const answer = oauth.validateAuthResponse(as, client, new URL(request.url, here), state)
  const answered = await oauth.authorizationCodeGrantRequest(as, client, proof, answer, redirect_uri, verifier, http)
  session.tokens = await oauth.processAuthorizationCodeResponse(as, client, answered, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, answered, http)
  session.sub = oauth.getValidatedIdTokenClaims(session.tokens).sub
  await showUser(response, session)
}

async function refresh(request, response, session) {
  const answered = await oauth.refreshTokenGrantRequest(as, client, proof, session.tokens.refresh_token, http)
  session.tokens = await oauth.processRefreshTokenResponse(as, client, answered)
  await showUser(response, session)
}

function signOut(request, response, session) {
  const to = new URL(as.end_session_endpoint)
  to.search = new URLSearchParams({ id_token_hint: session.tokens.id_token, post_logout_redirect_uri: `${here}/signed-out` })
  response.writeHead(303, { location: to.href }).end()
}

async function showUser(response, { tokens, sub }) {
  const answered = await oauth.userInfoRequest(as, client, tokens.access_token, http)
  const user = await oauth.processUserInfoResponse(as, client, sub, answered)
  response.setHeader('content-type', 'application/json').end(JSON.stringify(user))
}

const pages = {
  '/': signIn,
  '/callback': callback,
  '/refresh': refresh,
  '/sign-out': signOut,
  '/signed-out': (request, response) => response.end('You are signed out of both'),
}

createServer(async (request, response) => {
  try {
    const page = pages[new URL(request.url, here).pathname]
    const session = sessions.get(/id=([^;]+)/.exec(request.headers.cookie)?.[1])
    await (page ? page(request, response, session) : response.writeHead(404).end())
  } catch (error) {
    response.writeHead(400).end(error.message)
  }
}).listen(PORT)
