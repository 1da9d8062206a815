//! Pairwise subjects: each sector knows a user by another name (OIDC Core §8, OIDC Registration §5).

use axum::{
    body::Body,
    http::{Method, Request},
};
use latchkey::{
    clients::registration::{self, Wanted},
    config::RegistrationMode,
    protocol::SubjectType,
};
use serde_json::{Value, json};

use crate::{
    client_keys::Place,
    program,
    registration::{open, registers, request, told},
    world::{Answer, App, Browser, ISSUER, MASTER_KEY, World, claims, database_url, encode},
};

async fn pairwise(world: &World, id: &str, uri: &str) -> App {
    world
        .app_with(id, |wanted| {
            wanted.redirect_uris = Some(vec![uri.to_owned()]);
            wanted.subject_type = Some(SubjectType::Pairwise);
        })
        .await
}

async fn userinfo(world: &World, access_token: &str) -> Answer {
    let request = Request::get("/userinfo").header("authorization", format!("Bearer {access_token}"));
    world.send(request.body(Body::empty()).expect("a request")).await
}

async fn signs_in(browser: &mut Browser<'_>, app: &App) -> Value {
    let code = browser.code(app, "openid offline_access", "alice").await;
    app.redeems(browser.world, &code).await.ok()
}

fn of_id_token(tokens: &Value) -> Value {
    claims(tokens["id_token"].as_str().expect("an ID token"))
}

#[tokio::test]
async fn a_pairwise_client_hears_the_same_other_name_wherever_it_asks() {
    let world = World::new().await;
    let alice = world.user("alice").await;
    let (app, public) = (pairwise(&world, "wiki", "https://wiki.example/cb").await, world.app("plain").await);
    let mut browser = world.browser();
    let tokens = signs_in(&mut browser, &app).await;
    let own = of_id_token(&tokens);
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let sub = own["sub"].as_str().unwrap();
    assert_ne!(sub, alice);
    assert!(sub.starts_with("usr_"), "never what a client is called: {sub}");
    assert_eq!(userinfo(&world, access).await.ok()["sub"], sub);
    assert_eq!(claims(access)["sub"], sub, "nor does an API find the user by it elsewhere");
    for token in [access, refresh] {
        let told = app.post(&world, "/introspect", &[("token", token)]).await.ok();
        assert_eq!((&told["active"], &told["sub"]), (&json!(true), &json!(sub)));
    }
    let renewed = app.refreshes(&world, refresh).await.ok();
    let again = of_id_token(&renewed);
    assert_eq!((&again["sub"], &again["sid"]), (&own["sub"], &own["sid"]));
    // The session is the same; its name is not, or two sectors would find the user by that.
    let other = of_id_token(&signs_in(&mut browser, &public).await);
    assert_eq!(other["sub"], alice);
    assert_ne!(other["sid"], own["sid"]);
    assert!(app.post(&world, "/revoke", &[("token", access)]).await.status.is_success());
    assert_eq!(userinfo(&world, access).await.status, 401);
}

#[tokio::test]
async fn clients_of_one_sector_know_a_user_by_one_name_and_no_other_client_does() {
    let world = World::new().await;
    world.user("alice").await;
    let mut names = Vec::new();
    for (id, uri) in [
        ("one", "https://wiki.example/cb"),
        ("two", "https://wiki.example/other"),
        ("three", "https://shop.example/cb"),
        ("four", "http://127.0.0.1/cb"),
        ("five", "http://127.0.0.1/cb"),
    ] {
        let app = pairwise(&world, id, uri).await;
        names.push(of_id_token(&signs_in(&mut world.browser(), &app).await)["sub"].clone());
    }
    assert_eq!(names[0], names[1]);
    names.remove(0);
    names.sort_by_key(Value::to_string);
    names.dedup();
    assert_eq!(names.len(), 4, "what is on users' devices shares its names with nobody");
}

