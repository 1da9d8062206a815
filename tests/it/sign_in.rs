//! The way of a user through sign-in and consent to the app, and whatever can happen on it.

use std::task::{Context, Poll, Waker};

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use latchkey::{
    accounts::{self, Queue},
    orgs,
    protocol::{Error, Lifetime},
};

use crate::world::{App, ISSUER, PASSWORD, World, field};

async fn world() -> (World, App) {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    (world, app)
}

#[tokio::test]
async fn a_user_signs_in_says_yes_and_arrives_at_the_app_with_a_code() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid email")).await;
    assert!(page.body.contains(">Sign in</h1>"), "{}", page.body);
    assert!(page.body.contains("The wiki") && page.body.contains("wiki.example"), "{}", page.body);
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.body.contains("alice@example.com"), "{}", page.body);
    let answer = browser.allows(&page).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location().starts_with("https://wiki.example/cb?code=lkc_"), "{}", answer.location());
    assert_eq!(answer.param("state").as_deref(), Some("s-t-a-t-e"));
    assert_eq!(answer.param("iss").as_deref(), Some(ISSUER));
}

#[tokio::test]
async fn what_was_allowed_once_is_not_asked_again() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid email"), "alice").await;
    assert!(browser.authorizes(&app.asks("openid")).await.param("code").is_some());
    let page = browser.authorizes(&app.asks("openid email phone")).await;
    assert!(page.body.contains("consent-allow"), "{}", page.body);
}

