//! From an approval to a grant with its code (RFC 6749 §4.1.2, product decision 3).

use super::{login::Login, offer::Offer, request::Request};
use crate::{
    protocol::{Lifetime, PlainSecret, Result, Timestamp},
    random::Random,
    store::{Write, grants},
};

/// What an authorization code begins with, so that a scanner can tell a leaked one.
const PREFIX: &str = "lkc_";

/// What a code is made under.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long the code lives.
    pub lifetime: Lifetime,
    /// The issuer's epoch, as read before anything is written.
    pub issuer_epoch: i64,
    /// The time.
    pub now: Timestamp,
}

/// Keep the grant of an approval, and give its code.
///
/// The grant carries epochs that were read before it is written: whoever is signed out, disabled or suspended in between
/// raises one, and the grant is dead from the start.
///
/// # Errors
/// When the database cannot.
pub async fn issue(
    tx: &mut Write,
    request: &Request,
    login: &Login,
    offer: &Offer,
    terms: Terms,
    random: &Random,
) -> Result<PlainSecret> {
    let Terms { lifetime, issuer_epoch, now } = terms;
    let code = PlainSecret::new(format!("{PREFIX}{}", random.token()));
    let code_expires_at = (now + lifetime).0;
    let grant = grants::Grant {
        id: random.id(),
        client_id: request.client.id.clone(),
        user_id: login.sub.clone(),
        sid: login.sid.clone(),
        offline: offer.scope.contains("offline_access"),
        code_hash: code.hash().as_str().to_owned(),
        code_expires_at,
        code_spent_at: None,
        code_failures: 0,
        redirect_uri: request.recipient.redirect_uri().to_owned(),
        code_challenge: request.code_challenge.clone(),
        nonce: request.nonce.clone(),
        scope: offer.scope.to_string(),
        resources: serde_json::to_string(&offer.audience)?,
        claims: request.params.get("claims").map(str::to_owned),
        org_id: offer.org_id().map(str::to_owned),
        auth_time: login.auth_time.0,
        acr: login.acr.clone(),
        amr: login.amr.join(" "),
        refresh_generation: 0,
        refresh_predecessor: 0,
        refresh_recovered: false,
        refresh_rotated_at: now.0,
        user_epoch: login.epoch,
        client_epoch: request.client.epoch,
        org_epoch: offer.membership.as_ref().map_or(0, |membership| membership.org_epoch),
        issuer_epoch,
        created_at: now.0,
        // Until it is exchanged the grant lives no longer than its code.
        expires_at: code_expires_at,
        ended_at: None,
        ended_by: None,
    };
    grants::insert(tx, &grant).await?;
    Ok(code)
}
