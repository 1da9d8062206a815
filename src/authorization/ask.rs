//! What is asked of a user, whichever way the answer will travel.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    clients::{ApplicationType, Client, Subjects},
    keys::PairwiseKey,
    protocol::{Lifetime, Prompt, Scope, claims::ClaimsRequest},
};

/// What a client asks of its user: all that a login, a choice and a consent are decided by.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks.
    pub client: Arc<Client>,
    /// Whether another app could pretend to be this client, where the answer goes.
    pub can_be_impersonated: bool,
    /// What is asked for, less what this client can never have.
    pub scope: Scope,
    /// The APIs asked for by `resource` (RFC 8707).
    pub resources: Vec<String>,
    /// Which organisation the tokens shall be bound to.
    pub org: OrgWish,
    /// What the user is to be asked.
    pub prompt: Prompt,
    /// How old the login may be.
    pub max_age: Option<Lifetime>,
    /// Claims asked for one by one.
    pub claims: ClaimsRequest,
    /// What to write into the username field.
    pub login_hint: Option<String>,
    /// The user whom the client expects (`id_token_hint`).
    pub expected: Option<Expected>,
    /// The languages the user reads, for the pages.
    pub ui_locales: Option<String>,
}

/// The user whom a client expects, as it knows them.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What it was told of them as their `sub`; any of these will do.
    pub subs: BTreeSet<String>,
    /// As whom it knows users.
    pub subjects: Subjects,
    /// What those names are made with.
    pub key: PairwiseKey,
}

impl Expected {
    /// Whether it is this user.
    #[must_use]
    pub fn is(&self, user: &str) -> bool {
        self.subs.contains(&self.subjects.sub(&self.key, user))
    }
}

/// Which organisation a request wants its tokens bound to (product decision 9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OrgWish {
    /// None was named; permission scopes may still need one.
    #[default]
    Unsaid,
    /// `org`: the user chooses.
    Any,
    /// `org:<slug>`: this one.
    Slug(String),
}

/// RFC 8252 §8.6: another app on the device can pretend to be a public client on a loopback or custom-scheme URI, so
/// the user sees every request of one.
#[must_use]
pub(super) fn can_be_impersonated(client: &Client, redirect_uri: &str) -> bool {
    let leads_to_the_device =
        || client.metadata.redirect_uris.iter().any(|own| own.is_native() && own.matches(redirect_uri));
    client.is_public() && (client.metadata.application_type == ApplicationType::Native || leads_to_the_device())
}
