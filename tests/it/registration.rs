//! Clients that register themselves (RFC 7591), look after that (RFC 7592), and then work as any other.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    accounts::throttle,
    clients::registration::{self, OldSecret, Wanted},
    config::RegistrationMode,
    protocol::{Lifetime, PlainSecret},
    store::registration_tokens::{self, Row},
    tokens::id_token,
};
use serde_json::{Value, json};

use crate::{
    authorize::asks,
    client_keys::{OwnKey, asks as asks_with, says},
    program::Place,
    world::{Answer, App, ISSUER, PASSWORD, World, claims},
};

pub(crate) async fn open() -> World {
    World::with(|settings| settings.registration.mode = RegistrationMode::Open).await
}

pub(crate) fn request(method: Method, uri: &str, token: Option<&str>, body: Option<&Value>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri.strip_prefix(ISSUER).unwrap_or(uri));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    }
    .expect("a request")
}

pub(crate) async fn registers(world: &World, body: Value) -> Answer {
    world.send(request(Method::POST, "/register", None, Some(&body))).await
}

fn web() -> Value {
    json!({ "client_name": "Stranger", "redirect_uris": ["https://stranger.example/cb"] })
}

pub(crate) fn with(name: &str, value: Value) -> Value {
    let mut body = web();
    body[name] = value;
    body
}

pub(crate) fn told<'a>(registered: &'a Value, member: &str) -> &'a str {
    registered[member].as_str().unwrap_or_else(|| panic!("{member}: {registered}"))
}

#[tokio::test]
async fn a_stranger_registers_a_client_that_signs_users_in() {
    let world = open().await;
    world.user("alice").await;
    let answer = registers(&world, web()).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"), "{}", answer.body);
    let registered = answer.json();
    let id = told(&registered, "client_id");
    assert_eq!(registered["client_secret_expires_at"], 0);
    assert_eq!(registered["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(registered["grant_types"], json!(["authorization_code"]));
    assert_eq!(registered["response_types"], json!(["code"]));
    assert_eq!(registered["scope"], "openid profile email address phone offline_access");
    assert_eq!(registered["registration_client_uri"], format!("{ISSUER}/register/{id}"));
    let app = App {
        id: id.to_owned(),
        secret: Some(told(&registered, "client_secret").to_owned()),
        redirect_uri: "https://stranger.example/cb".to_owned(),
    };
    let code = world.browser().code(&app, "openid email", "alice").await;
    assert!(app.redeems(&world, &code).await.ok()["id_token"].is_string());
    let metadata = world.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(metadata["registration_endpoint"], format!("{ISSUER}/register"));
}

#[tokio::test]
async fn whatever_this_server_cannot_do_for_a_client_is_refused_by_name() {
    let world = open().await;
    for (name, value) in [
        ("redirect_uris", json!("https://stranger.example/cb")),
        ("client_name", json!(7)),
        ("grant_types", json!(["client_credentials"])),
        ("grant_types", json!(["urn:ietf:params:oauth:grant-type:device_code"])),
        ("response_types", json!(["token"])),
        ("application_type", json!("desktop")),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_signing_alg", json!("none")),
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", json!("ES256")),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP-256")),
        ("subject_type", json!("pseudonymous")),
        ("sector_identifier_uri", json!("http://stranger.example/sector")),
        ("userinfo_signed_response_alg", json!("ES256")),
        ("userinfo_signed_response_alg", json!("none")),
        ("backchannel_logout_uri", json!("https://stranger.example/out#part")),
        ("backchannel_logout_uri", json!("http://stranger.example/out")),
        ("backchannel_logout_session_required", json!("yes")),
        ("frontchannel_logout_uri", json!("https://elsewhere.example/out")),
        ("frontchannel_logout_session_required", json!(true)),
        ("initiate_login_uri", json!("http://stranger.example/begin")),
        ("logo_uri", json!("javascript:alert(1)")),
        ("default_max_age", json!("1h")),
        ("require_auth_time", json!("yes")),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })),
        ("software_statement", json!("e30.e30.")),
    ] {
        let refused = registers(&world, with(name, value.clone())).await.refused("invalid_client_metadata");
        let description = told(&refused, "error_description");
        assert!(description.contains(name) || name == "token_endpoint_auth_method", "{name} {value}: {description}");
    }
    for uri in ["https://stranger.example/cb#part", "http://stranger.example/cb", "javascript:alert(1)"] {
        registers(&world, with("redirect_uris", json!([uri]))).await.refused("invalid_redirect_uri");
    }
    for body in ["", "[]", "null", "{\"redirect_uris\":"] {
        let request = Request::post("/register").header("content-type", "application/json");
        let answer = world.send(request.body(Body::from(body)).expect("a request")).await;
        answer.refused("invalid_client_metadata");
    }
    world.post("/register", &[], &[("client_name", "x")]).await.refused("invalid_client_metadata");
    assert!(registration::list(&world.server.registry).await.expect("a list").is_empty());
}

