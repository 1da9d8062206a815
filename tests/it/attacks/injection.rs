//! J, case 66: what strangers write is text, on every page, in every answer and in the log.

use latchkey::{
    accounts::{self, Changes},
    clients::registration::{self, Wanted},
    orgs,
};

use super::site;
use crate::{
    authorize::asks,
    pages::{NASTY, markup::skeleton},
    program::{Place, exchange},
    world::{Answer, App, Browser, PASSWORD, encode},
};

/// Every page that shows what somebody else wrote, with the hints and states of one who writes `text`.
async fn pages(browser: &mut Browser<'_>, app: &App, text: &str) -> Vec<(&'static str, Answer)> {
    let mut pages = Vec::new();
    let wish = [("login_hint", text), ("ui_locales", text), ("state", text), ("nonce", text)];
    let asked = async |browser: &mut Browser<'_>, more: (&str, &str)| {
        let params = asks(app, "openid profile email kb:read orgs", &[&wish[..], &[more]].concat());
        browser.authorizes(&params).await
    };
    let mut guest = browser.world.browser();
    let login = asked(&mut guest, ("display", "page")).await;
    let stale = [("username", text), ("password", text), ("csrf", text)];
    pages.push(("a stale login", guest.submits(&login, &stale).await));
    pages.push(("login", login));
    let consent = asked(browser, ("prompt", "consent")).await;
    let stale = [("action", text), ("csrf", text), ("org", text)];
    pages.push(("a stale consent", browser.submits(&consent, &stale).await));
    let allowed = browser.allows(&consent).await;
    assert_eq!(allowed.param("state").as_deref(), Some(text), "{allowed:?}");
    pages.push(("consent", consent));
    pages.push(("pick", asked(browser, ("prompt", "select_account")).await));
    pages.push(("form_post", asked(browser, ("response_mode", "form_post")).await));
    pages.push(("account", browser.get("/account").await));
    let hidden = encode(&[("client_id", app.id.as_str()), ("state", text), ("ui_locales", text)]);
    pages.push(("logout", browser.get(&format!("/logout?{hidden}")).await));
    pages.push(("signed out", browser.get(&format!("/logout/done?{hidden}")).await));
    for name in ["client_id", "redirect_uri", "id_token_hint", "request", "x"] {
        let query = encode(&[(name, text), ("state", text)]);
        pages.push(("error", browser.get(&format!("/authorize?{query}")).await));
        pages.push(("sign-out error", browser.get(&format!("/logout?post_logout_redirect_uri=x&{query}")).await));
    }
    let escaped = encode(&[("", text)]).replace('+', "%20");
    let headers = [("accept", "text/html")];
    for path in [format!("/errors/{}", &escaped[1..]), format!("/{}", &escaped[1..])] {
        let nothing = axum::body::Body::empty();
        pages.push(("nothing", browser.send(axum::http::Method::GET, &path, nothing, &headers).await));
    }
    pages
}

