//! Clients that prove themselves by their own keys (`private_key_jwt`), registered by value or kept by the client.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use josekit::{
    jwk::{
        Jwk, KeyPair as _,
        alg::{ec::EcKeyPair, rsa::RsaKeyPair},
    },
    jws::{self, ES256, JwsHeader, JwsSigner, PS256, RS256},
};
use latchkey::{
    clients::{keys::BadKeys, registration},
    outgoing::{Barred, Unanswered},
    protocol::{Algorithm, AuthMethod, Lifetime},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    approval::approve,
    world::{Answer, App, ISSUER, VERIFIER, World},
};

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client's own key, of which the server knows the public half.
pub(crate) struct OwnKey {
    pub(crate) kid: String,
    pub(crate) private: Jwk,
    alg: &'static str,
}

impl OwnKey {
    pub(crate) fn rsa(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(2048).expect("a key");
        Self { kid: kid.to_owned(), private: pair.to_jwk_key_pair(), alg: "RS256" }
    }

    pub(crate) fn ec(kid: &str) -> Self {
        let pair = EcKeyPair::generate(josekit::jwk::alg::ec::EcCurve::P256).expect("a key");
        Self { kid: kid.to_owned(), private: pair.to_jwk_key_pair(), alg: "ES256" }
    }

    pub(crate) fn public(&self) -> Value {
        let mut public = self.private.to_public_key().expect("the public half");
        public.set_key_id(&self.kid);
        Value::Object(public.as_ref().clone())
    }

    pub(crate) fn set(&self) -> Value {
        json!({ "keys": [self.public()] })
    }

    fn signer(&self) -> Box<dyn JwsSigner> {
        match self.alg {
            "RS256" => Box::new(RS256.signer_from_jwk(&self.private).expect("a signer")),
            "PS256" => Box::new(PS256.signer_from_jwk(&self.private).expect("a signer")),
            _ => Box::new(ES256.signer_from_jwk(&self.private).expect("a signer")),
        }
    }

    /// What says these claims, signed by this key.
    pub(crate) fn signs(&self, claims: &Value) -> String {
        self.signs_with("kid", self.kid.clone().into(), claims)
    }

    /// The same, with another member in its header.
    pub(crate) fn signs_with(&self, name: &str, value: Value, claims: &Value) -> String {
        let mut header = JwsHeader::new();
        header.set_key_id(&self.kid);
        header.set_claim(name, Some(value)).expect("set");
        jws::serialize_compact(claims.to_string().as_bytes(), &header, &*self.signer()).expect("signed")
    }
}

