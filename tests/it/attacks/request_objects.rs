//! Group E, request objects: the server calls nobody whom it must not, and believes nothing that it finds.

use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::world::World;

use super::told;

#[tokio::test]
async fn case_37_a_request_uri_leads_nowhere_inside_and_never_far() {
    let trap = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = trap.local_addr().expect("an address").port();
    let inside = [
        format!("https://127.0.0.1:{port}/r"),
        format!("https://localhost:{port}/r"),
        format!("https://[::1]:{port}/r"),
        format!("https://[::ffff:127.0.0.1]:{port}/r"),
        format!("https://2130706433:{port}/r"),
        format!("https://0x7f.1:{port}/r"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/r".to_owned(),
    ];
    let world = World::new().await.listening();
    let app = world.app_with("wiki", |wanted| wanted.request_uris = Some(inside.to_vec())).await;
    let ask = async |world: &World, uri: &str| {
        let own = [("client_id", "wiki"), ("response_type", "code"), ("redirect_uri", app.redirect_uri.as_str())];
        world.browser().authorizes(&[&own[..], &[("request_uri", uri)]].concat()).await
    };
    for uri in &inside {
        let answer = ask(&world, uri).await;
        assert_eq!(told(&answer, &app, uri), "invalid_request_uri");
        // Which of them answers, and with what, cannot be told from outside.
        let description = answer.param("error_description").expect("a description");
        assert_eq!(description, "the request object cannot be read from `request_uri`", "{uri}");
    }
    let called = tokio::select! { biased; _ = trap.accept() => true, () = std::future::ready(()) => false };
    assert!(!called, "not even a connection");

    // Where the operator allows it, nothing is followed further, and no more is read than an object may have.
    let open = World::with(|settings| settings.outgoing.allow_private_addresses = true).await.listening();
    let leads_on = format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/\r\ncontent-length: 0\r\n\r\n");
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n{}", "x".repeat(64 * 1024));
    let mut uris = Vec::new();
    for answer in [leads_on, endless] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        uris.push(format!("http://{}/r", listener.local_addr().expect("an address")));
        tokio::spawn(async move {
            // Kept open: what is promised never comes.
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                drop(stream.write_all(answer.as_bytes()).await);
                open.push(stream);
            }
        });
    }
    let registered = uris.clone();
    open.app_with("wiki", |wanted| wanted.request_uris = Some(registered)).await;
    for uri in &uris {
        assert_eq!(told(&ask(&open, uri).await, &app, uri), "invalid_request_uri");
    }
    let called = tokio::select! { biased; _ = trap.accept() => true, () = std::future::ready(()) => false };
    assert!(!called, "no redirect is followed");
}
