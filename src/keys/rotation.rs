//! The life of a key: next, active, retired, gone.
//!
//! Every change takes the same row of the database first ([`MasterKey::begin`]), looks at the keys again and then
//! compares and swaps: whichever node is first wins, and the others find nothing left to do. New keys are made before
//! that, since making one takes longer than everybody else may wait.
//!
//! A key for which others encrypt lives in the same way, but nobody has to know it before its turn comes: *next* is not
//! published, and *retired* still opens what comes from those who have not read the JWK set again.
//!
//! What an emergency ends:
//! * of one key: what it signed. It is no longer published, its private and public halves are thrown away, and no token
//!   or hint it signed counts here any more. Grants go on: refresh tokens are not signed by it, so honest apps get
//!   new tokens from the promoted *next* key, which everybody has already.
//! * of all (`--all`): whoever had every key may have had the one of the refresh tokens too, and theirs cannot be told
//!   from ours. So that one is replaced as well, opaque tokens are deleted, and the issuer's epoch is raised: every
//!   grant ends, and everybody signs in again.

use serde::Serialize;

use super::{
    KeyError, KeySettings, Keyring, MasterKey,
    jwk::OwnKey,
    sealed_row::{MAC_KEYS, REFRESH_MAC, State, dropped, moved, new_mac_key, new_row},
};
use crate::{
    protocol::{Algorithm, KeyAlgorithm, Lifetime, Timestamp},
    random::Random,
    store::{Store, Write, access_tokens, instance, signing_keys, signing_keys::SigningKey},
};

/// How urgent a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The next key must have been published for long enough; the active one retires.
    Scheduled,
    /// The next key is promoted however young it is; the active one retires.
    Now,
    /// The active key is in wrong hands: it is dropped, and the next one promoted.
    Emergency,
}

/// What a rotation has come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The algorithm of the ring.
    pub alg: KeyAlgorithm,
    /// The key that signs now.
    pub active: String,
    /// The key that will be next.
    pub next: String,
    /// The key that signed before, if there was one.
    pub was: Option<String>,
    /// Whether it was this node that rotated; another may have been faster.
    pub won: bool,
}

/// A key as it is listed: `latchkey key list --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs with, or what others encrypt for it with.
    pub alg: String,
    /// Where it is in its life.
    pub state: String,
    /// When it was made, and published if it is to sign.
    pub created_at: i64,
    /// When it began to sign.
    pub active_from: Option<i64>,
    /// When it ceased to sign.
    pub retired_at: Option<i64>,
    /// When it is, or was, no longer published.
    pub gone_at: Option<i64>,
}

impl From<SigningKey> for Listed {
    fn from(row: SigningKey) -> Self {
        let SigningKey { kid, alg, state, sealed: _, created_at, active_from, retired_at, gone_at } = row;
        Self { kid, alg, state, created_at, active_from, retired_at, gone_at }
    }
}

/// The keys in the database, whether they can be opened or not: those that sign first, by algorithm, the active one first.
///
/// # Errors
/// When the statement fails.
pub async fn list(store: &Store) -> Result<Vec<Listed>, KeyError> {
    let mut rows = signing_keys::list(&mut store.read().await?).await?;
    let place = |row: &SigningKey| State::ALL.iter().position(|state| state.as_str() == row.state);
    let encrypts = |row: &SigningKey| matches!(KeyAlgorithm::of(&row.alg), Some(KeyAlgorithm::Encryption(_)));
    rows.sort_by(|a, b| {
        (encrypts(a), &a.alg, place(a), b.created_at).cmp(&(encrypts(b), &b.alg, place(b), a.created_at))
    });
    Ok(rows.into_iter().map(Listed::from).collect())
}

impl Keyring {
    /// Do what the schedule says: promote the next key when the active one has signed for long enough, take retired keys
    /// out of publication when nothing they signed is alive, and forget gone ones. Any node may do this at any time.
    ///
    /// # Errors
    /// When a key cannot be opened or made, or the database refuses.
    pub async fn rotate_if_due(&self, store: &Store, now: Timestamp) -> Result<Vec<Outcome>, KeyError> {
        self.reload(store).await?;
        let (ring, settings) = (self.ring(), &self.shared().settings);
        complete(store, &ring.master, settings, &self.shared().random, now).await?;
        let mut done = Vec::new();
        for alg in settings.rings() {
            if is_due(ring.rows(), alg, settings, now) {
                done.push(self.promote(store, alg, Mode::Scheduled, now).await?);
            }
        }
        sweep(store, &ring.master, settings, now).await?;
        self.reload(store).await?;
        Ok(done)
    }

