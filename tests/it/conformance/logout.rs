//! Signing out at an app's wish (OIDC RP-Initiated Logout 1.0).

use url::form_urlencoded;

use super::{
    browser::Visit,
    client::{KEY, SIGNED_OUT},
    play::{Flow, Play, each, is_error_page},
};

const NOT_SILENT: &[&str] =
    &["login_required", "interaction_required", "account_selection_required", "consent_required"];

/// Sign in, and then go where one signs out; a question on the way is answered with yes.
pub(super) async fn signs_out(play: &mut Play<'_>, params: &[(&str, &str)]) -> Visit {
    let url = format!("{}?{}", play.site.at("end_session_endpoint"), crate::world::encode(params));
    let visit = play.browser.opens(url.trim_end_matches('?')).await;
    confirms(play, visit).await
}

async fn confirms(play: &mut Play<'_>, visit: Visit) -> Visit {
    match visit {
        Visit::Here(page) if page.has("logout-confirm") => play.browser.presses(&page, "logout-confirm", &[]).await,
        visit => visit,
    }
}

/// That the user is back at the app, with exactly this in the query.
#[track_caller]
pub(super) fn is_back(visit: Visit, params: &[(&str, &str)]) {
    let sent = visit.there();
    let query = sent.url.query().unwrap_or_default();
    let came: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let expected: Vec<(String, String)> =
        params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    assert_eq!(came, expected);
    let address = sent.url.as_str().split('?').next();
    assert_eq!((address, sent.url.fragment()), (Some(SIGNED_OUT), None));
}

/// That the browser has no session any more.
pub(super) async fn is_signed_out(play: &mut Play<'_>) {
    play.is_refused(&play.asks("openid").with("prompt", "none"), NOT_SILENT).await;
}

async fn is_still_signed_in(play: &mut Play<'_>, before: &Flow) {
    let flow = play.succeeds(&play.asks("openid").with("prompt", "none")).await;
    assert_eq!(flow.claims["sid"], before.claims["sid"]);
}

/// Play a module in which the wish is not in order: nothing happens, and the user reads so.
async fn is_refused(module: &str, params: impl Fn(&Play<'_>, &Flow) -> Vec<(&'static str, String)>) {
    each(module, async |play| {
        let flow = play.succeeds(&play.asks("openid")).await;
        let params = params(play, &flow);
        let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let visit = signs_out(play, &params).await;
        is_error_page(&visit.here(), "Sign-out error");
        is_still_signed_in(play, &flow).await;
    })
    .await;
}

/// Play a module in which no app waits: the user is signed out, and reads so.
async fn is_told_here(module: &str, params: impl Fn(&Play<'_>, &Flow) -> Vec<(&'static str, String)>) {
    each(module, async |play| {
        let flow = play.succeeds(&play.asks("openid")).await;
        let params = params(play, &flow);
        let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = signs_out(play, &params).await.here();
        assert_eq!((page.answer.status.as_u16(), page.title().as_str()), (200, "You are signed out"), "{page:?}");
        is_signed_out(play).await;
    })
    .await;
}

fn hint(flow: &Flow) -> (&'static str, String) {
    ("id_token_hint", flow.id_token.clone())
}

fn back() -> (&'static str, String) {
    ("post_logout_redirect_uri", SIGNED_OUT.to_owned())
}

fn state(play: &Play<'_>) -> (&'static str, String) {
    ("state", play.site.random(128))
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    each("oidcc-rp-initiated-logout", async |play| {
        let flow = play.succeeds(&play.asks("openid")).await;
        let state = format!("{}~+ /?&=%ü", play.site.random(118));
        let params =
            [("id_token_hint", flow.id_token.as_str()), ("post_logout_redirect_uri", SIGNED_OUT), ("state", &state)];
        let visit = signs_out(play, &params).await;
        is_back(visit, &[("state", &state)]);
        is_signed_out(play).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    each("oidcc-rp-initiated-logout-no-state", async |play| {
        let flow = play.succeeds(&play.asks("openid")).await;
        let params = [("id_token_hint", flow.id_token.as_str()), ("post_logout_redirect_uri", SIGNED_OUT)];
        let visit = signs_out(play, &params).await;
        is_back(visit, &[]);
        is_signed_out(play).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    is_refused("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", |play, flow| {
        let other = format!("{SIGNED_OUT}{}", play.site.random(10));
        vec![hint(flow), ("post_logout_redirect_uri", other), state(play)]
    })
    .await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    is_refused("oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", |play, flow| {
        vec![hint(flow), ("post_logout_redirect_uri", format!("{SIGNED_OUT}?foo=bar")), state(play)]
    })
    .await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    is_refused("oidcc-rp-initiated-logout-modified-id-token-hint", |play, flow| {
        let payload = flow.id_token.split('.').nth(1).expect("a payload");
        // {"alg":"none"}
        vec![("id_token_hint", format!("eyJhbGciOiJub25lIn0.{payload}.")), back(), state(play)]
    })
    .await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    is_refused("oidcc-rp-initiated-logout-bad-id-token-hint", |play, flow| {
        vec![("id_token_hint", KEY.signs(&flow.claims)), back(), state(play)]
    })
    .await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    is_refused("oidcc-rp-initiated-logout-no-id-token-hint", |play, _| vec![back(), state(play)]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    is_told_here("oidcc-rp-initiated-logout-no-params", |_, _| Vec::new()).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    is_told_here("oidcc-rp-initiated-logout-no-post-logout-redirect-uri", |play, flow| vec![hint(flow), state(play)])
        .await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    is_told_here("oidcc-rp-initiated-logout-only-state", |play, _| vec![state(play)]).await;
}
