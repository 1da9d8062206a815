// npm install express express-session passport passport-openidconnect
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import OpenIDConnectStrategy from 'passport-openidconnect'

const { ISSUER = 'http://localhost:8080', CLIENT_ID, CLIENT_SECRET, PORT = '3000' } = process.env
const here = `http://localhost:${PORT}`

// This library knows neither discovery nor PKCE; the client was registered with `--no-pkce`.
const strategy = new OpenIDConnectStrategy(
  {
    issuer: ISSUER,
    authorizationURL: `${ISSUER}/authorize`,
    tokenURL: `${ISSUER}/token`,
    userInfoURL: `${ISSUER}/userinfo`,
    clientID: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    callbackURL: `${here}/callback`,
    scope: 'profile email',
    nonce: true,
    skipUserProfile: false,
  },
  (issuer, userinfo, claims, context, idToken, accessToken, refreshToken, answer, done) =>
    done(null, { ...userinfo._json, idToken }),
)

passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ secret: crypto.randomUUID(), resave: false, saveUninitialized: false }))
app.use(passport.session())
app.get('/', passport.authenticate('openidconnect'))
app.get('/callback', passport.authenticate('openidconnect'), (request, response) => {
  const { idToken, ...user } = request.user
  response.json(user)
})
app.get('/sign-out', (request, response, next) => {
  const after = { id_token_hint: request.user.idToken, post_logout_redirect_uri: `${here}/signed-out` }
  request.logout((error) => (error ? next(error) : response.redirect(`${ISSUER}/logout?${new URLSearchParams(after)}`)))
})
app.get('/signed-out', (request, response) => response.send('You are signed out of both'))
app.listen(PORT)