#[tokio::test]
async fn a_hint_and_an_expected_sub_are_by_the_name_that_the_client_knows() {
    let world = World::new().await;
    let alice = world.user("alice").await;
    let app = pairwise(&world, "wiki", "https://wiki.example/cb").await;
    let (sister, other) = (
        pairwise(&world, "sister", "https://wiki.example/s").await,
        pairwise(&world, "shop", "https://shop.example/").await,
    );
    let mut browser = world.browser();
    let tokens = signs_in(&mut browser, &app).await;
    let own = tokens["id_token"].as_str().unwrap();
    let of_sister = signs_in(&mut browser, &sister).await;
    let of_other = signs_in(&mut browser, &other).await;
    let silent = async |browser: &mut Browser<'_>, more: &[(&str, &str)]| {
        let answer = browser.authorizes(&[&app.asks("openid")[..], &[("prompt", "none")], more].concat()).await;
        answer.param("error").or_else(|| answer.param("code").map(|_| "code".to_owned())).expect("an answer")
    };
    assert_eq!(silent(&mut browser, &[("id_token_hint", own)]).await, "code");
    assert_eq!(silent(&mut browser, &[("id_token_hint", of_sister["id_token"].as_str().unwrap())]).await, "code");
    // Else two sectors could find out together whether their users are the same.
    let foreign = of_other["id_token"].as_str().unwrap();
    assert_eq!(silent(&mut browser, &[("id_token_hint", foreign)]).await, "invalid_request");
    let insists = |sub: &str| json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    let sub = claims(own)["sub"].as_str().unwrap().to_owned();
    assert_eq!(silent(&mut browser, &[("claims", &insists(&sub))]).await, "code");
    for wrong in [alice.as_str(), claims(foreign)["sub"].as_str().unwrap()] {
        assert_eq!(silent(&mut browser, &[("claims", &insists(wrong))]).await, "login_required", "{wrong}");
    }
    // It names this very session, so that nobody is asked.
    let query = encode(&[("id_token_hint", own), ("post_logout_redirect_uri", "https://wiki.example/bye")]);
    let answer = browser.get(&format!("/logout?{query}")).await;
    assert_eq!(answer.location(), "https://wiki.example/bye");
    assert_eq!(silent(&mut browser, &[]).await, "login_required");
}

#[tokio::test]
async fn who_looks_into_a_refresh_token_is_told_both_names_of_its_user() {
    let url = database_url().await;
    let world = World::of_today(&url).await;
    let alice = world.user("alice").await;
    let operator = program::Place::new().env("LATCHKEY_DATABASE_URL", &url).env("LATCHKEY_KEYS_MASTER_KEY", MASTER_KEY);
    let inspects = |tokens: &Value| {
        operator.run(&["token", "inspect", tokens["refresh_token"].as_str().unwrap(), "--json"]).json()
    };
    let app = pairwise(&world, "wiki", "https://wiki.example/cb").await;
    let tokens = signs_in(&mut world.browser(), &app).await;
    let seen = inspects(&tokens);
    assert_eq!(seen["claims"]["sub"], of_id_token(&tokens)["sub"], "as the client knows them: {seen}");
    assert_eq!(seen["claims"]["user_id"], alice, "and as operators do");
    let tokens = signs_in(&mut world.browser(), &world.app("public").await).await;
    let seen = inspects(&tokens);
    assert_eq!((&seen["claims"]["sub"], seen["claims"].get("user_id")), (&json!(alice), None));
}

