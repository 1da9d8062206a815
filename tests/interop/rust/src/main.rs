//! cargo add jsonwebtoken serde serde_json tiny_http ureq -F jsonwebtoken/rust_crypto,serde/derive,ureq/json

use std::{
    collections::HashSet,
    env,
    error::Error,
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde::Deserialize;
use serde_json::json;
use tiny_http::{Header, Request, Response, Server};

#[derive(Deserialize)]
struct Claims {
    client_id: String,
    scope: String,
}

/// Latchkey's public keys. A key is published long before it signs, so they need not be fetched for every unknown one.
struct Keys {
    address: String,
    known: JwkSet,
    fetched: Instant,
}

impl Keys {
    fn fetch(address: String) -> Result<Self, Box<dyn Error>> {
        let known = ureq::get(&address).call()?.body_mut().read_json()?;
        Ok(Self { address, known, fetched: Instant::now() })
    }

    fn verify(&mut self, token: &str, validation: &Validation) -> Result<Claims, Box<dyn Error>> {
        let kid = decode_header(token)?.kid.ok_or("no `kid`")?;
        if self.known.find(&kid).is_none() && self.fetched.elapsed() > Duration::from_secs(30) {
            *self = Self::fetch(self.address.clone())?;
        }
        let key = DecodingKey::from_jwk(self.known.find(&kid).ok_or("an unknown key")?)?;
        Ok(decode(token, &key, validation)?.claims)
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let issuer = env::var("ISSUER").unwrap_or("http://localhost:8080".into());
    let port = env::var("PORT").unwrap_or("4000".into());
    let mut keys = Keys::fetch(format!("{issuer}/.well-known/jwks.json")).map_err(|error| error.to_string())?;

    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&["https://notes.example"]);
    validation.required_spec_claims = HashSet::from(["exp", "iss", "aud"].map(str::to_owned));
    // A minute of grace is the default.
    validation.leeway = 0;

    for request in Server::http(format!("localhost:{port}"))?.incoming_requests() {
        let (status, body, challenge) = match keys.verify(bearer(&request), &validation) {
            Ok(claims) if claims.scope.split(' ').any(|scope| scope == "notes:read") => {
                (200, json!({ "client_id": claims.client_id, "notes": ["Buy milk"] }), "")
            }
            Ok(_) => (403, json!({}), "Bearer error=\"insufficient_scope\", scope=\"notes:read\""),
            Err(error) => (401, json!({ "error": error.to_string() }), "Bearer error=\"invalid_token\""),
        };
        let challenge = Header::from_bytes("WWW-Authenticate", challenge).expect("a header");
        request.respond(Response::from_string(body.to_string()).with_status_code(status).with_header(challenge))?;
    }
    Ok(())
}

fn bearer(request: &Request) -> &str {
    let sent = request.headers().iter().find(|header| header.field.equiv("Authorization"));
    sent.and_then(|header| header.value.as_str().strip_prefix("Bearer ")).unwrap_or_default()
}
