//! C: client authentication, by what clients have today: a secret, or none.

use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::{
    clients::registration::{self, New, Wanted},
    protocol::{AuthMethod, GrantType, PlainSecret},
};

use super::{member, site};
use crate::world::{Answer, VERIFIER, World, basic, encode};

/// Where clients prove who they are, with a form that is good but for that.
const PLACES: &[(&str, &[(&str, &str)])] = &[
    ("/token", &[("grant_type", "client_credentials"), ("scope", "kb:read")]),
    ("/token", &[("grant_type", "refresh_token"), ("refresh_token", "x")]),
    (
        "/token",
        &[
            ("grant_type", "authorization_code"),
            ("code", "x"),
            ("redirect_uri", "https://wiki.example/cb"),
            ("code_verifier", VERIFIER),
        ],
    ),
    ("/introspect", &[("token", "x")]),
    ("/revoke", &[("token", "x")]),
];

/// That the client is not believed, and told how it could be.
#[track_caller]
fn unproven(answer: &Answer, tried: &str) {
    assert_eq!(answer.status, 401, "{tried}: {answer:?}");
    answer.refused("invalid_client");
    assert!(answer.header("www-authenticate").starts_with("Basic realm=\"http"), "{tried}: {answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store", "{tried}");
    assert!(!answer.body.contains("access_token"), "{tried}: {answer:?}");
}

#[tokio::test]
async fn case_21_a_client_proves_itself_once_in_one_place_as_one_client() {
    let (world, app) = site().await;
    let other = world.app("other").await;
    let secret = app.secret.clone().unwrap();
    let header = basic(&app.id, &secret);
    let (id, posted) = (("client_id", app.id.as_str()), ("client_secret", secret.as_str()));
    for (path, form) in PLACES {
        let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
            form.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let post = async |headers: &[(&str, &str)], query: &str, fields: Vec<(String, String)>| {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            world.post(&format!("{path}{query}"), headers, &fields).await
        };
        let own = [("authorization", header.as_str())];
        post(&own, "", with(&[id, posted])).await.refused("invalid_request");
        post(&own, "", with(&[posted])).await.refused("invalid_request");
        post(&own, "", with(&[("client_secret", "wrong")])).await.refused("invalid_request");
        post(&own, "", with(&[("client_id", &other.id)])).await.refused("invalid_request");
        let theirs = basic(&other.id, other.secret.as_deref().unwrap());
        post(&own, "", with(&[("client_id", &other.id), ("client_secret", other.secret.as_deref().unwrap())]))
            .await
            .refused("invalid_request");
        post(&[own[0], ("authorization", &theirs)], "", with(&[])).await.refused("invalid_request");
        post(&[own[0], own[0]], "", with(&[])).await.refused("invalid_request");
        // In the URL it would be in every log on the way.
        let query = format!("?{}", encode(&[id, posted]));
        post(&[], &query, with(&[])).await.refused("invalid_request");
        post(&own, &query, with(&[])).await.refused("invalid_request");
        unproven(&post(&[], "", with(&[])).await, path);
        unproven(&post(&[], "", with(&[id])).await, path);
        unproven(&post(&[], "", with(&[posted])).await, path);
        unproven(&post(&[], "", with(&[id, ("client_secret", "wrong")])).await, path);
        unproven(&post(&[], "", with(&[id, ("client_secret", other.secret.as_deref().unwrap())])).await, path);
        unproven(&post(&[], "", with(&[("client_id", "nobody"), posted])).await, path);
        unproven(&post(&[("authorization", "Bearer x")], "", with(&[id])).await, path);
        unproven(&post(&[("authorization", &basic("nobody", &secret))], "", with(&[])).await, path);
        unproven(&post(&[("authorization", &basic(&app.id, &format!("{secret}x")))], "", with(&[])).await, path);
        unproven(&post(&[("authorization", &basic(&app.id, &secret[..secret.len() - 1]))], "", with(&[])).await, path);
        unproven(&post(&[("authorization", &basic(&app.id, ""))], "", with(&[])).await, path);
    }
}

