//! A: the redirect URI and the front channel.

use axum::http::StatusCode;
use latchkey::{
    clients::registration::{self, New, Wanted},
    protocol::{ApplicationType, AuthMethod},
};

use super::{on_a_page, site, site_with, told};
use crate::{
    authorize::asks,
    pages::{NASTY, markup::skeleton},
    program::Place,
    world::{Answer, App, ISSUER, VERIFIER, World, attribute, basic, claims, encode, field},
};

/// Ask with that redirect URI, as a form would write it.
async fn asks_for(world: &World, app: &App, redirect_uri: &str) -> Answer {
    let params = asks(app, "openid", &[("redirect_uri", redirect_uri)]);
    world.get(&format!("/authorize?{}", encode(&params))).await
}

#[tokio::test]
async fn case_01_a_redirect_uri_is_compared_to_the_byte() {
    let (world, app) = site().await;
    let own = app.redirect_uri.as_str();
    assert_eq!(asks_for(&world, &app, own).await.status, StatusCode::SEE_OTHER, "the one that is registered");
    let mut tried: Vec<String> = [
        "https://wiki.example/cb/",
        "https://wiki.example/cb?x=1",
        "https://wiki.example/cb?",
        "https://wiki.example/CB",
        "HTTPS://wiki.example/cb",
        "https://WIKI.example/cb",
        "//wiki.example/cb",
        "///wiki.example/cb",
        "/cb",
        "https:/wiki.example/cb",
        "https:wiki.example/cb",
        "https:\\\\wiki.example\\cb",
        "http://wiki.example/cb",
        "https://wiki.example//cb",
        "https://wiki.example/cb/../evil",
        "https://wiki.example/cb/%2e%2e/evil",
        "https://wiki.example/./cb",
        "https://wiki.example/x/../cb",
        "https://wiki.example/%63b",
        "https://wiki.example./cb",
        "https://wiki.example:443/cb",
        "https://wiki.example:/cb",
        "https://wiki.example:8443/cb",
        "https://www.wiki.example/cb",
        " https://wiki.example/cb",
        "https://wiki.example/cb ",
        "https://wiki.example/cb#",
        "https://wiki.example/cb;x",
        "https://wiki.example/cb%00",
        "https://wiki.example/cb%0d%0aLocation:%20https://evil.test",
        "https://wiki.ex\u{430}mple/cb",
        "https://wiki\u{3002}example/cb",
    ]
    .map(str::to_owned)
    .into();
    // And whatever lies one step away.
    for (at, letter) in own.char_indices() {
        let (before, after) = (&own[..at], &own[at + 1..]);
        tried.push(format!("{before}{after}"));
        tried.push(format!("{before}%{:02x}{after}", u32::from(letter)));
        for other in ["\t", "\n", "\r", "/", "\\", ".", "@", "\u{200b}"] {
            tried.push(format!("{before}{other}{letter}{after}"));
        }
    }
    for uri in tried.iter().filter(|uri| *uri != own) {
        on_a_page(&asks_for(&world, &app, uri).await, uri);
    }
    // What no client would send: as raw bytes, where the request is a request at all.
    for raw in [
        "https://wiki.example/cb\t",
        "https://wiki.example/cb\n",
        "https://wiki.exa\tmple/cb",
        "https://wiki.example/cb\0",
    ] {
        let answer = world.gets(&format!("/authorize?client_id=wiki&response_type=code&redirect_uri={raw}")).await;
        assert!(answer.status.is_client_error() && answer.headers.get("location").is_none(), "{raw:?}: {answer:?}");
    }
}

#[tokio::test]
async fn case_02_a_host_that_only_looks_like_the_apps_gets_nothing() {
    let (world, app) = site().await;
    for uri in [
        "https://wiki.example@evil.test/cb",
        "https://wiki.example:443@evil.test/cb",
        "https://wiki.example%40evil.test/cb",
        "https://wiki.example.evil.test/cb",
        "https://wiki.example\\@evil.test/cb",
        "https://wiki.example\\.evil.test/cb",
        "https://wiki.example%2f.evil.test/cb",
        "https://wiki.example%00.evil.test/cb",
        "https://evil.test#wiki.example",
        "https://evil.test#https://wiki.example/cb",
        "https://evil.test?https://wiki.example/cb",
        "https://evil.test/https://wiki.example/cb",
        "https://evil.test/cb",
        "https://evilwiki.example/cb",
        "https://evil.test\\wiki.example/cb",
        "//evil.test/cb",
        "\\\\evil.test/cb",
        "https://[wiki.example]@evil.test/cb",
    ] {
        on_a_page(&asks_for(&world, &app, uri).await, uri);
    }
}