#[tokio::test]
async fn case_66_no_name_hint_or_state_becomes_markup() {
    let (world, app) = site().await;
    let (store, registry, now) = (&world.server.store, &world.server.registry, world.now());
    let alice = accounts::find_by_username(&mut store.read().await.unwrap(), "alice").await.unwrap().unwrap().sub;
    world.resource("https://kb.example", "kb:read", |_| {}).await;
    let org = world.org("acme", &[(&alice, "owner")]).await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let mut innocent: Option<Vec<(&str, Vec<String>)>> = None;
    for nasty in ["plain"].iter().chain(NASTY) {
        // Names that would move a line are refused where they are given; all others are shown as they are.
        let is_line = !nasty.contains(char::is_control);
        let client_name = Some(format!("The {nasty}"));
        let named = Wanted { client_name, ..Wanted::default() };
        let named = registration::update(registry, &app.id, named, now, &world.server.random).await;
        assert_eq!(named.is_ok(), is_line && !nasty.contains('\u{202e}'), "{nasty}");
        let resource = latchkey::clients::resource::Wanted { name: Some(format!("API {nasty}")), ..Default::default() };
        let resource = latchkey::clients::resource::update(registry, "https://kb.example", &resource, now).await;
        assert_eq!(resource.is_ok(), is_line, "{nasty}");
        let renamed = orgs::rename(store, &org, &format!("Org {nasty}"), now).await;
        assert_eq!(renamed.is_ok(), is_line, "{nasty}");
        let mut changes = Changes::default();
        for claim in ["name", "given_name", "nickname"] {
            changes.claims.insert(claim.to_owned(), format!("A {nasty}").into());
        }
        assert_eq!(accounts::update(store, &alice, changes, now).await.is_ok(), is_line, "{nasty}");
        let seen: Vec<_> = pages(&mut browser, &app, nasty)
            .await
            .into_iter()
            .map(|(name, page)| (name, skeleton(&page.body)))
            .collect();
        match &innocent {
            None => innocent = Some(seen),
            Some(innocent) => {
                for (seen, innocent) in seen.iter().zip(innocent) {
                    assert_eq!(seen, innocent, "{nasty}");
                }
            }
        }
        // And it is as little markup for a program.
        for (path, fields) in [
            ("/token", vec![("grant_type", *nasty), ("scope", nasty)]),
            ("/token", vec![("grant_type", "client_credentials"), ("scope", nasty)]),
            ("/introspect", vec![("token", *nasty)]),
        ] {
            let answer = app.post(&world, path, &fields).await;
            assert_eq!(
                (answer.header("content-type"), answer.header("x-content-type-options")),
                ("application/json", "nosniff")
            );
            answer.json();
        }
    }
}

#[test]
fn case_66_no_line_or_field_of_the_log_is_a_strangers() {
    let forged = "x\r\n{\"level\":\"ERROR\",\"message\":\"FORGED\"}\n\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{2028}FORGED \u{202e}\" user=\"FORGED\" \\";
    for format in ["json", "pretty"] {
        let place = Place::new().env("LATCHKEY_LOG_FORMAT", format).env("LATCHKEY_LOG_LEVEL", "debug");
        let serving = place.serve(&[]);
        let path = &encode(&[("", forged)])[1..];
        let query = encode(&[("client_id", forged), ("redirect_uri", forged), ("state", forged), ("max_age", forged)]);
        let secret = [("client_id", forged), ("client_secret", forged)];
        for (head, form) in [
            (format!("GET /authorize?{query}"), String::new()),
            (format!("GET /login?request={path}"), String::new()),
            (format!("GET /{path}"), String::new()),
            (format!("GET /logout?id_token_hint={path}"), String::new()),
            ("POST /token".to_owned(), encode(&[&secret[..], &[("grant_type", forged)]].concat())),
            ("POST /token".to_owned(), encode(&[("client_id", "x"), ("client_secret", "x"), ("code", forged)])),
            ("POST /login".to_owned(), encode(&[("username", forged), ("password", PASSWORD)])),
            ("POST /revoke".to_owned(), encode(&[("token", forged), ("token_type_hint", forged)])),
        ] {
            let request = format!(
                "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: FORGED\r\nX-Forwarded-For: FORGED\r\n\
                 Referer: FORGED\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                form.len()
            );
            let reply = exchange(serving.main, &request);
            assert!((200..500).contains(&reply.status), "{head}: {reply:?}");
        }
        let log = serving.stop();
        assert!(log.contains("FORGED"), "there was something to forge with: {log}");
        assert!(!log.chars().any(|c| c.is_control() && c != '\n'), "{format}: {log:?}");
        assert!(!log.contains(['\u{2028}', '\u{202e}']), "{format}: {log:?}");
        for line in log.lines() {
            if format == "json" {
                let read: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                assert!(read["message"] != "FORGED" && read.get("user").is_none(), "{line}");
            } else {
                assert!(line.starts_with("20"), "a line begins with its time: {line}");
                assert!(!line.contains("user=\"FORGED\""), "a field of a stranger's: {line}");
            }
        }
    }
}
