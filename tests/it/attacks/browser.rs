//! J, cases 59 to 61: sessions, forged forms and frames.

use axum::http::{Method, StatusCode, header};
use latchkey::protocol::Lifetime;

use super::{site, site_of_another};
use crate::{
    authorize::asks,
    pages::markup::tags,
    world::{Answer, Browser, ISSUER, PASSWORD, World, attribute, encode, field},
};

const FORM: &str = "application/x-www-form-urlencoded";

/// Whether somebody is signed in in this browser.
async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/account").await.status == StatusCode::OK
}

/// Sign in for the account page.
async fn signs_in(browser: &mut Browser<'_>, username: &str) -> Answer {
    let page = browser.get("/login").await;
    browser.signs_in(&page, username).await
}

fn session_of(browser: &Browser<'_>) -> String {
    let session = browser.cookies.iter().find(|(name, _)| name == "latchkey-8080");
    session.map(|(_, value)| value.clone()).expect("a session cookie")
}

#[tokio::test]
async fn case_59_a_session_id_from_before_is_worth_nothing_afterwards() {
    let (world, app) = site().await;
    world.user("bob").await;
    let mut browser = world.browser();
    let mut past = Vec::new();
    let page = browser.authorizes(&app.asks("openid")).await;
    past.push(browser.clone());
    let consent = browser.signs_in(&page, "alice").await;
    browser.allows(&consent).await;
    // Proving again who one is, another user, another password, and signing out: each leaves the old id behind.
    let again = asks(&app, "openid", &[("prompt", "login")]);
    for username in ["alice", "bob", "alice"] {
        past.push(browser.clone());
        let page = browser.authorizes(&again).await;
        browser.signs_in(&page, username).await;
    }
    past.push(browser.clone());
    let account = browser.get("/account").await;
    let csrf = field(&account.body, "csrf").unwrap();
    let change = [("csrf", csrf.as_str()), ("action", "change_password"), ("password", PASSWORD)];
    let done = browser.post("/account", &[&change[..], &[("new_password", "an even better horse")]].concat()).await;
    let done = browser.follow(done).await;
    assert!(done.body.contains("role=\"status\""), "{}", done.body);
    past.push(browser.clone());
    let page = browser.get("/logout").await;
    browser.submits(&page, &[("action", "sign_out")]).await;
    let mut ids: Vec<String> = past.iter().map(session_of).collect();
    for old in &mut past {
        assert!(!is_signed_in(old).await, "an old cookie: {:?}", old.cookies);
        let page = old.authorizes(&app.asks("openid")).await;
        assert!(page.body.contains("login-submit"), "{page:?}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), past.len(), "every step gave another id");
}

#[tokio::test]
async fn case_59_cookies_are_bound_to_the_host_and_kept_from_scripts_and_other_sites() {
    const HTTPS: &str = "https://id.example";
    let world = World::with(|settings| HTTPS.clone_into(&mut settings.issuer)).await.listening();
    world.user("alice").await;
    let mut jar: Vec<String> = Vec::new();
    let mut seen = 0;
    let mut csrf = String::new();
    for (path, fields) in [
        ("/login", None),
        ("/login", Some(vec![("username", "alice"), ("password", PASSWORD)])),
        ("/account", None),
        ("/account", Some(vec![("action", "sign_out_everywhere")])),
        ("/logout", None),
        ("/logout/confirm", Some(vec![("action", "sign_out")])),
    ] {
        let cookies = jar.join("; ");
        let answer = match fields {
            None => {
                let request = axum::http::Request::get(path).header("cookie", &cookies);
                world.send(request.body(axum::body::Body::empty()).unwrap()).await
            }
            Some(fields) => {
                let fields = [vec![("csrf", csrf.as_str())], fields].concat();
                world.post(path, &[("cookie", &cookies), ("origin", HTTPS)], &fields).await
            }
        };
        assert!(answer.status.is_success() || answer.status == 303, "{path}: {answer:?}");
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once("; ").expect("attributes");
            assert!(pair.starts_with("__Host-"), "{cookie}");
            // One holds no secret, and is there for our script in frames of other sites.
            let is_state = pair.starts_with("__Host-latchkey-state=");
            let wanted = ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"];
            for needed in if is_state { &["SameSite=None", "Secure", "Path=/"][..] } else { &wanted } {
                assert!(attributes.split("; ").any(|own| own == *needed), "{path}: no {needed} in {cookie}");
            }
            assert!(!attributes.contains("Domain"), "{cookie}");
            let name = pair.split('=').next().unwrap().to_owned();
            jar.retain(|own| !own.starts_with(&format!("{name}=")));
            jar.push(pair.to_owned());
            seen += 1;
        }
        csrf = field(&answer.body, "csrf").unwrap_or(csrf);
    }
    assert!(seen >= 5, "sessions, devices and their ends: {seen}");
}

#[tokio::test]
async fn case_59_a_cookie_of_another_server_or_of_nobody_signs_nobody_in() {
    let (here, app) = site().await;
    let (there, _) = site_of_another().await;
    let mut browser = there.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    assert!(is_signed_in(&mut browser).await);
    let own = session_of(&browser);
    let flipped = format!("{}{}", if own.starts_with('A') { 'B' } else { 'A' }, &own[1..]);
    let mut guest = here.browser();
    for cookie in [
        own.as_str(),
        &flipped,
        &own[1..],
        "",
        "0",
        "-1",
        "null",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "' OR '1'='1",
        "%00",
        "..%2f..%2fetc%2fpasswd",
        "{\"sub\":\"usr_alice\"}",
        &"A".repeat(40_000),
    ] {
        guest.cookies = vec![("latchkey-8080".to_owned(), cookie.to_owned())];
        let answer = guest.get("/account").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{cookie:.40}: {answer:?}");
        guest.cookies = vec![("latchkey-8080".to_owned(), cookie.to_owned())];
        let page = guest.authorizes(&app.asks("openid")).await;
        assert!(page.body.contains("login-submit"), "{cookie:.40}: {page:?}");
        assert_ne!(session_of(&guest), cookie, "an id that somebody brings is not taken");
    }
    // On its own server, too, it is the whole id or nothing.
    for cookie in [&flipped, &own[1..]] {
        let mut near = there.browser();
        near.cookies = vec![("latchkey-8080".to_owned(), cookie.to_owned())];
        assert!(!is_signed_in(&mut near).await);
    }
}

/// A form that changes something, and how to see whether it has.
struct Target {
    path: String,
    fields: Vec<(&'static str, String)>,
}

impl Target {
    /// The first form of that page, filled in.
    fn on(page: &Answer, fields: &[(&'static str, &str)]) -> Self {
        let path = attribute(&page.body, "<form", "action").expect("a form");
        let org = field(&page.body, "org").map(|org| ("org", org));
        let typed = fields.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Self { path, fields: typed.chain(org).collect() }
    }

    fn filled<'a>(&'a self, csrf: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
        let fields = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        csrf.map(|csrf| ("csrf", csrf)).into_iter().chain(fields).collect()
    }
}

/// Send it in every way that is not its own page's; nothing may come of it, as `has_changed` finds after each.
async fn is_forged_in_vain(
    browser: &mut Browser<'_>,
    target: &Target,
    csrf: &str,
    foreign: &str,
    mut has_changed: impl AsyncFnMut(&mut Browser<'_>) -> bool,
) {
    let before = browser.cookies.clone();
    let mut check = async |browser: &mut Browser<'_>, answer: Answer, how: &str, statuses: &[u16]| {
        let what = format!("{} by {how}", target.path);
        assert!(statuses.contains(&answer.status.as_u16()), "{what}: {answer:?}");
        assert!(!answer.header("location").contains("code="), "{what}: {answer:?}");
        assert!(!has_changed(browser).await, "{what}");
        browser.cookies.clone_from(&before);
    };
    let flipped = csrf.chars().rev().collect::<String>();
    for (how, token) in [
        ("no token", None),
        ("an empty token", Some("")),
        ("another session's token", Some(foreign)),
        ("part of the token", Some(&csrf[1..])),
        ("the token in upper case", Some(csrf.to_uppercase().as_str())),
        ("the token backwards", Some(flipped.as_str())),
    ] {
        let answer = browser.post(&target.path, &target.filled(token)).await;
        check(browser, answer, how, &[200, 303]).await;
    }
    let body = encode(&target.filled(Some(csrf)));
    for origin in [
        "null",
        "https://evil.example",
        "http://localhost:8081",
        "https://localhost:8080",
        "http://localhost",
        "http://localhost:8080.evil.test",
        "http://localhost:8080@evil.test",
        "http://localhost:8080/",
        "HTTP://LOCALHOST:8080",
        "http://127.0.0.1:8080",
        "localhost:8080",
        "*",
    ] {
        let headers = [("content-type", FORM), ("origin", origin)];
        let answer = browser.send(Method::POST, &target.path, body.clone().into(), &headers).await;
        check(browser, answer, origin, &[403]).await;
    }
    let multipart = format!(
        "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--x\r\n\
         Content-Disposition: form-data; name=\"action\"\r\n\r\nallow\r\n--x--\r\n"
    );
    for (content_type, body) in [
        ("text/plain", body.as_str()),
        ("text/plain;application/x-www-form-urlencoded", &body),
        ("application/json", &body),
        ("application/x-www-form-urlencoded2", &body),
        ("multipart/form-data; boundary=x", &multipart),
        ("", &body),
    ] {
        let headers = [("content-type", content_type), ("origin", ISSUER)];
        let answer = browser.send(Method::POST, &target.path, body.to_owned().into(), &headers).await;
        check(browser, answer, content_type, &[400]).await;
    }
    // The token in the URL is none; a GET changes nothing; and what another site sends brings no cookie at all.
    let divider = if target.path.contains('?') { '&' } else { '?' };
    let in_the_url = format!("{}{divider}csrf={csrf}", target.path);
    let answer = browser.post(&in_the_url, &target.filled(None)).await;
    check(browser, answer, "the token in the URL", &[200, 303]).await;
    let answer = browser.get(&format!("{}{divider}{body}", target.path)).await;
    check(browser, answer, "a GET", &[200, 303, 400, 405]).await;
    browser.cookies.clear();
    let answer = browser.post(&target.path, &target.filled(Some(csrf))).await;
    browser.cookies.clone_from(&before);
    check(browser, answer, "no cookie", &[200, 303]).await;
}

/// The token of a session that anybody can have.
async fn foreign_token(world: &World) -> String {
    field(&world.browser().get("/login").await.body, "csrf").expect("a token")
}

#[tokio::test]
async fn case_60_a_forged_login_signs_nobody_in() {
    let (world, app) = site().await;
    let foreign = foreign_token(&world).await;
    let typed = [("username", "alice"), ("password", PASSWORD)];
    let mut browser = world.browser();
    let for_the_app = browser.authorizes(&app.asks("openid")).await;
    let for_the_account = browser.get("/login").await;
    for page in [&for_the_app, &for_the_account] {
        let csrf = field(&page.body, "csrf").unwrap();
        let target = Target::on(page, &typed);
        is_forged_in_vain(&mut browser, &target, &csrf, &foreign, is_signed_in).await;
    }
    browser.signs_in(&for_the_account, "alice").await;
    assert!(is_signed_in(&mut browser).await, "the same form from its own page");
}

#[tokio::test]
async fn case_60_a_forged_consent_gives_nothing() {
    let (world, app) = site().await;
    let foreign = foreign_token(&world).await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid email")).await;
    let page = browser.signs_in(&page, "alice").await;
    let csrf = field(&page.body, "csrf").unwrap();
    let silent = asks(&app, "openid", &[("prompt", "none")]);
    let has_changed = async |browser: &mut Browser<'_>| {
        let told = browser.authorizes(&silent).await;
        told.param("error").as_deref() != Some("consent_required")
    };
    for action in ["allow", "deny", "switch"] {
        let target = Target::on(&page, &[("action", action)]);
        is_forged_in_vain(&mut browser, &target, &csrf, &foreign, has_changed).await;
    }
    assert!(browser.allows(&page).await.param("code").is_some(), "the same form from its own page");
}

#[tokio::test]
async fn case_60_a_forged_choice_of_account_chooses_nothing() {
    let (world, app) = site().await;
    let foreign = foreign_token(&world).await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let page = browser.authorizes(&asks(&app, "openid", &[("prompt", "select_account")])).await;
    let csrf = field(&page.body, "csrf").unwrap();
    let target = Target::on(&page, &[("action", "continue")]);
    let resume = target.path.replace("/login/account", "/authorize/resume");
    let has_changed = async |browser: &mut Browser<'_>| {
        let next = browser.get(&resume).await;
        !next.location().contains("/login/account")
    };
    is_forged_in_vain(&mut browser, &target, &csrf, &foreign, has_changed).await;
    assert!(browser.submits(&page, &[("action", "continue")]).await.param("code").is_some());
}

#[tokio::test]
async fn case_60_forged_forms_of_the_account_page_change_nothing() {
    let (world, app) = site().await;
    let foreign = foreign_token(&world).await;
    let mut elsewhere = world.browser();
    elsewhere.goes_through(&app.asks("openid"), "alice").await;
    let mut browser = world.browser();
    let page = signs_in(&mut browser, "alice").await;
    let csrf = field(&page.body, "csrf").unwrap();
    let other =
        page.body.split("name=\"id\" value=\"").nth(2).and_then(|rest| rest.split('"').next()).expect("a session");
    // All that the page shows of the account: the name, the apps, the sessions.
    let shown = async |browser: &mut Browser<'_>| {
        let page = browser.get("/account").await;
        let known = page.body.contains("alice Example") && page.body.contains("The wiki");
        page.status == StatusCode::OK && known && page.body.matches("end_session").count() == 1
    };
    assert!(shown(&mut browser).await);
    for fields in [
        &[("action", "change_details"), ("name", "Mallory")][..],
        &[("action", "change_password"), ("password", PASSWORD), ("new_password", "an even better horse")],
        &[("action", "end_session"), ("id", other)],
        &[("action", "end_access"), ("id", "wiki")],
        &[("action", "sign_out_everywhere")],
    ] {
        let target = Target { path: "/account".to_owned(), ..Target::on(&page, fields) };
        let has_changed = async |browser: &mut Browser<'_>| !shown(browser).await;
        is_forged_in_vain(&mut browser, &target, &csrf, &foreign, has_changed).await;
    }
    let stranger = signs_in(&mut world.browser(), "alice").await;
    assert!(stranger.body.contains("alice@example.com"), "the password is as it was: {stranger:?}");
    assert!(is_signed_in(&mut elsewhere).await, "and the other browser is signed in as before");
}

