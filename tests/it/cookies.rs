//! A browser that keeps no cookies: whoever sits in front of it hears why nothing works, and is not sent in circles.

use axum::http::StatusCode;

use crate::world::{PASSWORD, World, encode};

#[tokio::test]
async fn a_browser_without_cookies_is_told_so_by_the_app_request_that_needs_one() {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    let mut browser = world.browser();
    let mut path = format!("/authorize?{}", encode(&app.asks("openid")));
    let mut answer = browser.get(&path).await;
    for _ in 0..6 {
        browser.cookies.clear();
        if answer.status != StatusCode::SEE_OTHER {
            break;
        }
        path = answer.location().to_owned();
        answer = browser.get(&path).await;
    }
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "it ends: {answer:?}");
    assert!(answer.body.contains("Your browser keeps no cookies"), "{}", answer.body);
    // Once they are allowed, the same request goes on.
    let go_on = crate::world::attribute(&answer.body, "<a class=\"button primary\"", "href").expect("a way on");
    let page = browser.get(&go_on).await;
    let page = browser.follow(page).await;
    let page = browser.signs_in(&page, "alice").await;
    assert_eq!(browser.allows(&page).await.param("state").as_deref(), Some("s-t-a-t-e"));
}

#[tokio::test]
async fn a_sign_in_without_a_cookie_is_told_so_and_can_be_sent_again() {
    let world = World::new().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get("/login").await;
    browser.cookies.clear();
    let page = browser.submits(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert!(page.body.contains("has sent no cookie") && !page.body.contains("too long"), "{}", page.body);
    assert_eq!(crate::world::field(&page.body, "username").as_deref(), Some("alice"), "the name stays");
    let home = browser.signs_in(&page, "alice").await;
    assert!(home.body.contains("alice@example.com"), "{}", home.body);
    // A cookie that nobody knows any more is no missing cookie.
    let mut late = world.browser();
    let page = late.get("/login").await;
    late.cookies = vec![("latchkey-8080".to_owned(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned())];
    let page = late.submits(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert!(page.body.contains("too long"), "{}", page.body);
}

#[tokio::test]
async fn servers_on_two_ports_of_one_host_keep_their_cookies_apart() {
    let here = World::new().await;
    let there = World::with(|settings| settings.issuer = "http://localhost:9090".to_owned()).await;
    for world in [&here, &there] {
        world.user("alice").await;
    }
    let mut browser = here.browser();
    let page = browser.get("/login").await;
    browser.signs_in(&page, "alice").await;
    // A browser sends the cookies of a host to each of its ports.
    let mut same = there.browser();
    same.cookies = browser.cookies.clone();
    let csrf = crate::world::field(&same.get("/login").await.body, "csrf").expect("a form");
    let sent: Vec<String> = same.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers = [("origin", "http://localhost:9090"), ("cookie", &sent.join("; "))];
    let fields = [("csrf", csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
    same.keep_cookies(&there.post("/login", &headers, &fields).await);
    browser.cookies = same.cookies.clone();
    for browser in [&mut browser, &mut same] {
        let home = browser.get("/account").await;
        assert!(home.body.contains("alice@example.com"), "{home:?}");
    }
}
