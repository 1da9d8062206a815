//! Authorization requests in an object of the client's (OIDC Core §6, RFC 9101), sent along or read from where it is.

use std::sync::Arc;

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    config::{RegistrationMode, Settings},
    protocol::{Algorithm, Lifetime, ResponseType, Signing},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    authorize::asks,
    client_keys::{OwnKey, Place},
    outgoing::silence,
    registration::{registers, with},
    world::{Answer, App, ISSUER, World, encode},
};

/// An app with a key of its own, and alice.
struct Site {
    world: World,
    app: App,
    key: OwnKey,
}

impl Site {
    async fn new() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    async fn with(
        change: impl FnOnce(&mut Settings),
        about: impl FnOnce(&mut latchkey::clients::registration::Wanted),
    ) -> Self {
        let world = World::with(change).await;
        world.user("alice").await;
        let key = OwnKey::rsa("k");
        let jwks = key.set();
        let app = world.app_with("wiki", |wanted| {
            wanted.jwks = Some(jwks);
            about(wanted);
        });
        Self { app: app.await, world, key }
    }

    /// All that the app asks, as claims, with these set besides; null leaves one out.
    fn claims(&self, set: Value) -> Value {
        let mut claims: Value = self.app.asks("openid").into_iter().map(|(name, value)| (name, json!(value))).collect();
        let now = self.world.now().0;
        for (name, value) in [("iss", json!("wiki")), ("aud", json!(ISSUER)), ("exp", json!(now + 60))] {
            claims[name] = value;
        }
        for (name, value) in set.as_object().expect("members") {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("members").retain(|_, value| !value.is_null());
        claims
    }

    fn signs(&self, set: Value) -> String {
        self.key.signs(&self.claims(set))
    }

    /// Ask with `client_id`, `response_type` and these alone.
    async fn asks(&self, more: &[(&str, &str)]) -> Answer {
        let own = [("client_id", "wiki"), ("response_type", "code")];
        self.world.browser().authorizes(&[&own, more].concat()).await
    }
}

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

/// The error that the app is told at its own redirect URI.
#[track_caller]
fn told(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(answer.location().starts_with("https://wiki.example/cb"), "{}", answer.location());
    answer.param("error").unwrap_or_else(|| panic!("no error in {}", answer.location()))
}

#[track_caller]
fn on_a_page(answer: &Answer, tried: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{tried}: {answer:?}");
    assert!(answer.headers.get("location").is_none(), "{tried}: {answer:?}");
}

#[tokio::test]
async fn what_a_signed_object_says_counts_instead_of_what_stands_beside_it() {
    let site = Site::new().await;
    let object = site.signs(json!({
        "scope": "openid email",
        "state": "inside",
        "max_age": 600,
        "claims": { "id_token": { "email": null } },
    }));
    let outside = asks(
        &site.app,
        "openid",
        &[("state", "outside"), ("redirect_uri", "https://evil.test/cb"), ("claims", "{"), ("request", &object)],
    );
    let answer = site.world.browser().goes_through(&outside, "alice").await;
    assert!(answer.location().starts_with(&site.app.redirect_uri), "{}", answer.location());
    assert_eq!(answer.param("state").as_deref(), Some("inside"));
    let tokens = site.app.redeems(&site.world, &answer.param("code").expect("a code")).await.ok();
    assert_eq!(tokens["scope"], "openid email");
    let id_token = crate::world::claims(tokens["id_token"].as_str().expect("an ID token"));
    assert_eq!((&id_token["email"], &id_token["nonce"]), (&json!("alice@example.com"), &json!("n-o-n-c-e")));
}

#[tokio::test]
async fn all_may_be_inside_but_the_client_and_each_of_its_algorithms_will_do() {
    let site = Site::new().await;
    let none = json!({ "prompt": "none" });
    for object in [
        site.signs(none.clone()),
        site.key.signs_with("typ", json!("oauth-authz-req+jwt"), &site.claims(none.clone())),
        site.signs(json!({ "prompt": "none", "aud": [ISSUER, "https://other.example"], "client_id": null })),
        site.signs(json!({ "prompt": "none", "iss": null, "aud": null, "exp": null, "response_type": null })),
    ] {
        let answer = site.asks(&[("request", &object)]).await;
        assert_eq!((told(&answer).as_str(), answer.param("state").as_deref()), ("login_required", Some("s-t-a-t-e")));
        // RFC 9101 §5: all but the client's name may be inside.
        let alone = [("client_id", "wiki"), ("request", object.as_str())];
        let answer = site.world.browser().authorizes(&alone).await;
        let has_type = crate::world::claims(&object)["response_type"].is_string();
        if has_type {
            assert_eq!(told(&answer), "login_required");
        }
    }
    // Posted, and too long for a URL.
    let long = "s".repeat(3_000);
    let object = site.signs(json!({ "prompt": "none", "state": long }));
    let mut browser = site.world.browser();
    let answer = browser.post("/authorize", &[("client_id", "wiki"), ("request", &object)]).await;
    let answer = browser.follow(answer).await;
    assert_eq!((told(&answer).as_str(), answer.param("state")), ("login_required", Some(long)));
}

#[tokio::test]
async fn beside_a_request_object_by_rfc_9101_nothing_counts() {
    let site = Site::new().await;
    let claims = site.claims(json!({ "prompt": "none", "nonce": null, "state": null }));
    let outside = [("state", "outside"), ("claims", "{"), ("max_age", "x"), ("redirect_uri", "https://evil.test/cb")];
    // By OIDC Core §6.1 what is outside counts where nothing is inside.
    let of_oidc = site.key.signs(&claims);
    let answer = site.asks(&[&outside[1..2], &[("request", &of_oidc)]].concat()).await;
    assert_eq!(told(&answer), "invalid_request");
    for typ in ["oauth-authz-req+jwt", "OAuth-AuthZ-Req+JWT", "application/oauth-authz-req+jwt"] {
        let object = site.key.signs_with("typ", json!(typ), &claims);
        let answer = site.asks(&[&outside[..], &[("request", &object)]].concat()).await;
        assert_eq!((told(&answer).as_str(), answer.param("state")), ("login_required", None), "{typ}");
        let without = site.key.signs_with("typ", json!(typ), &site.claims(json!({ "response_type": null })));
        assert_eq!(told(&site.asks(&[("request", &without)]).await), "invalid_request", "{typ}");
    }
}

#[tokio::test]
async fn the_words_of_a_response_type_may_stand_in_another_order_inside() {
    let site = Site::with(
        |settings| settings.registration.response_types = ResponseType::ALL.to_vec(),
        |wanted| {
            wanted.grant_types = None;
            wanted.response_types = Some(ResponseType::ALL.to_vec());
        },
    )
    .await;
    let object = site.signs(json!({ "response_type": "id_token code", "prompt": "none" }));
    let asks = [("client_id", "wiki"), ("response_type", "code id_token"), ("request", object.as_str())];
    assert_eq!(told(&site.world.browser().authorizes(&asks).await), "login_required");
    let asks = [("client_id", "wiki"), ("response_type", "code token"), ("request", object.as_str())];
    on_a_page(&site.world.browser().authorizes(&asks).await, "another one, and no redirect URI outside");
}

#[tokio::test]
async fn an_object_that_does_not_count_is_told_to_the_app() {
    let site = Site::new().await;
    let other = OwnKey::rsa("k");
    let now = site.world.now().0;
    let outside = [("redirect_uri", "https://wiki.example/cb"), ("state", "outside")];
    for object in [
        "a.b.c".to_owned(),
        other.signs(&site.claims(json!({}))),
        unsigned(&site.claims(json!({}))),
        format!("{}.{}", site.signs(json!({})), "x.y"),
        site.signs(json!({ "iss": "other" })),
        site.signs(json!({ "aud": "https://other.example" })),
        site.signs(json!({ "aud": [] })),
        site.signs(json!({ "exp": now })),
        site.signs(json!({ "exp": "soon" })),
        site.signs(json!({ "nbf": now + 61 })),
        site.signs(json!({ "sub": "wiki" })),
        site.signs(json!({ "client_id": "other" })),
        site.signs(json!({ "response_type": "token" })),
        site.signs(json!({ "request": "a.b.c" })),
        site.signs(json!({ "request_uri": "https://wiki.example/r" })),
        site.signs(json!({ "scope": ["openid"] })),
        site.signs(json!({ "state": "a\u{0}b" })),
        site.key.signs_with("typ", json!("at+jwt"), &site.claims(json!({}))),
        site.key.signs(&json!(["openid"])),
    ] {
        let answer = site.asks(&[&outside[..], &[("request", &object)]].concat()).await;
        assert_eq!(told(&answer), "invalid_request_object", "{object}");
        assert!(answer.param("code").is_none(), "{object}");
    }
    let both = [("request", site.signs(json!({}))), ("request_uri", "https://wiki.example/r".to_owned())];
    let both: Vec<(&str, &str)> = both.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(told(&site.asks(&[&outside[..], &both].concat()).await), "invalid_request");
    let object = site.signs(json!({ "registration": {} }));
    assert_eq!(told(&site.asks(&[("request", &object)]).await), "registration_not_supported");
    // What is inside says whom to tell, once it is known to be the app's.
    let late = site.signs(json!({ "exp": now - 1 }));
    assert_eq!(told(&site.asks(&[("request", &late)]).await), "invalid_request_object");
}

#[tokio::test]
async fn nobody_is_told_by_redirect_whom_no_one_has_vouched_for() {
    let site = Site::new().await;
    let forged = OwnKey::rsa("k").signs(&site.claims(json!({})));
    on_a_page(&site.asks(&[("request", &forged)]).await, "a redirect URI that is in a forged object alone");
    let elsewhere = site.signs(json!({ "redirect_uri": "https://evil.test/cb" }));
    let outside = ("redirect_uri", "https://wiki.example/cb");
    on_a_page(&site.asks(&[outside, ("request", &elsewhere)]).await, "one that is not registered, in the object");
    let nobody = [("client_id", "nobody"), outside, ("request", &elsewhere)];
    on_a_page(&site.world.browser().authorizes(&nobody).await, "a client that is not there");
    site.world.app_with("other", |wanted| wanted.jwks = Some(OwnKey::rsa("o").set())).await;
    let good = site.signs(json!({}));
    let stolen = [("client_id", "other"), ("response_type", "code"), ("request", good.as_str())];
    on_a_page(&site.world.browser().authorizes(&stolen).await, "the object of another client");
}

#[tokio::test]
async fn a_client_is_held_to_the_algorithm_it_has_registered() {
    let site = Site::with(
        |settings| settings.registration.allow_unsigned = true,
        |wanted| wanted.request_object_signing_alg = Some(Some(Signing::By(Algorithm::PS256))),
    )
    .await;
    let outside = [("redirect_uri", "https://wiki.example/cb")];
    for object in [site.signs(json!({})), unsigned(&site.claims(json!({})))] {
        let answer = site.asks(&[&outside[..], &[("request", &object)]].concat()).await;
        assert_eq!(told(&answer), "invalid_request_object");
    }
}

#[tokio::test]
async fn unsigned_objects_count_only_where_the_operator_and_the_client_allow_them() {
    let settings = |settings: &mut Settings| settings.registration.allow_unsigned = true;
    for signing in [None, Some(Some(Signing::Unsigned))] {
        let site = Site::with(settings, |wanted| wanted.request_object_signing_alg = signing).await;
        let object = unsigned(&site.claims(json!({ "prompt": "none" })));
        // The suite's oidcc-ensure-request-object-with-redirect-uri.
        let answer = site.asks(&[("redirect_uri", "https://evil.test/"), ("request", &object)]).await;
        assert_eq!((told(&answer).as_str(), answer.param("state").as_deref()), ("login_required", Some("s-t-a-t-e")));
        for signature in ["e30", "="] {
            let signed = format!("{object}{signature}");
            on_a_page(&site.asks(&[("request", &signed)]).await, signature);
        }
        let signed = site.signs(json!({ "prompt": "none" }));
        let answer = site.asks(&[("redirect_uri", "https://wiki.example/cb"), ("request", &signed)]).await;
        let expected = if signing.is_none() { "login_required" } else { "invalid_request_object" };
        assert_eq!(told(&answer), expected, "{signing:?}");
        let metadata = site.world.get("/.well-known/openid-configuration").await.ok();
        let listed = json!(["RS256", "PS256", "ES256", "EdDSA", "none"]);
        assert_eq!(metadata["request_object_signing_alg_values_supported"], listed);
    }
    // The setting was on once.
    let site = Site::with(|_| {}, |wanted| wanted.request_object_signing_alg = Some(Some(Signing::Unsigned))).await;
    let object = unsigned(&site.claims(json!({})));
    let answer = site.asks(&[("redirect_uri", "https://wiki.example/cb"), ("request", &object)]).await;
    assert_eq!(told(&answer), "invalid_request_object");
    let metadata = site.world.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(metadata["request_object_signing_alg_values_supported"], json!(["RS256", "PS256", "ES256", "EdDSA"]));
    assert_eq!(metadata["require_request_uri_registration"], true);
}

#[tokio::test]
async fn an_object_is_read_once_from_where_the_client_keeps_it() {
    let place = Place::with(json!("")).await;
    let uri = place.uri.clone();
    let site = Site::with(
        |settings| settings.outgoing.allow_private_addresses = true,
        |wanted| wanted.request_uris = Some(vec![uri]),
    )
    .await;
    place.now_has(Some(json!(site.signs(json!({ "state": "inside" })))));
    let mut browser = site.world.browser();
    let asked = [("client_id", "wiki"), ("response_type", "code"), ("request_uri", place.uri.as_str())];
    let page = browser.authorizes(&asked).await;
    // Whatever is there from now on, and as long as the object would have counted.
    place.now_has(None);
    site.world.advance(Lifetime::minutes(5));
    let consent = browser.signs_in(&page, "alice").await;
    let answer = browser.allows(&consent).await;
    assert_eq!(answer.param("state").as_deref(), Some("inside"));
    site.app.redeems(&site.world, &answer.param("code").expect("a code")).await.ok();
    assert_eq!(browser.submits_only(&consent, &[("action", "allow")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(place.reads(), 1);
    let outside = ("redirect_uri", "https://wiki.example/cb");
    let answer = browser.authorizes(&[&asked[..], &[outside]].concat()).await;
    assert_eq!((told(&answer).as_str(), place.reads()), ("invalid_request_uri", 2));
}

#[tokio::test]
async fn the_server_calls_where_the_client_has_said_so_and_nowhere_else() {
    let place = Place::with(json!("")).await;
    let uri = place.uri.clone();
    let site = Site::with(
        |settings| settings.outgoing.allow_private_addresses = true,
        |wanted| wanted.request_uris = Some(vec![uri.clone(), format!("{uri}/pinned#hash")]),
    )
    .await;
    place.now_has(Some(json!(site.signs(json!({ "prompt": "none" })))));
    let ask =
        async |uri: &str| told(&site.asks(&[("redirect_uri", "https://wiki.example/cb"), ("request_uri", uri)]).await);
    let pinned = format!("{}/pinned", place.uri);
    for uri in [
        format!("{}?x=1", place.uri),
        format!("{}/", place.uri),
        pinned.clone(),
        format!("{pinned}#other"),
        "urn:ietf:params:oauth:request_uri:x".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        assert_eq!(ask(&uri).await, "invalid_request_uri", "{uri}");
    }
    assert_eq!(place.reads(), 0);
    // OIDC Core §6.2: a fragment says that it is a new one.
    for uri in [place.uri.clone(), format!("{}#{}", place.uri, "A".repeat(43)), format!("{pinned}#hash")] {
        assert_eq!(ask(&uri).await, "login_required", "{uri}");
    }
    assert_eq!(place.reads(), 3);
    // Neither for a client that is not there.
    let nobody = [("client_id", "nobody"), ("response_type", "code"), ("request_uri", place.uri.as_str())];
    on_a_page(&site.world.browser().authorizes(&nobody).await, "no client");
    assert_eq!(place.reads(), 3);
    place.now_has(Some(json!("x".repeat(32 * 1024 + 1))));
    assert_eq!(ask(&place.uri).await, "invalid_request_uri");
    place.now_has(Some(json!("no object")));
    assert_eq!(ask(&place.uri).await, "invalid_request_object");
}

#[tokio::test]
async fn whoever_asks_again_and_again_for_a_slow_host_holds_up_no_other_client() {
    let (port, mut connections) = silence().await;
    let slow = format!("http://localhost:{port}/object");
    let place = Place::with(json!("")).await;
    let (own, slow_uri) = (place.uri.clone(), slow.clone());
    let site = Site::with(
        |settings| settings.outgoing.allow_private_addresses = true,
        |wanted| wanted.request_uris = Some(vec![own, slow_uri]),
    )
    .await;
    place.now_has(Some(json!(site.signs(json!({ "prompt": "none" })))));
    let site = Arc::new(site);
    let mut crowd = JoinSet::new();
    for _ in 0..10 {
        let (site, slow) = (site.clone(), slow.clone());
        crowd.spawn(
            async move { site.asks(&[("redirect_uri", "https://wiki.example/cb"), ("request_uri", &slow)]).await },
        );
    }
    for _ in 0..6 {
        let answer = crowd.join_next().await.expect("one more").expect("an answer");
        assert_eq!(told(&answer), "invalid_request_uri");
        let why = answer.param("error_description").expect("a sentence");
        assert!(why.contains("try again"), "{why}");
    }
    let mut held = Vec::new();
    while let Ok(connection) = connections.try_recv() {
        held.push(connection);
    }
    assert_eq!(held.len(), 4, "no more than a few call there at a time");
    let answer = site.asks(&[("redirect_uri", "https://wiki.example/cb"), ("request_uri", &place.uri)]).await;
    assert_eq!(told(&answer), "login_required");
}

#[tokio::test]
async fn programs_register_where_their_objects_are_and_how_they_are_signed() {
    let world = World::with(|settings| settings.registration.mode = RegistrationMode::Open).await;
    let jwks = OwnKey::ec("e").set();
    let mut wanted = with("request_uris", json!(["https://stranger.example/r#x"]));
    wanted["request_object_signing_alg"] = json!("ES256");
    wanted["jwks"] = jwks.clone();
    let registered = registers(&world, wanted.clone()).await.json();
    assert_eq!(registered["request_uris"], json!(["https://stranger.example/r#x"]), "{registered}");
    assert_eq!(registered["request_object_signing_alg"], "ES256");
    for (name, value) in [
        ("request_uris", json!(["http://stranger.example/r"])),
        ("request_uris", json!("https://stranger.example/r")),
        ("request_object_signing_alg", json!("none")),
        ("request_object_signing_alg", json!("HS256")),
        ("request_object_signing_alg", json!("RS256")),
        ("jwks", Value::Null),
    ] {
        let mut wanted = wanted.clone();
        wanted[name] = value.clone();
        let refused = registers(&world, wanted).await.refused("invalid_client_metadata");
        assert!(refused["error_description"].as_str().unwrap().contains(name), "{name} {value}: {refused}");
    }
    let allowing = World::with(|settings| {
        settings.registration.mode = RegistrationMode::Open;
        settings.registration.allow_unsigned = true;
    });
    let registered = registers(&allowing.await, with("request_object_signing_alg", json!("none"))).await.json();
    assert_eq!(registered["request_object_signing_alg"], "none");
}

#[tokio::test]
async fn the_flaws_of_a_request_come_before_its_object() {
    let site = Site::new().await;
    let object = site.signs(json!({}));
    let twice = encode(&[("client_id", "wiki"), ("request", &object), ("request", &object)]);
    on_a_page(&site.world.get(&format!("/authorize?{twice}")).await, "two objects");
}