#[tokio::test]
async fn case_60_a_forged_sign_out_signs_nobody_out() {
    let (world, _) = site().await;
    let foreign = foreign_token(&world).await;
    let mut browser = world.browser();
    signs_in(&mut browser, "alice").await;
    let page = browser.get("/logout").await;
    let csrf = field(&page.body, "csrf").unwrap();
    let target = Target::on(&page, &[("action", "sign_out")]);
    let has_changed = async |browser: &mut Browser<'_>| !is_signed_in(browser).await;
    is_forged_in_vain(&mut browser, &target, &csrf, &foreign, has_changed).await;
    // The endpoint that apps send their users to asks first, however it is reached.
    for (content_type, status) in [(FORM, 303), ("text/plain", 400), ("application/json", 400)] {
        let headers = [("content-type", content_type), ("origin", "https://evil.example")];
        let answer = browser.send(Method::POST, "/logout", "state=x".into(), &headers).await;
        assert_eq!(answer.status, status, "{content_type}: {answer:?}");
        browser.follow(answer).await;
        assert!(is_signed_in(&mut browser).await, "{content_type}");
    }
    browser.submits(&page, &[("action", "sign_out")]).await;
    assert!(!is_signed_in(&mut browser).await, "the same form from its own page");
}

/// The pages of the route table, and an address of each.
const PAGES: &[(&str, &str)] = &[
    ("authorize::AUTHORIZE", "/authorize"),
    ("resume::RESUME", "/authorize/resume"),
    ("login::LOGIN", "/login"),
    ("pick_account::PICK_ACCOUNT", "/login/account"),
    ("consent::CONSENT", "/consent"),
    ("account::ACCOUNT", "/account"),
    ("logout::LOGOUT", "/logout"),
    ("logout::CONFIRM", "/logout/confirm"),
    ("logout::SIGNED_OUT", "/logout/done"),
    ("errors::ERROR", "/errors/invalid_request"),
    ("errors::ERRORS", "/errors"),
    ("assets::ASSETS", "/assets/none"),
    ("\"/\"", "/"),
];

