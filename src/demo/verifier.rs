//! How the sample resource server judges an access token: by itself, with the keys the issuer publishes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{self, RS256, alg::rsassa::RsassaJwsVerifier},
};
use openidconnect::reqwest;
use serde::{Deserialize, de::DeserializeOwned};

use crate::protocol::{Lifetime, Timestamp};

/// Checks access tokens (RFC 9068 §4) of one issuer for one audience.
pub(super) struct Verifier {
    issuer: String,
    audience: String,
    http: reqwest::Client,
    keys: Mutex<Arc<Keys>>,
    /// Only one request fetches; the others wait for what it brings.
    fetching: tokio::sync::Mutex<()>,
}

/// What the resource server goes by, once the signature and the rest have been checked.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Token {
    iss: String,
    aud: OneOrMany,
    exp: i64,
    iat: i64,
    pub(super) sub: String,
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) scope: String,
    /// The organisation the token is bound to; Latchkey's claims, beyond RFC 9068.
    pub(super) org_slug: Option<String>,
    pub(super) role: Option<String>,
}

/// Why a token was not believed.
#[derive(Debug, PartialEq)]
pub(super) enum Doubt {
    /// The token is at fault; the sentence may be shown to the one who sent it.
    Invalid(String),
    /// The keys of the issuer could not be had, so nothing can be said about the token.
    NoKeys(String),
}

/// The keys as last fetched, by `kid`.
#[derive(Default)]
struct Keys {
    by_id: BTreeMap<String, RsassaJwsVerifier>,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrManyText {
    One(String),
    Many(Vec<String>),
}

/// `aud` is a string or a list of strings (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "OneOrManyText")]
struct OneOrMany(Vec<String>);

impl From<OneOrManyText> for OneOrMany {
    fn from(text: OneOrManyText) -> Self {
        Self(match text {
            OneOrManyText::One(one) => vec![one],
            OneOrManyText::Many(many) => many,
        })
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Map<String, serde_json::Value>>,
}

impl Verifier {
    /// A verifier that trusts this issuer and answers to this audience. It fetches nothing yet.
    pub(super) fn new(issuer: &str, audience: &str, http: reqwest::Client) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            http,
            keys: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// Check a token in the order that costs least: form, header, key, signature, claims.
    pub(super) async fn verify(&self, token: &str, now: Timestamp) -> Result<Token, Doubt> {
        let header: Header = part(token, 0).ok_or_else(|| invalid("the token is not a JWT"))?;
        let kid = check_header(&header)?;
        let keys = self.keys_with(kid, now).await?;
        let key = keys
            .by_id
            .get(kid)
            .ok_or_else(|| invalid("the token is signed with a key that the issuer does not publish"))?;
        // The key decides the algorithm, never the token: this verifier does RS256 and nothing else.
        let (payload, _) = jws::deserialize_compact(token, key).map_err(|_| invalid("the signature is wrong"))?;
        let token: Token =
            serde_json::from_slice(&payload).map_err(|_| invalid("the token lacks a claim that RFC 9068 requires"))?;
        self.check_claims(&token, now)?;
        Ok(token)
    }

    fn check_claims(&self, token: &Token, now: Timestamp) -> Result<(), Doubt> {
        if token.iss != self.issuer {
            return Err(invalid("the token was made by an issuer that is not trusted here"));
        }
        if !token.aud.0.contains(&self.audience) {
            return Err(Doubt::Invalid(format!(
                "the token is for {}, not for {}",
                token.aud.0.join(" and "),
                self.audience
            )));
        }
        if token.exp <= now.0 {
            return Err(invalid("the token has expired"));
        }
        if token.iat > (now + LEEWAY).0 {
            return Err(invalid("the token comes from the future"));
        }
        Ok(())
    }

    /// The keys, fetched again when they are old, or when they lack the one that is asked for.
    async fn keys_with(&self, kid: &str, now: Timestamp) -> Result<Arc<Keys>, Doubt> {
        let known = self.known();
        if !known.must_be_fetched(kid, now) {
            return Ok(known);
        }
        let _turn = self.fetching.lock().await;
        let known = self.known();
        if !known.must_be_fetched(kid, now) {
            return Ok(known);
        }
        let fetched = self.fetch().await;
        let keys = match fetched {
            Ok(by_id) => Keys { by_id, fetched: Some(now), tried: Some(now) },
            // The issuer may be down for a moment: go on with the keys that are known.
            Err(why) if known.by_id.is_empty() => return Err(Doubt::NoKeys(why)),
            Err(_) => Keys { by_id: known.by_id.clone(), fetched: known.fetched, tried: Some(now) },
        };
        let keys = Arc::new(keys);
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys.clone();
        Ok(keys)
    }

