//! K, cases 67 and 68: signing out. What apps are told of it is in `back_channel_logout`.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{clients::registration, protocol::Lifetime};
use serde_json::Value;

use super::{is_alive, member, site, site_of_another};
use crate::{
    authorize::asks,
    world::{Answer, App, Browser, World, encode},
};

const BYE: &str = "https://wiki.example/bye";

/// Sign in for an app; what it got.
async fn signs_in_for(browser: &mut Browser<'_>, app: &App) -> Value {
    let code = browser.code(app, "openid", "alice").await;
    app.redeems(browser.world, &code).await.ok()
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/account").await.status == StatusCode::OK
}

/// A wish as apps send it, and what comes of it in that browser.
async fn wishes(browser: &mut Browser<'_>, params: &[(&str, &str)]) -> Answer {
    let answer = browser.get(&format!("/logout?{}", encode(params))).await;
    browser.follow(answer).await
}

/// That the answer is our own page, and leads nowhere.
#[track_caller]
fn is_sign_out_error(answer: &Answer, tried: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{tried}: {answer:?}");
    assert!(answer.headers.get("location").is_none() && answer.headers.get("refresh").is_none(), "{tried}: {answer:?}");
    assert!(answer.body.contains("Sign-out error"), "{tried}: {}", answer.body);
    assert!(!answer.body.contains("evil") && !answer.body.contains("/bye"), "{tried}: {}", answer.body);
}

#[tokio::test]
async fn case_67_a_sign_out_leads_only_where_the_client_is_at_home() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let tokens = signs_in_for(&mut browser, &app).await;
    let hint = member(&tokens, "id_token");
    for uri in [
        "https://evil.example/",
        "https://wiki.example/bye/",
        "https://wiki.example/bye?",
        "https://wiki.example/bye?x=evil",
        "https://wiki.example/bye#evil",
        "https://wiki.example/Bye",
        "https://WIKI.example/bye",
        "https://wiki.example:443/bye",
        "https://wiki.example/x/../bye",
        "https://wiki.example/%62ye",
        "https://wiki.example.evil.example/bye",
        "https://wiki.example@evil.example/bye",
        "https://wiki.example\\@evil.example/bye",
        "https://evil.example/https://wiki.example/bye",
        "http://wiki.example/bye",
        "//wiki.example/bye",
        "/bye",
        " https://wiki.example/bye",
        "https://wiki.example/bye ",
        "https://wiki.example/bye\r\nset-cookie: evil=1",
        "javascript:alert(1)//https://wiki.example/bye",
        "data:text/html,evil",
        // What it may be sent to after a sign-in is not where it may be sent to after a sign-out.
        &app.redirect_uri,
    ] {
        for who in [vec![("id_token_hint", hint.as_str())], vec![("client_id", "wiki")]] {
            let params = [who, vec![("post_logout_redirect_uri", uri)]].concat();
            is_sign_out_error(&wishes(&mut browser, &params).await, uri);
            let posted = browser.post("/logout", &params).await;
            is_sign_out_error(&browser.follow(posted).await, uri);
        }
    }
    // Without a hint or a client there is nobody whose it could be; twice is once too often.
    is_sign_out_error(&wishes(&mut browser, &[("post_logout_redirect_uri", BYE)]).await, "nobody's");
    let twice =
        [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("post_logout_redirect_uri", BYE)];
    is_sign_out_error(&wishes(&mut browser, &twice).await, "twice");
    assert!(is_signed_in(&mut browser).await, "nothing has happened");
    let state = "x\r\nset-cookie: evil=1";
    let done = wishes(
        &mut browser,
        &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", &format!("{state}&x=\"><é"))],
    )
    .await;
    assert_eq!(done.location(), format!("{BYE}?{}", encode(&[("state", &format!("{state}&x=\"><é"))])));
    assert!(!is_signed_in(&mut browser).await);
}