#[test]
fn case_61_knows_every_route_that_shows_a_page() {
    let routes = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/routes.rs")).unwrap();
    let pages = routes.split("fn pages(").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the pages");
    let named: Vec<&str> = pages.split(".route(").skip(1).filter_map(|route| route.split(',').next()).collect();
    assert_eq!(named, PAGES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

/// What every page has to say to the browser; whether this is one.
#[track_caller]
fn is_safe_page(answer: &Answer, what: &str) -> bool {
    assert!(answer.headers.get("access-control-allow-origin").is_none(), "{what}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    if !answer.header("content-type").starts_with("text/html") {
        return false;
    }
    let policy = answer.header("content-security-policy");
    for needed in
        ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.split("; ").any(|own| own == needed), "{what}: no {needed} in {policy}");
    }
    assert!(policy.contains("; form-action 'self'") && !policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value, "{what}: {name}");
    }
    assert!(["same-origin", "no-referrer"].contains(&answer.header("referrer-policy")), "{what}");
    for tag in tags(&answer.body) {
        assert!(tag.name != "script" || tag.get("src").is_some(), "{what}: a script inside the page");
        assert!(!["style", "iframe", "object", "embed", "base"].contains(&tag.name), "{what}: {}", tag.name);
        for (name, value) in &tag.attributes {
            assert!(!name.starts_with("on") && *name != "style", "{what}: {name}");
            assert!(!value.trim().to_lowercase().starts_with("javascript:"), "{what}: {value}");
        }
    }
    true
}