/// What an assertion of that client says, with a `jti` of its own.
pub(crate) fn says(world: &World, client_id: &str) -> Value {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let jti = format!("{client_id}-{}", COUNT.fetch_add(1, Ordering::SeqCst));
    let now = world.now().0;
    json!({ "iss": client_id, "sub": client_id, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": jti })
}

/// Ask for an access token of the client's own, with that assertion.
pub(crate) async fn asks(world: &World, assertion: &str) -> Answer {
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "kb:read"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    world.post("/token", &[], &fields).await
}

/// A client with these keys, by value.
pub(crate) async fn client(world: &World, id: &str, jwks: Value) -> App {
    world
        .app_with(id, |wanted| {
            wanted.scope = Some("openid offline_access kb:read".to_owned());
            wanted.token_endpoint_auth_method = Some(AuthMethod::PrivateKeyJwt);
            wanted.jwks = Some(jwks);
        })
        .await
}

#[tokio::test]
async fn a_client_proves_itself_by_what_it_signs_and_is_given_no_secret() {
    let world = World::new().await;
    let (first, second) = (OwnKey::rsa("first"), OwnKey::ec("second"));
    let pss = OwnKey { kid: first.kid.clone(), private: first.private.clone(), alg: "PS256" };
    let app = client(&world, "robot", json!({ "keys": [first.public(), second.public()] })).await;
    assert_eq!(app.secret, None);
    for key in [&first, &second, &pss] {
        asks(&world, &key.signs(&says(&world, "robot"))).await.ok();
    }
    // OIDC Core §9 has the token endpoint as the audience.
    for audience in [json!(format!("{ISSUER}/token")), json!([ISSUER])] {
        let mut claims = says(&world, "robot");
        claims["aud"] = audience;
        asks(&world, &first.signs(&claims)).await.ok();
    }
    let with_secret = [("grant_type", "client_credentials"), ("client_id", "robot"), ("client_secret", "guess")];
    let told = world.post("/token", &[], &with_secret).await.refused("invalid_client");
    assert!(told["error_description"].as_str().unwrap().contains("private_key_jwt"), "{told}");
    let rotated = registration::rotate_secret(
        &world.server.registry,
        "robot",
        None,
        registration::OldSecret::EndsNow,
        world.now(),
        &world.server.random,
    );
    assert!(rotated.await.is_err_and(|error| error.to_string().contains("private_key_jwt")));
}

#[tokio::test]
async fn a_code_is_redeemed_refreshed_introspected_and_revoked_with_assertions() {
    let world = World::new().await;
    let key = OwnKey::rsa("k");
    let app = client(&world, "robot", key.set()).await;
    let alice = world.user("alice").await;
    let code = approve(&world, &app, &alice, "openid offline_access").await.code;
    let ask = async |path: &str, fields: &[(&str, &str)]| {
        let assertion = key.signs(&says(&world, "robot"));
        let own = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.as_str())];
        world.post(path, &[], &[fields, &own].concat()).await
    };
    let redeeming = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let tokens = ask("/token", &redeeming).await.ok();
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let tokens = ask("/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await.ok();
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(ask("/introspect", &[("token", access_token)]).await.ok()["active"], true);
    assert!(ask("/revoke", &[("token", access_token)]).await.status.is_success());
    assert_eq!(ask("/introspect", &[("token", access_token)]).await.ok()["active"], false);
}

/// Where a client keeps its keys, its request object, or other JSON: what is there can be changed, and how often it is
/// read is counted.
pub(crate) struct Place {
    pub(crate) uri: String,
    keys: Arc<Mutex<Option<Value>>>,
    reads: Arc<AtomicUsize>,
}

impl Place {
    pub(crate) async fn with(keys: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let uri = format!("http://{}/jwks", listener.local_addr().expect("an address"));
        let place = Self { uri, keys: Arc::new(Mutex::new(Some(keys))), reads: Arc::default() };
        let (keys, reads) = (place.keys.clone(), place.reads.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.is_ok_and(|n| n > 0) {}
                reads.fetch_add(1, Ordering::SeqCst);
                let body = keys.lock().expect("not poisoned").as_ref().map(written);
                let status = if body.is_some() { "200 OK" } else { "503 Service Unavailable" };
                let body = body.unwrap_or_default();
                let answer =
                    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        place
    }

    pub(crate) fn now_has(&self, keys: Option<Value>) {
        *self.keys.lock().expect("not poisoned") = keys;
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

/// A text as it is, everything else as JSON.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn keeper(world: &World, place: &Place) {
    world
        .app_with("keeper", |wanted| {
            wanted.scope = Some("kb:read".to_owned());
            wanted.token_endpoint_auth_method = Some(AuthMethod::PrivateKeyJwt);
            wanted.jwks_uri = Some(place.uri.clone());
        })
        .await;
}

#[tokio::test]
async fn keys_that_a_client_keeps_are_read_once_and_again_after_it_has_changed_them() {
    let world = World::with(|settings| settings.outgoing.allow_private_addresses = true).await;
    let (old, new) = (OwnKey::rsa("old"), OwnKey::rsa("new"));
    let place = Place::with(old.set()).await;
    keeper(&world, &place).await;
    let ask = async |key: &OwnKey| asks(&world, &key.signs(&says(&world, "keeper"))).await;
    ask(&old).await.ok();
    ask(&old).await.ok();
    assert_eq!(place.reads(), 1, "what was read is remembered");
    place.now_has(Some(new.set()));
    ask(&new).await.refused("invalid_client");
    assert_eq!(place.reads(), 1, "not again within moments, whatever is sent in its name");
    world.advance(Lifetime::seconds(5));
    ask(&new).await.ok();
    assert_eq!(place.reads(), 2);
    ask(&old).await.refused("invalid_client");
    // While its place cannot be reached, what was read last counts, for an hour.
    place.now_has(None);
    world.advance(Lifetime::minutes(30));
    ask(&new).await.ok();
    world.advance(Lifetime::minutes(30));
    ask(&new).await.refused("invalid_client");
    place.now_has(Some(new.set()));
    world.advance(Lifetime::minutes(1));
    ask(&new).await.ok();
}

#[tokio::test]
async fn keys_inside_the_servers_own_network_are_not_read_unless_the_operator_allows_it() {
    let world = World::new().await;
    let key = OwnKey::rsa("k");
    let mut place = Place::with(key.set()).await;
    place.uri = place.uri.replace("http://", "https://");
    keeper(&world, &place).await;
    asks(&world, &key.signs(&says(&world, "keeper"))).await.refused("invalid_client");
    let client = world.server.registry.find("keeper").await.expect("read").expect("a client");
    let verified =
        async || world.server.client_keys.verify(&client, &key.signs(&json!({})), Algorithm::ALL, world.now()).await;
    assert!(matches!(verified().await, Err(BadKeys::Moments)), "not again so soon");
    world.advance(Lifetime::minutes(1));
    assert!(matches!(verified().await, Err(BadKeys::Unanswered(Unanswered::Barred(Barred::Private)))));
    assert_eq!(place.reads(), 0);
}
