//! How clients hear that a session has ended: in a frame of the browser, from the server itself, or by watching.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{clients::Logout, jobs::SignOuts};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::{
    browser, checks,
    client::{self, SIGNED_OUT},
    logout::{is_back, is_signed_out, signs_out},
    plans::Registration,
    play::{Flow, Play, each},
};
use crate::forms;

/// The same run with a client that wants to be told of sign-outs.
async fn wants_to_hear(play: &mut Play<'_>, logout: Logout) {
    play.client.leaves(play.site).await;
    play.client = if play.variant.registration == Registration::Dynamic {
        let mut metadata = client::metadata(play.variant);
        let Value::Object(told) = serde_json::to_value(&logout).expect("JSON") else { panic!("no object") };
        metadata.as_object_mut().expect("an object").extend(told.clone());
        let client = client::register(play.site, &metadata).await;
        for (name, value) in told {
            assert_eq!(client.registered.as_ref().expect("it is registered")[&name], value);
        }
        client
    } else {
        client::create(play.site, play.variant, |wanted| wanted.logout = logout).await
    };
}

/// Sign in, and out again at the app's wish; where that ends, and with which state.
async fn comes_and_goes(play: &mut Play<'_>) -> (Flow, browser::Visit, String) {
    let flow = play.succeeds(&play.asks("openid")).await;
    let state = play.site.random(128);
    let params =
        [("id_token_hint", flow.id_token.as_str()), ("post_logout_redirect_uri", SIGNED_OUT), ("state", &state)];
    let visit = signs_out(play, &params).await;
    (flow, visit, state)
}

fn sid(flow: &Flow) -> &str {
    checks::text(&flow.claims, "sid")
}