    /// Replace the active key of an algorithm by the next one.
    ///
    /// # Errors
    /// [`KeyError::TooYoung`] when the next key has not been published for long enough and the mode does not waive that.
    pub async fn rotate(
        &self,
        store: &Store,
        alg: impl Into<KeyAlgorithm>,
        mode: Mode,
        now: Timestamp,
    ) -> Result<Outcome, KeyError> {
        self.reload(store).await?;
        let outcome = self.promote(store, alg.into(), mode, now).await?;
        self.reload(store).await?;
        Ok(outcome)
    }

    /// Drop every key, make new ones, and end every grant.
    ///
    /// # Errors
    /// When a key cannot be made, or the database refuses.
    pub async fn drop_all(&self, store: &Store, now: Timestamp) -> Result<Vec<Outcome>, KeyError> {
        self.reload(store).await?;
        let (ring, settings, random) = (self.ring(), &self.shared().settings, &self.shared().random);
        let mut made = Vec::new();
        for alg in settings.rings() {
            let active = OwnKey::generate(alg, settings.rsa_bits, random).await?;
            made.push((active, OwnKey::generate(alg, settings.rsa_bits, random).await?));
        }
        let mut tx = ring.master.begin(store).await?;
        for row in signing_keys::list(&mut tx).await? {
            if row.state != State::Dropped.as_str() {
                swap(&mut tx, &row, &dropped(&row, now)).await?;
            }
        }
        let mut done = Vec::new();
        for (active, next) in made {
            signing_keys::insert(&mut tx, &new_row(&ring.master, &active, State::Active, now)?).await?;
            signing_keys::insert(&mut tx, &new_row(&ring.master, &next, State::Next, now)?).await?;
            let was = of(ring.rows(), active.alg, State::Active).map(|row| row.kid.clone());
            done.push(Outcome { alg: active.alg, active: active.kid, next: next.kid, was, won: true });
        }
        if let Some(old) = instance::find(&mut tx, REFRESH_MAC).await? {
            instance::replace(&mut tx, REFRESH_MAC, &old, &new_mac_key(&ring.master, REFRESH_MAC, random)?).await?;
        }
        instance::raise_issuer_epoch(&mut tx).await?;
        // References are not signed; those of clients that act for themselves hang on no grant either.
        access_tokens::forget(&mut tx, i64::MAX, i64::MAX).await?;
        tx.touch().await?;
        tx.commit().await?;
        self.reload(store).await?;
        Ok(done)
    }

    /// Take in a key of another tool; see [`import`].
    ///
    /// # Errors
    /// Those of [`import`].
    pub async fn import(
        &self,
        store: &Store,
        text: &str,
        wish: Option<Algorithm>,
        now: Timestamp,
    ) -> Result<Listed, KeyError> {
        self.reload(store).await?;
        let listed = import(store, &self.ring().master, &self.shared().settings, text, wish, now).await?;
        self.reload(store).await?;
        Ok(listed)
    }

    async fn promote(&self, store: &Store, alg: KeyAlgorithm, mode: Mode, now: Timestamp) -> Result<Outcome, KeyError> {
        let (ring, settings) = (self.ring(), &self.shared().settings);
        let seen = of(ring.rows(), alg, State::Active).ok_or(KeyError::NoRing(alg))?;
        if mode == Mode::Scheduled {
            old_enough(ring.rows(), alg, settings, now)?;
        }
        let fresh = OwnKey::generate(alg, settings.rsa_bits, &self.shared().random).await?;
        let mut tx = ring.master.begin(store).await?;
        let rows = signing_keys::list(&mut tx).await?;
        let active = of(&rows, alg, State::Active).ok_or(KeyError::NoRing(alg))?;
        let next = of(&rows, alg, State::Next).ok_or(KeyError::NoRing(alg))?;
        let was = Some(active.kid.clone());
        if active.kid != seen.kid {
            return Ok(Outcome { alg, active: active.kid.clone(), next: next.kid.clone(), was, won: false });
        }
        if mode == Mode::Scheduled {
            old_enough(&rows, alg, settings, now)?;
        }
        let left = match mode {
            Mode::Emergency => dropped(active, now),
            Mode::Scheduled | Mode::Now => retired(&ring.master, active, settings, now)?,
        };
        // The order matters: there is one active and one next key at any time.
        swap(&mut tx, active, &left).await?;
        let promoted = SigningKey { active_from: Some(now.0), ..moved(&ring.master, next, State::Active)? };
        swap(&mut tx, next, &promoted).await?;
        let successor = new_row(&ring.master, &fresh, State::Next, now)?;
        signing_keys::insert(&mut tx, &successor).await?;
        tx.commit().await?;
        Ok(Outcome { alg, active: promoted.kid, next: successor.kid, was, won: true })
    }
}

