//! Sealing everything anew: under another master key, or for another issuer.

use std::path::Path;

use super::{
    KeyError, MasterKey,
    master_key::{self, PROOF},
    rotation::swap,
    sealed_row::{MAC_KEYS, State, purpose},
    shared_secret,
};
use crate::{
    protocol::PlainSecret,
    random::Random,
    store::{Store, clients, instance, signing_keys, signing_keys::SigningKey},
};

/// Seal everything under another master key, or for another issuer, or both: in one transaction, so that a crash leaves
/// either the old or the new. The new key is in place beside the old file before the database changes, and takes its
/// name afterwards; whoever starts in between finds it there.
///
/// # Errors
/// When something does not open under the old key, or the database or the file cannot be written.
pub async fn reseal(store: &Store, old: &MasterKey, new: &MasterKey) -> Result<usize, KeyError> {
    let is_new_key = old.text().expose() != new.text().expose();
    if is_new_key {
        master_key::write_successor(new)?;
    }
    let mut tx = old.begin(store).await?;
    let mut count = 0;
    for row in signing_keys::list(&mut tx).await? {
        if row.state == State::Dropped.as_str() {
            continue;
        }
        let purpose = purpose(&row);
        let sealed = new.seal(&purpose, &old.open_of_any_issuer(&purpose, &row.sealed)?)?;
        swap(&mut tx, &row, &SigningKey { sealed, ..row.clone() }).await?;
        count += 1;
    }
    for secret in clients::sealed_secrets(&mut tx).await? {
        let Some(sealed) = secret.sealed else { continue };
        let purpose = shared_secret::purpose(&secret.client_id, &secret.hash);
        let sealed = new.seal(&purpose, &old.open_of_any_issuer(&purpose, &sealed)?)?;
        clients::reseal_secret(&mut tx, &secret.hash, &sealed).await?;
        count += 1;
    }
    // Every fact that is sealed, besides the proof of the master key itself.
    for name in MAC_KEYS {
        if let Some(value) = instance::find(&mut tx, name).await? {
            let sealed = new.seal(name, &old.open_of_any_issuer(name, &value)?)?;
            instance::replace(&mut tx, name, &value, &sealed).await?;
            count += 1;
        }
    }
    if !instance::replace(&mut tx, PROOF, old.proof(), new.proof()).await? {
        return Err(KeyError::MasterKeyWrong);
    }
    tx.touch().await?;
    tx.commit().await?;
    if let Some(file) = new.file().filter(|_| is_new_key) {
        master_key::promote_file(file)?;
    }
    Ok(count)
}

/// The master key, with everything bound to `issuer` even if it was sealed for another one: for a server that has moved
/// on purpose. [`MasterKey::load`] refuses instead.
///
/// # Errors
/// As [`MasterKey::load`] and [`reseal`].
pub async fn load_and_rebind(
    store: &Store,
    issuer: &str,
    given: Option<&PlainSecret>,
    file: &Path,
    random: &Random,
) -> Result<MasterKey, KeyError> {
    match MasterKey::load(store, issuer, given, file, random).await {
        Err(KeyError::OtherIssuer { .. }) => {}
        other => return other,
    }
    let old = MasterKey::load_of_any_issuer(store, issuer, given, file, random).await?;
    // The same key; what it seals from now on says the new issuer.
    let new = MasterKey::parse(issuer, old.text().expose(), old.file())?;
    reseal(store, &old, &new).await?;
    Ok(new)
}