    fn known(&self) -> Arc<Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Discovery, then the key set it names.
    async fn fetch(&self) -> Result<BTreeMap<String, RsassaJwsVerifier>, String> {
        let discovery: Discovery = self.get(&format!("{}/.well-known/openid-configuration", self.issuer)).await?;
        // OIDC Discovery §4.3: "The issuer value returned MUST be identical to the Issuer URL that was used".
        if discovery.issuer != self.issuer {
            return Err(format!("the discovery document is that of {}", discovery.issuer));
        }
        let set: KeySet = self.get(&discovery.jwks_uri).await?;
        Ok(set.keys.into_iter().filter_map(usable).collect())
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let answer = self.http.get(url).send().await.map_err(|_| format!("{url} does not answer"))?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(format!("{url} answers {}", answer.status()));
        }
        let body = answer.bytes().await.map_err(|_| format!("{url} breaks off in its answer"))?;
        serde_json::from_slice(&body).map_err(|_| format!("{url} answers what cannot be read"))
    }
}

impl Keys {
    fn must_be_fetched(&self, kid: &str, now: Timestamp) -> bool {
        let Some(tried) = self.tried else { return true };
        let is_old = self.fetched.is_none_or(|fetched| now >= fetched + KEYS_AGE);
        // Anybody can send tokens with a `kid` made up; that must not become a flood of requests to the issuer.
        (is_old || !self.by_id.contains_key(kid)) && now >= tried + KEYS_PAUSE
    }
}

/// The header names an access token (RFC 9068 §4), RS256 and a key; gives the key's id.
fn check_header(header: &Header) -> Result<&str, Doubt> {
    if header.alg != "RS256" {
        return Err(invalid("only RS256 is accepted as alg"));
    }
    // An ID token says `JWT` here: it is made for an app to read, not to open an API with.
    let typ = header.typ.as_deref().unwrap_or_default();
    if !typ.eq_ignore_ascii_case("at+jwt") && !typ.eq_ignore_ascii_case("application/at+jwt") {
        return Err(invalid("this is no access token: its typ is not at+jwt"));
    }
    header.kid.as_deref().ok_or_else(|| invalid("the token does not say which key signed it"))
}

/// A key for RS256 signatures that this server can use, with its id.
fn usable(key: serde_json::Map<String, serde_json::Value>) -> Option<(String, RsassaJwsVerifier)> {
    if key.get("alg").is_some_and(|alg| alg != "RS256") {
        return None;
    }
    let jwk = Jwk::from_map(key).ok()?;
    let id = jwk.key_id()?.to_owned();
    RS256.verifier_from_jwk(&jwk).ok().map(|verifier| (id, verifier))
}

/// A part of a JWT, decoded but not believed.
pub(super) fn part<T: DeserializeOwned>(token: &str, index: usize) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?).ok()
}

fn invalid(why: &str) -> Doubt {
    Doubt::Invalid(why.to_owned())
}

