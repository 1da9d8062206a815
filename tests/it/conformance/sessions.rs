//! Two requests of one browser: who is still signed in, who is asked again, and what `auth_time` says of it.

use latchkey::protocol::Lifetime;

use super::{
    play::{Flow, Play, each, each_at},
    site::{OTHER_USERNAME, Site},
};

/// A 128-character state comes back to the character.
const LONG: usize = 128;

const NOT_SILENT: &[&str] =
    &["login_required", "interaction_required", "account_selection_required", "consent_required"];

/// That two answers speak of the same sign-in.
#[track_caller]
fn is_the_same_sign_in(one: &Flow, other: &Flow) {
    assert_eq!(one.claims["sub"], other.claims["sub"]);
    assert_eq!(one.claims.get("auth_time"), other.claims.get("auth_time"));
}

/// That the second speaks of a later one, of just now.
#[track_caller]
fn is_a_later_sign_in(play: &Play<'_>, one: &Flow, other: &Flow) {
    assert_eq!(one.claims["sub"], other.claims["sub"]);
    let at = |flow: &Flow| flow.claims["auth_time"].as_i64().expect("auth_time is there");
    assert!(at(one) < at(other) && at(other) == play.site.world.now().0, "{one:?} {other:?}");
}

#[tokio::test]
async fn oidcc_prompt_login() {
    each("oidcc-prompt-login", async |play| {
        let first = play.succeeds(&play.asks("openid")).await;
        play.site.world.advance(Lifetime::seconds(2));
        let second = play.succeeds(&play.asks("openid").with("prompt", "login")).await;
        assert_eq!(play.asked_to_sign_in, 2);
        is_a_later_sign_in(play, &first, &second);
    })
    .await;
}

#[tokio::test]
async fn oidcc_prompt_none_not_logged_in() {
    each("oidcc-prompt-none-not-logged-in", async |play| {
        let state = play.site.random(LONG);
        let request = play.asks("openid").with("prompt", "none").with("state", state);
        play.is_refused(&request, NOT_SILENT).await;
        assert_eq!((play.asked_to_sign_in, play.asked_to_allow), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn oidcc_prompt_none_logged_in() {
    each("oidcc-prompt-none-logged-in", async |play| {
        let first = play.succeeds(&play.asks("openid")).await;
        play.site.world.advance(Lifetime::seconds(2));
        let second = play.succeeds(&play.asks("openid").with("prompt", "none")).await;
        is_the_same_sign_in(&first, &second);
        assert_eq!((play.asked_to_sign_in, play.asked_to_allow), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn oidcc_max_age_1() {
    each("oidcc-max-age-1", async |play| {
        let first = play.succeeds(&play.asks("openid")).await;
        play.site.world.advance(Lifetime::seconds(2));
        let second = play.succeeds(&play.asks("openid").with("max_age", "1")).await;
        assert_eq!(play.asked_to_sign_in, 2);
        is_a_later_sign_in(play, &first, &second);
    })
    .await;
}

#[tokio::test]
async fn oidcc_max_age_10000() {
    each("oidcc-max-age-10000", async |play| {
        let first = play.succeeds(&play.asks("openid").with("max_age", "15000")).await;
        play.site.world.advance(Lifetime::seconds(60));
        let second = play.succeeds(&play.asks("openid").with("max_age", "10000")).await;
        assert!(first.claims["auth_time"].is_i64(), "{}", first.claims);
        is_the_same_sign_in(&first, &second);
        assert_eq!(play.asked_to_sign_in, 1);
    })
    .await;
}

#[tokio::test]
async fn oidcc_id_token_hint() {
    let site = Site::new().await;
    site.world.user(OTHER_USERNAME).await;
    each_at(&site, "oidcc-id-token-hint", async |play| {
        let first = play.succeeds(&play.asks("openid")).await;
        let hinted =
            |play: &Play<'_>| play.asks("openid").with("prompt", "none").with("id_token_hint", &first.id_token);
        let second = play.succeeds(&hinted(play)).await;
        is_the_same_sign_in(&first, &second);
        // An ID token that has expired still says who is meant.
        play.site.world.advance(Lifetime::minutes(20));
        let third = play.succeeds(&hinted(play)).await;
        is_the_same_sign_in(&first, &third);
        assert_eq!(play.asked_to_sign_in, 1);
        // Somebody else is not taken for the one who is meant.
        let mut others = Play::begin(play.site, play.variant, play.client.clone());
        others.username = OTHER_USERNAME;
        let other = others.succeeds(&others.asks("openid")).await;
        assert_ne!(other.claims["sub"], first.claims["sub"]);
        let request = play.asks("openid").with("prompt", "none").with("id_token_hint", other.id_token);
        play.is_refused(&request, &["login_required"]).await;
    })
    .await;
}
