//! From an approval to its grants: one with a code (RFC 6749 §4.1.2, product decision 3), and one for what the answer
//! brings itself (OIDC Core §3.2, §3.3).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{login::Login, offer::Offer, request::Request};
use crate::{
    keys::RefreshKey,
    protocol::{Lifetime, PlainSecret, Result, Timestamp, claims::ClaimsRequest},
    random::Random,
    store::grants::Grant,
};

/// What an authorization code begins with, so that a scanner can tell a leaked one.
const PREFIX: &str = "lkc_";

/// What a code is made under.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The code itself.
    pub code: &'a PlainSecret,
    /// How long the code lives.
    pub lifetime: Lifetime,
    /// The issuer's epoch, as read before anything is written.
    pub issuer_epoch: i64,
    /// The time.
    pub now: Timestamp,
}

/// The code of a request that was answered at once.
#[must_use]
pub fn by_chance(random: &Random) -> PlainSecret {
    PlainSecret::new(format!("{PREFIX}{}", random.token()))
}

/// The code of a request that waited for its user. It is the same on every node and at every time, so that a second
/// press of the button can repeat the answer of the first, and yet nothing is kept of it but its hash.
#[must_use]
pub fn of_request(key: &RefreshKey, request_id: &str) -> PlainSecret {
    // No refresh token begins like this, so no MAC of one is ever a code.
    let mac = key.mac(format!("{PREFIX}{request_id}").as_bytes());
    PlainSecret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(mac)))
}

/// What stands in the place of a code in the grant of a request that waited for its user and was answered with more than
/// a code, or with something else: nobody is ever given it.
#[must_use]
pub fn of_answer(key: &RefreshKey, request_id: &str) -> PlainSecret {
    of_request(key, &format!("answer:{request_id}"))
}

/// The grant of an approval under its code.
///
/// The grant carries epochs that were read before it is written: whoever is signed out, disabled or suspended in between
/// raises one, and the grant is dead from the start.
///
/// # Errors
/// None that is known of.
pub fn grant(request: &Request, login: &Login, offer: &Offer, terms: Terms<'_>, random: &Random) -> Result<Grant> {
    let ask = &request.ask;
    let Terms { code, lifetime, issuer_epoch, now } = terms;
    let code_expires_at = (now + lifetime).0;
    Ok(Grant {
        id: random.id(),
        client_id: ask.client.id.clone(),
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
        claims: (ask.claims != ClaimsRequest::default()).then(|| serde_json::to_string(&ask.claims)).transpose()?,
        org_id: offer.org_id().map(str::to_owned),
        auth_time: login.auth_time.0,
        acr: login.acr.clone(),
        amr: login.amr.join(" "),
        refresh_generation: 0,
        refresh_predecessor: 0,
        refresh_recovered: false,
        refresh_rotated_at: now.0,
        user_epoch: login.epoch,
        client_epoch: ask.client.epoch,
        org_epoch: offer.membership.as_ref().map_or(0, |membership| membership.org_epoch),
        issuer_epoch,
        created_at: now.0,
        // Until it is exchanged the grant lives no longer than its code.
        expires_at: code_expires_at,
        ended_at: None,
        ended_by: None,
    })
}

/// The grant of an approval for what the answer brings itself. It has no code that anybody could redeem, and ends with the
/// session whatever the one with the code does: nobody can refresh what came through a browser.
///
/// # Errors
/// None that is known of.
pub fn grant_at_once(
    request: &Request,
    login: &Login,
    offer: &Offer,
    terms: Terms<'_>,
    lifetime: Lifetime,
    random: &Random,
) -> Result<Grant> {
    Ok(Grant {
        offline: false,
        code_spent_at: Some(terms.now.0),
        // As long as what is made last from it: as late as a second press may come.
        expires_at: (terms.now + lifetime + terms.lifetime).0,
        scope: offer.scope.filter(|token| token != "offline_access").to_string(),
        ..grant(request, login, offer, terms, random)?
    })
}
