//! A client that registered itself, changed by itself and by operators (RFC 7592).

use axum::http::Method;
use latchkey::{
    clients::registration::{self, OldSecret, Wanted},
    config::RegistrationMode,
    protocol::{AuthMethod, GrantType, SubjectType},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    authorize::asks,
    registration::{registers, request, told, with},
    world::{Answer, App, World},
};

async fn open_to_all_without_pkce() -> World {
    World::with(|settings| {
        settings.registration.mode = RegistrationMode::Open;
        settings.registration.require_pkce = false;
        settings.outgoing.allow_private_addresses = true;
    })
    .await
}

/// The operator changes the client of that registration.
async fn operator_changes(world: &World, registered: &Value, wanted: Wanted) {
    let (id, server) = (told(registered, "client_id"), &world.server);
    let done = registration::update(&server.registry, id, wanted, world.now(), &server.random).await;
    assert!(done.expect("it is changed").is_some(), "it is there");
}

/// The client puts that in the place of what it registered.
async fn puts(world: &World, registered: &Value, mut body: Value) -> Answer {
    body["client_id"] = registered["client_id"].clone();
    let (uri, token) = (told(registered, "registration_client_uri"), told(registered, "registration_access_token"));
    world.send(request(Method::PUT, uri, Some(token), Some(&body))).await
}

/// The client registers itself, and puts the same again; the server is still reading what it refers to when `meanwhile`
/// happens.
async fn puts_while(world: &World, meanwhile: impl AsyncFnOnce(&Value)) -> (Value, Answer) {
    let registered = registers(world, with("client_name", json!("Stranger"))).await.json();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let body =
        with("sector_identifier_uri", json!(format!("http://{}/sector", listener.local_addr().expect("an address"))));
    let read = async {
        let (mut stream, _) = listener.accept().await.expect("it is read");
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") && stream.read_buf(&mut asked).await.is_ok_and(|n| n > 0) {}
        meanwhile(&registered).await;
        let sector = r#"["https://stranger.example/cb"]"#;
        let answer =
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{sector}", sector.len());
        stream.write_all(answer.as_bytes()).await.expect("it is answered");
    };
    let (answer, ()) = tokio::join!(puts(world, &registered, body), read);
    (registered, answer)
}

#[tokio::test]
async fn what_an_operator_does_while_a_client_changes_its_registration_counts() {
    let world = open_to_all_without_pkce().await;
    let now = async |registered: &Value| {
        world.server.registry.find(told(registered, "client_id")).await.expect("a client").expect("it is there")
    };

    let vouches = async |registered: &Value| {
        operator_changes(&world, registered, Wanted { first_party: Some(true), ..Wanted::default() }).await;
    };
    let (registered, answer) = puts_while(&world, vouches).await;
    answer.refused("invalid_client_metadata");
    assert_eq!(now(&registered).await.metadata.sector_identifier_uri, None);

    let loses = async |registered: &Value| {
        let (id, server) = (told(registered, "client_id"), &world.server);
        let lost = OldSecret::IsLost;
        registration::rotate_secret(&server.registry, id, None, lost, world.now(), &server.random).await.expect("lost");
    };
    let (registered, answer) = puts_while(&world, loses).await;
    answer.refused("invalid_token");
    assert_eq!(now(&registered).await.metadata.sector_identifier_uri, None);

    let disables = async |registered: &Value| {
        registration::disable(&world.server.registry, told(registered, "client_id"), world.now()).await.expect("ended");
    };
    puts_while(&world, disables).await.1.refused("invalid_token");

    let tightens = async |registered: &Value| {
        let wanted =
            Wanted { require_pkce: Some(true), subject_type: Some(SubjectType::Pairwise), ..Wanted::default() };
        operator_changes(&world, registered, wanted).await;
    };
    let (_, answer) = puts_while(&world, tightens).await;
    let told = answer.ok();
    assert_eq!((&told["require_pkce"], &told["subject_type"]), (&json!(true), &json!("pairwise")));
    assert!(told["sector_identifier_uri"].is_string(), "{told}");
}