/// Take in a key that another tool made, PEM or JWK. Where nothing is known yet it becomes the active key, so that a
/// server can be moved here without its apps noticing; else it becomes the next one, in place of the one there was.
///
/// # Errors
/// A text that is no private key, a weak or unknown one, one that is there already, or one no ring is kept for.
pub async fn import(
    store: &Store,
    master: &MasterKey,
    settings: &KeySettings,
    text: &str,
    wish: Option<Algorithm>,
    now: Timestamp,
) -> Result<Listed, KeyError> {
    let key = OwnKey::import(text, wish)?;
    if !settings.rings().any(|own| own == key.alg) {
        return Err(KeyError::NoRing(key.alg));
    }
    let mut tx = master.begin(store).await?;
    let rows = signing_keys::list(&mut tx).await?;
    if let Some(same) = rows.iter().find(|row| row.kid == key.kid) {
        return Err(KeyError::AlreadyThere(key.kid, same.state.clone()));
    }
    let state = if of(&rows, key.alg, State::Active).is_none() { State::Active } else { State::Next };
    if let Some(next) = of(&rows, key.alg, State::Next).filter(|_| state == State::Next) {
        let replaced = SigningKey { gone_at: Some(now.0), ..moved(master, next, State::Gone)? };
        swap(&mut tx, next, &replaced).await?;
    }
    let row = new_row(master, &key, state, now)?;
    signing_keys::insert(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// Make the keys that are missing: an active and a next one per algorithm, and those for MACs.
pub(super) async fn complete(
    store: &Store,
    master: &MasterKey,
    settings: &KeySettings,
    random: &Random,
    now: Timestamp,
) -> Result<(), KeyError> {
    let mut db = store.read().await?;
    let rows = signing_keys::list(&mut db).await?;
    let mut missing_macs = Vec::new();
    for name in MAC_KEYS {
        if instance::find(&mut db, name).await?.is_none() {
            missing_macs.push(*name);
        }
    }
    drop(db);
    let missing = missing(&rows, settings);
    if missing.is_empty() && missing_macs.is_empty() {
        return Ok(());
    }
    let made = generate(&missing, settings.rsa_bits, random).await?;
    let mut tx = master.begin(store).await?;
    let rows = signing_keys::list(&mut tx).await?;
    for (key, (alg, state)) in made.iter().zip(&missing) {
        // Another node may have been faster.
        if of(&rows, *alg, *state).is_none() {
            signing_keys::insert(&mut tx, &new_row(master, key, *state, now)?).await?;
        }
    }
    for name in missing_macs {
        instance::claim(&mut tx, name, &new_mac_key(master, name, random)?).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn missing(rows: &[SigningKey], settings: &KeySettings) -> Vec<(KeyAlgorithm, State)> {
    let wanted = settings.rings().flat_map(|alg| [(alg, State::Active), (alg, State::Next)]);
    wanted.filter(|(alg, state)| of(rows, *alg, *state).is_none()).collect()
}

/// Several at once: a first start needs two, and each takes a while.
async fn generate(wanted: &[(KeyAlgorithm, State)], rsa_bits: usize, random: &Random) -> Result<Vec<OwnKey>, KeyError> {
    let tasks: Vec<_> = wanted
        .iter()
        .map(|(alg, _)| {
            let (alg, random) = (*alg, random.clone());
            tokio::spawn(async move { OwnKey::generate(alg, rsa_bits, &random).await })
        })
        .collect();
    let mut made = Vec::new();
    for task in tasks {
        made.push(task.await??);
    }
    Ok(made)
}

/// Retired keys whose last token has ended go; gone keys no hint can be signed by are forgotten, and so are dropped ones that
/// nobody will bring back by mistake; the ring of an algorithm that is no longer configured ends when its key would have been
/// replaced.
async fn sweep(store: &Store, master: &MasterKey, settings: &KeySettings, now: Timestamp) -> Result<(), KeyError> {
    let mut db = store.read().await?;
    let rows = signing_keys::list(&mut db).await?;
    drop(db);
    let mut changes = Vec::new();
    for row in &rows {
        let is_configured = settings.rings().any(|alg| alg.as_str() == row.alg);
        let has_signed_enough = row.active_from.is_some_and(|from| Timestamp(from) + settings.rotate_every <= now);
        if row.state == State::Retired.as_str() && row.gone_at.is_some_and(|at| at <= now.0) {
            changes.push((row, moved(master, row, State::Gone)?));
        } else if !is_configured && row.state == State::Active.as_str() && has_signed_enough {
            changes.push((row, retired(master, row, settings, now)?));
        } else if !is_configured
            && row.state == State::Next.as_str()
            && of_name(&rows, &row.alg, State::Active).is_none()
        {
            changes.push((row, SigningKey { gone_at: Some(now.0), ..moved(master, row, State::Gone)? }));
        }
    }
    let (oldest_hint, oldest_loss) = ((now - settings.longest_session).0, (now - LOSS_REMEMBERED).0);
    let is_forgettable = |row: &SigningKey| {
        let went_before = |time| row.gone_at.is_some_and(|at| at < time);
        (row.state == State::Gone.as_str() && went_before(oldest_hint))
            || (row.state == State::Dropped.as_str() && went_before(oldest_loss))
    };
    if changes.is_empty() && !rows.iter().any(is_forgettable) {
        return Ok(());
    }
    let mut tx = master.begin(store).await?;
    for (from, to) in &changes {
        // Another node may have done it; then there is nothing to do.
        signing_keys::change(&mut tx, from, to).await?;
    }
    signing_keys::forget(&mut tx, oldest_hint, oldest_loss).await?;
    tx.commit().await?;
    Ok(())
}

fn retired(
    master: &MasterKey,
    row: &SigningKey,
    settings: &KeySettings,
    now: Timestamp,
) -> Result<SigningKey, KeyError> {
    let still_used = match KeyAlgorithm::of(&row.alg) {
        // Whoever encrypts for it has read the JWK set before, and does so again within the time that everybody is given.
        Some(KeyAlgorithm::Encryption(_)) => settings.announce,
        _ => settings.longest_token,
    };
    let gone_at = now + still_used + LAG;
    Ok(SigningKey { retired_at: Some(now.0), gone_at: Some(gone_at.0), ..moved(master, row, State::Retired)? })
}

pub(super) async fn swap(tx: &mut Write, from: &SigningKey, to: &SigningKey) -> Result<(), KeyError> {
    // The row was read in this transaction, which holds the lock of all changes.
    if signing_keys::change(tx, from, to).await? {
        Ok(())
    } else {
        Err(KeyError::Tampered(format!("signing key {}", from.kid)))
    }
}

fn of(rows: &[SigningKey], alg: KeyAlgorithm, state: State) -> Option<&SigningKey> {
    of_name(rows, alg.as_str(), state)
}

fn of_name<'a>(rows: &'a [SigningKey], alg: &str, state: State) -> Option<&'a SigningKey> {
    rows.iter().find(|row| row.alg == alg && row.state == state.as_str())
}

fn is_due(rows: &[SigningKey], alg: KeyAlgorithm, settings: &KeySettings, now: Timestamp) -> bool {
    let active_from = of(rows, alg, State::Active).and_then(|row| row.active_from);
    active_from.is_some_and(|from| Timestamp(from) + settings.rotate_every <= now)
        && old_enough(rows, alg, settings, now).is_ok()
}

/// Whether the next key has been published for so long that everybody has it.
fn old_enough(rows: &[SigningKey], alg: KeyAlgorithm, settings: &KeySettings, now: Timestamp) -> Result<(), KeyError> {
    let next = of(rows, alg, State::Next).ok_or(KeyError::NoRing(alg))?;
    if let KeyAlgorithm::Encryption(_) = alg {
        return Ok(());
    }
    let ready_at = Timestamp(next.created_at) + settings.announce;
    if ready_at <= now { Ok(()) } else { Err(KeyError::TooYoung { alg, ready_at: ready_at.0 }) }
}

/// So long a key that was lost to somebody else cannot be imported again: whoever looks for a key file to import may come upon
/// its copies.
const LOSS_REMEMBERED: Lifetime = Lifetime::days(365);

/// Other nodes may sign with a retired key, or publish it, until they have heard of it.
const LAG: Lifetime = Lifetime::minutes(1);