#[tokio::test]
async fn who_names_an_address_that_is_not_taken_hears_which_are() {
    let world = open().await;
    for name in ["logo_uri", "jwks_uri", "request_uris", "sector_identifier_uri", "backchannel_logout_uri"] {
        let value = |uri: &str| if name == "request_uris" { json!([uri]) } else { json!(uri) };
        let refused = registers(&world, with(name, value("http://stranger.example/x"))).await;
        let refused = refused.refused("invalid_client_metadata");
        let description = told(&refused, "error_description");
        assert!(description.contains(name) && description.contains("https"), "{description}");
        assert!(description.contains("http on localhost"), "{description}");
        // Nothing is wrong with this one; what is there is another matter.
        let answer = registers(&world, with(name, value("http://localhost:1/x"))).await;
        assert!(!answer.body.contains("expected"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_a_stranger_asks_for_is_cut_to_what_strangers_may_have_and_said() {
    let world = open().await;
    world.resource("https://kb.example", "kb:read", |_| {}).await;
    let asked = with("scope", json!("openid orgs org kb:read kb:* email"));
    assert_eq!(registers(&world, asked).await.json()["scope"], "openid email");
    assert_eq!(registers(&world, with("scope", json!("kb:read"))).await.json()["scope"], "openid");
    let mut asked = with("first_party", json!(true));
    asked["require_pkce"] = json!(false);
    asked["client_secret"] = json!("a secret of my own choosing, long enough");
    asked["client_id"] = json!("wiki");
    asked["unknown"] = json!({ "a": 1 });
    let registered = registers(&world, asked).await.json();
    assert_eq!((&registered["first_party"], &registered["require_pkce"]), (&json!(false), &json!(true)));
    assert_ne!(registered["client_id"], "wiki");
    assert_ne!(registered["client_secret"], "a secret of my own choosing, long enough");
    assert!(registered.get("unknown").is_none(), "{registered}");
}

#[tokio::test]
async fn whether_those_who_register_themselves_need_pkce_is_the_operators_word() {
    for is_needed in [true, false] {
        let world = World::with(|settings| {
            settings.registration.mode = RegistrationMode::Open;
            settings.registration.require_pkce = is_needed;
        })
        .await;
        world.user("alice").await;
        assert_eq!(registers(&world, web()).await.json()["require_pkce"], is_needed);
        let public = registers(&world, with("token_endpoint_auth_method", json!("none"))).await.json();
        assert_eq!(public["require_pkce"], is_needed);
        assert!(public.get("client_secret").is_none() && public.get("client_secret_expires_at").is_none(), "{public}");
        let id = told(&public, "client_id").to_owned();
        let app = App { id, secret: None, redirect_uri: "https://stranger.example/cb".to_owned() };
        let bare = asks(&app, "openid", &[("code_challenge", ""), ("code_challenge_method", "")]);
        let answer = world.browser().goes_through(&bare, "alice").await;
        assert_eq!(answer.param("code").is_some(), !is_needed, "{}", answer.location());
        if let Some(code) = answer.param("code") {
            let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &app.redirect_uri)];
            app.token(&world, &fields).await.ok();
        }
    }
}

#[tokio::test]
async fn a_client_looks_after_its_registration() {
    let world = open().await;
    let mut body = with("initiate_login_uri", json!("https://stranger.example/begin"));
    body["require_auth_time"] = json!(true);
    let first = registers(&world, body).await.json();
    let (uri, token) = (told(&first, "registration_client_uri"), told(&first, "registration_access_token"));
    let read = world.send(request(Method::GET, uri, Some(token), None)).await.ok();
    assert_eq!(read["initiate_login_uri"], "https://stranger.example/begin");
    assert_eq!((&read["require_auth_time"], &read["registration_access_token"]), (&json!(true), &json!(token)));
    assert!(read.get("client_secret").is_none(), "only its hash is kept");

    // What is left out takes its default.
    let mut changed = with("client_name", json!("Friend"));
    changed["client_id"] = first["client_id"].clone();
    changed["client_secret"] = first["client_secret"].clone();
    let put = async |body: &Value| world.send(request(Method::PUT, uri, Some(token), Some(body))).await;
    let now = put(&changed).await.ok();
    assert_eq!(now["client_name"], "Friend");
    assert!(now.get("initiate_login_uri").is_none() && now.get("client_secret").is_none(), "{now}");
    for (name, value) in [("client_id", json!("wiki")), ("client_id", Value::Null), ("client_secret", json!("other"))] {
        let mut wrong = changed.clone();
        wrong[name] = value;
        put(&wrong).await.refused("invalid_client_metadata");
    }
    let key = OwnKey::rsa("k");
    let mut keyed = changed.clone();
    keyed["token_endpoint_auth_method"] = json!("private_key_jwt");
    keyed["jwks"] = key.set();
    assert_eq!(put(&keyed).await.ok()["jwks"], key.set());
    let id = told(&first, "client_id");
    asks_with(&world, &key.signs(&says(&world, id))).await.refused("unauthorized_client");
    changed["client_secret"] = Value::Null;
    assert!(put(&changed).await.ok()["client_secret"].is_string(), "it needs one again, so it is given one");

    let deleted = world.send(request(Method::DELETE, uri, Some(token), None)).await;
    assert_eq!((deleted.status, deleted.body.as_str()), (StatusCode::NO_CONTENT, ""));
    for method in [Method::GET, Method::DELETE] {
        let gone = world.send(request(method, uri, Some(token), None)).await;
        assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
        gone.refused("invalid_token");
    }
}

#[tokio::test]
async fn what_userinfo_tells_is_signed_for_a_client_that_wants_it_and_is_no_id_token() {
    let world = open().await;
    let alice = world.user("alice").await;
    let registered = registers(&world, with("userinfo_signed_response_alg", json!("RS256"))).await.json();
    assert_eq!(registered["userinfo_signed_response_alg"], "RS256");
    let app = App {
        id: told(&registered, "client_id").to_owned(),
        secret: Some(told(&registered, "client_secret").to_owned()),
        redirect_uri: "https://stranger.example/cb".to_owned(),
    };
    let mut browser = world.browser();
    let code = browser.code(&app, "openid email", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let answer = world.send(request(Method::GET, "/userinfo", tokens["access_token"].as_str(), None)).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/jwt"));
    let told = claims(&answer.body);
    assert_eq!((&told["iss"], &told["aud"], &told["sub"]), (&json!(ISSUER), &json!(app.id), &json!(alice)));
    assert_eq!(told["email"], "alice@example.com");
    assert!(told.get("nonce").is_none() && told.get("exp").is_none(), "{told}");
    assert!(world.server.keyring.verify(&answer.body).is_some(), "it is signed by a key of the server");
    let header = answer.body.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).expect("a header");
    assert!(String::from_utf8_lossy(&header).contains("\"userinfo+jwt\""), "it passes for no other token");
    // It signs nobody out, and opens nothing.
    let hint = id_token::read_hint(&world.server.keyring, ISSUER, &answer.body);
    assert_eq!(hint, None);
    let hint = id_token::read_hint(&world.server.keyring, ISSUER, tokens["id_token"].as_str().unwrap());
    assert_eq!(hint.map(|hint| hint.sub), Some(alice));
    let opened = world.send(request(Method::GET, "/userinfo", Some(&answer.body), None)).await;
    assert_eq!(opened.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn case_56_nobody_reaches_the_registration_of_another() {
    let world = open().await;
    let (one, other) = (registers(&world, web()).await.json(), registers(&world, web()).await.json());
    let app = world.app("wiki").await;
    let uri = told(&one, "registration_client_uri");
    let of_operator = format!("{ISSUER}/register/{}", app.id);
    let (nobody, nul) = (format!("{ISSUER}/register/nobody"), format!("{ISSUER}/register/%00"));
    for (uri, token) in [
        (uri, told(&other, "registration_access_token")),
        (uri, told(&one, "client_secret")),
        (uri, "x"),
        (of_operator.as_str(), told(&one, "registration_access_token")),
        (nobody.as_str(), told(&one, "registration_access_token")),
        (nul.as_str(), told(&one, "registration_access_token")),
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = world.send(request(method, uri, Some(token), Some(&web()))).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{uri}");
            assert!(answer.header("www-authenticate").starts_with("Bearer "), "{:?}", answer.headers);
            answer.refused("invalid_token");
        }
    }
    is_asked_for_a_token(&world.send(request(Method::GET, uri, None, None)).await);
    // Nor does a client that the operator has disabled.
    registration::disable(&world.server.registry, told(&one, "client_id"), world.now()).await.expect("disabled");
    let own = told(&one, "registration_access_token");
    world.send(request(Method::GET, uri, Some(own), None)).await.refused("invalid_token");
}

#[tokio::test]
async fn clients_without_end_are_not_to_be_had_from_one_network() {
    let world = open().await;
    for _ in 0..1_000 {
        let passed = throttle::count_registration(&world.server.store, [127, 0, 0, 9].into(), world.now()).await;
        assert_eq!(passed.expect("counted"), None);
    }
    assert_eq!(registers(&world, web()).await.status, StatusCode::CREATED, "the last one");
    let told = registers(&world, web()).await;
    assert_eq!((told.status, told.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "300"));
    told.refused("temporarily_unavailable");
    assert_eq!(registration::list(&world.server.registry).await.expect("a list").len(), 1);
    world.advance(Lifetime::minutes(5));
    assert_eq!(registers(&world, web()).await.status, StatusCode::CREATED);
    // Who has been given a token is known to the operator.
    let world = World::with(|settings| settings.registration.mode = RegistrationMode::Token).await;
    is_asked_for_a_token(&registers(&world, web()).await);
}

/// RFC 6750 §3.1: "the resource server SHOULD NOT include an error code".
#[track_caller]
fn is_asked_for_a_token(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    assert_eq!(answer.header("www-authenticate"), format!("Bearer realm=\"{ISSUER}\""));
}

#[tokio::test]
async fn a_script_of_another_site_registers_nothing() {
    let world = open().await;
    let mut asked = request(Method::OPTIONS, "/register", None, None);
    asked.headers_mut().insert("origin", "https://evil.example".parse().expect("a value"));
    asked.headers_mut().insert("access-control-request-method", "POST".parse().expect("a value"));
    // What a browser sends without asking beforehand.
    let plain = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"].map(|kind| {
        let sent = Request::post("/register").header("origin", "https://evil.example").header("content-type", kind);
        sent.body(Body::from(web().to_string())).expect("a request")
    });
    for request in std::iter::once(asked).chain(plain) {
        let answer = world.send(request).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
        let told = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(told.count(), 0, "{:?}", answer.headers);
    }
    assert!(registration::list(&world.server.registry).await.expect("a list").is_empty());
}

#[tokio::test]
async fn whom_nobody_has_checked_is_called_so_where_users_decide_until_the_operator_vouches_for_them() {
    let world = open().await;
    world.user("alice").await;
    let registered = registers(&world, with("client_name", json!("Company Wiki"))).await.json();
    let app = App {
        id: told(&registered, "client_id").to_owned(),
        secret: None,
        redirect_uri: "https://stranger.example/cb".to_owned(),
    };
    let own = world.app("wiki").await;
    let sign_in = async |app: &App| world.browser().authorizes(&app.asks("openid email")).await.body;
    assert!(sign_in(&app).await.contains("Not verified") && !sign_in(&own).await.contains("Not verified"));
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid email")).await;
    let consent = browser.submits(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert!(consent.body.contains("Company Wiki") && consent.body.contains("Not verified"), "{}", consent.body);

    let vouched = Wanted { first_party: Some(true), ..Wanted::default() };
    let server = &world.server;
    registration::update(&server.registry, &app.id, vouched, world.now(), &server.random).await.expect("vouched for");
    assert!(!sign_in(&app).await.contains("Not verified"));
    // And then nobody else sends its users elsewhere.
    let mut moved = with("redirect_uris", json!(["https://evil.example/cb"]));
    moved["client_id"] = registered["client_id"].clone();
    let (uri, token) = (told(&registered, "registration_client_uri"), told(&registered, "registration_access_token"));
    let refused = world.send(request(Method::PUT, uri, Some(token), Some(&moved))).await;
    let refused = refused.refused("invalid_client_metadata");
    assert!(told(&refused, "error_description").contains("an operator"), "{refused}");
}

#[tokio::test]
async fn a_secret_that_was_lost_takes_the_registration_with_it() {
    let world = open().await;
    let registered = registers(&world, web()).await.json();
    let (id, now) = (told(&registered, "client_id"), world.now());
    let (registry, random) = (&world.server.registry, &world.server.random);
    registration::rotate_secret(registry, id, None, OldSecret::IsLost, now, random).await.expect("rotated");
    let (uri, token) = (told(&registered, "registration_client_uri"), told(&registered, "registration_access_token"));
    world.send(request(Method::GET, uri, Some(token), None)).await.refused("invalid_token");
}

#[tokio::test]
async fn where_nobody_may_register_there_is_nothing_to_register_at() {
    let world = World::new().await;
    assert_eq!(registers(&world, web()).await.status, StatusCode::NOT_FOUND);
    assert!(world.get("/.well-known/openid-configuration").await.ok().get("registration_endpoint").is_none());
}

#[tokio::test]
async fn who_needs_a_token_to_register_uses_it_up() {
    let world = World::with(|settings| settings.registration.mode = RegistrationMode::Token).await;
    let make = async |token: &str, uses: Option<i64>, expires_at: Option<i64>| {
        let row = Row { id: format!("id of {token}"), uses, created_at: world.now().0, expires_at };
        let mut tx = world.server.store.write().await.expect("a transaction");
        let hash = PlainSecret::new(token).hash();
        registration_tokens::insert(&mut tx, &row, hash.as_str()).await.expect("kept");
        tx.commit().await.expect("committed");
    };
    make("twice", Some(2), None).await;
    make("brief", None, Some((world.now() + Lifetime::hours(1)).0)).await;
    let send = async |token: Option<&str>, body: &Value| {
        world.send(request(Method::POST, "/register", token, Some(body))).await
    };
    // What is refused uses nothing up.
    send(Some("twice"), &with("client_name", json!(7))).await.refused("invalid_client_metadata");
    send(Some("twice"), &with("logo_uri", json!("x"))).await.refused("invalid_client_metadata");
    for token in ["twice", "twice", "brief", "brief"] {
        assert_eq!(send(Some(token), &web()).await.status, StatusCode::CREATED);
    }
    world.advance(Lifetime::hours(1));
    for token in ["twice", "brief", "x"] {
        // Whoever may not register learns nothing of what could be.
        let answer = send(Some(token), &with("client_name", json!(7))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        answer.refused("invalid_token");
    }
    is_asked_for_a_token(&send(None, &web()).await);
}

#[test]
fn operators_make_and_end_the_tokens_on_the_command_line() {
    let place = Place::with_config("registration.mode = \"token\"\n");
    let make = |args: &[&str]| place.run(&[&["registration-token", "create", "--json"], args].concat()).json();
    let (few, brief, revoked) = (make(&["--uses", "2"]), make(&["--expires-in", "1h"]), make(&[]));
    assert_eq!((&few["uses"], &few["expires_at"], &brief["uses"]), (&json!(2), &Value::Null, &Value::Null));
    assert_eq!(brief["expires_at"].as_i64(), brief["created_at"].as_i64().map(|at| at + 3_600));
    let id = told(&revoked, "id");
    assert_eq!(place.run(&["registration-token", "revoke", id, "--json"]).json(), json!({ "id": id, "revoked": true }));
    assert!(place.run(&["registration-token", "revoke", id]).refused().contains("there is no registration token"));
    let listed = place.run(&["registration-token", "list", "--json"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert!(told(&few, "token").starts_with("lki_") && !listed.to_string().contains("lki_"), "{listed}");
}

#[test]
fn operators_register_clients_that_have_keys() {
    let place = Place::with_config("");
    let (first, second) = (OwnKey::rsa("first"), OwnKey::rsa("second"));
    place.write("keys.json", first.set().to_string());
    place.write("key.pem", "-----BEGIN PUBLIC KEY-----");
    place.run(&["migrate"]).ok();
    let create = ["client", "create", "--name", "Robot", "--id", "robot", "--redirect-uri", "https://robot.example/cb"];
    let keyed = |more: &[&'static str]| {
        place.run(&[&create[..], &["--auth-method", "private_key_jwt", "--json"], more].concat())
    };
    assert!(keyed(&[]).refused().contains("needs the public keys of the client"));
    assert!(keyed(&["--jwks", "key.pem"]).refused().contains("--jwks takes JSON, not PEM"));
    let made = keyed(&["--jwks", "keys.json"]).json();
    assert!(made.get("client_secret").is_none() && made["jwks"] == first.set(), "{made}");
    let update = |args: &[&str]| place.run(&[&["client", "update", "robot", "--json"], args].concat());
    let moved = update(&["--jwks-uri", "https://robot.example/jwks"]).json();
    assert!(moved.get("jwks").is_none() && moved["jwks_uri"] == "https://robot.example/jwks", "{moved}");
    place.write("keys.json", second.set().to_string());
    let back = update(&["--jwks", "keys.json"]).json();
    assert!(back.get("jwks_uri").is_none() && back["jwks"] == second.set(), "{back}");
    assert!(place.run(&["client", "rotate-secret", "robot"]).refused().contains("private_key_jwt"));
    assert!(update(&["--auth-method", "client_secret_basic"]).json()["client_secret"].is_string());
}
