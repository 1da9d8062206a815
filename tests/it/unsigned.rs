//! ID tokens that nobody has signed (`none`): for those alone who have asked for them, where the operator allows it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    clients::registration::{self, Wanted},
    config::RegistrationMode,
    protocol::{Algorithm, ResponseType, Signing},
};
use serde_json::{Value, json};

use crate::{
    approval::approve,
    authorize::asks,
    program::Place,
    registration::{registers, with},
    world::{App, World, claims, encode},
};

async fn site(allow_unsigned: bool) -> (World, App) {
    let world = World::with(|settings| settings.registration.allow_unsigned = allow_unsigned).await;
    let app = world.app_with("old", |wanted| wanted.id_token_signing = Some(Some(Signing::Unsigned))).await;
    (world, app)
}

fn header(token: &str) -> Value {
    let header = token.split('.').next().expect("a header");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn a_client_that_asks_for_it_is_given_id_tokens_without_a_signature() {
    let (world, app) = site(true).await;
    let alice = world.user("alice").await;
    let code = approve(&world, &app, &alice, "openid offline_access").await.code;
    let first = app.redeems(&world, &code).await.ok();
    let again = app.refreshes(&world, first["refresh_token"].as_str().expect("a refresh token")).await.ok();
    for tokens in [first, again] {
        let id_token = tokens["id_token"].as_str().expect("an ID token");
        assert_eq!((header(id_token), id_token.ends_with('.')), (json!({ "alg": "none" }), true), "{id_token}");
        let said = claims(id_token);
        assert_eq!((&said["sub"], &said["aud"]), (&json!(alice), &json!("old")));
        assert!(said.get("at_hash").is_none(), "there is no algorithm to hash by: {said}");
        // The access token is signed as ever.
        assert_eq!(header(tokens["access_token"].as_str().expect("an access token"))["alg"], "RS256");
    }
}

#[tokio::test]
async fn what_comes_through_the_browser_is_signed_or_not_registered() {
    let world = World::with(|settings| {
        settings.registration.mode = RegistrationMode::Open;
        settings.registration.allow_unsigned = true;
        settings.registration.response_types = ResponseType::ALL.to_vec();
    })
    .await;
    for (types, grants, is_taken) in [
        (json!(["code"]), json!(["authorization_code"]), true),
        (json!(["code token"]), json!(["authorization_code", "implicit"]), true),
        (json!(["code", "code id_token"]), json!(["authorization_code", "implicit"]), false),
        (json!(["id_token"]), json!(["implicit"]), false),
    ] {
        let mut body = with("id_token_signed_response_alg", json!("none"));
        (body["response_types"], body["grant_types"]) = (types.clone(), grants);
        let answer = registers(&world, body).await;
        assert_eq!(answer.status.is_success(), is_taken, "{types}: {}", answer.body);
        if !is_taken {
            answer.refused("invalid_client_metadata");
        }
    }
}

#[tokio::test]
async fn what_nobody_has_signed_is_no_hint_at_who_is_meant() {
    let (world, app) = site(true).await;
    let alice = world.user("alice").await;
    let code = approve(&world, &app, &alice, "openid").await.code;
    let id_token = app.redeems(&world, &code).await.ok()["id_token"].as_str().expect("an ID token").to_owned();
    let answer = world.browser().authorizes(&asks(&app, "openid", &[("id_token_hint", &id_token)])).await;
    assert_eq!(answer.param("error").as_deref(), Some("invalid_request"));
    let query = encode(&[("id_token_hint", &id_token), ("post_logout_redirect_uri", "https://old.example/bye")]);
    let answer = world.get(&format!("/logout?{query}")).await;
    assert!(answer.headers.get("location").is_none_or(|to| !to.as_bytes().starts_with(b"https://old")), "{answer:?}");
}

#[tokio::test]
async fn once_the_operator_allows_it_no_more_the_same_client_is_given_signed_ones() {
    let (world, app) = site(false).await;
    let alice = world.user("alice").await;
    let code = approve(&world, &app, &alice, "openid").await.code;
    let tokens = app.redeems(&world, &code).await.ok();
    let id_token = tokens["id_token"].as_str().expect("an ID token");
    assert_eq!(header(id_token)["alg"], "RS256");
    assert!(claims(id_token)["at_hash"].is_string());
    let metadata = world.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["RS256"]));
}

#[tokio::test]
async fn programs_register_it_where_the_operator_allows_it() {
    let world = World::with(|settings| {
        settings.registration.mode = RegistrationMode::Open;
        settings.registration.allow_unsigned = true;
    })
    .await;
    let registered = registers(&world, with("id_token_signed_response_alg", json!("none"))).await.json();
    assert_eq!(registered["id_token_signed_response_alg"], "none", "{registered}");
    assert_eq!(registered["access_token_signing_alg"], "RS256");
    let signed = registers(&world, with("id_token_signed_response_alg", json!("RS256"))).await.json();
    assert_eq!(signed["id_token_signed_response_alg"], "RS256");
    let refused = registers(&world, with("id_token_signed_response_alg", json!("ES256"))).await;
    refused.refused("invalid_client_metadata");
    let metadata = world.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["RS256", "none"]));
    assert_eq!(metadata["userinfo_signing_alg_values_supported"], json!(["RS256"]));
}

#[tokio::test]
async fn whoever_names_an_algorithm_for_all_tokens_has_signed_ones_again() {
    let (world, app) = site(true).await;
    let wanted = Wanted { signing_algorithm: Some(Algorithm::RS256), ..Wanted::default() };
    let (registry, random) = (&world.server.registry, &world.server.random);
    let changed = registration::update(registry, &app.id, wanted, world.now(), random).await.expect("changed");
    let (client, _) = changed.expect("a client");
    assert_eq!(client.metadata.id_token_signed_response_alg, Signing::By(Algorithm::RS256));
}

#[test]
fn the_operator_is_warned_and_registers_such_clients_on_the_command_line() {
    let place = Place::with_config("");
    place.run(&["migrate"]).ok();
    let create = ["client", "create", "--name", "Old", "--redirect-uri", "https://old.example/cb", "--json"];
    for more in [["--id-token-algorithm", "none"], ["--request-object-algorithm", "none"]] {
        let told = place.run(&[&create[..], &more].concat()).refused();
        assert!(told.contains("registration.allow_unsigned"), "{told}");
    }
    place.write("latchkey.toml", "registration.allow_unsigned = true\n");
    let uris = ["--request-uri", "https://old.example/r", "--request-uri", "https://old.example/s#x"];
    let both = ["--id-token-algorithm", "none", "--request-object-algorithm", "none"];
    let client = place.run(&[&create[..], &uris, &both].concat()).json();
    assert_eq!(client["id_token_signed_response_alg"], "none", "{client}");
    assert_eq!(client["request_object_signing_alg"], "none");
    assert_eq!(client["request_uris"], json!(["https://old.example/r", "https://old.example/s#x"]));
    let shown = place.run(&["client", "show", client["client_id"].as_str().expect("an id")]).ok();
    for words in ["ID tokens signed", "requests signed", "https://old.example/s#x"] {
        assert!(shown.contains(words), "{shown}");
    }
    let told = place.run(&["config", "check"]).ok();
    assert!(told.contains("`registration.allow_unsigned` is on"), "{told}");
}
