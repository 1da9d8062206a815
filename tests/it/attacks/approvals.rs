//! J, cases 62 to 65: what a consent and a login are worth, and for how often.

use axum::http::StatusCode;
use latchkey::{
    accounts,
    clients::registration::{self, Wanted},
    protocol::{AuthMethod, Lifetime},
};

use super::{at_once, is_alive, member, on_a_page, site, told};
use crate::{
    authorize::asks,
    world::{Answer, App, Browser, ISSUER, PASSWORD, World, attribute, claims, encode, field},
};

/// The action of the page's form, cut at its parameters.
fn action_of(page: &Answer) -> (String, Vec<(String, String)>) {
    let action = attribute(&page.body, "<form", "action").expect("a form");
    let (path, query) = action.split_once('?').expect("a query");
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    (path.to_owned(), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The reference of the request that waits behind a page.
fn request_of(page: &Answer) -> String {
    action_of(page).1.into_iter().find(|(name, _)| name == "request").expect("a reference").1
}

fn content_of(page: &Answer) -> String {
    action_of(page).1.into_iter().find(|(name, _)| name == "content").expect("a fingerprint").1
}

/// What the app gets for a code: the scope, and whose it is.
async fn given(world: &World, app: &App, code: &str) -> (String, String) {
    let tokens = app.redeems(world, code).await.ok();
    let sub = claims(&member(&tokens, "id_token"))["sub"].as_str().unwrap().to_owned();
    (member(&tokens, "scope"), sub)
}

#[tokio::test]
async fn case_62_a_consent_is_for_the_request_the_app_the_user_and_the_scopes_that_were_shown() {
    let (world, app) = site().await;
    let other = world.app("other").await;
    world.user("bob").await;
    let mut browser = world.browser();
    let small = browser.authorizes(&app.asks("openid")).await;
    let small = browser.signs_in(&small, "alice").await;
    let large = browser.authorizes(&app.asks("openid email phone offline_access")).await;
    let foreign = browser.authorizes(&other.asks("openid")).await;
    let mut bobs = world.browser();
    let bob = bobs.authorizes(&app.asks("openid")).await;
    let bob = bobs.signs_in(&bob, "bob").await;
    let (own, csrf) = (content_of(&small), field(&small.body, "csrf").unwrap());
    let allow = [("csrf", csrf.as_str()), ("action", "allow")];
    // What was shown for one thing is sent for another; or for none, or is made up.
    for (page, content) in [
        (&large, own.clone()),
        (&foreign, own.clone()),
        (&large, content_of(&foreign)),
        (&small, content_of(&large)),
        (&small, content_of(&bob)),
        (&large, String::new()),
        (&large, "x".to_owned()),
        (&large, own[1..].to_owned()),
        (&small, own.to_lowercase()),
    ] {
        let path = format!("/consent?request={}&content={content}", request_of(page));
        let answer = browser.post(&path, &allow).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer.body.contains("consent-allow") && answer.body.contains("role=\"alert\""), "{}", answer.body);
    }
    let answer = browser.post(&format!("/consent?request={}", request_of(&large)), &allow).await;
    assert!(answer.body.contains("consent-allow"), "{answer:?}");
    // Another's request, with its own fingerprint and one's own token: it begins anew, as oneself.
    let answer =
        browser.post(&format!("/consent?request={}&content={}", request_of(&bob), content_of(&bob)), &allow).await;
    let page = browser.follow(answer).await;
    assert!(page.body.contains("alice@example.com") && !page.body.contains("bob@"), "{}", page.body);
    // More fields say nothing: what is granted is what waits here.
    let path = attribute(&small.body, "<form", "action").unwrap();
    let more = [
        ("scope", "openid email phone offline_access kb:read"),
        ("client_id", "other"),
        ("redirect_uri", "https://evil.test/cb"),
        ("sub", "bob"),
        ("claims", "{\"id_token\":{\"email\":null}}"),
        ("org", "acme"),
        ("resource", "https://kb.example"),
    ];
    let answer = browser.post(&path, &[&allow[..], &more].concat()).await;
    let code = answer.param("code").expect("a code");
    assert!(answer.location().starts_with(&app.redirect_uri), "{}", answer.location());
    let alice = accounts::find_by_username(&mut world.server.store.read().await.unwrap(), "alice").await;
    assert_eq!(given(&world, &app, &code).await, ("openid".to_owned(), alice.unwrap().unwrap().sub));
    // And nothing else has been remembered.
    for scope in ["openid email", "openid phone", "openid offline_access"] {
        let silent = asks(&app, scope, &[("prompt", "none")]);
        assert_eq!(told(&browser.authorizes(&silent).await, &app, scope), "consent_required");
    }
    let silent = asks(&other, "openid", &[("prompt", "none")]);
    assert_eq!(told(&browser.authorizes(&silent).await, &other, "another app"), "consent_required");
}

#[tokio::test]
async fn case_62_what_was_added_after_the_page_was_shown_is_shown_first() {
    let (world, _) = site().await;
    let registered = |scope: &str| Wanted { scope: Some(scope.to_owned()), ..Wanted::default() };
    let app = world.app_with("late", |wanted| wanted.scope = Some("openid".to_owned())).await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid email phone")).await;
    let page = browser.signs_in(&page, "alice").await;
    let wider = registered("openid email phone");
    let registry = &world.server.registry;
    registration::update(registry, &app.id, wider, world.now(), &world.server.random).await.unwrap();
    let again = browser.submits(&page, &[("action", "allow")]).await;
    assert!(again.body.contains("role=\"alert\"") && again.body.contains("alice@example.com"), "{}", again.body);
    let (scope, _) = given(&world, &app, &browser.allows(&again).await.param("code").expect("a code")).await;
    assert_eq!(scope, "openid email phone");
    // An app that is disabled, or whose address was taken away, under the open page.
    let page = browser.authorizes(&asks(&app, "openid", &[("prompt", "consent")])).await;
    let elsewhere = Wanted { redirect_uris: Some(vec!["https://late.example/new".to_owned()]), ..Wanted::default() };
    registration::update(registry, &app.id, elsewhere, world.now(), &world.server.random).await.unwrap();
    on_a_page(&browser.submits(&page, &[("action", "allow")]).await, "its address is gone");
    on_a_page(&browser.submits(&page, &[("action", "deny")]).await, "its address is gone");
}

#[tokio::test]
async fn case_62_another_user_in_the_same_browser_is_asked_again() {
    let (world, app) = site().await;
    world.user("bob").await;
    let mut browser = world.browser();
    let alices = browser.authorizes(&app.asks("openid email")).await;
    let alices = browser.signs_in(&alices, "alice").await;
    let page = browser.authorizes(&asks(&app, "openid", &[("prompt", "login")])).await;
    browser.signs_in(&page, "bob").await;
    let answer = browser.submits(&alices, &[("action", "allow")]).await;
    assert!(answer.body.contains("bob@example.com") && answer.body.contains("consent-allow"), "{}", answer.body);
    // With bob's token in it, alice's form is still alice's.
    let csrf = field(&answer.body, "csrf").unwrap();
    let answer = browser.submits(&alices, &[("action", "allow"), ("csrf", &csrf)]).await;
    assert!(answer.body.contains("consent-allow") && answer.body.contains("role=\"alert\""), "{}", answer.body);
}

#[tokio::test]
async fn case_62_an_app_on_the_users_device_is_asked_for_every_time() {
    let (world, _) = site().await;
    for (id, redirect_uri) in [("loopback", "http://127.0.0.1/cb"), ("scheme", "com.example.app:/cb")] {
        let app = world
            .app_with(id, |wanted| {
                wanted.redirect_uris = Some(vec![redirect_uri.to_owned()]);
                wanted.post_logout_redirect_uris = None;
                wanted.token_endpoint_auth_method = Some(AuthMethod::None);
                wanted.first_party = Some(true);
            })
            .await;
        let mut browser = world.browser();
        for _ in 0..2 {
            let mut page = browser.authorizes(&app.asks("openid")).await;
            if page.body.contains("login-submit") {
                page = browser.signs_in(&page, "alice").await;
            }
            assert!(browser.allows(&page).await.param("code").is_some());
        }
        let silent = browser.authorizes(&asks(&app, "openid", &[("prompt", "none")])).await;
        assert_eq!(told(&silent, &app, id), "consent_required");
    }
}

#[tokio::test]
async fn case_63_prompt_none_never_shows_a_page_and_never_gives_what_was_not_allowed() {
    let (world, app) = site().await;
    world.user("bob").await;
    let silent = |more: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        [&[("prompt", "none")][..], more].concat()
    };
    let mut browser = world.browser();
    let asked = async |browser: &mut Browser<'_>, change: &[(&str, &str)]| {
        let answer = browser.authorizes(&asks(&app, "openid email", change)).await;
        told(&answer, &app, &format!("{change:?}"))
    };
    assert_eq!(asked(&mut browser, &silent(&[])).await, "login_required");
    assert_eq!(asked(&mut browser, &silent(&[("max_age", "0")])).await, "login_required");
    for prompt in ["none login", "none consent", "none select_account", "none create", "NONE", "none x"] {
        assert_eq!(asked(&mut browser, &[("prompt", prompt)]).await, "invalid_request", "{prompt}");
    }
    let page = browser.authorizes(&app.asks("openid")).await;
    let consent = browser.signs_in(&page, "alice").await;
    assert_eq!(asked(&mut browser, &silent(&[])).await, "consent_required");
    let code = browser.allows(&consent).await.param("code").expect("a code");
    assert_eq!(asked(&mut browser, &silent(&[])).await, "consent_required", "email was not asked for");
    let tokens = app.redeems(&world, &code).await.ok();
    let code = browser.code(&app, "openid email", "alice").await;
    app.redeems(&world, &code).await.ok();
    assert_eq!(asked(&mut browser, &silent(&[("max_age", "0")])).await, "login_required");
    // Whom the app expects is somebody else, or nobody this server knows.
    let hint = member(&tokens, "id_token");
    let mut bobs = world.browser();
    bobs.goes_through(&app.asks("openid email"), "bob").await;
    assert_eq!(asked(&mut bobs, &[("prompt", "none"), ("id_token_hint", &hint)]).await, "login_required");
    let alice = claims(&hint)["sub"].as_str().unwrap().to_owned();
    let by_claim = format!("{{\"id_token\":{{\"sub\":{{\"value\":\"{alice}\"}}}}}}");
    assert_eq!(asked(&mut bobs, &[("prompt", "none"), ("claims", &by_claim)]).await, "login_required");
    // A user that nobody can be is not just anybody; and two at once are a contradiction.
    for nobody in ["5", "null,\"essential\":true,\"value\":[\"usr_x\"]", "\"\"", "\"usr_nobody\""] {
        let wish = format!("{{\"id_token\":{{\"sub\":{{\"value\":{nobody}}}}}}}");
        let error = asked(&mut bobs, &[("prompt", "none"), ("claims", &wish)]).await;
        assert!(["login_required", "invalid_request"].contains(&error.as_str()), "{nobody}: {error}");
    }
    let bob = accounts::find_by_username(&mut world.server.store.read().await.unwrap(), "bob").await.unwrap().unwrap();
    let two = format!(
        "{{\"id_token\":{{\"sub\":{{\"value\":\"{}\"}}}},\"userinfo\":{{\"sub\":{{\"value\":\"{alice}\"}}}}}}",
        bob.sub
    );
    assert_eq!(asked(&mut bobs, &[("prompt", "none"), ("claims", &two)]).await, "invalid_request");
    let (head, rest) = hint.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");
    let bobs_own = bobs.code(&app, "openid", "bob").await;
    let bobs_own = member(&app.redeems(&world, &bobs_own).await.ok(), "id_token");
    let swapped = format!("{head}.{}.{signature}", bobs_own.split('.').nth(1).unwrap());
    for forged in
        [unsigned.as_str(), &swapped, &hint[..hint.len() - 4], payload, "a.b.c", &member(&tokens, "access_token")]
    {
        assert_eq!(asked(&mut bobs, &[("prompt", "none"), ("id_token_hint", forged)]).await, "invalid_request");
    }
    assert!(
        browser
            .authorizes(&asks(&app, "openid", &[("prompt", "none"), ("id_token_hint", &hint)]))
            .await
            .param("code")
            .is_some()
    );
    // A login that is too old, an account that is signed out everywhere.
    world.advance(Lifetime::minutes(10));
    assert_eq!(asked(&mut browser, &silent(&[("max_age", "599")])).await, "login_required");
    accounts::sign_out_everywhere(&world.server.store, &alice, world.now()).await.unwrap();
    assert_eq!(asked(&mut browser, &silent(&[])).await, "login_required");
}