#[tokio::test]
async fn what_an_operator_has_changed_stays_so_whatever_the_client_puts() {
    let world = open_to_all_without_pkce().await;
    let mut own = with("redirect_uris", json!(["https://stranger.example/cb", "https://stranger.example/more"]));
    own["grant_types"] = json!(["authorization_code", "refresh_token"]);
    own["scope"] = json!("openid email phone");
    own["token_endpoint_auth_method"] = json!("client_secret_post");
    own["logo_uri"] = json!("https://stranger.example/logo");
    let uris = vec!["https://stranger.example/cb".to_owned()];
    for (name, wanted) in [
        ("grant_types", Wanted { grant_types: Some(vec![GrantType::AuthorizationCode]), ..Wanted::default() }),
        ("redirect_uris", Wanted { redirect_uris: Some(uris), ..Wanted::default() }),
        ("scope", Wanted { scope: Some("openid".to_owned()), ..Wanted::default() }),
        (
            "token_endpoint_auth_method",
            Wanted { token_endpoint_auth_method: Some(AuthMethod::ClientSecretBasic), ..Wanted::default() },
        ),
        ("logo_uri", Wanted { logo_uri: Some(String::new()), ..Wanted::default() }),
        ("contacts", Wanted { contacts: Some(vec!["abuse@stranger.example".to_owned()]), ..Wanted::default() }),
    ] {
        let registered = registers(&world, own.clone()).await.json();
        operator_changes(&world, &registered, wanted).await;
        let mut body = own.clone();
        if name == "contacts" {
            body[name] = json!(["me@stranger.example"]);
        }
        let refused = puts(&world, &registered, body.clone()).await.refused("invalid_client_metadata");
        let description = told(&refused, "error_description");
        assert!(description.contains(&format!("`{name}`")) && description.contains("operator"), "{description}");

        // What it is told it may say again, or leave out; and everything else is its own.
        let (uri, token) =
            (told(&registered, "registration_client_uri"), told(&registered, "registration_access_token"));
        let mut now = world.send(request(Method::GET, uri, Some(token), None)).await.ok();
        let operators = now[name].clone();
        assert_eq!(now["set_by_operator"], json!([name]), "{now}");
        now["client_name"] = json!("Friend");
        let again = puts(&world, &registered, now).await.ok();
        assert_eq!((&again[name], &again["client_name"]), (&operators, &json!("Friend")), "{name}");
        body.as_object_mut().expect("an object").remove(name);
        body["client_name"] = json!("Pal");
        let again = puts(&world, &registered, body).await.ok();
        assert_eq!((&again[name], &again["client_name"]), (&operators, &json!("Pal")), "{name}");
        assert_eq!(again["set_by_operator"], json!([name]), "{again}");
    }
    let untouched = registers(&world, own.clone()).await.json();
    own["scope"] = json!("openid email phone profile");
    let changed = puts(&world, &untouched, own).await.ok();
    assert_eq!(changed["scope"], "openid email phone profile", "what no operator has changed is the client's own");
    assert!(changed.get("set_by_operator").is_none(), "{changed}");
}

#[tokio::test]
async fn once_those_who_register_themselves_need_pkce_those_who_did_before_need_it_too() {
    let world = open_to_all_without_pkce().await;
    world.user("alice").await;
    let app = |registered: &Value| App {
        id: told(registered, "client_id").to_owned(),
        secret: registered["client_secret"].as_str().map(str::to_owned),
        redirect_uri: "https://stranger.example/cb".to_owned(),
    };
    let own = registers(&world, with("token_endpoint_auth_method", json!("none"))).await.json();
    let confidential = registers(&world, with("client_name", json!("Old"))).await.json();
    let exempt = registers(&world, with("client_name", json!("Older"))).await.json();
    let strict = world.another_node_with(|settings| settings.registration.require_pkce = true).await;
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    let answers = async |world: &World, registered: &Value| {
        let app = app(registered);
        let answer = world.browser().goes_through(&asks(&app, "openid", &bare), "alice").await;
        answer.param("error").unwrap_or_else(|| if answer.param("code").is_some() { "code" } else { "?" }.to_owned())
    };
    for registered in [&own, &confidential, &exempt] {
        assert_eq!(answers(&world, registered).await, "code");
        assert_eq!(answers(&strict, registered).await, "invalid_request");
        let (uri, token) = (told(registered, "registration_client_uri"), told(registered, "registration_access_token"));
        let now = strict.send(request(Method::GET, uri, Some(token), None)).await.ok();
        assert_eq!(now["require_pkce"], true, "it is told what counts");
    }
    let operators = strict.app_with("lax", |wanted| wanted.require_pkce = Some(false)).await;
    let answer = strict.browser().goes_through(&asks(&operators, "openid", &bare), "alice").await;
    assert!(answer.param("code").is_some(), "of an operator's own client, the operator has said so: {answer:?}");

    // A secret protects codes as well, so that an operator can make an exception: until they say otherwise.
    let without = || Wanted { require_pkce: Some(false), ..Wanted::default() };
    operator_changes(&strict, &exempt, without()).await;
    assert_eq!(answers(&strict, &exempt).await, "code");
    let put = puts(&strict, &exempt, with("client_name", json!("Oldest"))).await.ok();
    assert_eq!(put["require_pkce"], false);
    assert_eq!(answers(&strict, &exempt).await, "code");
    let (id, server) = (told(&own, "client_id"), &strict.server);
    let refused = registration::update(&server.registry, id, without(), strict.now(), &server.random).await;
    assert!(refused.is_err(), "nothing else protects the codes of a public client");
}
