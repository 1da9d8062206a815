//! Clients that sign with their secret, and never send it (`client_secret_jwt`, OIDC Core §9).

use axum::http::{Method, StatusCode};
use josekit::jws::{HS256, HS384, HS512, JwsHeader, JwsSigner, serialize_compact};
use latchkey::{
    clients::registration::{self, GRACE, OldSecret, Wanted},
    config::{RegistrationMode, Settings},
    keys::{self, MasterKey},
    protocol::{AuthMethod, PlainSecret},
    random::Random,
    server::{self, Server},
    store::clients,
};
use serde_json::{Value, json};

use crate::{
    approval::approve,
    client_keys::{JWT_BEARER, OwnKey, asks, says},
    program::Place,
    registration::{registers, request, told, with},
    world::{App, ISSUER, VERIFIER, World},
};

/// What says these claims, signed with that secret.
pub(crate) fn signs(secret: &str, claims: &Value) -> String {
    signs_by(&HS256.signer_from_bytes(secret).expect("a signer"), claims)
}

fn signs_by(signer: &dyn JwsSigner, claims: &Value) -> String {
    serialize_compact(claims.to_string().as_bytes(), &JwsHeader::new(), signer).expect("signed")
}

/// A client that has a secret to sign with, and keys which it does not sign with.
pub(crate) async fn client(world: &World, id: &str, key: &OwnKey) -> App {
    let jwks = key.set();
    world
        .app_with(id, |wanted| {
            wanted.scope = Some("openid offline_access kb:read".to_owned());
            wanted.token_endpoint_auth_method = Some(AuthMethod::ClientSecretJwt);
            wanted.jwks = Some(jwks);
        })
        .await
}

async fn site() -> (World, App, String) {
    let world = World::new().await;
    let app = client(&world, "robot", &OwnKey::ec("k")).await;
    let secret = app.secret.clone().expect("a secret");
    (world, app, secret)
}

async fn changes(world: &World, method: AuthMethod) -> Option<PlainSecret> {
    let wanted = Wanted { token_endpoint_auth_method: Some(method), ..Wanted::default() };
    let server = &world.server;
    let done = registration::update(&server.registry, "robot", wanted, world.now(), &server.random).await;
    done.expect("changed").expect("a client").1
}

async fn rotates(world: &World, old: OldSecret) -> String {
    let server = &world.server;
    let made = registration::rotate_secret(&server.registry, "robot", None, old, world.now(), &server.random).await;
    made.expect("rotated").expect("a client").expose().to_owned()
}

async fn sealed(world: &World) -> usize {
    let mut db = world.server.store.read().await.expect("a connection");
    clients::sealed_secrets(&mut db).await.expect("rows").len()
}

#[tokio::test]
async fn a_client_proves_itself_by_what_it_signs_with_its_secret() {
    let (world, app, secret) = site().await;
    let alice = world.user("alice").await;
    let code = approve(&world, &app, &alice, "openid").await.code;
    let assertion = signs(&secret, &says(&world, "robot"));
    let redeeming = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", VERIFIER),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion),
    ];
    let tokens = world.post("/token", &[], &redeeming).await.ok();
    let mut claims = says(&world, "robot");
    claims["aud"] = json!(format!("{ISSUER}/token"));
    asks(&world, &signs(&secret, &claims)).await.ok();
    asks(&world, &signs(&secret, &claims)).await.refused("invalid_client");
    let fields = [
        ("token", tokens["access_token"].as_str().expect("a token")),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &signs(&secret, &says(&world, "robot"))),
    ];
    assert_eq!(world.post("/introspect", &[], &fields).await.ok()["active"], true);
}

