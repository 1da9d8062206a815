//! What an authorization request needs next: a login, a choice, a consent, an answer. Pure: the facts come in, the step comes out.

use super::{
    login::Login,
    offer::{Offer, Offers},
    request::Request,
};
use crate::{
    clients::{ApplicationType, Client},
    protocol::{Code, Refusal, Timestamp},
    store::consents::Consent,
};

/// What is known beside the request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who is signed in in this browser, with a login that still counts.
    pub login: Option<&'a Login>,
    /// Whether that user has authenticated, or chosen the account, for this very request.
    pub for_this_request: bool,
    /// What that user could give.
    pub offers: Option<&'a Offers>,
    /// What that user has allowed this client before.
    pub remembered: &'a [Consent],
    /// The time.
    pub now: Timestamp,
}

/// The next step of an authorization request.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The user signs in.
    Login,
    /// The user says which account to go on with.
    PickAccount,
    /// The user is asked.
    Consent,
    /// All is said: answer with a code for this.
    Grant(Box<Offer>),
    /// The client is told no.
    Refuse(Refusal),
}

/// Decide the next step (OIDC Core §3.1.2.3, §3.1.2.4).
#[must_use]
pub fn next_step(request: &Request, facts: Facts<'_>) -> Step {
    let Some(login) = facts.login.filter(|login| is_good_enough(request, login, facts)) else {
        return page(request, Step::Login, Code::LoginRequired, "nobody is signed in whom this request would accept");
    };
    if request.prompt.select_account && !facts.for_this_request {
        return page(request, Step::PickAccount, Code::AccountSelectionRequired, "the user has to choose an account");
    }
    let offers = match facts.offers {
        Some(Offers::NoSuchOrganisation) | None => {
            let refusal = Refusal::new(
                Code::AccessDenied,
                "the user is no active member of the organisation that `scope` names",
            );
            return Step::Refuse(refusal.hint(format!("user {}", login.sub)));
        }
        Some(offers) => offers,
    };
    if offers.all().iter().all(|offer| offer.scope.is_empty()) {
        return Step::Refuse(Refusal::new(Code::AccessDenied, "the user has none of the permissions that `scope` asks for"));
    }
    match settled(request, offers, facts.remembered) {
        Some(offer) => Step::Grant(Box::new(offer.clone())),
        None if matches!(offers, Offers::Choice(_)) => {
            page(request, Step::Consent, Code::InteractionRequired, "the user has to choose an organisation")
        }
        None => page(request, Step::Consent, Code::ConsentRequired, "the user has to be asked"),
    }
}

/// With `prompt=none` no page is shown; the client hears which one it would have been.
fn page(request: &Request, step: Step, code: Code, why: &'static str) -> Step {
    if request.prompt.none { Step::Refuse(Refusal::new(code, why)) } else { step }
}

fn is_good_enough(request: &Request, login: &Login, facts: Facts<'_>) -> bool {
    let is_expected = request.expected_sub.as_ref().is_none_or(|sub| *sub == login.sub);
    let is_fresh = facts.for_this_request
        || (!request.prompt.login && request.max_age.is_none_or(|age| facts.now - login.auth_time <= age && age.0 > 0));
    is_expected && is_fresh
}

/// The offer that needs no question: consented to before, or a first-party client's.
fn settled<'a>(request: &Request, offers: &'a Offers, remembered: &[Consent]) -> Option<&'a Offer> {
    if request.prompt.consent || must_always_ask(&request.client) {
        return None;
    }
    match offers {
        Offers::One(offer) if request.client.first_party => Some(offer),
        Offers::One(offer) => remembered.iter().any(|consent| offer.is_covered_by(consent)).then_some(offer),
        // The organisation chosen last, if all that is asked was allowed there.
        Offers::Choice(offers) => remembered
            .iter()
            .filter_map(|consent| Some((consent.updated_at, offers.iter().find(|offer| offer.is_covered_by(consent))?)))
            .max_by_key(|(at, _)| *at)
            .map(|(_, offer)| offer),
        Offers::NoSuchOrganisation => None,
    }
}

/// RFC 8252 §8.6: another app on the device can pretend to be a public client on a loopback or custom-scheme URI, so
/// the user sees every request of one.
fn must_always_ask(client: &Client) -> bool {
    client.is_public() && client.metadata.application_type == ApplicationType::Native
}
