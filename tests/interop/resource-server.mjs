// npm install jose
import { createServer } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { ISSUER: issuer = 'http://localhost:8080', PORT = '4000' } = process.env
const audience = 'https://notes.example'
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))

createServer(async (request, response) => {
  const token = request.headers.authorization?.replace(/^Bearer /i, '') ?? ''
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] })
    const { sub, client_id, scope, org_slug, role } = payload
    if (!scope.split(' ').includes('notes:read')) {
      response.writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="notes:read"' }).end()
      return
    }
    const notes = ['Buy milk']
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ sub, client_id, org_slug, role, notes }))
  } catch (error) {
    const sentence = error.message.replace(/["\\]/g, "'")
    response.writeHead(401, { 'www-authenticate': `Bearer error="invalid_token", error_description="${sentence}"` }).end()
  }
}).listen(PORT)
