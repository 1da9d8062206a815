//! The account home.

use axum::http::StatusCode;

use crate::world::{App, Browser, PASSWORD, World};

const NEW_PASSWORD: &str = "an even better horse";

async fn world() -> (World, App) {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    (world, app)
}

async fn home(browser: &mut Browser<'_>) -> crate::world::Answer {
    let answer = browser.get("/account").await;
    browser.follow(answer).await
}

#[tokio::test]
async fn signing_in_without_an_app_leads_to_the_account() {
    let (world, _) = world().await;
    let mut browser = world.browser();
    let page = home(&mut browser).await;
    assert!(page.body.contains("login-submit"), "{}", page.body);
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.body.contains("alice@example.com"), "{}", page.body);
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_every_grant() {
    let (world, app) = world().await;
    let mut elsewhere = world.browser();
    let code = elsewhere.code(&app, "openid offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let mut here = world.browser();
    let page = home(&mut here).await;
    let page = here.signs_in(&page, "alice").await;
    let wrong = here
        .submits(&page, &[("action", "change_password"), ("password", "wrong"), ("new_password", NEW_PASSWORD)])
        .await;
    assert!(wrong.body.contains("role=\"alert\""), "{}", wrong.body);
    let short =
        here.submits(&page, &[("action", "change_password"), ("password", PASSWORD), ("new_password", "short")]).await;
    assert!(short.body.contains("role=\"alert\""), "{}", short.body);
    assert!(elsewhere.authorizes(&app.asks("openid")).await.headers.get("location").is_some());
    let done = here
        .submits(&page, &[("action", "change_password"), ("password", PASSWORD), ("new_password", NEW_PASSWORD)])
        .await;
    assert!(done.body.contains("role=\"status\""), "{}", done.body);
    assert!(home(&mut here).await.body.contains("alice@example.com"), "this browser stays signed in");
    assert!(
        done.headers
            .get_all("set-cookie")
            .iter()
            .any(|cookie| cookie.to_str().unwrap().starts_with("latchkey-device="))
    );
    assert!(elsewhere.authorizes(&app.asks("openid")).await.body.contains("login-submit"));
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
    let mut later = world.browser();
    let page = home(&mut later).await;
    let page = later.submits(&page, &[("username", "alice"), ("password", NEW_PASSWORD)]).await;
    assert!(page.body.contains("alice@example.com"), "{}", page.body);
}

#[tokio::test]
async fn an_app_that_is_taken_back_has_no_access_and_is_asked_for_again() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let page = home(&mut browser).await;
    assert!(page.body.contains("The wiki"), "{}", page.body);
    let page = browser.submits(&page, &[("action", "end_access"), ("id", &app.id)]).await;
    assert!(!page.body.contains("wiki.example"), "{}", page.body);
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
    assert!(browser.authorizes(&app.asks("openid")).await.body.contains("consent-allow"));
}

#[tokio::test]
async fn a_session_is_ended_from_another_browser_and_never_somebody_elses() {
    let (world, app) = world().await;
    world.user("bob").await;
    let sid = |browser: &Browser<'_>| browser.cookies.clone();
    let (mut alice, mut phone, mut bob) = (world.browser(), world.browser(), world.browser());
    alice.goes_through(&app.asks("openid"), "alice").await;
    phone
        .headers
        .push(("user-agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1".to_owned()));
    phone.goes_through(&app.asks("openid"), "alice").await;
    bob.goes_through(&app.asks("openid"), "bob").await;
    assert_ne!(sid(&alice), sid(&phone));
    let page = home(&mut alice).await;
    assert!(page.body.contains("iPhone"), "{}", page.body);
    let ids: Vec<String> = page
        .body
        .match_indices("value=\"end_session\"")
        .filter_map(|(at, _)| {
            let form = page.body[..at].rfind("<form")?;
            crate::world::field(&page.body[form..], "id")
        })
        .collect();
    assert_eq!(ids.len(), 1, "this browser is ended by signing out: {}", page.body);
    let bobs = home(&mut bob).await;
    for id in &ids {
        bob.submits(&bobs, &[("action", "end_session"), ("id", id)]).await;
    }
    assert!(phone.authorizes(&app.asks("openid")).await.param("code").is_some(), "bob ended nothing");
    let answer = alice.submits(&page, &[("action", "end_session"), ("id", &ids[0])]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(phone.authorizes(&app.asks("openid")).await.body.contains("login-submit"));
    assert!(alice.authorizes(&app.asks("openid")).await.param("code").is_some());
}

#[tokio::test]
async fn signing_out_everywhere_keeps_this_browser() {
    let (world, app) = world().await;
    let (mut here, mut there) = (world.browser(), world.browser());
    here.goes_through(&app.asks("openid"), "alice").await;
    there.goes_through(&app.asks("openid"), "alice").await;
    let page = home(&mut here).await;
    here.submits(&page, &[("action", "sign_out_everywhere")]).await;
    assert!(there.authorizes(&app.asks("openid")).await.body.contains("login-submit"));
    assert!(here.authorizes(&app.asks("openid")).await.param("code").is_some());
}
