//! Request objects that are encrypted for the server (OIDC Core §6.1, RFC 9101 §6.1), and its keys for that.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwe::{ECDH_ES, ECDH_ES_A256KW, JweContext, JweEncrypter, JweHeader, RSA_OAEP_256},
    jwk::Jwk,
};
use latchkey::{
    config::{RegistrationMode, Settings},
    keys::{self, BadJwe, KeyError, KeySettings, Keyring, MasterKey, Mode},
    protocol::{ContentEncryption, KeyManagement, Lifetime},
    random::Random,
    store::{signing_keys, signing_keys::SigningKey},
};
use serde_json::{Value, json};

use crate::{
    client_keys::{OwnKey, Place},
    key_place::{self, START},
    program,
    registration::{registers, with},
    world::{Answer, App, ISSUER, World},
};

/// Encrypt as a client does that has read the JWK set.
pub(crate) fn encrypts(jwks: &Value, alg: KeyManagement, enc: ContentEncryption, content: &str) -> String {
    let own = |key: &&Value| key["use"] == "enc" && key["alg"] == alg.as_str();
    let public = jwks["keys"].as_array().expect("keys").iter().find(own).unwrap_or_else(|| panic!("no {alg}: {jwks}"));
    let jwk = Jwk::from_map(public.as_object().expect("a key").clone()).expect("a JWK");
    let encrypter: Box<dyn JweEncrypter> = match alg {
        KeyManagement::RsaOaep256 => Box::new(RSA_OAEP_256.encrypter_from_jwk(&jwk).expect("an encrypter")),
        KeyManagement::EcdhEs => Box::new(ECDH_ES.encrypter_from_jwk(&jwk).expect("an encrypter")),
        KeyManagement::EcdhEsA256Kw => Box::new(ECDH_ES_A256KW.encrypter_from_jwk(&jwk).expect("an encrypter")),
    };
    let mut header = JweHeader::new();
    header.set_content_encryption(enc.as_str());
    header.set_content_type("JWT");
    JweContext::new().serialize_compact(content.as_bytes(), &header, &*encrypter).expect("encrypted")
}

/// A server that keeps keys for every algorithm, alice, and an app with a key of its own.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) app: App,
    pub(crate) key: OwnKey,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let world = World::with(|settings| {
            settings.keys.encryption_algorithms = KeyManagement::ALL.to_vec();
            change(settings);
        })
        .await;
        world.user("alice").await;
        let key = OwnKey::ec("k");
        let app = world.app_with("wiki", |wanted| wanted.jwks = Some(key.set())).await;
        Self { app, world, key }
    }

    pub(crate) async fn jwks(&self) -> Value {
        self.world.get("/jwks").await.ok()
    }

    pub(crate) fn claims(&self) -> Value {
        let mut claims: Value = self.app.asks("openid").into_iter().map(|(name, value)| (name, json!(value))).collect();
        claims["state"] = "inside".into();
        claims["aud"] = ISSUER.into();
        claims["iss"] = "wiki".into();
        claims
    }

    /// What it asks, signed.
    pub(crate) fn signs(&self) -> String {
        self.key.signs(&self.claims())
    }

    /// Ask with no more than what has to stand outside.
    pub(crate) async fn asks(&self, name: &str, value: &str) -> Answer {
        let own = [("client_id", "wiki"), ("response_type", "code"), ("redirect_uri", self.app.redirect_uri.as_str())];
        self.world.browser().authorizes(&[&own[..], &[("prompt", "none"), (name, value)]].concat()).await
    }
}

/// The error that the app is told, with what describes it.
#[track_caller]
fn told(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let error = answer.param("error").unwrap_or_else(|| panic!("no error in {}", answer.location()));
    (error, answer.param("error_description").unwrap_or_default())
}

