# pip install authlib flask requests
import os

from authlib.integrations.flask_client import OAuth
from flask import Flask, url_for

app = Flask(__name__)
app.secret_key = os.urandom(32)

issuer = os.environ.get("ISSUER", "http://localhost:8080")
latchkey = OAuth(app).register(
    "latchkey",
    client_id="wiki",
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{issuer}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


@app.get("/")
def sign_in():
    return latchkey.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    tokens = latchkey.authorize_access_token()
    return latchkey.userinfo(token=tokens)


if __name__ == "__main__":
    app.run("localhost", int(os.environ.get("PORT", "3000")))
