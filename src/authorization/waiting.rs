//! Requests that wait for a login, a choice or a consent, each in the browser that began it (product decision 10).

use crate::{
    protocol::{ErrorCode, Lifetime, Params, Refusal, Result, Timestamp},
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

/// How long a request is kept that somebody who is signed in has had in hand: who comes back late is told what happened, and
/// offered to go on.
const KEPT: Lifetime = Lifetime::hours(25);

/// So many bytes of a request are kept, as a query string. Requests take a few hundred; a long `state` with a long
/// `claims`, or a request object, takes some thousands.
const LARGEST: usize = 16 * 1024;

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

/// Who begins a request that is to be kept.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// A browser that has not shown itself yet: a POST from another site carries no cookie.
    Unseen,
    /// This browser, in which nobody is signed in. Anybody can be a thousand of them, so what they leave behind goes as
    /// soon as it is of no use.
    Stranger(&'a str),
    /// This browser, in which somebody is.
    User(&'a str),
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

/// A request that is small enough to be kept.
#[derive(Clone, Debug)]
pub struct Keepable(String);

impl Keepable {
    /// The request of these parameters.
    ///
    /// # Errors
    /// `invalid_request` for more than 16 KiB: whoever knows a client can have as many requests kept as they like.
    pub fn of(params: &Params) -> Result<Self, Refusal> {
        let query = params.to_query();
        if query.len() <= LARGEST {
            return Ok(Self(query));
        }
        Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!(
                "the request takes {} bytes, and no more than {LARGEST} are kept while its user signs in and is asked; \
                 let `state` be a reference to what it stands for, and ask for less in `claims`",
                query.len()
            ),
        ))
    }
}

/// Keep a request until its user has answered.
///
/// # Errors
/// When the database cannot.
pub async fn keep(
    tx: &mut Write,
    Keepable(params): Keepable,
    by: By<'_>,
    now: Timestamp,
    random: &Random,
) -> Result<String> {
    let id = random.id();
    let (browser, kept_for) = match by {
        By::Unseen => (None, HANDOVER),
        By::Stranger(browser) => (Some(browser), LIFETIME),
        By::User(browser) => (Some(browser), KEPT),
    };
    let row = SavedRequest {
        id: id.clone(),
        browser: browser.map(str::to_owned),
        params,
        created_at: now.0,
        expires_at: (now + kept_for).0,
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
    let waits_until = (Timestamp(row.created_at) + LIFETIME).min(Timestamp(row.expires_at));
    match (is_mine, now < waits_until) {
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

/// Note that the user has authenticated for the request of that id, in that session.
///
/// # Errors
/// When the database cannot.
pub async fn authenticated(tx: &mut Write, id: &str, sid: &str) -> Result<()> {
    Ok(rows::authenticated(tx, id, sid, KEPT.0).await?)
}

/// Note that the user has picked the account of that session for the request of that id.
///
/// # Errors
/// When the database cannot.
pub async fn picked(tx: &mut Write, id: &str, sid: &str) -> Result<()> {
    Ok(rows::picked(tx, id, sid, KEPT.0).await?)
}
