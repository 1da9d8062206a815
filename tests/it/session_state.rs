//! Apps watch a session (OIDC Session Management 1.0).

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{accounts, protocol::Lifetime};
use sha2::{Digest, Sha256};

use crate::{
    authorize::asks,
    world::{Answer, App, Browser, World, attribute, encode},
};

const STATE: &str = "latchkey-state-8080";

async fn world() -> (World, App) {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    (world, app)
}

/// What the script of the framed page makes of the cookies that the browser has.
fn judge(browser: &Browser<'_>, client_id: &str, origin: &str, session_state: &str) -> &'static str {
    let state = browser.cookies.iter().find(|(name, _)| name == STATE).map_or("", |(_, value)| value.as_str());
    let (hash, salt) = session_state.split_once('.').expect("a hash and a salt");
    let own = Sha256::digest(format!("{client_id} {origin} {state} {salt}"));
    if URL_SAFE_NO_PAD.encode(own) == hash && !state.is_empty() { "unchanged" } else { "changed" }
}

/// The same, as the server says it to browsers that do not hash.
async fn asked(browser: &Browser<'_>, client_id: &str, origin: &str, session_state: &str) -> String {
    let query = encode(&[("client_id", client_id), ("origin", origin), ("session_state", session_state)]);
    browser.clone().get(&format!("/session/check/state?{query}")).await.body
}

/// Alice's sessions end, and no browser knows.
async fn sign_out_everywhere(world: &World) {
    let alice = accounts::find_by_username(&mut world.server.store.read().await.unwrap(), "alice").await;
    let sub = alice.unwrap().unwrap().sub;
    accounts::sign_out_everywhere(&world.server.store, &sub, world.now()).await.unwrap();
}

fn state_of(answer: &Answer) -> String {
    answer.param("session_state").unwrap_or_else(|| panic!("no session_state in {}", answer.location()))
}

#[tokio::test]
async fn an_app_learns_that_its_users_session_has_changed_and_no_sooner() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let origin = "https://wiki.example";
    let answer = browser.goes_through(&app.asks("openid"), "alice").await;
    let state = state_of(&answer);
    assert!(!state.contains(' '), "{state}");
    let order: Vec<&str> =
        answer.location().split(['?', '&']).skip(1).map(|pair| &pair[..pair.find('=').unwrap()]).collect();
    assert_eq!(order, ["code", "state", "iss", "session_state"]);
    assert_eq!(judge(&browser, "wiki", origin, &state), "unchanged");
    // To another app, or on another site's page, it says nothing.
    for (client_id, origin, word) in
        [("wiki", origin, "unchanged"), ("desk", origin, "changed"), ("wiki", "https://evil.example", "changed")]
    {
        assert_eq!(judge(&browser, client_id, origin, &state), word);
        assert_eq!(asked(&browser, client_id, origin, &state).await, word);
    }
    assert_eq!(asked(&browser, "wiki", origin, "nonsense").await, "error");
    assert_eq!(asked(&world.browser(), "wiki", origin, &state).await, "changed");
    // Any site can work out the state of a browser in which nobody is signed in: it must not learn whether it is this one.
    let nobody = format!("{}.salt", URL_SAFE_NO_PAD.encode(Sha256::digest("x https://evil.example  salt")));
    for visitor in [&browser, &world.browser()] {
        assert_eq!(asked(visitor, "x", "https://evil.example", &nobody).await, "changed");
    }
    let answer = world.get("/session/check/state").await;
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    // A silent answer, and proving again who one is, leave the session what it is.
    let silent = state_of(&browser.authorizes(&asks(&app, "openid", &[("prompt", "none")])).await);
    assert_ne!(silent, state, "each is salted");
    let page = browser.authorizes(&asks(&app, "openid", &[("prompt", "login")])).await;
    browser.signs_in(&page, "alice").await;
    for state in [&state, &silent] {
        assert_eq!(judge(&browser, "wiki", origin, state), "unchanged");
    }
    // A sign-out does not, nor does signing in anew.
    let page = browser.get("/logout").await;
    browser.submits(&page, &[("action", "sign_out")]).await;
    assert_eq!(judge(&browser, "wiki", origin, &state), "changed");
    let new = state_of(&browser.goes_through(&app.asks("openid"), "alice").await);
    assert_eq!(judge(&browser, "wiki", origin, &state), "changed");
    assert_eq!(judge(&browser, "wiki", origin, &new), "unchanged");
}

