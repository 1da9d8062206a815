//! A client that registered itself, changed by itself and by operators (RFC 7592).

use axum::http::Method;
use latchkey::{
    clients::registration::{self, OldSecret, Wanted},
    config::RegistrationMode,
    protocol::SubjectType,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    registration::{registers, request, told, with},
    world::{Answer, World},
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
