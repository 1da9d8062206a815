// node-oidc-provider as its own documentation sets it up, for the work that the load bench asks of Latchkey:
// node server.mjs PORT SECRET. What it keeps, it keeps in memory.
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const [port, client_secret] = process.argv.slice(2)
const api = 'https://api.example'
const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })

const provider = new Provider('http://localhost', {
  clients: [
    {
      client_id: 'bench',
      client_secret,
      redirect_uris: ['http://127.0.0.1:9/callback'],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      scope: 'openid profile email offline_access bench:read',
    },
  ],
  jwks: { keys: [{ ...jwk, alg: 'RS256', use: 'sig' }] },
  scopes: ['openid', 'profile', 'email', 'offline_access', 'bench:read'],
  claims: { profile: ['name'], email: ['email', 'email_verified'] },
  findAccount: (_, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, name: 'Alice', email: 'alice@example.com', email_verified: true }),
  }),
  // Latchkey gives a refresh token with offline_access and another one at each refresh, and access tokens are JWTs.
  issueRefreshToken: (_, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('bench:read'),
  rotateRefreshToken: () => true,
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx) => (/bench:read/.test(ctx.oidc.params?.scope ?? '') ? api : undefined),
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'bench:read',
        audience: api,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  cookies: { keys: ['a key of the bench'] },
})

provider.listen(Number(port), '127.0.0.1')