#[tokio::test]
async fn a_session_that_ended_elsewhere_has_changed_once_the_browser_comes_by() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let state = state_of(&browser.goes_through(&app.asks("openid"), "alice").await);
    sign_out_everywhere(&world).await;
    // In the frame of another site no cookie of the session is sent: that means nothing.
    let mut framed = browser.clone();
    framed.cookies.retain(|(name, _)| name == STATE);
    framed.get("/login").await;
    assert_eq!(judge(&framed, "wiki", "https://wiki.example", &state), "unchanged");
    browser.authorizes(&app.asks("openid")).await;
    assert_eq!(judge(&browser, "wiki", "https://wiki.example", &state), "changed");
}

#[tokio::test]
async fn a_browser_that_is_seen_without_its_session_forgets_the_state_wherever_it_comes_by() {
    let (world, app) = world().await;
    let silent = format!("/authorize?{}", encode(&asks(&app, "openid", &[("prompt", "none")])));
    for path in [silent.as_str(), "/account", "/logout", "/login"] {
        for way in ["ended elsewhere", "left alone"] {
            let mut browser = world.browser();
            let state = state_of(&browser.goes_through(&app.asks("openid"), "alice").await);
            let silent = browser.get(&silent).await;
            assert!(silent.param("code").is_some(), "{}", silent.location());
            if way == "left alone" {
                world.advance(Lifetime(world.server.settings.sessions.idle.0 + 1));
            } else {
                sign_out_everywhere(&world).await;
            }
            let answer = browser.get(path).await;
            if path.starts_with("/authorize") {
                assert_eq!(answer.param("error").as_deref(), Some("login_required"), "{way}");
            }
            assert!(!browser.cookies.iter().any(|(name, _)| name == STATE), "{path}, {way}: {answer:?}");
            assert_eq!(judge(&browser, "wiki", "https://wiki.example", &state), "changed", "{path}, {way}");
        }
    }
}

#[tokio::test]
async fn a_browser_that_has_lost_the_sessions_cookie_forgets_the_state_where_it_would_have_sent_it() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    browser.cookies.retain(|(name, _)| name == STATE);
    let silent = format!("/authorize?{}", encode(&asks(&app, "openid", &[("prompt", "none")])));
    // In a frame of another site it is not sent, and nothing is known.
    for (dest, is_kept) in [("iframe", true), ("document", false)] {
        let headers = [("sec-fetch-dest", dest), ("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")];
        let answer = browser.send(Method::GET, &silent, Body::empty(), &headers).await;
        assert_eq!(answer.param("error").as_deref(), Some("login_required"), "{dest}");
        assert_eq!(browser.cookies.iter().any(|(name, _)| name == STATE), is_kept, "{dest}: {answer:?}");
    }
}

#[tokio::test]
async fn the_state_is_kept_for_as_long_as_the_sessions_own_cookie() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let state = state_of(&browser.goes_through(&app.asks("openid"), "alice").await);
    let silent = format!("/authorize?{}", encode(&asks(&app, "openid", &[("prompt", "none")])));
    for (path, pause, is_renewed) in [
        (silent.as_str(), Lifetime::seconds(1), false),
        ("/account", Lifetime::hours(6), true),
        (&silent, Lifetime::hours(11), true),
        ("/logout", Lifetime::hours(11), true),
    ] {
        world.advance(pause);
        let answer = browser.get(path).await;
        let lives = |wanted: &str| {
            let mut cookies = answer.headers.get_all(header::SET_COOKIE).iter().filter_map(|own| own.to_str().ok());
            let own = cookies.rfind(|own| own.split('=').next() == Some(wanted))?;
            own.split("; ").find_map(|attribute| attribute.strip_prefix("Max-Age=")).map(str::to_owned)
        };
        let session = lives("latchkey-8080");
        assert_eq!(session.is_some(), is_renewed, "{path}: {answer:?}");
        assert_eq!(lives(STATE), session, "{path}: {answer:?}");
    }
    assert_eq!(judge(&browser, "wiki", "https://wiki.example", &state), "unchanged");
    // Where the browser has lost it, it comes again, and for no longer.
    browser.cookies.retain(|(name, _)| name != STATE);
    world.advance(Lifetime::seconds(1));
    let answer = browser.get("/account").await;
    assert_eq!(answer.headers.get_all(header::SET_COOKIE).iter().count(), 2, "{answer:?}");
    assert_eq!(judge(&browser, "wiki", "https://wiki.example", &state), "unchanged");
}

#[tokio::test]
async fn who_signs_out_everywhere_else_goes_on_in_another_session() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let state = state_of(&browser.goes_through(&app.asks("openid"), "alice").await);
    let page = browser.get("/account").await;
    let csrf = crate::world::field(&page.body, "csrf").expect("a form");
    browser.post("/account", &[("csrf", &csrf), ("action", "sign_out_everywhere")]).await;
    assert_eq!(judge(&browser, "wiki", "https://wiki.example", &state), "changed");
    assert!(browser.cookies.iter().any(|(name, _)| name == STATE), "somebody is signed in");
}

