//! A key as a row: sealed as exactly what the row says it is.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{KeyError, MasterKey, jwk::OwnKey};
use crate::{
    protocol::{KeyAlgorithm, Timestamp, words},
    random::Random,
    store::signing_keys::SigningKey,
};

words! {
    /// Where a key is in its life. The order is that of publication.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum State {
        /// It signs, or others encrypt for it.
        Active = "active",
        /// It will be active. If it is to sign, it is published already.
        Next = "next",
        /// It signs no more, but what it signed is alive; others may still encrypt for it.
        Retired = "retired",
        /// It is not published; its public half is kept for logout hints.
        Gone = "gone",
        /// It was lost to somebody else: nothing it signed counts.
        Dropped = "dropped",
    }
}

/// Open a key's row; it has to be what the row says, in every respect.
pub(super) fn open_row(master: &MasterKey, row: &SigningKey) -> Result<(State, OwnKey), KeyError> {
    let tampered = || KeyError::Tampered(format!("signing key {}", row.kid));
    let alg = KeyAlgorithm::of(&row.alg).ok_or_else(tampered)?;
    let state = State::of(&row.state).ok_or_else(tampered)?;
    let json = master.open(&purpose(row), &row.sealed)?;
    let own = OwnKey::from_sealed(alg, &json).filter(|own| own.kid == row.kid).ok_or_else(tampered)?;
    Ok((state, own))
}

/// The bytes of a key for MACs, which is sealed as a fact of that name.
pub(super) fn open_mac_key(master: &MasterKey, name: &str, sealed: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let bytes = master.open(name, sealed)?;
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Tampered(name.to_owned()))?;
    Ok(Zeroizing::new(key))
}

/// A new one, sealed.
pub(super) fn new_mac_key(master: &MasterKey, name: &str, random: &Random) -> Result<String, KeyError> {
    master.seal(name, &*Zeroizing::new(random.bytes::<32>()))
}

/// What a key is sealed as. The state is part of it: a writer of rows cannot bring a gone key back.
pub(super) fn purpose(row: &SigningKey) -> String {
    format!("signing_key/{}/{}/{}", row.alg, row.state, row.kid)
}

pub(super) fn new_row(master: &MasterKey, key: &OwnKey, state: State, now: Timestamp) -> Result<SigningKey, KeyError> {
    let row = SigningKey {
        kid: key.kid.clone(),
        alg: key.alg.as_str().to_owned(),
        state: state.as_str().to_owned(),
        sealed: String::new(),
        created_at: now.0,
        active_from: (state == State::Active).then_some(now.0),
        retired_at: None,
        gone_at: None,
    };
    Ok(SigningKey { sealed: master.seal(&purpose(&row), &key.json())?, ..row })
}

/// The row in another state, sealed as that. What is gone loses its private half.
pub(super) fn moved(master: &MasterKey, row: &SigningKey, to: State) -> Result<SigningKey, KeyError> {
    let (_, own) = open_row(master, row)?;
    let json = if to == State::Gone { own.without_private()?.json() } else { own.json() };
    let row = SigningKey { state: to.as_str().to_owned(), ..row.clone() };
    Ok(SigningKey { sealed: master.seal(&purpose(&row), &json)?, ..row })
}

pub(super) fn dropped(row: &SigningKey, now: Timestamp) -> SigningKey {
    SigningKey {
        state: State::Dropped.as_str().to_owned(),
        sealed: String::new(),
        retired_at: row.retired_at.or(row.active_from.map(|_| now.0)),
        gone_at: Some(now.0),
        ..row.clone()
    }
}

/// The name of the refresh tokens' key among the facts of the installation, and what it is sealed as.
pub(super) const REFRESH_MAC: &str = "refresh_mac";

/// The same of the key of pairwise subjects.
pub(super) const PAIRWISE_MAC: &str = "pairwise_mac";

/// The keys for MACs that there have to be.
pub(super) const MAC_KEYS: &[&str] = &[REFRESH_MAC, PAIRWISE_MAC];