#[tokio::test]
async fn a_user_who_says_no_returns_to_the_app_with_that_word() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    let answer = browser.submits(&page, &[("action", "cancel")]).await;
    assert_eq!(answer.param("error").as_deref(), Some("access_denied"));
    let page = browser.authorizes(&app.asks("openid")).await;
    let page = browser.signs_in(&page, "alice").await;
    let answer = browser.submits(&page, &[("action", "deny")]).await;
    assert_eq!(answer.param("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same_and_keep_the_name() {
    let (world, app) = world().await;
    let mut bodies = Vec::new();
    for username in ["alice", "nonesuch"] {
        let mut browser = world.browser();
        let page = browser.authorizes(&app.asks("openid")).await;
        let answer = browser.submits(&page, &[("username", username), ("password", "wrong wrong")]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(field(&answer.body, "username").as_deref(), Some(username));
        let csrf = field(&answer.body, "csrf").unwrap();
        let request = answer.body.split("request=").nth(1).unwrap().split(['&', '"']).next().unwrap().to_owned();
        let id = answer.header("x-request-id").to_owned();
        let body =
            answer.body.replace(&csrf, "CSRF").replace(&request, "R").replace(&id, "ID").replace(username, "NAME");
        bodies.push(body);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(world.server.passwords.runs() - 1, 2, "both cost one hash (and making alice cost one)");
}

#[tokio::test]
async fn the_session_has_another_id_after_the_sign_in() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    let before = browser.cookies.clone();
    assert!(before.iter().any(|(name, _)| name == "latchkey-8080"), "{before:?}");
    let answer = browser.submits_only(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    let after = browser.cookies.clone();
    assert_ne!(before[0], after[0]);
    let set = answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned());
    // But for the one that scripts of apps compare with what they know.
    for cookie in set.filter(|cookie| !cookie.starts_with("latchkey-state-8080=")) {
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
            "{cookie}"
        );
    }
    // Whoever planted the old id has nothing.
    let mut planted = world.browser();
    planted.cookies = before;
    assert!(planted.authorizes(&app.asks("openid")).await.body.contains("login-submit"));
}

#[tokio::test]
async fn under_https_the_cookies_are_bound_to_the_host() {
    let world = World::with(|settings| "https://id.example".clone_into(&mut settings.issuer)).await;
    let app = world.app("wiki").await;
    let answer = world.get(&format!("/authorize?{}", crate::world::encode(&app.asks("openid")))).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-latchkey="), "{cookie}");
    assert!(cookie.contains("Secure"), "{cookie}");
    assert!(answer.location().starts_with("https://id.example/login?request="), "{}", answer.location());
    assert!(answer.header("strict-transport-security").contains("max-age"));
}

#[tokio::test]
async fn a_form_from_another_site_changes_nothing() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    let action = crate::world::attribute(&page.body, "<form", "action").unwrap();
    let csrf = field(&page.body, "csrf").unwrap();
    let body = crate::world::encode(&[("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)]);
    for origin in ["https://evil.example", "null"] {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", origin)];
        let answer = browser.send(Method::POST, &action, Body::from(body.clone()), &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
    }
    let headers = [("content-type", "text/plain"), ("origin", ISSUER)];
    let answer = browser.send(Method::POST, &action, Body::from(body), &headers).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = browser.post(&action, &[("csrf", "other"), ("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::OK, "an expired page offers to go on");
    assert!(answer.body.contains("login-submit"), "{}", answer.body);
    assert!(browser.authorizes(&app.asks("openid")).await.body.contains("login-submit"), "nobody was signed in");
}

#[tokio::test]
async fn one_approval_gives_one_code_and_the_second_click_ends_well() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    let page = browser.signs_in(&page, "alice").await;
    let first = browser.submits_only(&page, &[("action", "allow")]).await;
    let code = first.param("code").expect("a code");
    let second = browser.submits_only(&page, &[("action", "allow")]).await;
    assert_eq!(second.location(), first.location(), "no second code from one approval");
    app.redeems(&world, &code).await.ok();
    let third = browser.submits_only(&page, &[("action", "allow")]).await;
    assert!(third.location().starts_with(ISSUER), "{}", third.location());
    let answer = browser.follow(third).await;
    assert!(answer.param("code").is_some_and(|other| other != code), "the request goes on: {}", answer.location());
}

#[tokio::test]
async fn two_tabs_both_arrive() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let left = browser.authorizes(&app.asks("openid")).await;
    let right = browser.authorizes(&app.asks("openid email")).await;
    let left = browser.signs_in(&left, "alice").await;
    assert!(browser.allows(&left).await.param("code").is_some());
    // The right tab still shows the login form of before.
    let right = browser.signs_in(&right, "alice").await;
    let answer = browser.allows(&right).await;
    assert!(answer.param("code").is_some());
}

#[tokio::test]
async fn the_back_button_after_the_end_begins_again() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let login = browser.authorizes(&app.asks("openid")).await;
    let consent = browser.signs_in(&login, "alice").await;
    browser.allows(&consent).await;
    let request = consent.body.split("request=").nth(1).unwrap().split(['&', '"']).next().unwrap().to_owned();
    for path in ["/login", "/consent", "/authorize/resume"] {
        let answer = browser.get(&format!("{path}?request={request}")).await;
        let answer = browser.follow(answer).await;
        assert!(answer.param("code").is_some(), "{path}: {} {}", answer.status, answer.location());
    }
}

#[tokio::test]
async fn a_request_waits_in_the_browser_that_began_it() {
    let (world, app) = world().await;
    let mut alice = world.browser();
    let page = alice.authorizes(&app.asks("openid")).await;
    let page = alice.signs_in(&page, "alice").await;
    let request = page.body.split("request=").nth(1).unwrap().split(['&', '"']).next().unwrap().to_owned();
    // Somebody else follows the link: the request begins anew, in their browser, with nobody signed in.
    let mut mallory = world.browser();
    let answer = mallory.get(&format!("/consent?request={request}")).await;
    let answer = mallory.follow(answer).await;
    assert!(answer.body.contains("login-submit"), "{}", answer.body);
}

#[tokio::test]
async fn a_request_that_waited_too_long_says_so() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    world.advance(Lifetime::hours(2));
    let answer = browser.submits(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(answer.body.contains("x-request-id") || answer.body.contains(answer.header("x-request-id")));
    let go_on = crate::world::attribute(&answer.body, "<a class=\"button primary\"", "href").expect("a way on");
    let page = browser.get(&go_on).await;
    let page = browser.follow(page).await;
    let page = browser.signs_in(&page, "alice").await;
    let answer = browser.allows(&page).await;
    assert!(answer.param("code").is_some() && answer.param("state").as_deref() == Some("s-t-a-t-e"));
}

#[tokio::test]
async fn what_waited_too_long_in_another_browser_is_nobody_elses() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    let action = crate::world::attribute(&page.body, "<form", "action").unwrap();
    world.advance(Lifetime::hours(2));
    for path in [action.as_str(), "/login?request=never-was"] {
        let answer = world.browser().get(path).await;
        assert_eq!(answer.status, StatusCode::GONE, "{path}");
        assert!(!answer.body.contains("n-o-n-c-e") && !answer.body.contains("button primary"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_page_that_no_app_has_led_to_does_not_say_that_its_time_is_over() {
    let (world, _) = world().await;
    for path in ["/consent", "/login/account", "/authorize/resume", "/consent?request="] {
        let answer = world.browser().get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(!answer.body.contains("too long"), "{path}: {}", answer.body);
        assert!(answer.body.contains("begin again") && answer.body.contains("href=\"/account\""), "{path}");
    }
    for path in ["/consent", "/login/account"] {
        assert_eq!(world.browser().post(path, &[("action", "allow")]).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn a_consent_page_that_changed_underneath_is_shown_again() {
    let world = World::new().await;
    let app = world.app("wiki").await;
    world.resource("https://kb.example", "kb:read kb:delete", |_| {}).await;
    let alice = world.user("alice").await;
    let bob = world.user("bob").await;
    let org = world.org("acme", &[(&bob, "owner"), (&alice, "admin")]).await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid kb:read kb:delete")).await;
    let page = browser.signs_in(&page, "alice").await;
    orgs::set_member_role(&world.server.store, &org, &alice, "viewer", world.now()).await.unwrap();
    let page = browser.submits(&page, &[("action", "allow"), ("org", &org)]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("consent-allow") && page.body.contains("role=\"alert\""), "{}", page.body);
    assert!(browser.allows(&page).await.param("code").is_some());
}

#[tokio::test]
async fn several_organisations_are_a_choice() {
    let world = World::new().await;
    let app = world.app("wiki").await;
    let alice = world.user("alice").await;
    world.org("acme", &[(&alice, "owner")]).await;
    let globex = world.org("globex", &[(&alice, "owner")]).await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid org")).await;
    let page = browser.signs_in(&page, "alice").await;
    let silent = [app.asks("openid org"), vec![("prompt", "none")]].concat();
    let told = browser.authorizes(&silent).await.param("error");
    assert_eq!(told.as_deref(), Some("interaction_required"));
    let none = browser.submits(&page, &[("action", "allow")]).await;
    assert!(none.body.contains("role=\"alert\""), "{}", none.body);
    let answer = browser.submits(&none, &[("action", "allow"), ("org", &globex)]).await;
    let code = answer.param("code").expect("a code");
    let tokens = app.redeems(&world, &code).await.ok();
    let claims = crate::world::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["org_slug"], "globex");
    assert_eq!(claims["role"], "owner");
}

#[tokio::test]
async fn a_throttled_login_says_when_to_try_again_and_lets_a_known_device_in() {
    let (world, app) = world().await;
    let mut known = world.browser();
    known.goes_through(&app.asks("openid"), "alice").await;
    let mut stranger = world.browser();
    let mut answer = stranger.authorizes(&app.asks("openid")).await;
    for _ in 0..100 {
        answer = stranger.submits(&answer, &[("username", "alice"), ("password", "guess guess")]).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.header("retry-after").parse::<i64>().unwrap() > 0);
    // The right password does not help the guesser, and the owner's browser is not locked out.
    let still = stranger.signs_in(&answer, "alice").await;
    assert_eq!(still.status, StatusCode::TOO_MANY_REQUESTS);
    known.cookies.retain(|(name, _)| name == "latchkey-device-8080");
    let page = known.authorizes(&app.asks("openid")).await;
    assert!(known.signs_in(&page, "alice").await.param("code").is_some());
}

#[tokio::test]
async fn when_too_many_sign_in_at_once_the_next_one_is_asked_to_try_again() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    // Those who have a turn keep it, and the others wait, until there is no place left.
    let passwords = &world.server.passwords;
    let (mut turns, mut waiting) = (Vec::new(), Vec::new());
    let refused = loop {
        let mut turn = Box::pin(passwords.turn(Queue::Strangers));
        match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(turn)) => turns.push(turn),
            Poll::Ready(Err(Error::Refused(refusal))) => break refusal,
            Poll::Ready(Err(fault)) => panic!("{fault}"),
            Poll::Pending => waiting.push(turn),
        }
    };
    assert_eq!(refused.code.as_str(), "temporarily_unavailable");
    let busy = browser.signs_in(&page, "alice").await;
    assert_eq!((busy.status, busy.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    drop((turns, waiting));
    let consent = browser.signs_in(&busy, "alice").await;
    assert!(browser.allows(&consent).await.param("code").is_some());
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_session_in_this_browser_too() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let mut db = world.server.store.read().await.unwrap();
    let account = accounts::find_by_username(&mut db, "alice").await.unwrap().unwrap();
    drop(db);
    accounts::sign_out_everywhere(&world.server.store, &account.sub, world.now()).await.unwrap();
    assert!(browser.authorizes(&app.asks("openid")).await.body.contains("login-submit"));
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    for _ in 0..3 {
        world.advance(Lifetime::hours(11));
        assert!(browser.authorizes(&app.asks("openid")).await.param("code").is_some());
    }
    world.advance(Lifetime::hours(13));
    assert!(browser.authorizes(&app.asks("openid")).await.body.contains("login-submit"));
}

#[tokio::test]
async fn proving_again_who_one_is_keeps_what_was_given_and_another_user_ends_it() {
    let (world, app) = world().await;
    world.user("bob").await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let access_token = tokens["access_token"].as_str().unwrap();
    let is_active = async || {
        // As a node does all the time: what it remembers is believed.
        world.server.store.look_for_changes().await.unwrap();
        app.post(&world, "/introspect", &[("token", access_token)]).await.ok()["active"].as_bool().unwrap()
    };
    assert!(is_active().await);
    let mut again = app.asks("openid");
    again.push(("prompt", "login"));
    let page = browser.authorizes(&again).await;
    assert!(browser.signs_in(&page, "alice").await.param("code").is_some());
    assert!(is_active().await);
    let page = browser.authorizes(&again).await;
    browser.signs_in(&page, "bob").await;
    assert!(!is_active().await, "alice's session ended when bob took the browser over");
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
}

#[tokio::test]
async fn an_app_that_the_operator_registered_is_not_called_unverified() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    assert!(page.body.contains("login-submit") && !page.body.contains("Not verified"), "{}", page.body);
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.body.contains("consent-allow") && !page.body.contains("Not verified"), "{}", page.body);
}

#[tokio::test]
async fn the_organisations_that_will_be_told_are_shown() {
    let world = World::new().await;
    let app = world.app("wiki").await;
    let alice = world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid orgs")).await;
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.body.contains("your role in each") && !page.body.contains("acme"), "{}", page.body);
    world.org("globex", &[(&alice, "viewer")]).await;
    world.org("acme", &[(&alice, "owner")]).await;
    let page = browser.authorizes(&app.asks("openid orgs")).await;
    assert!(page.body.contains("acme: owner, globex: viewer"), "{}", page.body);
    let page = browser.authorizes(&app.asks("openid email")).await;
    assert!(page.body.contains("consent-allow") && !page.body.contains("acme"), "who does not ask is told nothing");
}

#[tokio::test]
async fn a_page_that_was_open_too_long_says_so_and_the_same_request_goes_on() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let login = browser.authorizes(&app.asks("openid")).await;
    let consent = browser.signs_in(&login, "alice").await;
    let stale = browser.submits(&consent, &[("action", "allow"), ("csrf", "of the session before")]).await;
    assert!(stale.body.contains("open for too long") && stale.body.contains("consent-allow"), "{}", stale.body);
    assert!(browser.allows(&stale).await.param("code").is_some());

    let mut again = app.asks("openid");
    again.push(("prompt", "select_account"));
    let choice = browser.authorizes(&again).await;
    let stale = browser.submits(&choice, &[("action", "continue"), ("csrf", "of the session before")]).await;
    assert!(stale.body.contains("open for too long") && stale.body.contains("continue"), "{}", stale.body);
    assert!(browser.submits(&stale, &[("action", "continue")]).await.param("code").is_some());
}

#[tokio::test]
async fn who_is_signed_in_as_another_than_the_app_expects_hears_why_they_are_asked() {
    let (world, app) = world().await;
    world.user("bob").await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let mut expecting = app.asks("openid");
    expecting.push(("id_token_hint", tokens["id_token"].as_str().unwrap()));
    let why = "sign in with the account that the app expects";
    // Nobody is signed in, or alice is and shall prove it again: there is nothing to explain.
    let page = world.browser().authorizes(&expecting).await;
    assert!(page.body.contains("login-submit") && !page.body.contains(why), "{}", page.body);
    let mut anew = expecting.clone();
    anew.push(("prompt", "login"));
    let page = browser.authorizes(&anew).await;
    assert!(page.body.contains("login-submit") && !page.body.contains(why), "{}", page.body);

    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "bob").await;
    let page = browser.authorizes(&expecting).await;
    assert!(page.body.contains(why), "{}", page.body);
    assert!(page.body.contains("<title>Sign in"), "nothing has gone wrong: {}", page.body);
    let page = browser.signs_in(&page, "alice").await;
    assert!(page.param("code").is_some(), "{} {}", page.status, page.body);
}