#[tokio::test]
async fn what_is_encrypted_and_signed_counts_by_every_algorithm() {
    let site = Site::new().await;
    let jwks = site.jwks().await;
    for alg in KeyManagement::ALL.iter().copied() {
        for enc in ContentEncryption::ALL.iter().copied() {
            let answer = site.asks("request", &encrypts(&jwks, alg, enc, &site.signs())).await;
            assert_eq!(
                (told(&answer).0.as_str(), answer.param("state").as_deref()),
                ("login_required", Some("inside"))
            );
        }
    }
    let object = encrypts(&jwks, KeyManagement::EcdhEs, ContentEncryption::A128Gcm, &site.signs());
    let outside = [("client_id", "wiki"), ("response_type", "code"), ("scope", "openid"), ("request", object.as_str())];
    let answer = site.world.browser().goes_through(&outside, "alice").await;
    assert_eq!(answer.param("state").as_deref(), Some("inside"));
    let tokens = site.app.redeems(&site.world, &answer.param("code").expect("a code")).await.ok();
    assert_eq!(tokens["scope"], "openid");
}

#[tokio::test]
async fn who_can_encrypt_has_not_signed_yet() {
    let site = Site::new().await;
    let jwks = site.jwks().await;
    let seals = |content: &str| encrypts(&jwks, KeyManagement::EcdhEs, ContentEncryption::A256Gcm, content);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&site.claims()));
    let of_another = OwnKey::ec("k").signs(&site.claims());
    for (content, why) in [
        (site.claims().to_string(), "no signed JWT"),
        (unsigned.clone(), "not signed"),
        (of_another, "signature is wrong"),
        (seals(&site.signs()), "no signed JWT"),
        (String::new(), "no signed JWT"),
    ] {
        let (error, description) = told(&site.asks("request", &seals(&content)).await);
        assert_eq!(error, "invalid_request_object", "{content}");
        assert!(description.contains(why), "{content}: {description}");
    }
    // Where the operator takes what nobody has signed, it may as well be encrypted.
    let lenient = Site::with(|settings| settings.registration.allow_unsigned = true).await;
    let object = encrypts(&lenient.jwks().await, KeyManagement::EcdhEs, ContentEncryption::A256Gcm, &unsigned);
    assert_eq!(told(&lenient.asks("request", &object).await).0, "login_required");
}

#[tokio::test]
async fn an_encrypted_object_may_lie_where_the_client_keeps_it() {
    let site = Site::with(|settings| settings.outgoing.allow_private_addresses = true).await;
    let object = encrypts(&site.jwks().await, KeyManagement::RsaOaep256, ContentEncryption::default(), &site.signs());
    let place = Place::with(json!(object)).await;
    let (uri, jwks) = (place.uri.clone(), site.key.set());
    let about = |wanted: &mut latchkey::clients::registration::Wanted| {
        wanted.request_uris = Some(vec![uri]);
        wanted.jwks = Some(jwks);
    };
    site.world.app_with("keeper", about).await;
    let asks = [("client_id", "keeper"), ("response_type", "code"), ("request_uri", place.uri.as_str())];
    // Of another client: so it was opened and read.
    let asks = [&asks[..], &[("redirect_uri", "https://keeper.example/cb")]].concat();
    let answer = site.world.browser().authorizes(&asks).await;
    let (error, description) = told(&answer);
    assert_eq!(error, "invalid_request_object");
    assert!(description.contains("`client_id` in it is another"), "{description}");
    assert_eq!(place.reads(), 1);
}

#[tokio::test]
async fn a_server_without_such_keys_says_so_and_offers_nothing() {
    let (site, other) = (Site::with(|settings| settings.keys.encryption_algorithms.clear()).await, Site::new().await);
    let object = encrypts(&other.jwks().await, KeyManagement::EcdhEs, ContentEncryption::A128Gcm, &site.signs());
    let (error, description) = told(&site.asks("request", &object).await);
    assert_eq!(error, "invalid_request_object");
    assert!(description.contains("none of the keys of this server"), "{description}");
    let metadata = async |site: &Site| site.world.get("/.well-known/openid-configuration").await.ok();
    let none = metadata(&site).await;
    let mut members = none.as_object().expect("an object").keys();
    assert!(members.all(|name| !name.starts_with("request_object_encryption")), "{none}");
    assert!(site.jwks().await["keys"].as_array().expect("keys").iter().all(|key| key["use"] == "sig"));
    let all = metadata(&other).await;
    assert_eq!(
        all["request_object_encryption_alg_values_supported"],
        json!(["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"])
    );
    assert_eq!(
        all["request_object_encryption_enc_values_supported"],
        json!(["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"])
    );
    // Those that sign come first, for whoever takes the first.
    let jwks = other.jwks().await;
    let uses: Vec<&Value> = jwks["keys"].as_array().expect("keys").iter().map(|key| &key["use"]).collect();
    assert_eq!(uses, ["sig", "sig", "enc", "enc", "enc"]);
}

