//! What a client may wish for, and a server may do without failing.

use super::play::each;

/// Play a module that adds a parameter, which must not stand in the way.
async fn takes(module: &str, name: &str, value: &str) {
    each(module, async |play| {
        play.succeeds(&play.asks("openid").with(name, value)).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_display_page() {
    takes("oidcc-display-page", "display", "page").await;
}

#[tokio::test]
async fn oidcc_display_popup() {
    takes("oidcc-display-popup", "display", "popup").await;
}

#[tokio::test]
async fn oidcc_ui_locales() {
    takes("oidcc-ui-locales", "ui_locales", "se").await;
}

#[tokio::test]
async fn oidcc_claims_locales() {
    takes("oidcc-claims-locales", "claims_locales", "se").await;
}

#[tokio::test]
async fn oidcc_login_hint() {
    // Nobody has this name.
    takes("oidcc-login-hint", "login_hint", "buffy@localhost").await;
}

#[tokio::test]
async fn oidcc_ensure_request_with_acr_values_succeeds() {
    each("oidcc-ensure-request-with-acr-values-succeeds", async |play| {
        let listed = super::checks::list(&play.site.metadata, "acr_values_supported").expect("they are listed");
        let flow = play.succeeds(&play.asks("openid").with("acr_values", listed.join(" "))).await;
        assert!(listed.iter().any(|own| flow.claims["acr"] == *own), "{}", flow.claims);
        // None of these is known; the request succeeds, and the truth is told.
        let flow = play.succeeds(&play.asks("openid").with("acr_values", "1 2")).await;
        assert!(listed.iter().any(|own| flow.claims["acr"] == *own), "{}", flow.claims);
    })
    .await;
}
