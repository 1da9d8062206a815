//! Requests that wait for a login, a choice or a consent, each in the browser that began it (product decision 10).

use crate::{
    protocol::{Lifetime, Params, Result, Timestamp},
    random::Random,
    store::{
        Access, Write,
        authorization_requests::{self as rows, SavedRequest},
    },
};

/// How long a request waits for its user: long enough to look for a password or read a mail.
pub const LIFETIME: Lifetime = Lifetime::hours(1);

/// How long a posted request waits for the browser to come and fetch it.
const HANDOVER: Lifetime = Lifetime::minutes(5);

/// A request that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What the pages' URLs carry.
    pub id: String,
    /// The parameters.
    pub params: Params,
    /// Whether it was answered already.
    pub is_spent: bool,
    authenticated_sid: Option<String>,
    picked_sid: Option<String>,
}

/// What the user of a session has done for one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Done {
    /// Nothing yet.
    #[default]
    Nothing,
    /// Said that this account is the one to go on with. It may have been signed in for long.
    PickedAccount,
    /// Proved who they are, which says as well whose account it is.
    Authenticated,
}

/// What became of a request that somebody comes back for.
#[derive(Clone, Debug)]
pub enum Found {
    /// It waits, for this browser.
    Mine(Waiting),
    /// Another browser began it, or none yet: its parameters may be begun with anew, its state is not to be had.
    AnotherBrowsers(Params),
    /// This browser began it, and it is past its time: its parameters may be begun with anew.
    Late(Params),
    /// It is long past its time, or another browser's, or never was.
    Nothing,
}

impl Waiting {
    /// What the user of that session has done for this very request.
    #[must_use]
    pub fn done_in(&self, sid: &str) -> Done {
        if self.authenticated_sid.as_deref() == Some(sid) {
            Done::Authenticated
        } else if self.picked_sid.as_deref() == Some(sid) {
            Done::PickedAccount
        } else {
            Done::Nothing
        }
    }
}

/// Keep a request for a browser; `None` when that browser has not shown itself yet (a POST from another site
/// carries no cookie).
///
/// # Errors
/// When the database cannot.
pub async fn keep(
    tx: &mut Write,
    params: &Params,
    browser: Option<&str>,
    now: Timestamp,
    random: &Random,
) -> Result<String> {
    let id = random.id();
    let lifetime = if browser.is_some() { LIFETIME } else { HANDOVER };
    let row = SavedRequest {
        id: id.clone(),
        browser: browser.map(str::to_owned),
        params: params.to_query(),
        created_at: now.0,
        expires_at: (now + lifetime).0,
        ..SavedRequest::default()
    };
    rows::insert(tx, &row).await?;
    Ok(id)
}

/// Find a request again, as `browser`.
///
/// # Errors
/// When the database cannot, or holds a request that does not read back.
pub async fn find(db: &mut impl Access, id: &str, browser: Option<&str>, now: Timestamp) -> Result<Found> {
    let Some(row) = rows::find(db, id).await? else { return Ok(Found::Nothing) };
    let params = Params::parse(row.params.as_bytes())?;
    let is_mine = row.browser.is_some() && row.browser.as_deref() == browser;
    match (is_mine, row.expires_at > now.0) {
        (true, true) => {}
        (true, false) => return Ok(Found::Late(params)),
        // Otherwise somebody could sign in for a request of their own and have another approve it.
        (false, true) => return Ok(Found::AnotherBrowsers(params)),
        (false, false) => return Ok(Found::Nothing),
    }
    Ok(Found::Mine(Waiting {
        params,
        id: row.id,
        is_spent: row.spent_at.is_some(),
        authenticated_sid: row.authenticated_sid,
        picked_sid: row.picked_sid,
    }))
}
