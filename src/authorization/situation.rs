//! All that is known about an authorization request at one moment: who is signed in, what they could give, what they have given before.

use std::sync::Arc;

use super::{
    ask::Ask,
    interaction::{self, Facts, Step},
    login::Login,
    offer::Offers,
    waiting::Done,
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

/// What is asked, and the facts it is decided by.
#[derive(Clone, Debug)]
pub struct Situation {
    /// What is asked for.
    pub ask: Arc<Ask>,
    /// Who is there, and when.
    pub moment: Moment,
    /// What that user could give; or why the request can be given to nobody.
    pub offers: Option<std::result::Result<Offers, Refusal>>,
    /// What that user has allowed this client before.
    pub remembered: Vec<Consent>,
}

/// The moment at which a request is looked at.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Who is signed in, if anybody.
    pub login: Option<Login>,
    /// What that user has done for this very request.
    pub done: Done,
    /// The issuer's epoch. Read before anything is decided: whoever raises it afterwards ends what the decision gives.
    pub issuer_epoch: i64,
    /// The time.
    pub now: Timestamp,
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
        ask: Arc<Ask>,
        moment: Moment,
    ) -> Result<Self> {
        let Some(login) = &moment.login else {
            return Ok(Self { ask, moment, offers: None, remembered: Vec::new() });
        };
        let resources = registry.resources().await?;
        let mut db = store.read().await?;
        let memberships = if Offers::depend_on_memberships(&ask, &resources, issuer) {
            orgs::memberships_of(&mut db, &login.sub).await?
        } else {
            Vec::new()
        };
        let remembered = consents::of_client(&mut db, &login.sub, &ask.client.id).await?;
        let offers = Offers::of(&ask, &memberships, &resources, issuer);
        Ok(Self { ask, moment, offers: Some(offers), remembered })
    }

    /// What comes next.
    #[must_use]
    pub fn next_step(&self) -> Step {
        let offers = match &self.offers {
            Some(Err(refusal)) => return Step::Refuse(refusal.clone()),
            Some(Ok(offers)) => Some(offers),
            None => None,
        };
        let Moment { login, done, now, .. } = &self.moment;
        let facts = Facts { login: login.as_ref(), done: *done, offers, remembered: &self.remembered, now: *now };
        interaction::next_step(&self.ask, facts)
    }
}
