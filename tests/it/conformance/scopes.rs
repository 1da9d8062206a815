//! What is told of the user, for scopes and for single claims.

use serde_json::Value;

use super::{
    checks,
    play::{Flow, each},
};

const PROFILE: &[&str] = &[
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "preferred_username",
];
const EMAIL: &[&str] = &["email", "email_verified"];
const ADDRESS: &[&str] = &["address"];
const PHONE: &[&str] = &["phone_number", "phone_number_verified"];

/// Play a module that asks for scopes: every claim comes, where it belongs, and none of another scope.
async fn brings(module: &str, scope: &str, claims: &[&[&str]]) {
    each(module, async |play| {
        let flow = play.succeeds(&play.asks(scope)).await;
        let told = told(&flow);
        for name in claims.iter().copied().flatten() {
            assert!(told.get(name).is_some(), "no {name} in {told}");
        }
        let brought = |name: &&str| claims.iter().any(|list| list.contains(name));
        for name in [PROFILE, EMAIL, ADDRESS, PHONE].into_iter().flatten().filter(|name| !brought(name)) {
            assert!(told.get(name).is_none(), "{name} in {told}");
        }
    })
    .await;
}

/// Where the claims of scopes come: userinfo, or the ID token where there is nothing else (OIDC Core §5.4).
fn told(flow: &Flow) -> &Value {
    match &flow.userinfo {
        Some(told) => {
            checks::tells_of_the_sign_in_alone(&flow.claims);
            told
        }
        None => &flow.claims,
    }
}

#[tokio::test]
async fn oidcc_scope_profile() {
    brings("oidcc-scope-profile", "openid profile", &[PROFILE]).await;
}

#[tokio::test]
async fn oidcc_scope_email() {
    brings("oidcc-scope-email", "openid email", &[EMAIL]).await;
}

#[tokio::test]
async fn oidcc_scope_address() {
    brings("oidcc-scope-address", "openid address", &[ADDRESS]).await;
}

#[tokio::test]
async fn oidcc_scope_phone() {
    brings("oidcc-scope-phone", "openid phone", &[PHONE]).await;
}

#[tokio::test]
async fn oidcc_scope_all() {
    brings("oidcc-scope-all", "openid profile email address phone", &[PROFILE, EMAIL, ADDRESS, PHONE]).await;
}

#[tokio::test]
async fn oidcc_claims_essential() {
    each("oidcc-claims-essential", async |play| {
        let place = if play.variant.response_type == "id_token" { "id_token" } else { "userinfo" };
        let wish = serde_json::json!({ place: { "name": { "essential": true } } });
        let flow = play.succeeds(&play.asks("openid").with("claims", wish.to_string())).await;
        assert!(told(&flow)["name"].is_string(), "{flow:?}");
    })
    .await;
}