/// Every way around a login that a request insists on, tried in a browser that is signed in.
#[tokio::test]
async fn case_63_a_login_that_is_asked_for_cannot_be_gone_around() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid", "alice").await;
    let before = claims(&member(&app.redeems(&world, &code).await.ok(), "id_token"));
    for change in [("prompt", "login"), ("max_age", "0"), ("prompt", "login select_account"), ("max_age", "100")] {
        world.advance(Lifetime::minutes(5));
        let login = browser.authorizes(&asks(&app, "openid", &[change])).await;
        assert!(login.body.contains("login-submit"), "{change:?}: {login:?}");
        let (request, csrf) = (request_of(&login), field(&login.body, "csrf").unwrap());
        for (path, fields) in [
            ("/login", vec![]),
            ("/login", vec![("csrf", csrf.as_str())]),
            ("/login", vec![("csrf", csrf.as_str()), ("username", "alice")]),
            ("/login", vec![("csrf", csrf.as_str()), ("username", "alice"), ("password", "wrong")]),
            ("/login", vec![("csrf", csrf.as_str()), ("action", "continue")]),
            ("/login/account", vec![("csrf", csrf.as_str()), ("action", "continue")]),
            ("/consent", vec![("csrf", csrf.as_str()), ("action", "allow")]),
            ("/consent", vec![("csrf", csrf.as_str()), ("action", "switch")]),
        ] {
            let answer = browser.post(&format!("{path}?request={request}"), &fields).await;
            let page = browser.follow(answer).await;
            assert!(page.body.contains("login-submit"), "{change:?} by {path} {fields:?}: {page:?}");
        }
        for path in ["/authorize/resume", "/consent", "/login/account", "/login"] {
            let answer = browser.get(&format!("{path}?request={request}")).await;
            let page = browser.follow(answer).await;
            assert!(page.body.contains("login-submit"), "{change:?} by GET {path}: {page:?}");
        }
        let answer = browser.signs_in(&login, "alice").await;
        let code = answer.param("code").expect("a code");
        let after = claims(&member(&app.redeems(&world, &code).await.ok(), "id_token"));
        assert_eq!(after["auth_time"], world.now().0, "{change:?}: it moves");
        assert_ne!(after["auth_time"], before["auth_time"]);
    }
}