#[tokio::test]
async fn programs_register_how_their_requests_are_encrypted() {
    let world = World::with(|settings| {
        settings.registration.mode = RegistrationMode::Open;
        settings.keys.encryption_algorithms = vec![KeyManagement::EcdhEs];
    })
    .await;
    let mut wanted = with("request_object_encryption_alg", json!("ECDH-ES"));
    wanted["request_object_encryption_enc"] = json!("A256GCM");
    let registered = registers(&world, wanted.clone()).await.json();
    for name in ["request_object_encryption_alg", "request_object_encryption_enc"] {
        assert_eq!(registered[name], wanted[name], "{registered}");
    }
    for (name, value) in [
        ("request_object_encryption_alg", "RSA-OAEP-256"),
        ("request_object_encryption_alg", "RSA1_5"),
        ("request_object_encryption_enc", "A256GCM"),
    ] {
        let refused = registers(&world, with(name, json!(value))).await.refused("invalid_client_metadata");
        assert!(refused["error_description"].as_str().is_some_and(|told| told.contains(name)), "{refused}");
    }
}

const ECDH_ES_KEY: KeyManagement = KeyManagement::EcdhEs;

/// A place whose nodes keep a key for encryption.
async fn place() -> key_place::Place {
    let mut place = key_place::Place::new().await;
    place.settings.encryption_algorithms = vec![ECDH_ES_KEY];
    place
}

/// What is encrypted for the key that is published there.
fn seals(node: &Keyring) -> String {
    let jwks = serde_json::from_slice(&node.published().body).expect("JSON");
    encrypts(&jwks, ECDH_ES_KEY, ContentEncryption::A128Gcm, "secret")
}

fn opens(node: &Keyring, sealed: &str) -> bool {
    node.decrypt(sealed).is_ok_and(|plain| plain == b"secret")
}

#[tokio::test]
async fn a_key_for_encryption_opens_as_long_as_somebody_may_have_read_it() {
    let place = place().await;
    let (node, other) = (place.node(START).await, place.node(START).await);
    let before = seals(&node);
    assert!(opens(&node, &before) && opens(&other, &before));
    let due = START + Lifetime::days(30);
    node.rotate_if_due(&place.store, due).await.expect("rotated");
    let after = seals(&node);
    assert!(opens(&node, &before) && opens(&node, &after));
    // The other has not heard of it, and is sent what is encrypted for the new key.
    assert!(opens(&other, &after));
    let jwks: Value = serde_json::from_slice(&node.published().body).expect("JSON");
    let is_for_encryption = |key: &&Value| key["use"] == "enc";
    assert_eq!(jwks["keys"].as_array().expect("keys").iter().filter(is_for_encryption).count(), 1);

    node.rotate_if_due(&place.store, due + Lifetime::hours(24)).await.expect("rotated");
    assert!(opens(&node, &before), "for a day");
    node.rotate_if_due(&place.store, due + Lifetime::hours(25)).await.expect("rotated");
    assert_eq!(node.decrypt(&before), Err(BadJwe::NoKey));
    assert!(opens(&node, &after));
}