#[tokio::test]
async fn case_22_basic_credentials_are_form_decoded_to_the_letter_or_refused() {
    let (world, _) = site().await;
    let secret = "a+b c:d%e/f?g&h=i \u{e9}\u{4e2d}\u{1f511} and more than 32 characters";
    let new = New {
        id: Some("odd.client_~-1".to_owned()),
        secret: Some(PlainSecret::new(secret)),
        wanted: Wanted {
            grant_types: Some(vec![GrantType::ClientCredentials]),
            scope: Some("kb:read".to_owned()),
            ..Wanted::default()
        },
        is_by_itself: false,
    };
    let (client, _) =
        registration::create(&world.server.registry, new, world.now(), &world.server.random).await.expect("a client");
    let asks = async |credentials: &[u8]| {
        let header = format!("Basic {}", STANDARD.encode(credentials));
        world.post("/token", &[("authorization", &header)], &[("grant_type", "client_credentials")]).await
    };
    let escaped: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let plus = escaped.replace("%20", "+");
    for good in [basic(&client.id, secret), format!("Basic {}", STANDARD.encode(format!("{}:{escaped}", client.id)))] {
        world.post("/token", &[("authorization", &good)], &[("grant_type", "client_credentials")]).await.ok();
    }
    asks(format!("{}:{plus}", client.id).as_bytes()).await.ok();
    asks(format!("{}:{}", client.id.replace('.', "%2E"), escaped.to_uppercase()).as_bytes()).await.ok();
    let id = &client.id;
    for bad in [
        // Not encoded at all, or one of its characters not, or twice.
        format!("{id}:{secret}"),
        format!("{id}:{}", escaped.replace("%2b", "+")),
        format!("{id}:{}", escaped.replace("%25", "%")),
        format!("{id}:{}", escaped.replace("%c3%a9", "\u{e9}")),
        format!("{id}:{}", escaped.replace('%', "%25")),
        // Escapes that are none.
        format!("{id}:{escaped}%"),
        format!("{id}:{escaped}%4"),
        format!("{id}:{escaped}%zz"),
        format!("{id}:{escaped}%u00e9"),
        format!("{id}:{}", escaped.replace("%c3", "%ff")),
        format!("{id}:{escaped}%00"),
        format!("{id}:{escaped}%0a"),
        format!("{id}%00:{escaped}"),
        format!("%zz{id}:{escaped}"),
        format!(" {id}:{escaped}"),
        format!("{id} :{escaped}"),
        format!("{id}+:{escaped}"),
        format!("{id}%3a{escaped}"),
        format!("{id}::{escaped}"),
        format!(":{escaped}"),
        format!("{id}:"),
        String::new(),
    ] {
        unproven(&asks(bad.as_bytes()).await, &bad);
    }
    unproven(&asks(&[id.as_bytes(), b":\xff\xfe"].concat()).await, "bytes that are no text");
    let good = STANDARD.encode(format!("{id}:{escaped}"));
    for header in [
        format!("Basic {good}!"),
        format!("Basic {good}="),
        format!("Basic {}", good.trim_end_matches('=')).replace("Basic ", "Basic\t"),
        format!("Basic,{good}"),
        format!("Basic realm=x, {good}"),
        format!("Basic {good} {good}"),
        format!("Bearer {good}"),
        format!("Digest {good}"),
        good.clone(),
        "Basic".to_owned(),
        format!("Basic {}", good.replace(|c: char| c.is_ascii_alphanumeric(), "-")),
    ] {
        let answer = world.post("/token", &[("authorization", &header)], &[("grant_type", "client_credentials")]).await;
        unproven(&answer, &header);
    }
    // A header that is no text is said to be none.
    let head = b"POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic \xc3\xa9\r\n\r\n";
    assert!(world.sends(head).await.status.is_client_error());
}

#[tokio::test]
async fn case_23_who_has_a_secret_needs_it_and_who_has_none_shows_none() {
    let (world, app) = site().await;
    let public = world.app_with("spa", |wanted| wanted.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    let secret = app.secret.clone().unwrap();
    let mut browser = world.browser();
    let (code, public_code) =
        (browser.code(&app, "openid", "alice").await, browser.code(&public, "openid", "alice").await);
    let form = |uri: &'static str, code: String| {
        vec![
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".to_owned(), code),
            ("redirect_uri".to_owned(), uri.to_owned()),
            ("code_verifier".to_owned(), VERIFIER.to_owned()),
        ]
    };
    let post = async |world: &World, form: &[(String, String)], more: &[(&str, &str)], header: Option<&str>| {
        let fields: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(more.iter().copied()).collect();
        let headers: Vec<(&str, &str)> = header.map(|header| ("authorization", header)).into_iter().collect();
        world.post("/token", &headers, &fields).await
    };
    let (own, theirs) = (form("https://wiki.example/cb", code.clone()), form("https://spa.example/cb", public_code));
    // A public client with a secret, whosever it is: somebody means another client.
    for shown in [secret.as_str(), "x", "null", "undefined", " "] {
        unproven(&post(&world, &theirs, &[("client_id", "spa"), ("client_secret", shown)], None).await, shown);
        unproven(&post(&world, &theirs, &[], Some(&basic("spa", shown))).await, shown);
    }
    // An empty one in the body is none (RFC 6749 §3.1), in the header it is one.
    unproven(&post(&world, &theirs, &[], Some(&basic("spa", ""))).await, "an empty secret");
    // A confidential client without its secret gets nothing, with a good code and verifier in its hands.
    for (more, header) in [
        (&[("client_id", "wiki")][..], None),
        (&[("client_id", "wiki"), ("client_secret", "")], None),
        (&[], Some(basic("wiki", ""))),
        (&[("client_id", "wiki")], Some("Basic".to_owned())),
        (&[("client_id", "wiki"), ("client_secret", " ")], None),
        (&[("client_id", "wiki "), ("client_secret", &secret)], None),
        (&[("client_id", "WIKI"), ("client_secret", &secret)], None),
        (&[], None),
    ] {
        unproven(&post(&world, &own, more, header.as_deref()).await, &format!("{more:?}"));
    }
    // Nor does it pass for the public one.
    post(&world, &own, &[("client_id", "spa")], None).await.refused("invalid_grant");
    for assertion in ["client_assertion", "client_assertion_type"] {
        unproven(&post(&world, &own, &[("client_id", "wiki"), (assertion, "x")], None).await, assertion);
    }
    let tokens = app.redeems(&world, &code).await.ok();
    let refresh = vec![
        ("grant_type".to_owned(), "refresh_token".to_owned()),
        ("refresh_token".to_owned(), member(&tokens, "refresh_token")),
    ];
    unproven(&post(&world, &refresh, &[("client_id", "wiki")], None).await, "a refresh without the secret");
    post(&world, &refresh, &[("client_id", "spa")], None).await.refused("invalid_grant");
    app.refreshes(&world, &member(&tokens, "refresh_token")).await.ok();
    post(&world, &theirs, &[("client_id", "spa")], None).await.ok();
    // A public client never acts for itself.
    let itself = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
    post(&world, &itself, &[("client_id", "spa")], None).await.refused("unauthorized_client");
}
