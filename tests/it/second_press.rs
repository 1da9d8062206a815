//! A button that is pressed twice, with scripts off: the browser shows the answer to the second press, which is that to
//! the first.

use axum::http::StatusCode;
use latchkey::protocol::{AuthMethod, Lifetime};

use crate::{
    authorize::asks,
    world::{App, World, field},
};

async fn world() -> (World, App) {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    (world, app)
}

/// An app on the user's own device, whose consent is never remembered.
async fn native(world: &World) -> App {
    world
        .app_with("native", |wanted| {
            wanted.redirect_uris = Some(vec!["http://127.0.0.1/cb".to_owned()]);
            wanted.post_logout_redirect_uris = None;
            wanted.token_endpoint_auth_method = Some(AuthMethod::None);
        })
        .await
}

#[tokio::test]
async fn a_second_click_on_allow_is_answered_like_the_first() {
    let (world, wiki) = world().await;
    let native = native(&world).await;
    let mut browser = world.browser();
    browser.goes_through(&wiki.asks("openid"), "alice").await;
    let scopes = ["openid email", "openid phone", "openid"];
    for ((app, prompt), scope) in [(&wiki, "consent"), (&wiki, "login"), (&native, "")].into_iter().zip(scopes) {
        let mut page = browser.authorizes(&asks(app, scope, &[("prompt", prompt)])).await;
        if page.body.contains("login-submit") {
            page = browser.signs_in(&page, "alice").await;
        }
        let presses = [("action", "allow")];
        let first = browser.submits_only(&page, &presses).await;
        let second = browser.submits_only(&page, &presses).await;
        assert_eq!(second.location(), first.location(), "{prompt:?}");
        let code = first.param("code").expect("a code");
        app.redeems(&world, &code).await.ok();
        // Whoever has redeemed it is not sent it again: a replay would end what it gave.
        let late = browser.submits(&page, &presses).await;
        let asks_again = if prompt == "login" { "login-submit" } else { "consent-allow" };
        assert!(late.body.contains(asks_again), "{prompt:?}: {late:?}");
    }
}

#[tokio::test]
async fn a_second_click_is_for_what_was_answered_and_for_who_answered() {
    let (world, app) = world().await;
    let alice = world.user("carol").await;
    let orgs = [world.org("acme", &[(&alice, "editor")]).await, world.org("globex", &[(&alice, "viewer")]).await];
    let mut browser = world.browser();
    let page = browser.authorizes(&asks(&app, "openid org", &[("prompt", "consent")])).await;
    let page = browser.signs_in(&page, "carol").await;
    let allow = |org: &str| [("action", "allow".to_owned()), ("org", org.to_owned())];
    let press = async |browser: &mut crate::world::Browser<'_>, fields: &[(&str, String)]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.submits_only(&page, &fields).await
    };
    let first = press(&mut browser, &allow(&orgs[0])).await;
    assert!(first.param("code").is_some(), "{first:?}");
    assert_eq!(press(&mut browser, &allow(&orgs[0])).await.location(), first.location());
    let resumes = "/authorize/resume?request=";
    assert!(press(&mut browser, &allow(&orgs[1])).await.location().contains(resumes), "another organisation");
    let forged = [&allow(&orgs[0])[..], &[("csrf", "of another session".to_owned())]].concat();
    assert!(press(&mut browser, &forged).await.location().contains(resumes), "another session's form");
    let mut mallory = world.browser();
    mallory.goes_through(&app.asks("openid"), "alice").await;
    let theirs = mallory.get("/account").await;
    let csrf = [("csrf", field(&theirs.body, "csrf").expect("a token"))];
    let stolen = press(&mut mallory, &[&allow(&orgs[0])[..], &csrf].concat()).await;
    assert!(stolen.location().contains(resumes), "another browser: {stolen:?}");
    world.advance(Lifetime::seconds(60));
    assert!(press(&mut browser, &allow(&orgs[0])).await.location().contains(resumes), "the code is past its time");
}

#[tokio::test]
async fn a_second_click_on_deny_or_cancel_says_no_again() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let login = browser.authorizes(&app.asks("openid")).await;
    let mut pages = vec![(login, "cancel")];
    let login = browser.authorizes(&app.asks("openid")).await;
    pages.push((browser.signs_in(&login, "alice").await, "deny"));
    pages.push((browser.authorizes(&asks(&app, "openid", &[("prompt", "select_account")])).await, "cancel"));
    // The first page was made before the sign-in, so its form is of the session before.
    let login = browser.authorizes(&asks(&app, "openid", &[("prompt", "login")])).await;
    pages[0].0 = login;
    for (page, action) in pages {
        let first = browser.submits_only(&page, &[("action", action)]).await;
        assert_eq!(first.param("error").as_deref(), Some("access_denied"), "{first:?}");
        let second = browser.submits_only(&page, &[("action", action)]).await;
        assert_eq!(second.location(), first.location());
        // Who thinks better of it is asked.
        if action == "deny" {
            let page = browser.submits(&page, &[("action", "allow")]).await;
            assert!(page.body.contains("consent-allow"), "{page:?}");
        }
    }
}

#[tokio::test]
async fn a_no_after_a_yes_is_not_taken_for_the_yes() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&asks(&app, "openid", &[("prompt", "consent")])).await;
    let page = browser.signs_in(&page, "alice").await;
    browser.submits_only(&page, &[("action", "allow")]).await;
    let answer = browser.submits(&page, &[("action", "deny")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("consent-deny"), "they are asked again: {answer:?}");
}
