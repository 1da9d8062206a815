//! In which language somebody is spoken to when things go wrong: the one that the app asks for (`ui_locales`), as on every
//! other page.

use axum::{body::Body, http::Method};

use crate::world::{App, ISSUER, World, attribute, encode, field};

async fn world() -> (World, App) {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    (world, app)
}

fn language(html: &str) -> String {
    attribute(html, "<html", "lang").unwrap_or_else(|| panic!("a page: {html}"))
}

#[tokio::test]
async fn a_failure_of_ours_is_told_in_the_language_that_was_asked_for() {
    let (world, app) = world().await;
    let asks = [app.asks("openid"), vec![("ui_locales", "de")]].concat();
    world.server.store.close().await;
    let answer = world.browser().get(&format!("/authorize?{}", encode(&asks))).await;
    assert_eq!((answer.status.as_u16(), language(&answer.body).as_str()), (500, "de"), "{answer:?}");
    let answer = world.browser().get("/logout?ui_locales=ar&client_id=wiki").await;
    assert_eq!((answer.status.as_u16(), language(&answer.body).as_str()), (500, "ar"), "{answer:?}");
}

#[tokio::test]
async fn a_posted_request_that_cannot_be_read_is_told_in_its_language() {
    let (world, app) = world().await;
    let twice = |name| encode(&[app.asks("openid"), vec![("ui_locales", "fr"), (name, "x"), (name, "y")]].concat());
    for (path, body) in [
        ("/authorize", twice("client_id")),
        ("/logout", twice("state")),
        (
            "/logout",
            encode(&[("ui_locales", "fr"), ("post_logout_redirect_uri", "https://evil.test/"), ("state", "a")])
                + "&state=b",
        ),
    ] {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = world.browser().send(Method::POST, path, Body::from(body.clone()), &headers).await;
        assert_eq!((answer.status.as_u16(), language(&answer.body).as_str()), (400, "fr"), "{path} {body}");
    }
}

#[tokio::test]
async fn a_form_of_ours_that_is_refused_keeps_the_language_of_its_page() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let asks = [app.asks("openid"), vec![("ui_locales", "es")]].concat();
    let login = browser.authorizes(&asks).await;
    assert_eq!(language(&login.body), "es");
    let (action, csrf) = (attribute(&login.body, "<form", "action").unwrap(), field(&login.body, "csrf").unwrap());
    let body = format!("csrf={csrf}&username=alice&username=bob&password=x");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", ISSUER)];
    let answer = browser.send(Method::POST, &action, Body::from(body), &headers).await;
    assert_eq!((answer.status.as_u16(), language(&answer.body).as_str()), (400, "es"), "{answer:?}");
    browser.signs_in(&login, "alice").await;
    let question = browser.get("/logout?ui_locales=es").await;
    assert!(question.body.contains("logout-confirm") && language(&question.body) == "es", "{}", question.body);
    let body =
        encode(&[("csrf", &field(&question.body, "csrf").unwrap()), ("ui_locales", "es"), ("action", "sign_out")]);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.test")];
    let answer = browser.send(Method::POST, "/logout/confirm", Body::from(body), &headers).await;
    assert_eq!((answer.status.as_u16(), language(&answer.body).as_str()), (403, "es"), "{answer:?}");
}
