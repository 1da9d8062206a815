//! The account home.

use axum::http::StatusCode;
use latchkey::{
    accounts::{self, Changes},
    protocol::Lifetime,
    store::{
        consents,
        grants::{self, Grant},
        users,
    },
};
use serde_json::json;

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
        .submits_only(&page, &[("action", "change_password"), ("password", PASSWORD), ("new_password", NEW_PASSWORD)])
        .await;
    assert!(home(&mut here).await.body.contains("role=\"status\""), "what was done is said");
    assert!(home(&mut here).await.body.contains("alice@example.com"), "this browser stays signed in");
    assert!(
        done.headers
            .get_all("set-cookie")
            .iter()
            .any(|cookie| cookie.to_str().unwrap().starts_with("latchkey-device-8080="))
    );
    assert!(elsewhere.authorizes(&app.asks("openid")).await.body.contains("login-submit"));
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
    let mut later = world.browser();
    let page = home(&mut later).await;
    let page = later.submits(&page, &[("username", "alice"), ("password", NEW_PASSWORD)]).await;
    assert!(page.body.contains("alice@example.com"), "{}", page.body);
}

#[tokio::test]
async fn a_new_password_is_counted_as_it_is_kept() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let page = home(&mut browser).await;
    // Each letter and its accent are one character; a syllable of Hangul is one, in however many parts it was typed.
    for (new, says) in [
        ("e\u{301}".repeat(7), "at least 8 characters"),
        ("e\u{301}".repeat(1025), "1024 characters at most"),
        ("\u{1112}\u{1161}\u{11ab}".repeat(1024), "Your password is changed."),
    ] {
        let fields = [("action", "change_password"), ("password", PASSWORD), ("new_password", new.as_str())];
        let answer = browser.submits(&page, &fields).await;
        assert!(answer.body.contains(says), "{says}: {}", answer.body);
    }
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
async fn every_app_with_access_is_shown_however_often_another_has_been_let_in_since() {
    let (world, wiki) = world().await;
    let chat = world.app("chat").await;
    let mut browser = world.browser();
    browser.goes_through(&wiki.asks("openid"), "alice").await;
    browser.goes_through(&chat.asks("openid"), "alice").await;
    let mut tx = world.server.store.write().await.unwrap();
    let alice = accounts::find_by_username(&mut tx, "alice").await.unwrap().unwrap();
    // By their grants alone: an operator's own app is never asked for.
    consents::forget_user(&mut tx, &alice.sub).await.unwrap();
    let given = grants::list_of_user(&mut tx, &alice.sub, world.now().0).await.unwrap();
    let newer = given.iter().find(|grant| grant.client_id == chat.id).unwrap();
    for n in 0..250 {
        let (id, code_hash, created_at) = (format!("grant-{n}"), format!("code-{n}"), newer.created_at + 1);
        grants::insert(&mut tx, &Grant { id, code_hash, created_at, ..newer.clone() }).await.unwrap();
    }
    tx.commit().await.unwrap();
    let page = home(&mut browser).await;
    for app in [&wiki, &chat] {
        let field = format!("name=\"id\" value=\"{}\"", app.id);
        assert_eq!(page.body.matches(&field).count(), 1, "{}: {}", app.id, page.body);
    }
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

#[tokio::test]
async fn signing_out_everywhere_makes_no_session_last_longer_than_its_login() {
    let world = World::with(|settings| settings.sessions.idle = settings.sessions.absolute).await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = home(&mut browser).await;
    browser.signs_in(&page, "alice").await;
    world.advance(Lifetime::days(29));
    let page = home(&mut browser).await;
    browser.submits(&page, &[("action", "sign_out_everywhere")]).await;
    assert!(home(&mut browser).await.body.contains("alice@example.com"));
    world.advance(Lifetime::days(2));
    assert!(home(&mut browser).await.body.contains("login-submit"));
}

#[tokio::test]
async fn people_change_their_details_and_apps_are_told_at_once() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let tokens = app.redeems(&world, &browser.code(&app, "openid profile phone address", "alice").await).await.ok();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let told = async || {
        let request = axum::http::Request::get("/userinfo").header("authorization", &bearer);
        world.send(request.body(axum::body::Body::empty()).unwrap()).await.ok()
    };
    let page = home(&mut browser).await;
    assert_eq!(crate::world::field(&page.body, "name").as_deref(), Some("alice Example"));
    let details = [
        ("action", "change_details"),
        ("name", "  Alice\tLiddell "),
        ("given_name", "Alice"),
        ("phone_number", "+44 20 7946 0000"),
        ("address", "1 Main St\r\n\r\nOxford\r\n"),
        // What no field of the form is called is nobody's to change here.
        ("locale", "xx"),
        ("email", "queen@example.com"),
        ("preferred_username", "queen"),
        ("phone_number_verified", "true"),
        ("department", "Board"),
    ];
    world.advance(Lifetime::seconds(9));
    let done = browser.submits(&page, &details).await;
    assert!(done.body.contains("role=\"status\"") && done.body.contains("Alice Liddell"), "{}", done.body);
    let expected = json!({
        "name": "Alice Liddell", "given_name": "Alice", "locale": "en", "preferred_username": "alice",
        "phone_number": "+44 20 7946 0000", "address": { "formatted": "1 Main St\nOxford" },
    });
    let now = told().await;
    for (claim, value) in expected.as_object().unwrap() {
        assert_eq!(&now[claim], value, "{now}");
    }
    assert_eq!(now["updated_at"], world.now().0);
    assert_eq!(
        (&now["family_name"], &now["department"], &now["phone_number_verified"]),
        (&json!(null), &json!(null), &json!(null))
    );

    // What is emptied is gone; this browser stays signed in, and so does the app.
    let page = home(&mut browser).await;
    browser
        .submits(&page, &[("action", "change_details"), ("name", " "), ("given_name", "Alice"), ("address", "")])
        .await;
    let now = told().await;
    assert_eq!((&now["name"], &now["address"], &now["phone_number"]), (&json!(null), &json!(null), &json!(null)));
    assert_eq!(now["given_name"], "Alice");
}