#[tokio::test]
async fn case_64_two_tabs_the_back_button_and_a_late_page_all_come_to_a_good_end() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let left = browser.authorizes(&app.asks("openid")).await;
    let right = browser.authorizes(&asks(&app, "openid email", &[("state", "right")])).await;
    let consent = browser.signs_in(&left, "alice").await;
    // The right tab still shows the login of before: it goes on, with its own request.
    let right = browser.submits(&right, &[("username", "alice"), ("password", PASSWORD)]).await;
    let answer = browser.allows(&right).await;
    assert_eq!(answer.param("state").as_deref(), Some("right"));
    let first = browser.allows(&consent).await.param("code").expect("a code");
    assert_ne!(answer.param("code"), Some(first));
    // Back to each page that was left, and sent again: at the app in the end, with another code or none.
    for (page, fields) in [
        (&left, &[("username", "alice"), ("password", PASSWORD)][..]),
        (&consent, &[("action", "allow")]),
        (&consent, &[("action", "deny")]),
        (&right, &[("action", "allow")]),
    ] {
        let answer = browser.submits(page, fields).await;
        assert!(answer.location().starts_with(&app.redirect_uri), "{fields:?}: {answer:?}");
    }
    let late = browser.authorizes(&asks(&app, "openid", &[("prompt", "login"), ("state", "late")])).await;
    world.advance(Lifetime::hours(2));
    let gone = browser.submits(&late, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(gone.status, StatusCode::GONE);
    let go_on = attribute(&gone.body, "<a class=\"button primary\"", "href").expect("a way on");
    let page = browser.get(&go_on).await;
    let page = browser.follow(page).await;
    assert_eq!(browser.signs_in(&page, "alice").await.param("state").as_deref(), Some("late"));
}

