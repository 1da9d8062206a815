//! Browsers that have signed a user in before (product decision 14).
//!
//! Whoever holds such a cookie goes past the limits that strangers can fill up, so that nobody can lock another out by
//! guessing wrongly. It proves nothing else: the password is still asked.

use crate::{
    protocol::{Lifetime, PlainSecret, Result, Timestamp},
    random::Random,
    store::{self, Access, Store, known_devices},
};

/// How long a browser is known after its last sign-in; the cookie lives as long.
pub const KNOWN_FOR: Lifetime = Lifetime::days(180);

/// Remember that this browser has signed the user in; gives the new value of its cookie. What the browser held before
/// is replaced: a value that somebody else planted there becomes worthless, and the other people it has signed in stay
/// known.
///
/// # Errors
/// When the database fails.
pub async fn remember(
    store: &Store,
    user_id: &str,
    before: Option<&str>,
    now: Timestamp,
    random: &Random,
) -> Result<PlainSecret> {
    let device = PlainSecret::new(format!("{PREFIX}{}", random.token()));
    let hash = device.hash();
    store::retried(|| async {
        let mut tx = store.write().await?;
        tx.line_up().await?;
        if let Some(before) = before {
            known_devices::replace(&mut tx, PlainSecret::new(before).hash().as_str(), hash.as_str()).await?;
        }
        known_devices::insert(&mut tx, hash.as_str(), user_id, now.0, (now + KNOWN_FOR).0).await?;
        known_devices::keep_newest(&mut tx, user_id, MOST_PER_USER).await?;
        tx.commit().await
    })
    .await?;
    Ok(device)
}

/// Whether the browser with that cookie has signed the user in before.
///
/// # Errors
/// When the database fails.
pub async fn is_known(db: &mut impl Access, user_id: &str, device: &str, now: Timestamp) -> Result<bool> {
    Ok(known_devices::is_known(db, PlainSecret::new(device).hash().as_str(), user_id, now.0).await?)
}

const PREFIX: &str = "lkd_";

const MOST_PER_USER: i64 = 20;
