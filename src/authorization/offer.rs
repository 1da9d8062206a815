//! What an app will get if the user says yes: worked out before anybody is asked, and again when the answer comes.

use super::{
    ask::{Ask, OrgWish},
    login::Login,
};
use crate::{
    clients::{
        Gate, Resource,
        audience::{self, Audience},
    },
    orgs::Membership,
    protocol::{Refusal, Scope},
    store::consents::Consent,
};

/// What one approval would give.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The organisation the tokens would be bound to.
    pub membership: Option<Membership>,
    /// The scope tokens, all concrete: patterns never leave the server.
    pub scope: Scope,
    /// The claims that were asked for one by one.
    pub claims: Vec<String>,
    /// Whom the access token would be for.
    pub audience: Vec<String>,
}

/// The organisations the request can be bound to.
#[derive(Clone, Debug, PartialEq)]
pub enum Offers {
    /// There is nothing to choose.
    One(Box<Offer>),
    /// The user has to choose an organisation. Where the role gives nothing of what is asked there is nothing to choose,
    /// so that organisation is not among them; if it is so everywhere, none is.
    Choice(Vec<Offer>),
    /// The organisation that was asked for cannot be had by this user.
    NoSuchOrganisation,
}

impl Offers {
    /// Work out what the request can give to a user with these memberships.
    ///
    /// # Errors
    /// Those of [`audience::resolve`].
    pub fn of(ask: &Ask, memberships: &[Membership], resources: &[Resource], issuer: &str) -> Result<Self, Refusal> {
        let audience = audience::resolve(&ask.scope, &ask.resources, resources, issuer)?;
        let offer = |membership: Option<&Membership>| Offer::new(ask, &audience, membership, resources);
        Ok(match &ask.org {
            OrgWish::Slug(slug) => match memberships.iter().find(|membership| membership.org_slug == *slug) {
                Some(membership) => Self::One(Box::new(offer(Some(membership)))),
                None => Self::NoSuchOrganisation,
            },
            OrgWish::Unsaid if !needs_role(ask, &audience, resources) => Self::One(Box::new(offer(None))),
            OrgWish::Any | OrgWish::Unsaid => match memberships {
                [] => Self::One(Box::new(offer(None))),
                [only] => Self::One(Box::new(offer(Some(only)))),
                several => {
                    let offers = several.iter().map(|membership| offer(Some(membership)));
                    let mut offers: Vec<Offer> = offers.filter(|offer| !offer.scope.is_empty()).collect();
                    match offers.len() {
                        1 => Self::One(Box::new(offers.remove(0))),
                        _ => Self::Choice(offers),
                    }
                }
            },
        })
    }

    /// Whether it matters to this request which organisations its user belongs to.
    #[must_use]
    pub fn depend_on_memberships(ask: &Ask, resources: &[Resource], issuer: &str) -> bool {
        let needs_role = || {
            audience::resolve(&ask.scope, &ask.resources, resources, issuer)
                .is_ok_and(|audience| needs_role(ask, &audience, resources))
        };
        ask.org != OrgWish::Unsaid || needs_role()
    }

    /// The offer for an organisation, or the only one there is.
    #[must_use]
    pub fn choose(&self, org_id: Option<&str>) -> Option<&Offer> {
        match self {
            Self::One(offer) => Some(offer),
            Self::Choice(offers) => offers.iter().find(|offer| offer.org_id().is_some() && offer.org_id() == org_id),
            Self::NoSuchOrganisation => None,
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Offer] {
        match self {
            Self::One(offer) => std::slice::from_ref(offer),
            Self::Choice(offers) => offers,
            Self::NoSuchOrganisation => &[],
        }
    }
}

/// Whether anything that is asked for is given by a role alone.
fn needs_role(ask: &Ask, audience: &Audience, resources: &[Resource]) -> bool {
    audience::permissions(&ask.scope, audience, resources).iter().any(|(_, gate)| *gate == Gate::Role)
}

impl Offer {
    fn new(ask: &Ask, audience: &Audience, membership: Option<&Membership>, resources: &[Resource]) -> Self {
        let role = membership.map(|membership| membership.permissions.as_slice());
        Self {
            membership: membership.cloned(),
            scope: audience::allowed(&ask.scope, audience, resources, role),
            claims: ask.claims.names(),
            audience: audience.uris.clone(),
        }
    }

    /// The id of the organisation, if there is one.
    #[must_use]
    pub fn org_id(&self) -> Option<&str> {
        self.membership.as_ref().map(|membership| membership.org_id.as_str())
    }

    /// Whether a consent that was given before says it all.
    #[must_use]
    pub fn is_covered_by(&self, consent: &Consent) -> bool {
        let claims: Vec<&str> = consent.claims.split(' ').collect();
        consent.org_id == self.org_id().unwrap_or_default()
            && consent.resource == self.audience.join(" ")
            && Scope::parse(&consent.scope).is_ok_and(|allowed| self.scope.is_within(&allowed))
            && self.claims.iter().all(|claim| claims.contains(&claim.as_str()))
    }

    /// The consent that says exactly this, to be remembered. What was allowed before and not asked now stays allowed.
    #[must_use]
    pub fn consent(&self, login: &Login, client_id: &str, before: &[Consent], now: i64) -> Consent {
        let (org_id, resource) = (self.org_id().unwrap_or_default().to_owned(), self.audience.join(" "));
        let mut scope = self.scope.clone();
        let mut claims = self.claims.clone();
        if let Some(earlier) = before.iter().find(|own| own.org_id == org_id && own.resource == resource) {
            earlier.scope.split(' ').filter(|token| !token.is_empty()).for_each(|token| scope.insert(token));
            claims.extend(earlier.claims.split(' ').filter(|claim| !claim.is_empty()).map(str::to_owned));
            claims.sort_unstable();
            claims.dedup();
        }
        Consent {
            user_id: login.sub.clone(),
            client_id: client_id.to_owned(),
            org_id,
            resource,
            scope: scope.to_string(),
            claims: claims.join(" "),
            updated_at: now,
        }
    }
}