/// Schemes and addresses where no answer may go, whatever kind of client asks.
const NOWHERE: &[&str] = &[
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:https://wiki.example/0",
    "filesystem:https://wiki.example/temporary/x",
    "view-source:https://wiki.example/cb",
    "about:blank",
    "intent://wiki.example/cb#Intent;scheme=https;end",
    "mailto:evil@evil.test",
    "ws://wiki.example/cb",
    "ftp://wiki.example/cb",
    "https://wiki.example/cb#fragment",
    "https://wiki.example/cb#",
    "https://wiki.example/cb?x=1#y",
    "com.example.app:/cb#fragment",
    "http://wiki.example/cb",
    "http://localhost.evil.test/cb",
    "http://localhost@evil.test/cb",
    "http://127.0.0.1.evil.test/cb",
    "http://127.0.0.1@evil.test/cb",
    "http://192.168.0.1/cb",
    "http://0.0.0.0/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0x7f.0.0.1/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "https://wiki.example@evil.test/cb",
    "https://wiki.example\\@evil.test/cb",
    "https://*.wiki.example/cb",
    "https://wiki.example/cb/../evil",
    "https://wiki.example/cb/%2e%2E/evil",
    "https:wiki.example/cb",
    "https:///wiki.example/cb",
    "//wiki.example/cb",
    "/cb",
    "https://",
    "https://wiki.example/a b",
    "https://wiki.example/%zz",
    "https://wiki.ex\u{430}mple/cb",
];

#[tokio::test]
async fn case_03_no_scheme_that_a_browser_acts_upon_is_registered_or_answered() {
    let (world, app) = site().await;
    for uri in NOWHERE {
        on_a_page(&asks_for(&world, &app, uri).await, uri);
        for application_type in [ApplicationType::Web, ApplicationType::Native] {
            for method in [AuthMethod::None, AuthMethod::ClientSecretBasic] {
                let wanted = Wanted {
                    redirect_uris: Some(vec!["https://wiki.example/cb".to_owned(), (*uri).to_owned()]),
                    application_type: Some(application_type),
                    token_endpoint_auth_method: Some(method),
                    ..Wanted::default()
                };
                let new = New { wanted, ..New::default() };
                let made = registration::create(&world.server.registry, new, world.now(), &world.server.random).await;
                assert!(made.is_err(), "{uri} for {application_type:?}");
            }
        }
        let wanted = Wanted { redirect_uris: Some(vec![(*uri).to_owned()]), ..Wanted::default() };
        let changed = registration::update(&world.server.registry, &app.id, wanted, world.now(), &world.server.random);
        assert!(changed.await.is_err(), "{uri} at an update");
    }
    assert_eq!(asks_for(&world, &app, &app.redirect_uri).await.status, StatusCode::SEE_OTHER, "it is as it was");
}

#[test]
fn case_03_the_command_line_refuses_them_too() {
    let place = Place::new();
    let clients = || place.run(&["client", "list", "--json"]).json();
    assert_eq!(clients(), serde_json::json!([]));
    for uri in ["javascript:alert(1)", "http://wiki.example/cb", "https://wiki.example/cb#x"] {
        for more in [&[][..], &["--public"]] {
            let told = place.run(&[&["client", "create", "--name", "x", "--redirect-uri", uri][..], more].concat());
            assert!(told.refused().contains(uri), "{uri}");
        }
    }
    assert_eq!(clients(), serde_json::json!([]));
}