#[tokio::test]
async fn details_that_cannot_be_kept_stay_in_the_form() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let page = home(&mut browser).await;
    let long = "x".repeat(201);
    let long_address = format!("1 Main St\n{long}");
    for (fields, says) in [
        ([("action", "change_details"), ("name", "Alice"), ("address", &long_address)], "#address"),
        ([("action", "change_details"), ("name", "Alice"), ("given_name", "a\u{7}b")], "200 characters"),
        ([("action", "change_details"), ("name", "Alice"), ("given_name", &long)], "200 characters"),
        ([("action", "change_details"), ("name", "Alice"), ("phone_number", "call me")], "not a phone number"),
        ([("action", "change_details"), ("name", "Alice"), ("csrf", "of the session before")], "open for too long"),
    ] {
        let answer = browser.submits(&page, &fields).await;
        assert!(answer.body.contains("role=\"alert\"") && answer.body.contains(says), "{says}: {}", answer.body);
        assert!(answer.body.contains("<details class=\"edit\" open>"), "{says}: {}", answer.body);
        assert_eq!(crate::world::field(&answer.body, "name").as_deref(), Some("Alice"), "what was typed stays");
        let marked = answer.body.matches("aria-invalid=\"true\" aria-describedby=").count();
        assert_eq!(marked, usize::from(!says.contains("too long")), "the field says so, too: {}", answer.body);
    }
    let page = home(&mut browser).await;
    assert_eq!(crate::world::field(&page.body, "name").as_deref(), Some("alice Example"), "nothing was saved");
}

#[tokio::test]
async fn an_address_in_parts_is_left_in_parts_until_it_is_changed() {
    let (world, app) = world().await;
    let parts = json!({ "street_address": "1 Main St\nApt. 2", "locality": "Ghent", "country": "BE" });
    let mut browser = world.browser();
    let tokens = app.redeems(&world, &browser.code(&app, "openid address", "alice").await).await.ok();
    let sub = crate::world::claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    let claims = [("address".to_owned(), parts.clone())].into_iter().collect();
    accounts::update(&world.server.store, &sub, Changes { claims, ..Changes::default() }, world.now()).await.unwrap();
    let page = home(&mut browser).await;
    assert!(page.body.contains(">1 Main St\nApt. 2\nGhent\nBE</textarea>"), "{}", page.body);
    let kept = async || {
        let account = accounts::find(&mut world.server.store.read().await.unwrap(), &sub).await.unwrap();
        account.unwrap().claims["address"].clone()
    };
    let same = "1 Main St\r\nApt. 2\r\nGhent\r\nBE";
    browser.submits(&page, &[("action", "change_details"), ("name", "Alice"), ("address", same)]).await;
    assert_eq!(kept().await, parts);
    browser.submits(&page, &[("action", "change_details"), ("name", "Alice"), ("address", "2 Main St")]).await;
    assert_eq!(kept().await, json!({ "formatted": "2 Main St" }));
}