/// The bytes with which this browser sends a form.
fn posted(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = encode(fields);
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\nOrigin: {ISSUER}\r\nCookie: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        cookies.join("; "),
        body.len()
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_64_one_approval_gives_one_code_however_often_and_fast_it_is_sent() {
    let (world, app) = site().await;
    let native = world
        .app_with("native", |wanted| {
            wanted.redirect_uris = Some(vec!["http://127.0.0.1/cb".to_owned()]);
            wanted.post_logout_redirect_uris = None;
            wanted.token_endpoint_auth_method = Some(AuthMethod::None);
        })
        .await;
    let other = world.another_node().await.listening();
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    browser.signs_in(&page, "alice").await;
    for (app, nodes) in [(&app, &[&world][..]), (&app, &[&world, &other]), (&native, &[&world, &other])] {
        let page = browser.authorizes(&asks(app, "openid", &[("prompt", "consent")])).await;
        let (path, csrf) = (attribute(&page.body, "<form", "action").unwrap(), field(&page.body, "csrf").unwrap());
        let bytes = posted(&browser, &path, &[("csrf", &csrf), ("action", "allow")]);
        let answers = at_once(nodes, 30, bytes).await;
        let (codes, others): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.header("location").contains("code="));
        assert!(codes[0].location().starts_with(&app.redirect_uri), "{codes:?}");
        assert!(codes.iter().all(|answer| answer.location() == codes[0].location()), "one code: {codes:?}");
        for answer in others {
            // It goes round, and comes to the same question.
            assert!(answer.location().starts_with(&format!("{ISSUER}/authorize/resume?")), "{answer:?}");
        }
        let code = codes[0].param("code").expect("a code");
        let (scope, _) = given(&world, app, &code).await;
        assert_eq!(scope, "openid");
        // From then on this approval is used up.
        let again = browser.submits(&page, &[("action", "allow")]).await;
        assert!(again.body.contains("consent-allow"), "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_64_one_login_answers_one_request_that_insists_on_it() {
    let (world, app) = site().await;
    let other = world.another_node().await.listening();
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let login = browser.authorizes(&asks(&app, "openid", &[("prompt", "login")])).await;
    let answer = browser.submits_only(&login, &[("username", "alice"), ("password", PASSWORD)]).await;
    let resume = answer.location().strip_prefix(ISSUER).expect("a page of ours").to_owned();
    let bytes = String::from_utf8(posted(&browser, &resume, &[])).unwrap().replacen("POST", "GET", 1);
    let answers = at_once(&[&world, &other], 20, bytes.into_bytes()).await;
    let codes = answers.iter().filter(|answer| answer.header("location").contains("code="));
    assert_eq!(codes.count(), 1, "{answers:?}");
    for answer in answers {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    }
    let again = browser.get(&resume).await;
    let again = browser.follow(again).await;
    assert!(again.body.contains("login-submit"), "that login is used up: {again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_64_a_login_sent_ten_times_at_once_signs_in_and_breaks_nothing() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    let (path, csrf) = (attribute(&page.body, "<form", "action").unwrap(), field(&page.body, "csrf").unwrap());
    let bytes = posted(&browser, &path, &[("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)]);
    let answers = at_once(&[&world], 10, bytes).await;
    for answer in &answers {
        assert!([200, 303, 429, 503].contains(&answer.status.as_u16()), "{answer:?}");
    }
    let welcome = answers.iter().filter(|answer| answer.location().ends_with(&request_of(&page)));
    let mut ends = 0;
    for answer in welcome {
        let mut tab = world.browser();
        tab.keep_cookies(answer);
        ends += usize::from(tab.get("/account").await.status == StatusCode::OK);
    }
    assert!(ends >= 1, "at least one of them is signed in");
}

#[tokio::test]
async fn case_64_a_proof_sent_ten_times_at_once_neither_fails_nor_ends_what_hangs_on_the_session() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let page = browser.authorizes(&asks(&app, "openid", &[("prompt", "login")])).await;
    let (path, csrf) = (attribute(&page.body, "<form", "action").unwrap(), field(&page.body, "csrf").unwrap());
    let bytes = posted(&browser, &path, &[("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)]);
    let answers = at_once(&[&world], 10, bytes).await;
    let mut ends = 0;
    for answer in &answers {
        assert!([200, 303, 429, 503].contains(&answer.status.as_u16()), "{answer:?}");
        let mut tab = world.browser();
        tab.keep_cookies(answer);
        ends += usize::from(tab.get("/account").await.status == StatusCode::OK);
    }
    assert_eq!(ends, 1, "the login lives on under one id: {answers:?}");
    assert_ne!(browser.get("/account").await.status, StatusCode::OK, "the id before the proof is nobody's");
    assert!(is_alive(&world, &app, tokens["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn case_65_an_acr_that_is_essential_and_out_of_reach_is_an_error() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    for acr in [
        r#"{"essential":true,"value":"gold"}"#,
        r#"{"essential":true,"values":["gold","phr"]}"#,
        r#"{"essential":true,"values":["urn:latchkey:acr:password "]}"#,
        r#"{"essential":true,"values":["URN:LATCHKEY:ACR:PASSWORD"]}"#,
        r#"{"essential":true,"value":5}"#,
        r#"{"essential":true,"values":[5,null]}"#,
        r#"{"essential":true,"values":[["urn:latchkey:acr:password"]]}"#,
    ] {
        let wish = format!("{{\"id_token\":{{\"acr\":{acr}}}}}");
        for prompt in ["", "none"] {
            let answer = browser.authorizes(&asks(&app, "openid", &[("claims", &wish), ("prompt", prompt)])).await;
            let error = told(&answer, &app, acr);
            assert!(
                ["unmet_authentication_requirements", "invalid_request"].contains(&error.as_str()),
                "{acr}: {error}"
            );
        }
    }
    for acr in [r#"{"essential":true,"values":["gold","urn:latchkey:acr:password"]}"#, r#"{"values":["gold"]}"#] {
        let wish = format!("{{\"id_token\":{{\"acr\":{acr}}}}}");
        let answer = browser.authorizes(&asks(&app, "openid", &[("claims", &wish)])).await;
        let tokens = app.redeems(&world, &answer.param("code").expect("a code")).await.ok();
        assert_eq!(claims(&member(&tokens, "id_token"))["acr"], "urn:latchkey:acr:password", "{acr}");
    }
}