#[tokio::test]
async fn a_key_for_encryption_that_was_lost_opens_nothing_any_more() {
    let place = place().await;
    let (node, other) = (place.node(START).await, place.node(START).await);
    let lost = seals(&node);
    let signed = key_place::sign(&node);
    let outcome = node.rotate(&place.store, ECDH_ES_KEY, Mode::Emergency, START).await.expect("dropped");
    assert_eq!((outcome.alg.as_str(), outcome.won), ("ECDH-ES", true));
    other.reload(&place.store).await.expect("read");
    for node in [&node, &other] {
        assert_eq!(node.decrypt(&lost), Err(BadJwe::NoKey));
        assert!(opens(node, &seals(node)));
        assert!(node.verify(&signed).is_some(), "the keys that sign are others");
    }
    let lost = seals(&node);
    node.drop_all(&place.store, START).await.expect("dropped");
    assert_eq!(node.decrypt(&lost), Err(BadJwe::NoKey));
    assert!(opens(&node, &seals(&node)));
}

#[tokio::test]
async fn a_key_for_encryption_outlives_another_master_key_and_a_restart() {
    let place = place().await;
    let sealed = seals(&place.node(START).await);
    let old = place.master().await.expect("the master key");
    let new = MasterKey::generate(key_place::ISSUER, old.file(), &Random::System).expect("another");
    // Two that sign, two for encryption and the two for MACs.
    assert_eq!(keys::reseal(&place.store, &old, &new).await.expect("sealed anew"), 6);
    assert!(opens(&place.node(START).await, &sealed));
    // Who can write rows cannot have a key for encryption sign.
    let row = place.rows().await.into_iter().find(|row| row.alg == "ECDH-ES").expect("a key");
    let mut tx = place.store.write().await.expect("a transaction");
    signing_keys::insert(&mut tx, &SigningKey { kid: "x".to_owned(), alg: "ES256".to_owned(), ..row })
        .await
        .expect("kept");
    tx.commit().await.expect("kept");
    assert!(matches!(place.try_node(START).await, Err(KeyError::Tampered(_))));
}

#[tokio::test]
async fn an_algorithm_that_is_taken_out_of_the_settings_ends_when_its_turn_does() {
    let place = place().await;
    let sealed = seals(&place.node(START).await);
    let none = KeySettings { encryption_algorithms: Vec::new(), ..place.settings.clone() };
    let master = place.master().await.expect("the master key");
    let node = Keyring::open(&place.store, master, &none, &Random::System, START).await.expect("opened");
    assert!(opens(&node, &sealed), "clients have until then to hear of it");
    node.rotate_if_due(&place.store, START + Lifetime::days(30)).await.expect("rotated");
    node.rotate_if_due(&place.store, START + Lifetime::days(32)).await.expect("rotated");
    assert_eq!(node.decrypt(&sealed), Err(BadJwe::NoKey));
    assert!(place.rows().await.iter().filter(|row| row.alg == "ECDH-ES").all(|row| row.state == "gone"));
}

#[test]
fn an_operator_sees_and_replaces_keys_for_encryption() {
    let place = program::Place::with_config("keys.encryption_algorithms = [\"ECDH-ES\"]\n");
    place.run(&["key", "export-public"]).ok();
    let listed = place.run(&["key", "list"]).ok();
    let algorithms: Vec<_> = listed.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(algorithms, ["RS256", "RS256", "ECDH-ES", "ECDH-ES"], "{listed}");
    assert!(listed.contains("ECDH-ES    active  published ") && listed.contains("not published yet"), "{listed}");
    let told = place.run(&["key", "rotate", "--algorithm", "ECDH-ES"]).ok();
    assert!(told.contains("still opens what clients encrypt"), "{told}");
    let told = place.run(&["key", "rotate", "--emergency", "--algorithm", "ECDH-ES"]).ok();
    assert!(told.contains("it opens nothing any more"), "{told}");
    let refused = place.run(&["key", "rotate", "--algorithm", "RSA-OAEP-256"]).err;
    assert!(refused.contains("`keys.encryption_algorithms` does not name it"), "{refused}");
    let told = place.run(&["doctor"]).out;
    assert!(told.contains("keys: ECDH-ES: sealed by this master key"), "{told}");
}
