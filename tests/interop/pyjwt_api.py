# pip install flask 'pyjwt[crypto]'
import os

import jwt
from flask import Flask, request

issuer = os.environ.get("ISSUER", "http://localhost:8080")
keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")
app = Flask(__name__)


@app.get("/")
def notes():
    token = request.authorization.token if request.authorization else ""
    try:
        key = keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key, algorithms=["RS256"], audience="https://notes.example", issuer=issuer)
    except jwt.PyJWTError as error:
        return {"error": str(error)}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    if "notes:read" not in claims["scope"].split():
        return {}, 403, {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="notes:read"'}
    return {"client_id": claims["client_id"], "notes": ["Buy milk"]}


if __name__ == "__main__":
    app.run("localhost", int(os.environ.get("PORT", "4000")))