/// The same token with another header or another claim.
fn forged(token: &str, header: Option<&str>, change: impl FnOnce(&mut Value)) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    change(&mut claims);
    let header = header.map_or_else(|| parts[0].to_owned(), |header| URL_SAFE_NO_PAD.encode(header));
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

#[tokio::test]
async fn case_67_a_hint_that_is_forged_or_another_clients_leads_nowhere() {
    let (world, app) = site().await;
    let (there, app_there) = site_of_another().await;
    let other = world.app("evil").await;
    let mut browser = world.browser();
    let tokens = signs_in_for(&mut browser, &app).await;
    let others = signs_in_for(&mut browser, &other).await;
    let foreign = signs_in_for(&mut there.browser(), &app_there).await;
    let hint = member(&tokens, "id_token");
    let cut = &hint[..hint.rfind('.').unwrap()];
    for (what, text) in [
        ("an unsigned one", forged(&hint, Some(r#"{"alg":"none","typ":"JWT"}"#), |_| {})),
        ("without a signature", format!("{cut}.")),
        ("of two parts", cut.to_owned()),
        ("a symmetric one", forged(&hint, Some(r#"{"alg":"HS256","typ":"JWT","kid":"x"}"#), |_| {})),
        ("of another user", forged(&hint, None, |claims| claims["sub"] = "usr_bob".into())),
        ("of another client", forged(&hint, None, |claims| claims["aud"] = "evil".into())),
        ("another server's", member(&foreign, "id_token")),
        ("an access token", member(&tokens, "access_token")),
        ("a refresh token", member(&tokens, "refresh_token")),
        ("no token", "evil".to_owned()),
        ("a long one", "e".repeat(40_000)),
    ] {
        let params = [("id_token_hint", text.as_str()), ("post_logout_redirect_uri", BYE)];
        is_sign_out_error(&wishes(&mut browser, &params).await, what);
        is_sign_out_error(&wishes(&mut browser, &params[..1]).await, what);
    }
    // The hint of one client does not open the door of another, whatever is said beside it.
    let of_the_other = member(&others, "id_token");
    for more in [&[][..], &[("client_id", "wiki")], &[("client_id", "nobody")]] {
        let params = [&[("id_token_hint", of_the_other.as_str()), ("post_logout_redirect_uri", BYE)], more].concat();
        is_sign_out_error(&wishes(&mut browser, &params).await, "another client's");
    }
    // Nor does that of a client that is no more.
    registration::disable(&world.server.registry, "evil", world.now()).await.unwrap();
    let params = [("id_token_hint", of_the_other.as_str()), ("post_logout_redirect_uri", "https://evil.example/bye")];
    is_sign_out_error(&wishes(&mut browser, &params).await, "a disabled client's");
    assert!(is_signed_in(&mut browser).await, "nothing has happened");
    // An honest hint is as good when it has expired; and when its session is over, nobody is signed out by it.
    world.advance(Lifetime::hours(2));
    let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
    assert_eq!(wishes(&mut browser, &params).await.location(), BYE);
    let mut again = world.browser();
    signs_in_for(&mut again, &app).await;
    let asked = wishes(&mut again, &params).await;
    assert!(asked.body.contains("logout-confirm") && is_signed_in(&mut again).await, "{asked:?}");
}

#[tokio::test]
async fn case_68_an_image_of_another_site_signs_nobody_out() {
    let (world, app) = site().await;
    world.user("mallory").await;
    let mut mallory = world.browser();
    let code = mallory.code(&app, "openid", "mallory").await;
    let own = member(&app.redeems(&world, &code).await.ok(), "id_token");
    let mut browser = world.browser();
    signs_in_for(&mut browser, &app).await;
    browser.headers = vec![
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-dest", "image".to_owned()),
        ("referer", "https://evil.example/".to_owned()),
    ];
    for params in [
        &[][..],
        &[("state", "x")],
        &[("client_id", "wiki")],
        &[("client_id", "wiki"), ("post_logout_redirect_uri", BYE)],
        // The attacker is a user here as well, and has a hint that is honest but not of this session.
        &[("id_token_hint", own.as_str())],
        &[("id_token_hint", own.as_str()), ("post_logout_redirect_uri", BYE)],
        &[("logout-confirm", "1"), ("action", "sign_out")],
    ] {
        let answer = wishes(&mut browser, params).await;
        assert!(answer.body.contains("logout-confirm"), "{params:?}: {answer:?}");
        assert!(is_signed_in(&mut browser).await, "{params:?}");
    }
    for path in ["/logout/confirm?action=sign_out", "/logout/done", "/account?action=sign_out_everywhere"] {
        let answer = browser.get(path).await;
        browser.follow(answer).await;
        assert!(is_signed_in(&mut browser).await, "{path}");
    }
}

/// What a browser and an app hold of one session, before it is signed out.
struct Held<'a> {
    world: &'a World,
    app: &'a App,
    before: Browser<'a>,
    tokens: Value,
    unused_code: String,
    consent_page: Answer,
}

impl Held<'_> {
    async fn must_all_be_dead(mut self, how: &str) {
        let (world, app) = (self.world, self.app);
        assert!(!is_signed_in(&mut self.before).await, "{how}: the old cookie");
        let silent = self.before.authorizes(&asks(app, "openid", &[("prompt", "none")])).await;
        assert_eq!(silent.param("error").as_deref(), Some("login_required"), "{how}");
        app.redeems(world, &self.unused_code).await.refused("invalid_grant");
        app.refreshes(world, &member(&self.tokens, "refresh_token")).await.refused("invalid_grant");
        assert!(!is_alive(world, app, &member(&self.tokens, "access_token")).await, "{how}");
        let late = self.before.submits(&self.consent_page, &[("action", "allow")]).await;
        assert!(late.body.contains("login-submit"), "{how}: a consent page of that session: {late:?}");
    }
}

#[tokio::test]
async fn case_68_after_a_sign_out_nothing_of_the_session_is_alive() {
    let (world, app) = site().await;
    for how in ["by the app", "by the user", "on the account page elsewhere", "everywhere"] {
        let mut browser = world.browser();
        let tokens = signs_in_for(&mut browser, &app).await;
        let unused_code = browser.code(&app, "openid", "alice").await;
        let consent_page = browser.authorizes(&asks(&app, "openid", &[("prompt", "consent")])).await;
        assert!(consent_page.body.contains("consent-allow"), "{consent_page:?}");
        let hint = member(&tokens, "id_token");
        let held = Held { world: &world, app: &app, before: browser.clone(), tokens, unused_code, consent_page };
        match how {
            "by the app" => {
                let params = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
                assert_eq!(wishes(&mut browser, &params).await.location(), BYE);
            }
            "by the user" => {
                let page = browser.get("/logout").await;
                let done = browser.submits(&page, &[("action", "sign_out")]).await;
                assert!(done.body.contains("You are signed out"), "{done:?}");
            }
            _ => {
                let mut elsewhere = world.browser();
                let page = elsewhere.get("/login").await;
                let page = elsewhere.signs_in(&page, "alice").await;
                let ids: Vec<&str> = page.body.split("name=\"id\" value=\"").skip(1).collect();
                let sids: Vec<&str> = ids.iter().filter_map(|rest| rest.split('"').next()).collect();
                let sid = crate::world::claims(&hint)["sid"].as_str().unwrap().to_owned();
                assert!(sids.contains(&sid.as_str()), "{sids:?}");
                let csrf = crate::world::field(&page.body, "csrf").unwrap();
                let end = [("action", "end_session"), ("id", sid.as_str())];
                let fields = if how == "everywhere" { &[("action", "sign_out_everywhere")][..] } else { &end };
                let done = elsewhere.post("/account", &[&[("csrf", csrf.as_str())], fields].concat()).await;
                let done = elsewhere.follow(done).await;
                assert!(done.body.contains("role=\"status\""), "{done:?}");
            }
        }
        held.must_all_be_dead(how).await;
    }
}