#[tokio::test]
async fn the_secret_itself_is_not_taken_and_a_signature_by_nothing_else() {
    let (world, app, secret) = site().await;
    let key = OwnKey::rsa("r");
    let both = client(&world, "both", &key).await;
    let fields = [("grant_type", "client_credentials"), ("scope", "kb:read")];
    let told = app.token(&world, &fields).await.refused("invalid_client");
    assert!(told["error_description"].as_str().unwrap().contains("client_secret_jwt"), "{told}");
    let posted = [&fields[..], &[("client_id", "robot"), ("client_secret", &secret)]].concat();
    world.post("/token", &[], &posted).await.refused("invalid_client");
    let long = "x".repeat(64);
    let public = key.private.to_public_key().expect("the public half");
    let pem = josekit::jwk::alg::rsa::RsaKeyPair::from_jwk(&key.private).expect("a pair").to_pem_public_key();
    let both_says = || says(&world, "both");
    for assertion in [
        signs(&long, &says(&world, "robot")),
        // The secret of another client.
        signs(both.secret.as_deref().expect("a secret"), &says(&world, "robot")),
        // Its own keys, as keys and as secrets.
        key.signs(&both_says()),
        signs_by(&HS256.signer_from_bytes(&pem).expect("a signer"), &both_says()),
        signs(&public.to_string(), &both_says()),
        // What is kept of the secret.
        signs(PlainSecret::new(secret.as_str()).hash().as_str(), &says(&world, "robot")),
    ] {
        asks(&world, &assertion).await.refused("invalid_client");
    }
    // By a longer hash, or by none.
    let longest = registration::rotate_secret(
        &world.server.registry,
        "robot",
        Some(PlainSecret::new(long.as_str())),
        OldSecret::EndsNow,
        world.now(),
        &world.server.random,
    );
    longest.await.expect("rotated");
    asks(&world, &signs(&long, &says(&world, "robot"))).await.ok();
    asks(&world, &signs_by(&HS384.signer_from_bytes(&long).expect("a signer"), &says(&world, "robot")))
        .await
        .refused("invalid_client");
    asks(&world, &signs_by(&HS512.signer_from_bytes(&long).expect("a signer"), &says(&world, "robot")))
        .await
        .refused("invalid_client");
    let unsigned = signs(&long, &says(&world, "robot"));
    let payload = unsigned.split('.').nth(1).expect("a payload");
    asks(&world, &format!("eyJhbGciOiJub25lIn0.{payload}.")).await.refused("invalid_client");
    // Nor does a client that is registered for the secret itself, or for keys, sign with one.
    let plain = world.app_with("plain", |wanted| wanted.scope = Some("kb:read".to_owned())).await;
    let assertion = signs(plain.secret.as_deref().expect("a secret"), &says(&world, "plain"));
    asks(&world, &assertion).await.refused("invalid_client");
}

#[tokio::test]
async fn the_old_secret_signs_until_its_grace_ends_or_at_once_no_more() {
    let (world, _, first) = site().await;
    let ask = async |secret: &str| asks(&world, &signs(secret, &says(&world, "robot"))).await;
    let second = rotates(&world, OldSecret::EndsIn(GRACE)).await;
    ask(&first).await.ok();
    ask(&second).await.ok();
    world.advance(GRACE);
    ask(&first).await.refused("invalid_client");
    ask(&second).await.ok();
    let third = rotates(&world, OldSecret::IsLost).await;
    ask(&second).await.refused("invalid_client");
    ask(&third).await.ok();
    assert_eq!(sealed(&world).await, 1);
}

#[tokio::test]
async fn the_secret_is_known_here_only_as_long_as_it_is_signed_with() {
    let (world, app, first) = site().await;
    assert_eq!(sealed(&world).await, 1);
    assert!(changes(&world, AuthMethod::ClientSecretPost).await.is_none(), "it has one already");
    assert_eq!(sealed(&world).await, 0);
    let fields = [("grant_type", "client_credentials"), ("scope", "kb:read")];
    app.token(&world, &fields).await.ok();
    // Nobody here can tell what it was.
    let second = changes(&world, AuthMethod::ClientSecretJwt).await.expect("a new secret");
    asks(&world, &signs(second.expose(), &says(&world, "robot"))).await.ok();
    asks(&world, &signs(&first, &says(&world, "robot"))).await.refused("invalid_client");
    assert!(changes(&world, AuthMethod::PrivateKeyJwt).await.is_none());
    assert_eq!(sealed(&world).await, 0);
}

