//! All that is known about an authorization request at one moment: who is signed in, what they could give, what they have given before.

use super::{
    interaction::{self, Facts, Step},
    login::Login,
    offer::Offers,
    request::Request,
    waiting::{Done, Waiting},
};
use crate::{
    clients::Registry,
    orgs,
    protocol::{Refusal, Result, Timestamp},
    store::{
        Store,
        consents::{self, Consent},
    },
};

/// A request, and the facts it is decided by.
#[derive(Clone, Debug)]
pub struct Situation {
    /// What is asked for.
    pub request: Request,
    /// Who is signed in, if anybody.
    pub login: Option<Login>,
    /// What that user has done for this very request.
    pub done: Done,
    /// What that user could give; or why the request can be given to nobody.
    pub offers: Option<std::result::Result<Offers, Refusal>>,
    /// What that user has allowed this client before.
    pub remembered: Vec<Consent>,
}

impl Situation {
    /// Gather the facts.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn gather(
        store: &Store,
        registry: &Registry,
        issuer: &str,
        request: Request,
        login: Option<Login>,
        waiting: Option<&Waiting>,
    ) -> Result<Self> {
        let Some(login) = login else {
            return Ok(Self { request, login: None, done: Done::Nothing, offers: None, remembered: Vec::new() });
        };
        let resources = registry.resources().await?;
        let mut db = store.read().await?;
        let memberships = if Offers::depend_on_memberships(&request, &resources, issuer) {
            orgs::memberships_of(&mut db, &login.sub).await?
        } else {
            Vec::new()
        };
        let remembered = consents::of_client(&mut db, &login.sub, &request.client.id).await?;
        let offers = Offers::of(&request, &memberships, &resources, issuer);
        let done = waiting.map(|waiting| waiting.done_in(&login.sid)).unwrap_or_default();
        Ok(Self { request, login: Some(login), done, offers: Some(offers), remembered })
    }

    /// What comes next.
    #[must_use]
    pub fn next_step(&self, now: Timestamp) -> Step {
        let offers = match &self.offers {
            Some(Err(refusal)) => return Step::Refuse(refusal.clone()),
            Some(Ok(offers)) => Some(offers),
            None => None,
        };
        interaction::next_step(
            &self.request,
            Facts { login: self.login.as_ref(), done: self.done, offers, remembered: &self.remembered, now },
        )
    }
}