#[tokio::test]
async fn case_04_a_loopback_address_varies_in_its_port_and_in_nothing_else() {
    let (world, _) = site().await;
    let native = world
        .app_with("native", |wanted| {
            wanted.redirect_uris = Some(vec!["http://127.0.0.1/cb".into(), "http://localhost/cb".into()]);
            wanted.post_logout_redirect_uris = None;
            wanted.token_endpoint_auth_method = Some(AuthMethod::None);
        })
        .await;
    for port in [1, 80, 1024, 53_123, 65_535] {
        let uri = format!("http://127.0.0.1:{port}/cb");
        assert_eq!(asks_for(&world, &native, &uri).await.status, StatusCode::SEE_OTHER, "{uri}");
    }
    for uri in [
        "http://localhost.evil.test:1/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1.evil.test:80/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "http://127.0.0.1:80\\@evil.test/cb",
        "http://127.0.0.1@evil.test/cb",
        "http://127.0.0.1:1.evil.test/cb",
        "http://127.0.0.1:evil.test/cb",
        "http://localhost:1/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:-1/cb",
        "http://127.0.0.1:+1/cb",
        "http://127.0.0.1: 1/cb",
        "http://127.0.0.1:\u{661}/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:80:81/cb",
        "http://127.0.0.1:80/cb/",
        "http://127.0.0.1:80/cb?x",
        "http://127.0.0.1:80//cb",
        "http://127.0.0.1:80",
        "https://127.0.0.1:80/cb",
        "HTTP://127.0.0.1:80/cb",
        "http://127.0.0.2:80/cb",
        "http://127.1:80/cb",
        "http://0:80/cb",
        "http://[::1]:80/cb",
        "http://[::ffff:127.0.0.1]:80/cb",
    ] {
        on_a_page(&asks_for(&world, &native, uri).await, uri);
    }
}

#[tokio::test]
async fn case_05_who_is_unknown_or_has_two_addresses_is_sent_to_neither() {
    let (world, app) = site().await;
    world
        .app_with("two", |wanted| {
            wanted.redirect_uris = Some(vec!["https://two.example/a".into(), "https://two.example/b".into()]);
        })
        .await;
    for change in [
        &[("client_id", "")][..],
        &[("client_id", "nobody")],
        &[("client_id", "WIKI")],
        &[("client_id", "wiki ")],
        &[("client_id", "wiki\n")],
        &[("client_id", "wiki%00")],
        &[("client_id", "' OR '1'='1")],
        &[("client_id", "nobody"), ("redirect_uri", "https://evil.test/cb")],
        &[("redirect_uri", "")],
        &[("client_id", "two"), ("redirect_uri", "")],
        &[("client_id", "two")],
        // Whatever else is wrong, it is not told to an address in doubt.
        &[("client_id", "two"), ("redirect_uri", "https://evil.test/cb"), ("response_type", "token")],
        &[("redirect_uri", "https://evil.test/cb"), ("prompt", "none")],
        &[("redirect_uri", "https://evil.test/cb"), ("response_mode", "form_post"), ("scope", "")],
        &[("redirect_uri", "https://evil.test/cb"), ("request_uri", "https://evil.test/r")],
    ] {
        let query = encode(&asks(&app, "openid", change));
        on_a_page(&world.get(&format!("/authorize?{query}")).await, &query);
    }
}

#[tokio::test]
async fn case_06_a_parameter_given_twice_is_refused_wherever_it_stands() {
    let (world, app) = site().await;
    let good = encode(&app.asks("openid"));
    let form = [("origin", "https://wiki.example")];
    for (name, value) in app.asks("openid") {
        let refused = |answer: &Answer, tried: &str| match name {
            "client_id" | "redirect_uri" => on_a_page(answer, tried),
            _ => assert_eq!(told(answer, &app, tried), "invalid_request", "{tried}"),
        };
        for again in [value, "https://evil.test/cb", "x"] {
            let again = encode(&[(name, again)]);
            refused(&world.get(&format!("/authorize?{good}&{again}")).await, &again);
            refused(&world.get(&format!("/authorize?{again}&{good}")).await, &again);
            // Once in the URL and once in the body.
            refused(&world.post(&format!("/authorize?{again}"), &form, &app.asks("openid")).await, &again);
        }
        // A name in other letters is the same name once decoded.
        let disguised: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        refused(&world.get(&format!("/authorize?{good}&{disguised}=x")).await, &disguised);
    }
    let secret = app.secret.clone().unwrap();
    for (path, fields) in [
        (
            "/token",
            vec![
                ("grant_type", "authorization_code"),
                ("code", "x"),
                ("redirect_uri", app.redirect_uri.as_str()),
                ("code_verifier", VERIFIER),
            ],
        ),
        ("/token", vec![("grant_type", "refresh_token"), ("refresh_token", "x"), ("scope", "openid")]),
        ("/introspect", vec![("token", "x")]),
        ("/revoke", vec![("token", "x"), ("token_type_hint", "access_token")]),
    ] {
        let fields = [fields, vec![("client_id", app.id.as_str()), ("client_secret", secret.as_str())]].concat();
        for twice in &fields {
            let body: Vec<_> = fields.iter().chain([twice]).copied().collect();
            world.post(path, &[], &body).await.refused("invalid_request");
            let query = encode(&[*twice]);
            world.post(&format!("{path}?{query}"), &[], &fields).await.refused("invalid_request");
        }
    }
}

