//! The browser tells apps that a session has ended (OIDC Front-Channel Logout 1.0).

use axum::http::StatusCode;
use latchkey::clients::Logout;
use serde_json::Value;

use crate::world::{App, Browser, ISSUER, PASSWORD, World, attribute, claims, encode, field};

const BYE: &str = "https://wiki.example/bye";

/// An app that browsers tell of sign-outs there.
async fn app(world: &World, id: &str, path: &str) -> App {
    let uri = format!("https://{id}.example{path}");
    world.app_with(id, |wanted| wanted.logout = Logout { front_channel_uri: Some(uri), ..Logout::default() }).await
}

async fn signs_in(browser: &mut Browser<'_>, app: &App) -> Value {
    let code = browser.code(app, "openid", "alice").await;
    app.redeems(browser.world, &code).await.ok()
}

fn frames(html: &str) -> Vec<String> {
    let tags = html.match_indices("<iframe");
    tags.map(|(at, _)| attribute(&html[at..], "<iframe", "src").expect("a frame loads something")).collect()
}

#[tokio::test]
async fn the_page_after_a_sign_out_loads_what_each_app_has_registered_and_goes_on() {
    let world = World::new().await;
    world.user("alice").await;
    let wiki = app(&world, "wiki", "/out?tenant=1&x=%20").await;
    let desk = app(&world, "desk", "/out").await;
    let other = app(&world, "other", "/out").await;
    let silent = world.app("silent").await;
    signs_in(&mut world.browser(), &other).await;
    let mut browser = world.browser();
    for app in [&silent, &desk] {
        signs_in(&mut browser, app).await;
    }
    let tokens = signs_in(&mut browser, &wiki).await;
    let hint = tokens["id_token"].as_str().expect("an ID token");
    let sid = claims(hint)["sid"].as_str().expect("a sid").to_owned();
    let query = encode(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "a&\"b")]);
    let page = browser.get(&format!("/logout?{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let told = encode(&[("iss", ISSUER), ("sid", &sid)]);
    assert_eq!(
        frames(&page.body),
        [format!("https://desk.example/out?{told}"), format!("https://wiki.example/out?tenant=1&x=%20&{told}")]
    );
    // Nothing else may be framed, or run, and no app can lead the whole window away.
    let policy = page.header("content-security-policy");
    assert!(policy.contains("; frame-src https://desk.example https://wiki.example; "), "{policy}");
    assert!(policy.contains("script-src 'self'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for (at, _) in page.body.match_indices("<iframe") {
        let sandbox = attribute(&page.body[at..], "<iframe", "sandbox").expect("a sandbox");
        assert!(!sandbox.contains("top-navigation") && !sandbox.contains("popups"), "{sandbox}");
    }
    // With a script or without one it goes on where the app wants.
    let next = "https://wiki.example/bye?state=a%26%22b";
    assert_eq!(attribute(&page.body, "<a class=\"button primary\"", "href").as_deref(), Some(next));
    assert_eq!(attribute(&page.body, "<meta http-equiv=\"refresh\"", "content"), Some(format!("4;url={next}")));
    let script = attribute(&page.body, "<script", "src").expect("a script");
    assert_eq!(world.get(&script).await.status, StatusCode::OK);
    // It was over before the page came, and loading the page once more goes on at once.
    let again = browser.clone().get(&format!("/logout?{query}")).await;
    assert_eq!(again.location(), next);
    assert!(browser.authorizes(&wiki.asks("openid")).await.body.contains("login-submit"));
}

#[tokio::test]
async fn who_was_asked_first_or_goes_to_no_app_sees_the_frames_as_well() {
    let world = World::new().await;
    world.user("alice").await;
    let wiki = app(&world, "wiki", "/out").await;
    let mut browser = world.browser();
    signs_in(&mut browser, &wiki).await;
    let page = browser.get("/logout?ui_locales=de").await;
    assert!(frames(&page.body).is_empty(), "nobody has signed out yet");
    let page = browser.submits(&page, &[("action", "sign_out")]).await;
    assert_eq!(frames(&page.body).len(), 1, "{}", page.body);
    assert!(page.body.contains("Sie werden abgemeldet"), "{}", page.body);
    let next = attribute(&page.body, "<a class=\"button primary\"", "href").expect("a way on");
    assert_eq!(next, format!("{ISSUER}/logout/done?ui_locales=de"));
    assert!(browser.get(&next).await.body.contains("Sie sind abgemeldet"));
}

#[tokio::test]
async fn an_app_that_was_disabled_is_not_loaded() {
    let world = World::new().await;
    world.user("alice").await;
    let wiki = app(&world, "wiki", "/out").await;
    let mut browser = world.browser();
    signs_in(&mut browser, &wiki).await;
    let registry = &world.server.registry;
    assert!(latchkey::clients::registration::disable(registry, "wiki", world.now()).await.unwrap());
    let page = browser.get("/logout").await;
    let page = browser.submits(&page, &[("action", "sign_out")]).await;
    assert!(frames(&page.body).is_empty() && page.body.contains("You are signed out"), "{}", page.body);
}

#[tokio::test]
async fn ending_ones_own_session_on_the_account_page_loads_what_its_apps_have_registered() {
    let world = World::new().await;
    world.user("alice").await;
    let wiki = app(&world, "wiki", "/out").await;
    let new = "another correct horse battery";
    for (action, fields, goes_on) in [
        ("end_session", &[][..], "/login"),
        ("sign_out_everywhere", &[], "/account"),
        ("change_password", &[("password", PASSWORD), ("new_password", new)], "/account"),
    ] {
        let mut browser = world.browser();
        let tokens = signs_in(&mut browser, &wiki).await;
        let sid = claims(tokens["id_token"].as_str().expect("an ID token"))["sid"].clone();
        let sid = sid.as_str().expect("a sid");
        let page = browser.get("/account").await;
        let csrf = field(&page.body, "csrf").expect("a form");
        let own = [("csrf", csrf.as_str()), ("action", action), ("id", sid)];
        let page = browser.post("/account", &[&own, fields].concat()).await;
        assert_eq!(page.status, StatusCode::OK, "{action}: {page:?}");
        let told = encode(&[("iss", ISSUER), ("sid", sid)]);
        assert_eq!(frames(&page.body), [format!("https://wiki.example/out?{told}")], "{action}");
        assert!(page.header("content-security-policy").contains("; frame-src https://wiki.example; "), "{action}");
        let next = attribute(&page.body, "<a class=\"button primary\"", "href").expect("a way on");
        assert_eq!(next, format!("{ISSUER}{goes_on}"), "{action}");
        let page = browser.get(&next).await;
        assert_eq!(page.status, StatusCode::OK, "{action}: {page:?}");
        assert_eq!(page.body.contains("login-submit"), action == "end_session", "{action}");
        // The session that has begun instead has let nobody in yet.
        if action != "end_session" {
            let csrf = field(&page.body, "csrf").expect("a form");
            let again = browser.post("/account", &[("csrf", &csrf), ("action", "sign_out_everywhere")]).await;
            assert_eq!(again.status, StatusCode::SEE_OTHER, "{action}: {again:?}");
        }
    }
}

#[tokio::test]
async fn ending_a_session_elsewhere_loads_nothing_here() {
    let world = World::new().await;
    world.user("alice").await;
    let wiki = app(&world, "wiki", "/out").await;
    let mut elsewhere = world.browser();
    let tokens = signs_in(&mut elsewhere, &wiki).await;
    let sid = claims(tokens["id_token"].as_str().expect("an ID token"))["sid"].clone();
    let mut browser = world.browser();
    signs_in(&mut browser, &wiki).await;
    let page = browser.get("/account").await;
    let csrf = field(&page.body, "csrf").expect("a form");
    let own = [("csrf", csrf.as_str()), ("action", "end_session"), ("id", sid.as_str().expect("a sid"))];
    let answer = browser.post("/account", &own).await;
    assert_eq!(answer.location(), format!("{ISSUER}/account"));
    assert!(elsewhere.get("/account").await.location().ends_with("/login"), "it has ended");
}