/// How far two clocks may be apart.
const LEEWAY: Lifetime = Lifetime::seconds(30);
/// As long as Latchkey says that its key set may be cached.
const KEYS_AGE: Lifetime = Lifetime::seconds(300);
/// The least time between two fetches.
const KEYS_PAUSE: Lifetime = Lifetime::seconds(5);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{Router, routing::get};
    use josekit::jws::{ES256, HS256, JwsHeader, JwsSigner, alg::rsassa::RsassaJwsSigner};
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);
    const API: &str = "http://localhost:8082";

    /// An issuer that publishes what it is told to, and counts how often it is asked.
    struct Issuer {
        url: String,
        keys: Arc<Mutex<Vec<Value>>>,
        asked: Arc<AtomicUsize>,
    }

    impl Issuer {
        async fn start() -> Self {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let issuer = Self { url: url.clone(), keys: Arc::default(), asked: Arc::default() };
            let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string();
            let (keys, asked) = (issuer.keys.clone(), issuer.asked.clone());
            let published = move || {
                asked.fetch_add(1, Ordering::SeqCst);
                let body = json!({ "keys": *keys.lock().expect("no panic") }).to_string();
                async move { body }
            };
            let routes = Router::new()
                .route("/.well-known/openid-configuration", get(move || async move { discovery }))
                .route("/keys", get(published));
            tokio::spawn(axum::serve(listener, routes).into_future());
            issuer
        }

        /// Make a key, publish its public half, and give what signs with it.
        fn publish(&self, kid: &str) -> RsassaJwsSigner {
            let pair = RS256.generate_key_pair(2048).expect("a key");
            let mut public = pair.to_jwk_public_key();
            public.set_key_id(kid);
            self.keys.lock().expect("no panic").push(serde_json::to_value(&public).expect("JSON"));
            RS256.signer_from_jwk(&pair.to_jwk_private_key()).expect("a signer")
        }

        fn verifier(&self) -> Verifier {
            Verifier::new(&self.url, API, super::super::relying_party::http_client().expect("a client"))
        }

        fn claims(&self) -> Value {
            json!({
                "iss": self.url, "sub": "usr_1", "aud": [API, self.url], "exp": NOW.0 + 60, "iat": NOW.0,
                "jti": "g.1", "client_id": "fieldnotes", "scope": "openid kb:read",
            })
        }

        fn but(&self, name: &str, value: Value) -> Value {
            let mut claims = self.claims();
            claims[name] = value;
            claims
        }
    }

    fn sign(signer: &dyn JwsSigner, typ: &str, kid: &str, claims: &Value) -> String {
        let mut header = JwsHeader::new();
        header.set_token_type(typ);
        header.set_key_id(kid);
        jws::serialize_compact(claims.to_string().as_bytes(), &header, signer).expect("a token")
    }

    #[tokio::test]
    async fn a_token_for_this_server_is_believed_and_one_for_another_is_not() {
        let issuer = Issuer::start().await;
        let (key, verifier) = (issuer.publish("a"), issuer.verifier());
        let token = verifier.verify(&sign(&key, "at+jwt", "a", &issuer.claims()), NOW).await.expect("it is good");
        assert_eq!((token.sub.as_str(), token.scope.as_str()), ("usr_1", "openid kb:read"));
        let single = sign(&key, "application/at+jwt", "a", &issuer.but("aud", json!(API)));
        assert!(verifier.verify(&single, NOW).await.is_ok());
        for (name, value) in [
            ("aud", json!("http://localhost:9999")),
            ("aud", json!(["http://localhost:8082/"])),
            ("iss", json!("https://evil.example")),
            ("exp", json!(NOW.0)),
            ("iat", json!(NOW.0 + 600)),
            ("client_id", json!(7)),
        ] {
            let token = sign(&key, "at+jwt", "a", &issuer.but(name, value.clone()));
            let doubt = verifier.verify(&token, NOW).await.expect_err(&format!("{name} = {value}"));
            assert!(matches!(doubt, Doubt::Invalid(_)), "{doubt:?}");
        }
    }

    #[tokio::test]
    async fn the_key_decides_the_algorithm_and_the_type_decides_the_use() {
        let issuer = Issuer::start().await;
        let (key, verifier) = (issuer.publish("a"), issuer.verifier());
        // An ID token.
        assert!(verifier.verify(&sign(&key, "JWT", "a", &issuer.claims()), NOW).await.is_err());
        // The public key as an HMAC secret, and no signature at all.
        let public = issuer.keys.lock().expect("no panic")[0].to_string();
        let hmac = HS256.signer_from_bytes(public.as_bytes()).expect("a signer");
        assert!(verifier.verify(&sign(&hmac, "at+jwt", "a", &issuer.claims()), NOW).await.is_err());
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "none", "typ": "at+jwt", "kid": "a" });
        let unsigned = format!("{}.{}.", encode(&header), encode(&issuer.claims()));
        assert!(verifier.verify(&unsigned, NOW).await.is_err());
        // Another key under the same name.
        let other = ES256.signer_from_jwk(&ES256.generate_key_pair().expect("a key").to_jwk_private_key());
        assert!(verifier.verify(&sign(&other.expect("a signer"), "at+jwt", "a", &issuer.claims()), NOW).await.is_err());
        let stranger = Issuer { url: String::new(), keys: Arc::default(), asked: Arc::default() }.publish("a");
        let doubt = verifier.verify(&sign(&stranger, "at+jwt", "a", &issuer.claims()), NOW).await;
        assert_eq!(doubt.expect_err("it is forged"), invalid("the signature is wrong"));
        assert!(verifier.verify("not.a.token", NOW).await.is_err());
    }

    #[tokio::test]
    async fn a_new_key_is_fetched_when_it_first_signs_but_made_up_ones_cause_no_flood() {
        let issuer = Issuer::start().await;
        let (first, verifier) = (issuer.publish("a"), issuer.verifier());
        assert!(verifier.verify(&sign(&first, "at+jwt", "a", &issuer.claims()), NOW).await.is_ok());
        for made_up in ["x", "y", "z"] {
            assert!(verifier.verify(&sign(&first, "at+jwt", made_up, &issuer.claims()), NOW).await.is_err());
        }
        assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
        let second = issuer.publish("b");
        let later = NOW + KEYS_PAUSE;
        assert!(verifier.verify(&sign(&second, "at+jwt", "b", &issuer.claims()), later).await.is_ok());
        assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
        // A key that is published no longer is forgotten when the keys are old.
        issuer.keys.lock().expect("no panic").remove(0);
        let much_later = later + KEYS_AGE;
        let token = sign(&first, "at+jwt", "a", &issuer.but("exp", json!(much_later.0 + 60)));
        assert!(verifier.verify(&token, much_later).await.is_err());
        assert_eq!(issuer.asked.load(Ordering::SeqCst), 3);
    }
}