#[tokio::test]
async fn an_answer_that_is_repeated_is_the_same() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid")).await;
    let consent = browser.signs_in(&page, "alice").await;
    let once = browser.submits(&consent, &[("action", "allow")]).await;
    let twice = browser.submits(&consent, &[("action", "allow")]).await;
    assert_eq!(once.location(), twice.location());
    assert!(once.location().contains("session_state="), "{}", once.location());
}

#[tokio::test]
async fn who_has_no_page_in_a_browser_or_asks_for_no_identity_is_not_told() {
    let (world, app) = world().await;
    let phone = world
        .app_with("phone", |wanted| {
            wanted.redirect_uris = Some(vec!["com.example.phone:/cb".into()]);
            wanted.post_logout_redirect_uris = None;
            wanted.token_endpoint_auth_method = Some(latchkey::protocol::AuthMethod::None);
        })
        .await;
    let mut browser = world.browser();
    for params in [app.asks("email"), phone.asks("openid")] {
        let answer = browser.goes_through(&params, "alice").await;
        assert!(answer.param("code").is_some() && answer.param("session_state").is_none(), "{}", answer.location());
    }
    // Nor is who is told no.
    let answer = world.browser().authorizes(&asks(&app, "openid", &[("prompt", "none")])).await;
    assert!(answer.param("error").is_some() && answer.param("session_state").is_none(), "{}", answer.location());
}

#[tokio::test]
async fn scripts_in_frames_may_read_the_cookie_and_it_tells_nothing() {
    for (issuer, name, wanted) in [
        ("http://localhost:8080", STATE, &["SameSite=Lax", "Path=/", "Max-Age=43200"][..]),
        ("https://id.example", "__Host-latchkey-state", &["SameSite=None", "Secure", "Path=/", "Max-Age=43200"]),
    ] {
        let world = World::with(|settings| settings.issuer = issuer.to_owned()).await;
        world.user("alice").await;
        let mut cookies = Vec::new();
        let mut csrf = String::new();
        for form in [None, Some([("username", "alice"), ("password", crate::world::PASSWORD)])] {
            let sent = cookies.join("; ");
            let answer = match form {
                None => world.get("/login").await,
                Some([username, password]) => {
                    let fields = [("csrf", csrf.as_str()), username, password];
                    world.post("/login", &[("cookie", &sent), ("origin", issuer)], &fields).await
                }
            };
            csrf = crate::world::field(&answer.body, "csrf").unwrap_or_default();
            cookies =
                answer.headers.get_all(header::SET_COOKIE).iter().map(|own| own.to_str().unwrap().to_owned()).collect();
            if form.is_none() {
                assert!(!cookies.iter().any(|own| own.starts_with(name)), "nobody is signed in: {cookies:?}");
                cookies = cookies.iter().map(|own| own.split(';').next().unwrap().to_owned()).collect();
            }
        }
        let own =
            cookies.iter().find(|own| own.starts_with(&format!("{name}="))).unwrap_or_else(|| panic!("{cookies:?}"));
        let (_, attributes) = own.split_once("; ").expect("attributes");
        let mut attributes: Vec<&str> = attributes.split("; ").collect();
        let mut wanted = wanted.to_vec();
        attributes.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(attributes, wanted, "{own}");
    }
}

#[tokio::test]
async fn the_page_that_apps_frame_is_the_only_one_that_can_be_framed() {
    let (world, _) = world().await;
    let metadata = world.get("/.well-known/openid-configuration").await.ok();
    let url = metadata["check_session_iframe"].as_str().expect("it is named");
    let page = world.browser().get(url).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.headers.get("x-frame-options").is_none() && page.headers.get("set-cookie").is_none(), "{page:?}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors *") && policy.contains("script-src 'self'"), "{policy}");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert_eq!(attribute(&page.body, "<script", "data-cookie").as_deref(), Some(STATE));
    let script = world.get(&attribute(&page.body, "<script", "src").expect("a script")).await;
    assert_eq!((script.status, script.header("content-type")), (StatusCode::OK, "text/javascript; charset=utf-8"));
    for other in ["/login", "/logout/done", "/errors", &format!("/logout?{}", encode(&[("client_id", "wiki")]))] {
        let page = world.browser().get(other).await;
        let page = world.browser().follow(page).await;
        assert_eq!(page.header("x-frame-options"), "DENY", "{other}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{other}");
    }
}
