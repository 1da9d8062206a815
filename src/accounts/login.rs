//! Signing in by password (product decision 14).
//!
//! An unknown name, a wrong password, an account without a password and a disabled one cost the same and look the same.

use std::{fmt, net::IpAddr};

use super::{
    account::Account,
    devices,
    identifier::LoginName,
    password::{Passwords, Queue, Verdict},
    throttle::{self, Counted, Meters, Outcome},
};
use crate::{
    protocol::{PlainSecret, Result, Timestamp},
    random::Random,
    store::{self, Access, Store, users},
};

/// What somebody has shown who wants to sign in.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// A username or an e-mail address, as it was typed.
    pub username: &'a str,
    /// The password, as it was typed.
    pub password: &'a PlainSecret,
    /// Where the browser is.
    pub address: IpAddr,
    /// Its known-device cookie.
    pub device: Option<&'a str>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Attempt {
    /// It is them.
    Welcome(Box<Account>),
    /// Name and password do not belong together; which of the two is wrong is nobody's business.
    Wrong,
    /// Too many wrong ones lately, for this name or from this address block; the password was not even looked at.
    Throttled {
        /// When the next try is let through.
        until: Timestamp,
    },
}

/// Try to sign in.
///
/// # Errors
/// `temporarily_unavailable` when too many people are signing in at once; else when the database fails.
pub async fn sign_in(
    store: &Store,
    passwords: &Passwords,
    credentials: Credentials<'_>,
    now: Timestamp,
    random: &Random,
) -> Result<Attempt> {
    let name = LoginName::read(credentials.username);
    // No connection is held while waiting for a turn.
    let (user, meters, queue) = {
        let mut db = store.read().await?;
        let user = find(&mut db, &name).await?;
        let (meters, queue) = lane(&mut db, &name, user.as_ref(), credentials, now).await?;
        if let Some(until) = meters.blocked(&mut db, now).await? {
            return Ok(throttled(credentials, until));
        }
        (user, meters, queue)
    };
    let turn = passwords.turn(queue).await?;
    // With the turn in hand: a flood writes no faster than it may hash.
    let counted = match meters.count(store, now).await? {
        Outcome::Go(counted) => counted,
        Outcome::Wait(until) => return Ok(throttled(credentials, until)),
    };
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let verdict = turn.verify(credentials.password, stored, random).await?;
    let Some(user) = user.filter(|user| user.enabled && verdict != Verdict::Wrong) else {
        // Not the name: people type passwords there.
        tracing::info!(event = "sign_in_failed", address = %credentials.address, "a wrong name or password");
        return Ok(Attempt::Wrong);
    };
    store::retried(|| welcome(store, &user, &verdict, &meters, &counted)).await
}

fn throttled(credentials: Credentials<'_>, until: Timestamp) -> Attempt {
    tracing::info!(
        event = "sign_in_throttled",
        address = %credentials.address,
        hint = "many of these are somebody who guesses: by address, a firewall keeps them off; `latchkey user unlock` lets the owner of a name in again",
        "too many wrong passwords lately"
    );
    Attempt::Throttled { until }
}

/// Let the owner of a name in again who is throttled, at once.
///
/// # Errors
/// When the database fails.
pub async fn unlock(store: &Store, account: &Account) -> Result<()> {
    let mut tx = store.write().await?;
    throttle::clear_name(&mut tx, &account.username).await?;
    if let Some(email) = &account.email {
        throttle::clear_name(&mut tx, email).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn find(db: &mut impl Access, name: &LoginName) -> Result<Option<users::User>> {
    Ok(match name {
        LoginName::Email(email) => users::find_by_email(db, email).await?,
        LoginName::Username(username) => users::find_by_username(db, username).await?,
    })
}

/// What stands in the way: for a known device its own counter and queue, else everybody's.
async fn lane(
    db: &mut impl Access,
    name: &LoginName,
    user: Option<&users::User>,
    credentials: Credentials<'_>,
    now: Timestamp,
) -> Result<(Meters, Queue)> {
    if let Some(device) = credentials.device {
        // Asked for nobody, too: it takes the same time.
        let user_id = user.map_or("", |user| &user.id);
        if devices::is_known(db, user_id, device, now).await? {
            return Ok((Meters::of_device(device, user_id), Queue::KnownDevice));
        }
    }
    let alarm = throttle::is_alarm(db, now).await?;
    Ok((Meters::of_stranger(name.as_str(), credentials.address, alarm), Queue::Strangers))
}

async fn welcome(
    store: &Store,
    user: &users::User,
    verdict: &Verdict,
    meters: &Meters,
    counted: &Counted,
) -> Result<Attempt> {
    let mut tx = store.write().await?;
    // The account as it is now: hashing took its time, and somebody may have disabled it or changed the password.
    let Some(current) = users::find(&mut tx, &user.id)
        .await?
        .filter(|current| current.enabled && current.password_hash == user.password_hash)
    else {
        return Ok(Attempt::Wrong);
    };
    if let (Verdict::RightAndRehashed(new), Some(old)) = (verdict, &user.password_hash) {
        users::rehash(&mut tx, &user.id, old, new).await?;
    }
    meters.succeed(&mut tx, counted).await?;
    tx.commit().await?;
    Ok(Attempt::Welcome(Box::new(current.try_into()?)))
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // People type passwords into the username field.
        f.debug_struct("Credentials").field("address", &self.address).finish_non_exhaustive()
    }
}