#[tokio::test]
async fn case_07_a_form_posted_answer_carries_any_state_and_runs_none() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let answers = async |browser: &mut crate::world::Browser<'_>, state: &str, prompt: &str| {
        let change = [("response_mode", "form_post"), ("state", state), ("prompt", prompt)];
        browser.authorizes(&asks(&app, "openid", &change)).await
    };
    let innocent = [answers(&mut browser, "harmless", "").await, answers(&mut browser, "harmless", "none login").await];
    let more = ["\"><script>alert(1)</script>", "</form><form action=//evil.test>", "\u{2028}alert(1)\u{2029}"];
    for state in NASTY.iter().chain(&more) {
        for (prompt, innocent) in ["", "none login"].iter().zip(&innocent) {
            let answer = answers(&mut browser, state, prompt).await;
            assert_eq!(answer.status, StatusCode::OK, "{state}: {}", answer.body);
            assert_eq!(skeleton(&answer.body), skeleton(&innocent.body), "{state}");
            assert_eq!(attribute(&answer.body, "<form", "action").as_deref(), Some(app.redirect_uri.as_str()));
            assert_eq!(field(&answer.body, "state").as_deref(), Some(*state), "it comes back as it was");
            assert_eq!(field(&answer.body, "iss").as_deref(), Some(ISSUER));
            assert_eq!(field(&answer.body, "code").is_some(), prompt.is_empty());
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
            assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
            assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
        }
    }
}

#[tokio::test]
async fn case_08_no_response_type_but_code_and_no_mode_that_would_leak_one() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    for response_type in [
        "token",
        "id_token",
        "id_token token",
        "code token",
        "code id_token",
        "code id_token token",
        "none",
        "CODE",
        "code code",
        "code ",
        " code",
        "code,token",
        "device",
    ] {
        for mode in ["", "query", "fragment", "form_post"] {
            let change = [("response_type", response_type), ("response_mode", mode)];
            let answer = browser.authorizes(&asks(&app, "openid", &change)).await;
            if mode == "form_post" {
                assert_eq!(
                    field(&answer.body, "error").as_deref(),
                    Some("unsupported_response_type"),
                    "{response_type}"
                );
                assert!(field(&answer.body, "code").is_none(), "{response_type}: {}", answer.body);
            } else {
                assert_eq!(told(&answer, &app, response_type), "unsupported_response_type");
            }
            assert!(!answer.body.contains("_token\"") && !answer.header("location").contains("_token="));
        }
    }
    for mode in ["QUERY", "query.jwt", "jwt", "web_message", "query fragment", "cookie"] {
        let answer = browser.authorizes(&asks(&app, "openid", &[("response_mode", mode)])).await;
        assert_eq!(told(&answer, &app, mode), "invalid_request");
    }
}