#[tokio::test]
async fn what_a_form_has_done_is_said_once_on_a_page_that_can_be_loaded_again() {
    let (world, app) = world().await;
    let mut here = world.browser();
    here.goes_through(&app.asks("openid"), "alice").await;
    for (fields, says) in [
        (vec![("action", "change_details"), ("name", "Alice Liddell")], "Your details are saved."),
        (vec![("action", "end_access"), ("id", "wiki")], "That app has no access"),
        (vec![("action", "end_session"), ("id", "of nobody")], "That browser is signed out."),
        (vec![("action", "sign_out_everywhere")], "You are signed out everywhere else"),
        (
            vec![("action", "change_password"), ("password", PASSWORD), ("new_password", NEW_PASSWORD)],
            "Your password is changed.",
        ),
    ] {
        let page = home(&mut here).await;
        assert!(!page.body.contains("role=\"status\""), "{}", page.body);
        let done = here.submits_only(&page, &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{says}: {}", done.body);
        assert!(done.location().ends_with("/account"), "{says}: {}", done.location());
        let page = here.follow(done).await;
        assert!(page.body.contains("role=\"status\"") && page.body.contains(says), "{says}: {}", page.body);
    }
    // A notice that was never looked at is not for whoever signs in next.
    let page = home(&mut here).await;
    here.submits_only(&page, &[("action", "change_details"), ("name", "Alice")]).await;
    world.user("bob").await;
    let login = here.authorizes(&crate::authorize::asks(&app, "openid", &[("prompt", "login")])).await;
    here.signs_in(&login, "bob").await;
    assert!(!home(&mut here).await.body.contains("role=\"status\""), "nothing was done for bob");
}

#[tokio::test]
async fn what_cannot_be_saved_says_why_at_the_right_field() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let mut db = world.server.store.read().await.unwrap();
    let alice = accounts::find_by_username(&mut db, "alice").await.unwrap().unwrap();
    drop(db);
    let keep = async |claims: serde_json::Value| {
        let mut tx = world.server.store.write().await.unwrap();
        tx.touch().await.unwrap();
        users::update(&mut tx, &alice.sub, None, false, &claims.to_string(), world.now().0).await.unwrap();
        tx.commit().await.unwrap();
    };
    // So much is kept of her already that an address has no room.
    keep(json!({ "note": "x".repeat(16_000) })).await;
    let page = home(&mut browser).await;
    let address = "A long line of an address in a long street of a long town\n".repeat(9);
    let answer = browser.submits(&page, &[("action", "change_details"), ("name", "Al"), ("address", &address)]).await;
    assert!(
        answer.body.contains("<a href=\"#address\">") && answer.body.contains("Please shorten it"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("id=\"address-wrong\""), "{}", answer.body);
    // What else is kept of her cannot be any more: that is nothing she can shorten.
    keep(json!({ "birthdate": "12.4.1985" })).await;
    let page = home(&mut browser).await;
    let answer = browser.submits(&page, &[("action", "change_details"), ("name", "Alice")]).await;
    assert!(answer.body.contains("role=\"alert\"") && !answer.body.contains("shorten"), "{}", answer.body);
    assert!(answer.body.contains("people who run Latchkey"), "{}", answer.body);
    assert_eq!(crate::world::field(&answer.body, "name").as_deref(), Some("Alice"), "what was typed stays");
}

#[tokio::test]
async fn who_was_signed_out_elsewhere_hears_that_the_form_came_to_nothing() {
    let (world, app) = world().await;
    let (mut here, mut there) = (world.browser(), world.browser());
    here.goes_through(&app.asks("openid"), "alice").await;
    there.goes_through(&app.asks("openid"), "alice").await;
    let page = home(&mut here).await;
    let elsewhere = home(&mut there).await;
    there.submits(&elsewhere, &[("action", "sign_out_everywhere")]).await;
    let login = here.submits(&page, &[("action", "change_details"), ("name", "Alice Liddell")]).await;
    assert!(login.body.contains("login-submit") && login.body.contains("nothing was changed"), "{}", login.body);
    assert!(!home(&mut here).await.body.contains("nothing was changed"), "it is said once");
    let home = here.signs_in(&login, "alice").await;
    assert!(home.body.contains("alice Example"), "{}", home.body);
}
