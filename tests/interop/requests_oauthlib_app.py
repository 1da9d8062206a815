# pip install flask requests-oauthlib 'pyjwt[crypto]'
import os
import secrets

import jwt
import requests
from flask import Flask, abort, redirect, request, session
from requests_oauthlib import OAuth2Session

# Plain http is for this machine alone: leave this out where the issuer is https.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

issuer = os.environ.get("ISSUER", "http://localhost:8080")
client_id, client_secret = os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]
here = f"http://localhost:{os.environ.get('PORT', '3000')}"
scope = ["openid", "profile", "email", "offline_access"]

provider = requests.get(f"{issuer}/.well-known/openid-configuration").json()
keys = jwt.PyJWKClient(provider["jwks_uri"])
app = Flask(__name__)
app.secret_key = os.urandom(32)
signing_in, signed_in = {}, {}


@app.get("/")
def sign_in():
    latchkey = OAuth2Session(client_id, redirect_uri=f"{here}/callback", scope=scope, pkce="S256")
    nonce = secrets.token_urlsafe()
    to, session["state"] = latchkey.authorization_url(provider["authorization_endpoint"], nonce=nonce)
    signing_in[session["state"]] = latchkey, nonce
    return redirect(to)


@app.get("/callback")
def callback():
    latchkey, nonce = signing_in.pop(session.pop("state"))
    tokens = latchkey.fetch_token(
        provider["token_endpoint"], authorization_response=request.url, client_secret=client_secret
    )
    # This library is one for OAuth; the ID token is PyJWT's to verify.
    key = keys.get_signing_key_from_jwt(tokens["id_token"])
    claims = jwt.decode(tokens["id_token"], key, algorithms=["RS256"], audience=client_id, issuer=issuer)
    if claims["nonce"] != nonce:
        abort(400, "this ID token belongs to another sign-in")
    session["sub"] = claims["sub"]
    signed_in[claims["sub"]] = latchkey
    return show_user()


@app.get("/refresh")
def refresh():
    signed_in[session["sub"]].refresh_token(provider["token_endpoint"], auth=(client_id, client_secret))
    return show_user()


def show_user():
    user = signed_in[session["sub"]].get(provider["userinfo_endpoint"]).json()
    return user if user["sub"] == session["sub"] else abort(400, "these are somebody else's claims")


if __name__ == "__main__":
    app.run("localhost", int(os.environ.get("PORT", "3000")))
