//! Group C, assertions: what is not signed by the client, for this server, now, and for the first time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::protocol::Lifetime;
use serde_json::{Value, json};

use crate::{
    client_keys::{JWT_BEARER, OwnKey, asks, client, says},
    shared_secrets,
    world::{ISSUER, World},
};

use super::at_once;

/// A server that listens, with a client that has this key.
async fn site(key: &OwnKey) -> World {
    // What it may call, it must not want to.
    let world = World::with(|settings| settings.outgoing.allow_private_addresses = true).await.listening();
    client(&world, "robot", key.set()).await;
    world
}

fn compact(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn case_24_an_assertion_that_the_clients_key_has_not_signed_is_refused() {
    let (key, other) = (OwnKey::rsa("k"), OwnKey::rsa("k"));
    let world = site(&key).await;
    client(&world, "other", OwnKey::rsa("k").set()).await;
    let forged = [
        compact(&json!({ "alg": "none" }), &says(&world, "robot"), b""),
        compact(&json!({ "alg": "nOnE" }), &says(&world, "robot"), b""),
        other.signs(&says(&world, "robot")),
        // The client's own key, in the name of another client.
        key.signs(&says(&world, "other")),
        hmac(&key, &says(&world, "robot")),
        "x.y.z".to_owned(),
        format!("{}.x", key.signs(&says(&world, "robot"))),
        format!("{}=", key.signs(&says(&world, "robot"))),
    ];
    for assertion in forged {
        asks(&world, &assertion).await.refused("invalid_client");
    }
    // Keys that the assertion itself names or brings along, at an address that nobody must call.
    let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/", trap.local_addr().expect("an address"));
    for (name, value) in [
        ("jku", json!(address)),
        ("x5u", json!(address)),
        ("jwk", other.public()),
        ("kid", json!("../../k")),
        ("kid", json!("k' OR '1'='1")),
    ] {
        asks(&world, &other.signs_with(name, value, &says(&world, "robot"))).await.refused("invalid_client");
    }
    let critical = key.signs_with("crit", json!(["exp"]), &says(&world, "robot"));
    asks(&world, &critical).await.refused("invalid_client");
    let called = tokio::select! { biased; _ = trap.accept() => true, () = std::future::ready(()) => false };
    assert!(!called);
    asks(&world, &key.signs_with("x", json!("y"), &says(&world, "robot"))).await.ok();
    asks(&world, &key.signs(&says(&world, "robot"))).await.ok();
}

/// HS256 with the public key, as PEM, for a secret.
fn hmac(key: &OwnKey, claims: &Value) -> String {
    let pair = josekit::jwk::alg::rsa::RsaKeyPair::from_jwk(&key.private).expect("a pair");
    let signer = josekit::jws::HS256.signer_from_bytes(pair.to_pem_public_key()).expect("a signer");
    let header = josekit::jws::JwsHeader::new();
    josekit::jws::serialize_compact(claims.to_string().as_bytes(), &header, &signer).expect("signed")
}

#[tokio::test]
async fn case_25_an_assertion_counts_once_for_this_server_in_its_time() {
    let key = OwnKey::rsa("k");
    let world = site(&key).await;
    let node = world.another_node().await.listening();
    let now = world.now().0;
    let with = |name: &str, value: Value| {
        let mut claims = says(&world, "robot");
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name).map_or((), drop),
            value => claims[name] = value,
        }
        key.signs(&claims)
    };
    for (name, value) in [
        ("exp", Value::Null),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(now + 2 * 86_400)),
        ("exp", json!("soon")),
        ("sub", json!("robot\0")),
        ("nbf", json!(now + 61)),
        ("iat", json!(now + 61)),
        ("iss", json!("other")),
        ("iss", Value::Null),
        ("sub", json!("other")),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("aud", Value::Null),
        ("aud", json!("https://other.example")),
        ("aud", json!(format!("{ISSUER}.evil.example"))),
        ("aud", json!(format!("{ISSUER}/authorize"))),
        ("aud", json!([])),
        // One for several servers can be sent on by any of them.
        ("aud", json!([ISSUER, "https://other.example"])),
    ] {
        let answer = asks(&world, &with(name, value.clone())).await;
        answer.refused("invalid_client");
    }
    let fraction = f64::from(u32::try_from(now).expect("a time before 2106")) + 30.5;
    for (name, value) in [("iat", json!(now + 8)), ("nbf", json!(now + 8)), ("exp", json!(fraction))] {
        asks(&world, &with(name, value)).await.ok();
    }
    let once = key.signs(&says(&world, "robot"));
    asks(&world, &once).await.ok();
    for node in [&world, &node] {
        let told = asks(node, &once).await.refused("invalid_client");
        assert!(told["error_description"].as_str().unwrap().contains("used before"), "{told}");
    }
    let raced = key.signs(&says(&world, "robot"));
    let body = crate::world::encode(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &raced),
    ]);
    let request = format!(
        "POST /token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answers = at_once(&[&world, &node], 20, request.into_bytes()).await;
    assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);
    // Whoever has waited meanwhile, or has a slower clock, finds it spent.
    world.advance(Lifetime::seconds(60));
    latchkey::jobs::tidy(&world.server.store, &world.server.settings.tokens, world.now()).await.expect("tidied");
    let mut tx = world.server.store.write().await.expect("a transaction");
    assert!(latchkey::store::client_assertions::forget(&mut tx, i64::MAX, 100).await.expect("forgotten") > 0);
    drop(tx);
    // What is forgotten has long expired.
    world.advance(Lifetime::days(2));
    latchkey::jobs::tidy(&world.server.store, &world.server.settings.tokens, world.now()).await.expect("tidied");
    asks(&world, &once).await.refused("invalid_client");
}

#[tokio::test]
async fn case_26_a_client_proves_itself_in_the_way_it_has_registered_and_in_one_way_at_a_time() {
    let key = OwnKey::rsa("k");
    let world = site(&key).await;
    let app = world.app("wiki").await;
    asks(&world, &key.signs(&says(&world, "wiki"))).await.refused("invalid_client");
    // Of two that prove themselves by assertions, neither can do so as the other is registered to.
    let signer = shared_secrets::client(&world, "signer", &key).await;
    let secret = signer.secret.as_deref().expect("a secret");
    asks(&world, &key.signs(&says(&world, "signer"))).await.refused("invalid_client");
    asks(&world, &shared_secrets::signs(secret, &says(&world, "robot"))).await.refused("invalid_client");
    asks(&world, &shared_secrets::signs(secret, &says(&world, "signer"))).await.ok();
    let assertion = key.signs(&says(&world, "robot"));
    let both = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
    ];
    app.token(&world, &both).await.refused("invalid_request");
    let with = |more: &[(&'static str, &'static str)]| [&both[..], more].concat();
    world.post("/token", &[], &with(&[("client_secret", "x")])).await.refused("invalid_request");
    world.post("/token", &[], &with(&[("client_id", "wiki")])).await.refused("invalid_request");
    world.post("/token", &[], &both[..2]).await.refused("invalid_client");
    let unknown =
        [both[0], ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), both[2]];
    world.post("/token", &[], &unknown).await.refused("invalid_client");
    world.post("/token", &[], &with(&[("client_id", "robot")])).await.ok();
}
