//! What an authorization request needs next: a login, a choice, a consent, an answer. Pure: the facts come in, the step comes out.

use super::{
    ask::Ask,
    login::Login,
    offer::{Offer, Offers},
    waiting::Done,
};
use crate::{
    protocol::{ErrorCode, Refusal, Timestamp},
    store::consents::Consent,
};

/// What is known beside the request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who is signed in in this browser, with a login that still counts.
    pub login: Option<&'a Login>,
    /// What that user has done for this very request.
    pub done: Done,
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
pub fn next_step(ask: &Ask, facts: Facts<'_>) -> Step {
    if facts.done == Done::Authenticated && facts.login.is_some_and(|login| !is_expected(ask, login)) {
        // OIDC Core §3.1.2.1, `id_token_hint`: somebody else signed in than the client knows; asking again leads nowhere.
        return Step::Refuse(Refusal::new(
            ErrorCode::LoginRequired,
            "another user signed in than `id_token_hint` names",
        ));
    }
    let Some(login) = facts.login.filter(|login| is_good_enough(ask, login, facts)) else {
        return page(ask, Step::Login, ErrorCode::LoginRequired, "nobody is signed in whom this request would accept");
    };
    // Never beside `prompt=none`: `Prompt` refuses the two together.
    if ask.prompt.select_account && facts.done < Done::PickedAccount {
        return Step::PickAccount;
    }
    let offers = match facts.offers {
        Some(Offers::NoSuchOrganisation) | None => {
            let refusal = Refusal::new(
                ErrorCode::AccessDenied,
                "the user is no active member of the organisation that `scope` names",
            );
            return Step::Refuse(refusal.hint(format!("user {}", login.sub)));
        }
        Some(offers) => offers,
    };
    if offers.all().iter().all(|offer| offer.scope.is_empty()) {
        return Step::Refuse(Refusal::new(
            ErrorCode::AccessDenied,
            "the user has none of the permissions that `scope` asks for",
        ));
    }
    match settled(ask, offers, facts.remembered) {
        Some(offer) => Step::Grant(Box::new(offer.clone())),
        None if matches!(offers, Offers::Choice(_)) => {
            page(ask, Step::Consent, ErrorCode::InteractionRequired, "the user has to choose an organisation")
        }
        None => page(ask, Step::Consent, ErrorCode::ConsentRequired, "the user has to be asked"),
    }
}

/// With `prompt=none` no page is shown; the client hears which one it would have been.
fn page(ask: &Ask, step: Step, code: ErrorCode, why: &'static str) -> Step {
    if ask.prompt.none { Step::Refuse(Refusal::new(code, why)) } else { step }
}

fn is_good_enough(ask: &Ask, login: &Login, facts: Facts<'_>) -> bool {
    // Whoever picks an account that has been signed in for long proves nothing by it.
    let is_fresh = facts.done == Done::Authenticated
        || (!ask.prompt.login && ask.max_age.is_none_or(|age| facts.now - login.auth_time <= age && age.0 > 0));
    is_expected(ask, login) && is_fresh
}

/// Whether it is the user whom the client expects (OIDC Core §3.1.2.1, `id_token_hint`); any will do if it expects none.
#[must_use]
pub fn is_expected(ask: &Ask, login: &Login) -> bool {
    ask.expected.as_ref().is_none_or(|expected| expected.is(&login.sub))
}