#[tokio::test]
async fn case_09_every_answer_says_which_server_it_is_from() {
    let (honest, app) = site().await;
    let other = World::with(|settings| "http://localhost:9090".clone_into(&mut settings.issuer)).await;
    let (evil, app_there) = site_with(other).await;
    assert_eq!(app.id, app_there.id, "one client, known to two servers under one id");
    let mut browser = honest.browser();
    let answer = browser.goes_through(&app.asks("openid"), "alice").await;
    assert_eq!((answer.param("iss").as_deref(), answer.param("state").as_deref()), (Some(ISSUER), Some("s-t-a-t-e")));
    let code = answer.param("code").expect("a code");
    for change in [("scope", ""), ("prompt", "none login"), ("response_type", "token"), ("max_age", "x")] {
        for mode in ["query", "fragment"] {
            let answer = browser.authorizes(&asks(&app, "openid", &[change, ("response_mode", mode)])).await;
            told(&answer, &app, change.0);
            assert_eq!(answer.param("iss").as_deref(), Some(ISSUER), "{change:?}");
            assert_eq!(answer.param("state").as_deref(), Some("s-t-a-t-e"), "{change:?}");
        }
    }
    // The mix-up: the same client at the other server hears another name, and the code is worth nothing there.
    let there = evil.get(&format!("/authorize?{}", encode(&asks(&app_there, "openid", &[("prompt", "none")])))).await;
    assert_eq!(there.param("iss").as_deref(), Some("http://localhost:9090"));
    app_there.redeems(&evil, &code).await.refused("invalid_grant");
    app.redeems(&honest, &code).await.ok();
}

#[tokio::test]
async fn case_10_after_a_form_the_browser_goes_on_by_303_alone() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let mut seen = Vec::new();
    let mut see = |answer: &Answer| {
        seen.push(answer.status.as_u16());
        assert!(!answer.header("location").contains("correct"), "no password in a URL: {answer:?}");
    };
    let answer = browser.post("/authorize", &app.asks("openid")).await;
    see(&answer);
    let login = browser.follow(answer).await;
    let answer = browser.submits_only(&login, &[("username", "alice"), ("password", crate::world::PASSWORD)]).await;
    see(&answer);
    let consent = browser.follow(answer).await;
    let answer = browser.submits_only(&consent, &[("action", "allow")]).await;
    see(&answer);
    let answer = browser.post("/logout", &[("state", "x")]).await;
    see(&answer);
    let page = browser.follow(answer).await;
    see(&browser.submits_only(&page, &[("action", "sign_out")]).await);
    assert_eq!(seen, [303; 5]);
}

#[tokio::test]
async fn case_11_a_state_and_nonce_of_8_kb_come_back_whole_and_bytes_that_are_no_text_do_not() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let long = ["x&=+ \u{e9}\"<", "0123456789"].map(|text| text.repeat(8_192 / text.len()));
    for state in &long {
        for nonce in &long {
            let answer = browser.authorizes(&asks(&app, "openid", &[("state", state), ("nonce", nonce)])).await;
            assert_eq!(answer.param("state").as_ref(), Some(state));
            let code = answer.param("code").expect("a code");
            let tokens = app.redeems(&world, &code).await.ok();
            let told = claims(tokens["id_token"].as_str().unwrap());
            assert_eq!(told["nonce"].as_str(), Some(nonce.as_str()));
        }
    }
    let good = encode(&asks(&app, "openid", &[("state", ""), ("nonce", "")]));
    for name in ["state", "nonce", "scope", "login_hint", "client_id", "x"] {
        for bytes in ["%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%c0%80", "%f5%80%80%80"] {
            let answer = world.gets(&format!("/authorize?{good}&{name}={bytes}")).await;
            let tried = format!("{name}={bytes}");
            match name {
                "client_id" => on_a_page(&answer, &tried),
                _ => assert_eq!(told(&answer, &app, &tried), "invalid_request", "{tried}"),
            }
        }
        // As they are, without any escape.
        let target = [good.as_bytes(), b"&", name.as_bytes(), b"=\xff\xfe"].concat();
        let raw =
            [b"GET /authorize?".as_slice(), &target, b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"].concat();
        let answer = world.sends(&raw).await;
        assert!(answer.status.is_client_error() && answer.headers.get("location").is_none(), "{answer:?}");
    }
    let secret = basic(&app.id, app.secret.as_deref().unwrap());
    for bytes in ["%00", "%ff"] {
        let body = format!("grant_type=authorization_code&code={bytes}");
        let head = format!("POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {secret}\r\n");
        let kind = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n", body.len());
        world.sends(format!("{head}{kind}{body}").as_bytes()).await.refused("invalid_request");
    }
}