#[tokio::test]
async fn case_61_every_page_in_every_state_stands_in_no_frame_and_runs_nothing_inline() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let mut pages = Vec::new();
    let mut see = |answer: &Answer, what: &str| {
        if is_safe_page(answer, what) {
            pages.push(answer.status.as_u16());
        }
    };
    for signed_in in [false, true] {
        for (_, path) in PAGES.iter().chain(&[("", "/no/such/page"), ("", "/errors/none")]) {
            for query in ["", "?request=none", "?client_id=wiki&ui_locales=ar", "?x=%ff"] {
                let target = format!("{path}{query}");
                let html = [("accept", "text/html")];
                for method in [Method::GET, Method::PUT] {
                    see(&browser.send(method, &target, axum::body::Body::empty(), &html).await, &target);
                }
                see(&browser.post(&target, &[("action", "x")]).await, &target);
                let large = "a=".to_owned() + &"x".repeat(70_000);
                for (content_type, origin, body) in
                    [(FORM, "null", "a=b"), ("text/plain", ISSUER, "a=b"), (FORM, ISSUER, large.as_str())]
                {
                    let headers = [("content-type", content_type), ("origin", origin), ("accept", "text/html")];
                    see(&browser.send(Method::POST, &target, body.to_owned().into(), &headers).await, &target);
                }
            }
        }
        // And those that a request leads to.
        let page = browser.authorizes(&app.asks("openid email")).await;
        see(&page, "login");
        if signed_in {
            continue;
        }
        see(&browser.submits(&page, &[("username", "alice"), ("password", "wrong")]).await, "a wrong password");
        see(&browser.submits(&page, &[("csrf", "x"), ("username", "alice")]).await, "a stale form");
        let consent = browser.signs_in(&page, "alice").await;
        see(&consent, "consent");
        see(&browser.submits(&consent, &[("action", "allow"), ("csrf", "x")]).await, "a stale consent");
        assert!(browser.allows(&consent).await.param("code").is_some());
        for change in [("prompt", "select_account"), ("prompt", "consent"), ("response_mode", "form_post")] {
            see(&browser.authorizes(&asks(&app, "openid email", &[change])).await, change.1);
        }
        see(&browser.get("/account").await, "account");
    }
    let late = browser.authorizes(&asks(&app, "openid", &[("prompt", "login")])).await;
    let action = attribute(&late.body, "<form", "action").unwrap();
    world.advance(Lifetime::hours(2));
    see(&browser.get(&action).await, "a late request");
    let mut throttled = world.browser();
    let mut page = throttled.get("/login").await;
    while page.status != StatusCode::TOO_MANY_REQUESTS {
        page = throttled.submits(&page, &[("username", "alice"), ("password", "guess")]).await;
        see(&page, "a guess");
    }
    world.server.store.close().await;
    see(&browser.get("/account").await, "a fault");
    for status in [200, 400, 403, 404, 410, 413, 429, 500] {
        assert!(pages.contains(&status), "no page of status {status} among {pages:?}");
    }
    assert!(pages.len() > 100, "{}", pages.len());
}