/// The offer that needs no question: consented to before, or a first-party client's.
fn settled<'a>(ask: &Ask, offers: &'a Offers, remembered: &[Consent]) -> Option<&'a Offer> {
    if ask.prompt.consent || ask.can_be_impersonated {
        return None;
    }
    match offers {
        Offers::One(offer) if ask.client.first_party => Some(offer),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        authorization::ask::{Expected, OrgWish, can_be_impersonated},
        clients::{ApplicationType, Client, Metadata, Subjects},
        keys::PairwiseKey,
        orgs::Membership,
        protocol::{AuthMethod, Lifetime, Prompt, claims::ClaimsRequest},
    };

    const NOW: Timestamp = Timestamp(1_000_000);

    fn client(change: impl FnOnce(&mut Client)) -> Arc<Client> {
        let mut client = Client::registered("app", Metadata::default(), NOW);
        change(&mut client);
        Arc::new(client)
    }

    fn ask(change: impl FnOnce(&mut Ask)) -> Ask {
        let mut ask = Ask {
            client: client(|_| {}),
            can_be_impersonated: false,
            scope: ["openid", "email"].into_iter().collect(),
            resources: Vec::new(),
            org: OrgWish::Unsaid,
            prompt: Prompt::default(),
            max_age: None,
            claims: ClaimsRequest::default(),
            login_hint: None,
            expected: None,
            ui_locales: None,
        };
        change(&mut ask);
        ask
    }

    fn login(age: i64) -> Login {
        Login {
            sub: "usr_alice".into(),
            sid: "s1".into(),
            auth_time: NOW - Lifetime::seconds(age),
            acr: super::super::login::ACR_PASSWORD.into(),
            amr: vec!["pwd".into()],
            epoch: 0,
            agent: String::new(),
        }
    }

    fn offer(org: Option<&str>) -> Offer {
        Offer {
            membership: org.map(|id| Membership {
                org_id: id.into(),
                org_slug: id.into(),
                org_name: id.into(),
                org_epoch: 0,
                role: "editor".into(),
                role_id: "r".into(),
                role_level: 50,
                permissions: Vec::new(),
            }),
            scope: ["openid", "email"].into_iter().collect(),
            claims: Vec::new(),
            audience: vec!["https://id.example".into()],
        }
    }

    fn consent(org: &str, scope: &str, at: i64) -> Consent {
        Consent {
            user_id: "usr_alice".into(),
            client_id: "app".into(),
            org_id: org.into(),
            resource: "https://id.example".into(),
            scope: scope.into(),
            claims: String::new(),
            updated_at: at,
        }
    }

    struct Case<'a> {
        ask: Ask,
        login: Option<Login>,
        done: Done,
        offers: &'a Offers,
        remembered: &'a [Consent],
    }

    fn step(case: &Case<'_>) -> &'static str {
        let facts = Facts {
            login: case.login.as_ref(),
            done: case.done,
            offers: case.login.as_ref().map(|_| case.offers),
            remembered: case.remembered,
            now: NOW,
        };
        match next_step(&case.ask, facts) {
            Step::Login => "login",
            Step::PickAccount => "pick",
            Step::Consent => "consent",
            Step::Grant(_) => "grant",
            Step::Refuse(refusal) => refusal.code.as_str(),
        }
    }

    #[test]
    fn what_comes_next_follows_from_prompt_age_login_and_consent() {
        let one = Offers::One(Box::new(offer(None)));
        let allowed = [consent("", "openid email profile", 5)];
        let prompt = |text: &'static str| ask(|ask| ask.prompt = Prompt::parse(Some(text)).unwrap());
        let aged = |seconds| ask(|ask| ask.max_age = Some(Lifetime::seconds(seconds)));
        let (nothing, picked, fresh) = (Done::Nothing, Done::PickedAccount, Done::Authenticated);
        // prompt and max_age, age of the login, what was done for this request, whether consent is remembered
        for (ask, age, done, is_allowed, expected) in [
            (ask(|_| {}), None, nothing, true, "login"),
            (ask(|_| {}), Some(10), nothing, true, "grant"),
            (ask(|_| {}), Some(10), nothing, false, "consent"),
            (prompt("none"), None, nothing, true, "login_required"),
            (prompt("none"), Some(10), nothing, true, "grant"),
            (prompt("none"), Some(10), nothing, false, "consent_required"),
            (prompt("login"), Some(0), nothing, true, "login"),
            (prompt("login"), Some(0), fresh, true, "grant"),
            (prompt("create"), Some(0), nothing, true, "login"),
            (prompt("consent"), Some(10), nothing, true, "consent"),
            (prompt("login consent"), Some(10), nothing, true, "login"),
            (prompt("login consent"), Some(0), fresh, true, "consent"),
            (prompt("select_account"), Some(10), nothing, true, "pick"),
            (prompt("select_account"), Some(10), fresh, true, "grant"),
            (prompt("select_account"), Some(10), picked, true, "grant"),
            (prompt("select_account login"), Some(10), picked, true, "login"),
            (prompt("select_account"), None, nothing, true, "login"),
            (aged(60), Some(60), nothing, true, "grant"),
            (aged(60), Some(61), nothing, true, "login"),
            (aged(60), Some(61), fresh, true, "grant"),
            (aged(60), Some(60), picked, true, "grant"),
            (aged(60), Some(61), picked, true, "login"),
            (aged(0), Some(0), nothing, true, "login"),
            (aged(0), Some(0), fresh, true, "grant"),
            (aged(0), Some(0), picked, true, "login"),
        ] {
            let remembered = if is_allowed { &allowed[..] } else { &[] };
            let what = format!("{:?} {:?} {age:?} {done:?} {is_allowed}", ask.prompt, ask.max_age);
            let case = Case { ask, login: age.map(login), done, offers: &one, remembered };
            assert_eq!(step(&case), expected, "{what}");
        }
    }

    #[test]
    fn another_user_than_the_client_expects_is_asked_to_sign_in_once() {
        let one = Offers::One(Box::new(offer(None)));
        let subjects = Subjects::of(&client(|_| {}));
        let bob = Expected { subs: ["usr_bob".into()].into(), subjects, key: PairwiseKey::new(&[0; 32]) };
        let expecting = || ask(|ask| ask.expected = Some(bob.clone()));
        let case = |ask, done| Case { ask, login: Some(login(5)), done, offers: &one, remembered: &[] };
        assert_eq!(step(&case(expecting(), Done::Nothing)), "login");
        assert_eq!(step(&case(expecting(), Done::Authenticated)), "login_required");
        let mut silent = expecting();
        silent.prompt.none = true;
        assert_eq!(step(&case(silent, Done::Nothing)), "login_required");
    }

    #[test]
    fn a_consent_covers_what_was_allowed_and_nothing_more() {
        let one = Offers::One(Box::new(offer(None)));
        for (remembered, expected) in [
            (consent("", "openid", 5), "consent"),
            (consent("", "openid email", 5), "grant"),
            (consent("acme", "openid email", 5), "consent"),
            (Consent { resource: "https://other.example".into(), ..consent("", "openid email", 5) }, "consent"),
        ] {
            let case = Case {
                ask: ask(|_| {}),
                login: Some(login(5)),
                done: Done::Nothing,
                offers: &one,
                remembered: std::slice::from_ref(&remembered),
            };
            assert_eq!(step(&case), expected, "{remembered:?}");
        }
    }

    #[test]
    fn of_several_organisations_the_last_one_allowed_is_taken() {
        let choice = Offers::Choice(vec![offer(Some("acme")), offer(Some("globex"))]);
        let facts = |remembered: &'static [Consent]| {
            let login: &'static Login = Box::leak(Box::new(login(5)));
            Facts { login: Some(login), done: Done::Nothing, offers: None, remembered, now: NOW }
        };
        let remembered: &'static [Consent] =
            Box::leak(Box::new([consent("acme", "openid email", 5), consent("globex", "openid email", 9)]));
        let step = next_step(&ask(|_| {}), Facts { offers: Some(&choice), ..facts(remembered) });
        assert!(matches!(step, Step::Grant(offer) if offer.org_id() == Some("globex")));
        let step = next_step(&ask(|_| {}), Facts { offers: Some(&choice), ..facts(&[]) });
        assert_eq!(step, Step::Consent);
        let silent = ask(|ask| ask.prompt.none = true);
        let step = next_step(&silent, Facts { offers: Some(&choice), ..facts(&[]) });
        assert!(matches!(step, Step::Refuse(refusal) if refusal.code == ErrorCode::InteractionRequired));
    }

    #[test]
    fn an_organisation_that_cannot_be_had_is_said_to_the_client() {
        let case = Case {
            ask: ask(|_| {}),
            login: Some(login(5)),
            done: Done::Nothing,
            offers: &Offers::NoSuchOrganisation,
            remembered: &[],
        };
        assert_eq!(step(&case), "access_denied");
    }

    #[test]
    fn a_first_party_client_is_not_asked_for_and_a_native_public_one_always_is() {
        let one = Offers::One(Box::new(offer(None)));
        let allowed = [consent("", "openid email", 5)];
        let own = ask(|ask| ask.client = client(|client| client.first_party = true));
        let native = ask(|ask| {
            ask.client = client(|client| {
                client.first_party = true;
                client.metadata.application_type = ApplicationType::Native;
                client.metadata.token_endpoint_auth_method = AuthMethod::None;
            });
            ask.can_be_impersonated = can_be_impersonated(&ask.client, "https://app.example/cb");
        });
        for (ask, remembered, expected) in [(own, &[][..], "grant"), (native, &allowed[..], "consent")] {
            let case = Case { ask, login: Some(login(5)), done: Done::Nothing, offers: &one, remembered };
            assert_eq!(step(&case), expected);
        }
    }
}
