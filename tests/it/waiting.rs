//! Requests that wait for their users: how much of one is kept, and for how long (anybody may begin one).

use axum::http::StatusCode;
use latchkey::{jobs, protocol::Lifetime, store::authorization_requests};

use crate::{
    authorize::asks,
    world::{Answer, World, attribute, encode, field},
};

/// The reference of the request that waits behind a page.
fn reference(page: &Answer) -> String {
    let action = attribute(&page.body, "<form", "action").expect("a form");
    let reference = action.split("request=").nth(1).and_then(|rest| rest.split('&').next());
    reference.expect("a reference").to_owned()
}

/// Delete what is past its time.
async fn tidy(world: &World) -> u64 {
    jobs::tidy(&world.server.store, &world.server.settings.tokens, world.now()).await.expect("tidied")
}

async fn is_kept(world: &World, id: &str) -> bool {
    let mut db = world.server.store.read().await.expect("a connection");
    authorization_requests::find(&mut db, id).await.expect("read").is_some()
}

#[tokio::test]
async fn a_request_that_is_too_large_to_be_kept_is_refused_in_words_and_leaves_nothing() {
    let world = World::new().await;
    let app = world.app("app").await;
    world.user("alice").await;
    let (long, short) = ("x".repeat(16_400), "x".repeat(15_000));
    // Such a letter takes six bytes where it is kept.
    let spaced = "\u{e9}".repeat(3_000);
    for state in [&long, &spaced] {
        let params = asks(&app, "openid", &[("state", state)]);
        let by_get = world.get(&format!("/authorize?{}", encode(&params))).await;
        for answer in [by_get, world.post("/authorize", &[], &params).await] {
            assert!(answer.location().starts_with("https://app.example/cb?"), "{answer:?}");
            assert_eq!(answer.param("error").as_deref(), Some("invalid_request"));
            let told = answer.param("error_description").expect("a description");
            assert!(told.contains("16384") && told.contains("`state`"), "{told}");
            assert_eq!(answer.param("state").as_ref(), Some(state));
        }
    }
    world.advance(Lifetime::days(3));
    assert_eq!(tidy(&world).await, 0, "nothing was kept, not even a browser's cookie");
    // What real clients send is far below, and what need not be kept has no limit of its own.
    let mut browser = world.browser();
    let answer = browser.goes_through(&asks(&app, "openid", &[("state", &short)]), "alice").await;
    assert_eq!(answer.param("state"), Some(short));
    let answer = browser.authorizes(&asks(&app, "openid", &[("state", &long)])).await;
    assert!(answer.param("code").is_some(), "{answer:?}");
}

#[tokio::test]
async fn a_long_posted_request_is_kept_for_a_known_client_alone_and_not_for_long() {
    let world = World::new().await;
    let app = world.app("app").await;
    let long = "x".repeat(4_000);
    let post = async |client: &str| {
        world.post("/authorize", &[], &asks(&app, "openid", &[("client_id", client), ("state", &long)])).await
    };
    assert_eq!(post("nobody").await.status, StatusCode::BAD_REQUEST);
    assert!(post("app").await.location().contains("/authorize/resume?request="));
    world.advance(Lifetime::minutes(6));
    assert_eq!(
        tidy(&world).await,
        1,
        "nobody came for the one, and the other was never kept: anybody could fill the disk"
    );
}

#[tokio::test]
async fn what_a_stranger_leaves_waiting_is_gone_with_its_hour_and_what_a_user_leaves_a_day_later() {
    let world = World::new().await;
    let app = world.app("app").await;
    world.user("alice").await;
    let mut stranger = world.browser();
    let strangers = reference(&stranger.authorizes(&app.asks("openid")).await);
    let mut browser = world.browser();
    let login = browser.authorizes(&app.asks("openid")).await;
    let consent = browser.signs_in(&login, "alice").await;
    let begun_signed_in = browser.authorizes(&app.asks("openid email")).await;
    let picker = browser.authorizes(&asks(&app, "openid", &[("prompt", "select_account")])).await;
    let mine = [&consent, &begun_signed_in, &picker].map(reference);

    world.advance(Lifetime::minutes(59));
    tidy(&world).await;
    assert!(stranger.get(&format!("/login?request={strangers}")).await.body.contains("login-submit"));
    world.advance(Lifetime::minutes(2));
    tidy(&world).await;
    assert!(!is_kept(&world, &strangers).await, "thousands of them fill the disk for no longer than they could wait");
    for (id, page) in mine.iter().zip(["consent", "consent", "login/account"]) {
        let late = browser.get(&format!("/{page}?request={id}")).await;
        assert_eq!(late.status, StatusCode::GONE);
        assert!(attribute(&late.body, "<a class=\"button primary\"", "href").is_some(), "a way on: {late:?}");
    }
    world.advance(Lifetime::days(1));
    tidy(&world).await;
    for id in &mine {
        assert!(!is_kept(&world, id).await);
    }
}

#[tokio::test]
async fn a_user_who_comes_to_a_request_on_the_way_has_it_kept_as_their_own() {
    let world = World::new().await;
    let app = world.app("app").await;
    world.user("alice").await;
    let mut browser = world.browser();
    let params = asks(&app, "openid", &[("prompt", "select_account")]);
    let begun = reference(&browser.authorizes(&params).await);
    // Signed in for something else meanwhile, in another tab.
    let login = browser.get("/login").await;
    browser.signs_in(&login, "alice").await;
    let answer = browser.get(&format!("/authorize/resume?request={begun}")).await;
    let picker = browser.follow(answer).await;
    assert!(field(&picker.body, "csrf").is_some() && picker.body.contains("alice@example.com"), "{picker:?}");
    let consent = browser.submits(&picker, &[("action", "continue")]).await;
    assert!(consent.body.contains("consent-allow"), "{consent:?}");
    world.advance(Lifetime::hours(2));
    tidy(&world).await;
    assert!(is_kept(&world, &begun).await);
}
