//! Metadata and keys.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use clap::CommandFactory;
use latchkey::{
    cli::Cli,
    endpoints::discovery::paths,
    protocol::{Algorithm, ErrorCode},
};
use serde_json::{Value, json};

use crate::world::{ISSUER, World};

#[tokio::test]
async fn the_metadata_says_what_is_supported() {
    let world = World::new().await;
    let answer = world.get("/.well-known/openid-configuration").await;
    insta::assert_json_snapshot!("discovery", answer.ok());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(world.get("/.well-known/oauth-authorization-server").await.body, answer.body);
}

#[tokio::test]
async fn every_endpoint_named_in_the_metadata_is_there() {
    let world = World::new().await;
    let Value::Object(metadata) = world.get("/.well-known/openid-configuration").await.ok() else { panic!() };
    for (name, url) in metadata.iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri") {
        let path = url.as_str().unwrap().strip_prefix(ISSUER).unwrap();
        let status = world.get(path).await.status;
        assert_ne!(status, StatusCode::NOT_FOUND, "{name}: {url}");
    }
}

#[tokio::test]
async fn the_host_of_the_request_changes_nothing() {
    let world = World::new().await;
    let plain = world.get("/.well-known/openid-configuration").await;
    let request = Request::get("/.well-known/openid-configuration")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");
    let forged = world.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(forged.body, plain.body);
}

#[tokio::test]
async fn an_issuer_with_a_path_is_found_at_every_form_of_it() {
    let world = World::with(|settings| settings.issuer = "http://localhost:8080/tenant/one".to_owned()).await;
    let paths = paths(&world.server.settings.issuer);
    assert_eq!(paths.len(), 4);
    for path in &paths {
        let metadata = world.get(path).await.ok();
        assert_eq!(metadata["issuer"], "http://localhost:8080/tenant/one", "{path}");
        assert_eq!(metadata["token_endpoint"], "http://localhost:8080/tenant/one/token", "{path}");
    }
    assert_eq!(world.get("/tenant/one/.well-known/jwks.json").await.status, StatusCode::OK);
    assert_eq!(world.get("/token").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_algorithms_are_those_keys_are_kept_for() {
    let world = World::with(|settings| settings.keys.algorithms = vec![Algorithm::ES256, Algorithm::RS256]).await;
    let metadata = world.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["ES256", "RS256"]));
}

#[tokio::test]
async fn documents_are_sent_once_to_whoever_keeps_them() {
    let world = World::new().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json", "/jwks"] {
        let first = world.get(path).await;
        assert_eq!(first.status, StatusCode::OK);
        assert_eq!(first.header("cache-control"), "public, max-age=300");
        let request = Request::get(path).header("if-none-match", first.header("etag"));
        let again = world.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        assert_eq!(again.header("etag"), first.header("etag"));
        assert_eq!(again.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn the_keys_are_public_halves_with_ids_of_their_own() {
    let world = World::new().await;
    let keys = world.get("/.well-known/jwks.json").await.ok();
    let keys = keys["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "the active and the next one");
    assert_ne!(keys[0]["kid"], keys[1]["kid"]);
    for key in keys {
        assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
}

#[tokio::test]
async fn every_error_code_has_a_page() {
    let world = World::new().await;
    for code in ErrorCode::ALL {
        let page = world.get(&format!("/errors/{}", code.as_str())).await;
        assert_eq!(page.status, StatusCode::OK, "{}", code.as_str());
        assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
        assert!(page.body.contains(code.as_str()), "{}", code.as_str());
    }
    assert_eq!(world.get("/errors/no_such_error").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_the_pages_of_error_codes_advise_can_be_done() {
    let world = World::new().await;
    let mut advised = Vec::new();
    for code in ErrorCode::ALL {
        let page = world.get(&format!("/errors/{}", code.as_str())).await.body;
        let commands = page.split("<code>latchkey ").skip(1).filter_map(|rest| rest.split("</code>").next());
        for command in commands {
            let command =
                command.replace("&#60;grant_type&#62;", "refresh_token").replace("&#60;", "").replace("&#62;", "");
            // Every other part stands between quotes, and is one word.
            let words = command.split("&#34;").enumerate().flat_map(|(part, text)| match part % 2 {
                0 => text.split_whitespace().collect(),
                _ => vec![text],
            });
            let words = ["latchkey"].into_iter().chain(words);
            let understood = Cli::command().try_get_matches_from(words);
            assert!(understood.is_ok(), "{}: {}", code.as_str(), understood.unwrap_err());
            advised.push(command);
        }
    }
    // Some client libraries have no PKCE at all.
    assert!(advised.contains(&"client update client_id --no-pkce".to_owned()), "{advised:?}");
}