#[tokio::test]
async fn a_sector_is_read_when_a_client_registers_and_has_to_name_its_redirect_uris() {
    let world = World::with(|settings| {
        settings.registration.mode = RegistrationMode::Open;
        settings.outgoing.allow_private_addresses = true;
    })
    .await;
    let alice = world.user("alice").await;
    let both = json!(["https://a.example/cb", "https://b.example/cb"]);
    let place = Place::with(both.clone()).await;
    let asked =
        |uris: &Value| json!({ "redirect_uris": uris, "subject_type": "pairwise", "sector_identifier_uri": place.uri });
    let mut sectorless = asked(&both);
    sectorless["sector_identifier_uri"] = Value::Null;
    let refused = registers(&world, sectorless).await.refused("invalid_client_metadata");
    assert!(told(&refused, "error_description").contains("several hosts"), "{refused}");
    let registered = registers(&world, asked(&both)).await.json();
    assert_eq!(
        (&registered["subject_type"], &registered["sector_identifier_uri"]),
        (&json!("pairwise"), &json!(place.uri))
    );
    assert_eq!(place.reads(), 1);
    let app = App {
        id: told(&registered, "client_id").to_owned(),
        secret: Some(told(&registered, "client_secret").to_owned()),
        redirect_uri: "https://b.example/cb".to_owned(),
    };
    let code = world.browser().code(&app, "openid", "alice").await;
    assert_ne!(of_id_token(&app.redeems(&world, &code).await.ok())["sub"], alice);

    let strange = json!(["https://a.example/cb", "https://c.example/cb"]);
    let refused = registers(&world, asked(&strange)).await.refused("invalid_client_metadata");
    assert!(told(&refused, "error_description").contains("`https://c.example/cb`"), "{refused}");
    // Each change is held against what is there then; public clients may have a sector, too.
    let (uri, token) = (told(&registered, "registration_client_uri"), told(&registered, "registration_access_token"));
    let mut change = asked(&both);
    change["client_id"] = registered["client_id"].clone();
    let put = async |body: &Value| world.send(request(Method::PUT, uri, Some(token), Some(body))).await;
    put(&change).await.ok();
    place.now_has(Some(json!(["https://a.example/cb"])));
    put(&change).await.refused("invalid_client_metadata");
    for there in [Some(json!({ "secret": "https://a.example/cb" })), Some(json!([7])), None] {
        place.now_has(there);
        let mut public = asked(&json!(["https://a.example/cb"]));
        public["subject_type"] = json!("public");
        let refused = registers(&world, public).await.refused("invalid_client_metadata");
        let description = told(&refused, "error_description");
        assert!(description.contains("cannot be read") && !description.contains("secret"), "{description}");
    }
}

#[tokio::test]
async fn case_58_a_sector_inside_the_servers_own_network_is_not_read() {
    let world = open().await;
    let place = Place::with(json!(["https://stranger.example/cb"])).await;
    for uri in [place.uri.replace("http:", "https:"), "https://169.254.169.254/latest/meta-data".to_owned()] {
        let body = json!({ "redirect_uris": ["https://stranger.example/cb"], "sector_identifier_uri": uri });
        let refused = registers(&world, body).await.refused("invalid_client_metadata");
        assert!(told(&refused, "error_description").contains("cannot be read"), "{refused}");
    }
    assert_eq!(place.reads(), 0);
}

#[tokio::test]
async fn what_was_given_under_one_name_ends_when_a_client_knows_its_users_by_another() {
    let world = World::new().await;
    let alice = world.user("alice").await;
    let app = world.app("wiki").await;
    let update = async |wanted: Wanted| {
        registration::update(&world.server.registry, "wiki", wanted, world.now(), &world.server.random).await.unwrap();
    };
    let tokens = signs_in(&mut world.browser(), &app).await;
    assert_eq!(of_id_token(&tokens)["sub"], alice);
    update(Wanted { client_uri: Some("https://wiki.example".into()), ..Wanted::default() }).await;
    let tokens = app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.ok();
    update(Wanted { subject_type: Some(SubjectType::Pairwise), ..Wanted::default() }).await;
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, 401);
    let tokens = signs_in(&mut world.browser(), &app).await;
    assert_ne!(of_id_token(&tokens)["sub"], alice);
    update(Wanted { redirect_uris: Some(vec!["https://elsewhere.example/cb".into()]), ..Wanted::default() }).await;
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_client_that_registered_itself_as_pairwise_stays_so_until_an_operator_says_otherwise() {
    let world = open().await;
    let mut body = json!({ "redirect_uris": ["https://stranger.example/cb"], "subject_type": "pairwise" });
    let registered = registers(&world, body.clone()).await.json();
    let (uri, token) = (told(&registered, "registration_client_uri"), told(&registered, "registration_access_token"));
    body["client_id"] = registered["client_id"].clone();
    let put = async |subject_type: Value| {
        let mut body = body.clone();
        body["subject_type"] = subject_type;
        world.send(request(Method::PUT, uri, Some(token), Some(&body))).await
    };
    assert_eq!(put(Value::Null).await.ok()["subject_type"], "pairwise");
    put(json!("public")).await.refused("invalid_client_metadata");
    let metadata = world.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(metadata["subject_types_supported"], json!(["public", "pairwise"]));
    assert_eq!(metadata["issuer"], ISSUER);
}
