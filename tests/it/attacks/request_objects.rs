//! Group D, request objects: the server calls nobody whom it must not, and believes nothing that it finds.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::protocol::{ContentEncryption, KeyManagement};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::{
    encrypted_requests::{Site, encrypts},
    world::World,
};

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

#[tokio::test]
async fn case_30_an_encrypted_object_neither_swells_nor_tells_nor_waits() {
    let site = Site::new().await;
    let jwks = site.jwks().await;
    let seals = |alg, content: &str| encrypts(&jwks, alg, ContentEncryption::A256Gcm, content);
    let (rsa, ec) = (KeyManagement::RsaOaep256, KeyManagement::EcdhEs);
    // With another header, and so with a tag that is wrong: a trick that is looked into at all is refused as sealed.
    let says = |alg, set: Value| {
        let token = seals(alg, &site.signs());
        let (head, rest) = token.split_once('.').expect("five parts");
        let mut head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).expect("base64url")).expect("JSON");
        for (name, value) in set.as_object().expect("members") {
            head[name] = value.clone();
        }
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(head.to_string()))
    };
    let off_curve = json!({ "kty": "EC", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(42) + "E" });
    let x25519 = json!({ "kty": "OKP", "crv": "X25519", "x": "A".repeat(43), "y": "A".repeat(43) });
    // As often as a request may be long.
    let mut nested = site.signs();
    for _ in 0..3 {
        nested = seals(ec, &nested);
    }
    let (sealed, algorithm) = ("does not open", "an algorithm that is not accepted");
    for (tried, object, why) in [
        ("what is compressed", says(rsa, json!({ "zip": "DEF" })), "or a compressed one"),
        ("a password that takes for ever", says(rsa, json!({ "alg": "PBES2-HS512+A256KW", "p2c": 1e9 })), algorithm),
        ("Bleichenbacher's oracle", says(rsa, json!({ "alg": "RSA1_5" })), algorithm),
        ("a key that is sent along", says(rsa, json!({ "alg": "dir" })), algorithm),
        ("a point of another curve", says(ec, json!({ "epk": off_curve })), sealed),
        ("a key of another kind", says(ec, json!({ "epk": x25519 })), sealed),
        ("a wrong tag", says(rsa, json!({ "typ": "JWT" })), sealed),
        ("a key agreed upon by nobody", says(ec, json!({ "apu": "YQ" })), sealed),
        ("one in the other", nested, "no signed JWT"),
        ("JSON that nobody has signed", seals(ec, "{\"scope\":\"openid\"}"), "no signed JWT"),
        ("five parts of nothing", "....".to_owned(), "no encrypted JWT"),
    ] {
        let answer = site.asks("request", &object).await;
        assert_eq!(told(&answer, &site.app, tried), "invalid_request_object");
        let description = answer.param("error_description").expect("a description");
        assert!(description.contains(why), "{tried}: {description}");
    }
    assert_eq!(told(&site.asks("request", &seals(rsa, &site.signs())).await, &site.app, "sound"), "login_required");
}