#[tokio::test]
async fn a_secret_is_sealed_anew_with_everything_else_and_is_good_for_nobody_else() {
    let (world, _, secret) = site().await;
    client(&world, "other", &OwnKey::ec("o")).await;
    let (store, old) = (&world.server.store, world.server.keyring.master_key());
    let before = clients::sealed_secrets(&mut store.read().await.unwrap()).await.unwrap();
    let new = MasterKey::generate(ISSUER, None, &Random::System).expect("a master key");
    keys::reseal(store, &old, &new).await.expect("sealed anew");
    // A node that does not know it yet seals nothing under the key that is gone.
    let (registry, random) = (&world.server.registry, &world.server.random);
    let late = registration::rotate_secret(registry, "robot", None, OldSecret::EndsNow, world.now(), random).await;
    assert!(late.is_err(), "nothing of it is kept, and the secret that there was still counts");
    let mut settings = Settings::clone(&world.server.settings);
    settings.keys.master_key = Some(PlainSecret::new(new.text().expose()));
    let server = Server::open(settings, world.clock.clone(), Random::System).await.expect("it opens");
    let node = World { router: server::router(server.clone()), server, clock: world.clock.clone(), address: None };
    asks(&node, &signs(&secret, &says(&node, "robot"))).await.ok();

    // Who can write rows has a secret of their own count for no other client.
    let after = clients::sealed_secrets(&mut store.read().await.unwrap()).await.unwrap();
    assert!(before.iter().zip(&after).all(|(before, after)| before.sealed != after.sealed));
    let of = |id: &str| after.iter().find(|secret| secret.client_id == id).expect("a secret");
    let mut tx = store.write().await.unwrap();
    clients::reseal_secret(&mut tx, &of("robot").hash, of("other").sealed.as_deref().expect("it is sealed"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let fresh = node.another_node().await;
    let answer = asks(&fresh, &signs(&secret, &says(&fresh, "robot"))).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{answer:?}");
}

#[tokio::test]
async fn programs_register_to_sign_with_a_secret() {
    let world = World::with(|settings| settings.registration.mode = RegistrationMode::Open).await;
    let mut wanted = with("token_endpoint_auth_method", json!("client_secret_jwt"));
    wanted["token_endpoint_auth_signing_alg"] = json!("HS256");
    let registered = registers(&world, wanted.clone()).await.json();
    assert_eq!(registered["token_endpoint_auth_method"], "client_secret_jwt", "{registered}");
    assert_eq!(registered["token_endpoint_auth_signing_alg"], "HS256", "{registered}");
    // What it is told it may put again; and what it left out, it is told as well.
    let (uri, token) = (told(&registered, "registration_client_uri"), told(&registered, "registration_access_token"));
    let put = world.send(request(Method::PUT, uri, Some(token), Some(&registered))).await.ok();
    assert_eq!(put["token_endpoint_auth_signing_alg"], "HS256", "{put}");
    let silent = registers(&world, with("token_endpoint_auth_method", json!("client_secret_jwt"))).await.json();
    assert_eq!(silent["token_endpoint_auth_signing_alg"], "HS256", "{silent}");
    let other = registers(&world, with("token_endpoint_auth_method", json!("client_secret_post"))).await.json();
    assert!(other.get("token_endpoint_auth_signing_alg").is_none(), "{other}");
    let (id, secret) = (registered["client_id"].as_str().unwrap(), registered["client_secret"].as_str().unwrap());
    // It may not act for itself; but it is known.
    asks(&world, &signs(secret, &says(&world, id))).await.refused("unauthorized_client");
    for other in ["RS256", "HS384", "none"] {
        wanted["token_endpoint_auth_signing_alg"] = json!(other);
        let refused = registers(&world, wanted.clone()).await.refused("invalid_client_metadata");
        let described = refused["error_description"].as_str().unwrap();
        assert!(described.contains("token_endpoint_auth_signing_alg"), "{other}: {described}");
    }
    let metadata = world.get("/.well-known/openid-configuration").await.ok();
    for of in ["token", "introspection", "revocation"] {
        let listed = |member: &str| metadata[format!("{of}_endpoint_{member}")].as_array().unwrap().clone();
        assert!(listed("auth_methods_supported").contains(&json!("client_secret_jwt")), "{of}");
        assert!(listed("auth_signing_alg_values_supported").contains(&json!("HS256")), "{of}");
    }
}

#[test]
fn an_operator_brings_a_secret_to_sign_with_on_the_command_line() {
    let place = Place::with_config("");
    place.run(&["migrate"]).ok();
    let create = ["client", "create", "--name", "Robot", "--redirect-uri", "https://robot.example/cb", "--json"];
    let method = ["--auth-method", "client_secret_jwt"];
    let brought = [&create[..], &method, &["--secret-stdin"]].concat();
    let told = place.run_with_input(&brought, "too short\n").refused();
    assert!(told.contains("at least 32"), "{told}");
    let client = place.run_with_input(&brought, "a secret that is long enough to sign with\n").json();
    assert_eq!(client["token_endpoint_auth_method"], "client_secret_jwt");
    let id = client["client_id"].as_str().expect("an id");
    let rotated = place.run(&["client", "rotate-secret", id, "--json"]).json();
    assert!(rotated["client_secret"].as_str().is_some_and(|secret| secret.len() >= 32), "{rotated}");
    let basic = place.run(&["client", "update", id, "--auth-method", "client_secret_basic", "--json"]).json();
    assert!(basic.get("client_secret").is_none(), "{basic}");
    let again = place.run(&[&["client", "update", id, "--json"][..], &method].concat()).json();
    assert!(again["client_secret"].is_string(), "{again}");
}