#[tokio::test]
async fn oidcc_frontchannel_rp_initiated_logout() {
    each("oidcc-frontchannel-rp-initiated-logout", async |play| {
        let own = "https://app.example/test/a/latchkey/frontchannel_logout";
        let logout = Logout {
            front_channel_uri: Some(own.to_owned()),
            front_channel_needs_session: Some(true),
            ..Logout::default()
        };
        wants_to_hear(play, logout).await;
        let (flow, visit, state) = comes_and_goes(play).await;
        let page = visit.here();
        let frames: Vec<Url> = page.sources_of_frames();
        let [frame] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!(frame.as_str().split('?').next(), Some(own));
        let told: Vec<(String, String)> = frame.query_pairs().into_owned().collect();
        let expected = [("iss", play.site.issuer.as_str()), ("sid", sid(&flow))];
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let policy = page.answer.header("content-security-policy");
        let allowed = policy.split(';').map(str::trim).find_map(|own| own.strip_prefix("frame-src "));
        assert_eq!(allowed, Some("https://app.example"), "{policy}");
        // With scripts or without, the browser goes on to the app.
        let next = page.leads_to().expect("it goes on by itself");
        let visit = play.browser.opens(next.as_str()).await;
        is_back(visit, &[("state", &state)]);
        is_signed_out(play).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    each("oidcc-backchannel-rp-initiated-logout", async |play| {
        let receiver = play.site.receiver();
        let uri = receiver.has("/backchannel_logout", "text/plain", "");
        let logout =
            Logout { back_channel_uri: Some(uri), back_channel_needs_session: Some(true), ..Logout::default() };
        wants_to_hear(play, logout).await;
        let (flow, visit, state) = comes_and_goes(play).await;
        is_back(visit, &[("state", &state)]);
        let sign_outs = SignOuts::new(play.site.world.server.clone());
        sign_outs.begin().await.expect("it begins");
        sign_outs.settled().await;
        let received = receiver.received();
        let [told] = &received[..] else { panic!("{received:?}") };
        assert_eq!((&told.method, told.path.as_str()), (&Method::POST, "/backchannel_logout"));
        assert_eq!(told.media_type, "application/x-www-form-urlencoded");
        let fields: Vec<(String, String)> = form_urlencoded::parse(told.body.as_bytes()).into_owned().collect();
        let [(name, token)] = &fields[..] else { panic!("{fields:?}") };
        assert_eq!(name, "logout_token");
        is_logout_token(play, &flow, token).await;
        is_signed_out(play).await;
    })
    .await;
}

/// OIDC Back-Channel Logout §2.4, §2.6.
async fn is_logout_token(play: &Play<'_>, flow: &Flow, token: &str) {
    let claims = checks::signed(token, &play.site.jwks().await);
    assert_eq!(checks::header(token)["typ"], "logout+jwt");
    for (name, value) in [
        ("iss", json!(play.site.issuer)),
        ("aud", json!(play.client.id)),
        ("sub", flow.claims["sub"].clone()),
        ("sid", flow.claims["sid"].clone()),
        ("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} })),
        ("iat", json!(play.site.world.now().0)),
    ] {
        assert_eq!(claims[name], value, "{claims}");
    }
    assert!(!checks::text(&claims, "jti").is_empty());
    assert!(claims["exp"].as_i64() > claims["iat"].as_i64(), "{claims}");
    assert!(claims.get("nonce").is_none(), "{claims}");
}

#[tokio::test]
async fn oidcc_session_management_rp_initiated_logout() {
    each("oidcc-session-management-rp-initiated-logout", async |play| {
        can_be_watched(play).await;
        let flow = play.succeeds(&play.asks("openid")).await;
        let told = flow.params.get("session_state").expect("a session that can be watched").to_owned();
        assert_eq!(watches(play, &told), "unchanged");
        // Another answer of the same session is another word for the same.
        let silent = play.succeeds(&play.asks("openid").with("prompt", "none")).await;
        assert_eq!(watches(play, silent.params.get("session_state").expect("likewise")), "unchanged");
        let params =
            [("id_token_hint", flow.id_token.as_str()), ("post_logout_redirect_uri", SIGNED_OUT), ("state", "s")];
        let visit = signs_out(play, &params).await;
        is_back(visit, &[("state", "s")]);
        assert_eq!(watches(play, &told), "changed");
        is_signed_out(play).await;
        // Whoever signs in next is not taken for the one before.
        play.succeeds(&play.asks("openid")).await;
        assert_eq!(watches(play, &told), "changed");
    })
    .await;
}

/// That every site may frame the page, which has its script and nothing else.
async fn can_be_watched(play: &Play<'_>) {
    let page = browser::answer(play.site.http.get(play.site.at("check_session_iframe"))).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(
        page.header("content-type").starts_with("text/html") && page.header("x-frame-options").is_empty(),
        "{page:?}"
    );
    let policy = page.header("content-security-policy");
    assert!(policy.contains("frame-ancestors *") && policy.contains("script-src 'self'"), "{policy}");
    let script = page.body.split("<script").nth(1).and_then(|rest| forms::attribute(rest, "src")).expect("a script");
    let address = Url::parse(&play.site.issuer).and_then(|issuer| issuer.join(&script)).expect("a URL");
    let script = browser::answer(play.site.http.get(address)).await;
    assert!(script.status == StatusCode::OK && script.header("content-type").contains("javascript"), "{script:?}");
}

/// What the page in the frame would answer, by OIDC Session Management §3.2.
fn watches(play: &Play<'_>, session_state: &str) -> &'static str {
    let (hash, salt) = session_state.split_once('.').expect("a hash and its salt");
    assert!(!session_state.contains(' '));
    let cookies = play.browser.cookies_of_a_frame();
    assert!(cookies.len() <= 1, "{cookies:?}");
    let state = cookies.first().map(|(_, value)| *value).unwrap_or_default();
    let told = format!("{} https://app.example {state} {salt}", play.client.id);
    if URL_SAFE_NO_PAD.encode(Sha256::digest(told)) == hash { "unchanged" } else { "changed" }
}
