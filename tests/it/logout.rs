//! Signing out (OIDC RP-Initiated Logout 1.0, product decision 12).

use axum::http::StatusCode;
use serde_json::Value;

use crate::world::{App, Browser, World, encode};

const BYE: &str = "https://wiki.example/bye";

async fn signed_in<'a>(world: &'a World, app: &App) -> (Browser<'a>, Value) {
    let mut browser = world.browser();
    let code = browser.code(app, "openid", "alice").await;
    let tokens = app.redeems(world, &code).await.ok();
    (browser, tokens)
}

async fn world() -> (World, App) {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    (world, app)
}

async fn is_signed_in(browser: &mut Browser<'_>, app: &App) -> bool {
    browser.authorizes(&app.asks("openid")).await.headers.get("location").is_some()
}

#[tokio::test]
async fn an_app_signs_its_user_out_and_gets_them_back() {
    let (world, app) = world().await;
    let (mut browser, tokens) = signed_in(&world, &app).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let query = encode(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "a&b")]);
    let answer = browser.get(&format!("/logout?{query}")).await;
    assert_eq!(answer.location(), "https://wiki.example/bye?state=a%26b");
    assert!(!is_signed_in(&mut browser, &app).await);
    // What was given for the session's time has ended with it.
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_posted_wish_is_the_same() {
    let (world, app) = world().await;
    let (mut browser, tokens) = signed_in(&world, &app).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let posted = world.post("/logout", &[], &[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)]).await;
    let answer = browser.follow(posted).await;
    assert_eq!(answer.location(), BYE);
}

#[tokio::test]
async fn without_a_hint_the_user_is_asked() {
    let (world, app) = world().await;
    for query in ["", "?state=x", "?client_id=wiki"] {
        let (mut browser, _) = signed_in(&world, &app).await;
        let page = browser.get(&format!("/logout{query}")).await;
        assert!(page.body.contains("id=\"logout-confirm\""), "{query}: {}", page.body);
        assert!(is_signed_in(&mut browser, &app).await, "{query}");
        let page = browser.submits(&page, &[("action", "sign_out")]).await;
        assert!(page.body.contains("You are signed out"), "{query}: {}", page.body);
        assert!(!is_signed_in(&mut browser, &app).await, "{query}");
    }
}

#[tokio::test]
async fn a_hint_of_another_session_asks_first() {
    let (world, app) = world().await;
    let (_, other) = signed_in(&world, &app).await;
    let (mut browser, _) = signed_in(&world, &app).await;
    let hint = other["id_token"].as_str().unwrap();
    let query = encode(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "s")]);
    let page = browser.get(&format!("/logout?{query}")).await;
    assert!(page.body.contains("id=\"logout-confirm\""), "{}", page.body);
    let stays = browser.submits_only(&page, &[("action", "cancel")]).await;
    assert_eq!(stays.status, StatusCode::SEE_OTHER);
    assert!(is_signed_in(&mut browser, &app).await);
    let answer = browser.submits(&page, &[("action", "sign_out")]).await;
    assert_eq!(answer.location(), "https://wiki.example/bye?state=s");
}

#[tokio::test]
async fn a_wish_that_is_not_in_order_changes_nothing() {
    let (world, app) = world().await;
    let (mut browser, tokens) = signed_in(&world, &app).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let forged = format!("{}x", hint);
    let access_token = tokens["access_token"].as_str().unwrap();
    for params in [
        vec![("id_token_hint", forged.as_str()), ("post_logout_redirect_uri", BYE)],
        vec![("id_token_hint", "rubbish")],
        vec![("id_token_hint", access_token), ("post_logout_redirect_uri", BYE)],
        vec![("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")],
        vec![("id_token_hint", hint), ("client_id", "other")],
        vec![("post_logout_redirect_uri", BYE)],
        vec![("client_id", "wiki"), ("post_logout_redirect_uri", "https://evil.example/")],
        vec![("client_id", "nobody"), ("post_logout_redirect_uri", BYE)],
    ] {
        let answer = browser.get(&format!("/logout?{}", encode(&params))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{params:?}");
        assert!(answer.body.contains("Sign-out error"), "{params:?}: {}", answer.body);
        assert!(is_signed_in(&mut browser, &app).await, "{params:?}");
    }
}

#[tokio::test]
async fn an_expired_hint_counts() {
    let (world, app) = world().await;
    let (mut browser, tokens) = signed_in(&world, &app).await;
    world.advance(latchkey::protocol::Lifetime::hours(3));
    let hint = tokens["id_token"].as_str().unwrap();
    let query = encode(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)]);
    assert_eq!(browser.get(&format!("/logout?{query}")).await.location(), BYE);
}

#[tokio::test]
async fn nobody_signed_in_is_led_on_without_a_question() {
    let (world, app) = world().await;
    let (_, tokens) = signed_in(&world, &app).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let query = encode(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)]);
    assert_eq!(world.browser().get(&format!("/logout?{query}")).await.location(), BYE);
}

#[tokio::test]
async fn a_forged_confirmation_signs_nobody_out() {
    let (world, app) = world().await;
    let (mut browser, _) = signed_in(&world, &app).await;
    let answer = browser.post("/logout/confirm", &[("csrf", "guess"), ("action", "sign_out")]).await;
    let answer = browser.follow(answer).await;
    assert!(answer.body.contains("id=\"logout-confirm\""), "{}", answer.body);
    assert!(is_signed_in(&mut browser, &app).await);
}

#[tokio::test]
async fn who_is_signed_out_finds_back_to_the_app_that_asked() {
    let (world, app) = world().await;
    let desk = world.app_with("desk", |wanted| wanted.client_uri = Some("https://desk.example/start".into())).await;
    let back = "href=\"https://desk.example/start\"";
    // Asked, and by a hint that needs no question; both in the app's language.
    let (mut browser, _) = signed_in(&world, &desk).await;
    let page = browser.get("/logout?client_id=desk&ui_locales=de").await;
    let page = browser.submits(&page, &[("action", "sign_out")]).await;
    assert!(page.body.contains(back) && page.body.contains("lang=\"de\""), "{}", page.body);
    let (mut browser, tokens) = signed_in(&world, &desk).await;
    let query = encode(&[("id_token_hint", tokens["id_token"].as_str().unwrap()), ("ui_locales", "de")]);
    let done = browser.get(&format!("/logout?{query}")).await;
    let page = browser.follow(done).await;
    assert!(page.body.contains(back) && page.body.contains("lang=\"de\""), "{}", page.body);
    // An app without a home on the web, one that nobody knows, and none at all.
    for query in [format!("?client_id={}", app.id), "?client_id=nobody".into(), String::new()] {
        let page = browser.get(&format!("/logout/done{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert!(page.body.contains("You are signed out") && !page.body.contains("Back to"), "{query}: {}", page.body);
    }
}
