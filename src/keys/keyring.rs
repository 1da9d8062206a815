//! The keys a node works with: prepared, so that a signature costs what the bare RSA operation costs.

use std::sync::{Arc, PoisonError, RwLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{JwsSigner, JwsVerifier},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{
    BadJwe, KeyError, KeySettings, MasterKey, PairwiseKey, Published, RefreshKey,
    compact::Compact,
    decryption::{self, EncryptionKey},
    jwk, rotation,
    sealed_row::{self, State},
};
use crate::{
    protocol::{Algorithm, Error, KeyAlgorithm, Result, Timestamp, typ},
    random::Random,
    store::{Cache, Store, instance, signing_keys, signing_keys::SigningKey},
};

/// The keys of this installation, as this node knows them. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct Keyring(Arc<Shared>);

pub(super) struct Shared {
    pub(super) settings: KeySettings,
    pub(super) random: Random,
    ring: RwLock<Arc<Ring>>,
    rows: Cache<(), Arc<Rows>>,
    reloading: Mutex<()>,
}

/// A token whose signature is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What its header says it is.
    pub typ: Option<String>,
    /// The key that signed it.
    pub kid: String,
    /// The algorithm of that key.
    pub alg: Algorithm,
    /// Its claims, as JSON.
    pub payload: Vec<u8>,
}

impl Keyring {
    /// Open the ring, making the keys that are missing: an active and a next one for every algorithm.
    ///
    /// # Errors
    /// When a key in the database does not open as what its row says, or the database refuses.
    pub async fn open(
        store: &Store,
        master: MasterKey,
        settings: &KeySettings,
        random: &Random,
        now: Timestamp,
    ) -> std::result::Result<Self, KeyError> {
        rotation::complete(store, &master, settings, random, now).await?;
        let rows = Arc::new(Rows::read(store).await?);
        let ring = RwLock::new(Arc::new(Ring::new(master, rows, settings, None)?));
        let settings = settings.clone();
        let (random, rows, reloading) = (random.clone(), Cache::new(1), Mutex::default());
        Ok(Self(Arc::new(Shared { settings, random, ring, rows, reloading })))
    }

    /// Sign claims with the active key of an algorithm. It waits for nothing and reads nothing.
    ///
    /// # Errors
    /// When no ring is kept for the algorithm.
    pub fn sign(&self, alg: Algorithm, typ: &str, claims: &impl Serialize) -> Result<String> {
        let ring = self.ring();
        let key = ring.active(alg).ok_or_else(|| Error::broken(format!("there is no active {alg} key")))?;
        key.sign(typ, claims)
    }

    /// Check a token of ours (RFC 7515 §5.2, compact form alone): one that is signed by a published key. The next key
    /// counts, since another node may have promoted it a moment ago.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Verified> {
        check(&self.ring().published_keys, &[], token)
    }

    /// The same for a logout hint: one signed by a key that is gone counts too.
    #[must_use]
    pub fn verify_hint(&self, token: &str) -> Option<Verified> {
        let ring = self.ring();
        check(&ring.published_keys, &ring.gone, token)
    }

    /// What somebody has encrypted for this server (RFC 7516, compact form alone).
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn decrypt(&self, token: &str) -> std::result::Result<Vec<u8>, BadJwe> {
        decryption::decrypt(&self.ring().encryption_keys, token, &self.0.random)
    }

    /// The public keys, ready to be sent.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        self.ring().published.clone()
    }

    /// The algorithms this node can sign with, the default first.
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let ring = self.ring();
        self.0.settings.algorithms.iter().copied().filter(|alg| ring.active(*alg).is_some()).collect()
    }

    /// The key of the refresh tokens' MAC.
    #[must_use]
    pub fn refresh_key(&self) -> RefreshKey {
        self.ring().refresh.key.clone()
    }

    /// The key of pairwise subjects.
    #[must_use]
    pub fn pairwise_key(&self) -> PairwiseKey {
        self.ring().pairwise.key.clone()
    }

    /// The master key the ring was opened with.
    #[must_use]
    pub fn master_key(&self) -> MasterKey {
        self.ring().master.clone()
    }

    /// Take over what other nodes and the command line have changed. Costs nothing when nothing was, so a node does this
    /// whenever it looks for changes.
    ///
    /// # Errors
    /// When a key does not open as what its row says; then the ring stays as it was.
    pub async fn reload(&self, store: &Store) -> std::result::Result<(), KeyError> {
        // One at a time, so that an older look at the rows never replaces a newer one.
        let _turn = self.0.reloading.lock().await;
        let rows = self.0.rows.get_or_load(store, &(), async || Rows::read(store).await.map(Arc::new)).await?;
        let before = self.ring();
        if Arc::ptr_eq(&rows, &before.rows) || *rows == *before.rows {
            return Ok(());
        }
        // Another process may have sealed everything anew; its master key then stands in the same file.
        let current = rows.proof.as_deref() == Some(before.master.proof());
        let master = if current { before.master.clone() } else { before.master.again(store).await? };
        let ring = Ring::new(master, rows, &self.0.settings, Some(&before))?;
        *self.0.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    pub(super) fn ring(&self) -> Arc<Ring> {
        self.0.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }
}

/// What the database says of keys, sealed as it is.
#[derive(PartialEq, Eq)]
pub(super) struct Rows {
    proof: Option<String>,
    refresh_mac: Option<String>,
    pairwise_mac: Option<String>,
    keys: Vec<SigningKey>,
}

impl Rows {
    async fn read(store: &Store) -> std::result::Result<Self, KeyError> {
        let mut db = store.read().await?;
        Ok(Self {
            proof: instance::find(&mut db, super::master_key::PROOF).await?,
            refresh_mac: instance::find(&mut db, sealed_row::REFRESH_MAC).await?,
            pairwise_mac: instance::find(&mut db, sealed_row::PAIRWISE_MAC).await?,
            keys: signing_keys::list(&mut db).await?,
        })
    }
}

/// The keys, opened and prepared. Never changed: a change makes a new one.
pub(super) struct Ring {
    pub(super) master: MasterKey,
    rows: Arc<Rows>,
    /// In the order they are published: by algorithm, the active one first.
    published_keys: Vec<Arc<Key>>,
    gone: Vec<Arc<Key>>,
    /// The active ones first; they alone are published. Those before them, and those of nodes that were faster, are tried too.
    encryption_keys: Vec<Arc<EncryptionKey>>,
    published: Arc<Published>,
    refresh: Unsealed<RefreshKey>,
    pairwise: Unsealed<PairwiseKey>,
}

/// A key for MACs, and what it was opened from.
#[derive(Clone)]
struct Unsealed<K> {
    sealed: String,
    key: K,
}

impl<K: Clone> Unsealed<K> {
    /// The one before, unless it was sealed anew.
    fn open(
        master: &MasterKey,
        name: &str,
        sealed: Option<&String>,
        before: Option<&Self>,
        make: fn(&[u8; 32]) -> K,
    ) -> std::result::Result<Self, KeyError> {
        let sealed = sealed.ok_or_else(|| KeyError::Tampered(name.to_owned()))?;
        match before.filter(|before| before.sealed == *sealed) {
            Some(before) => Ok(before.clone()),
            None => {
                let key = make(&*sealed_row::open_mac_key(master, name, sealed)?);
                Ok(Self { sealed: sealed.clone(), key })
            }
        }
    }
}

impl Ring {
    /// Open what the rows hold. A key whose row has not changed is taken over from the ring before.
    fn new(
        master: MasterKey,
        rows: Arc<Rows>,
        settings: &KeySettings,
        before: Option<&Self>,
    ) -> std::result::Result<Self, KeyError> {
        let (mut published_keys, mut gone, mut encryption_keys) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows.keys.iter().filter(|row| row.state != State::Dropped.as_str()) {
            if let Some(KeyAlgorithm::Encryption(_)) = KeyAlgorithm::of(&row.alg) {
                let known = before.and_then(|ring| ring.encryption_keys.iter().find(|key| key.row == *row));
                match known {
                    Some(key) => encryption_keys.push(key.clone()),
                    None => encryption_keys.extend(EncryptionKey::open(&master, row)?.map(Arc::new)),
                }
                continue;
            }
            let mut known = before.into_iter().flat_map(|ring| ring.published_keys.iter().chain(&ring.gone));
            let key = match known.find(|key| key.row == *row) {
                Some(key) => key.clone(),
                None => Arc::new(Key::open(&master, row)?),
            };
            if key.state == State::Gone { gone.push(key) } else { published_keys.push(key) }
        }
        let place = |alg: KeyAlgorithm| settings.rings().position(|own| own == alg).unwrap_or(usize::MAX);
        published_keys.sort_by_key(|key| (place(key.alg.into()), key.alg, key.state));
        encryption_keys.sort_by_key(|key| (key.state, place(key.alg.into())));
        let for_senders = encryption_keys.iter().filter(|key| key.state == State::Active).map(|key| &key.public);
        let published = Published::keys(published_keys.iter().map(|key| &key.public).chain(for_senders));
        let (known, sealed) = (before.map(|ring| &ring.refresh), rows.refresh_mac.as_ref());
        let refresh = Unsealed::open(&master, sealed_row::REFRESH_MAC, sealed, known, RefreshKey::new)?;
        let (known, sealed) = (before.map(|ring| &ring.pairwise), rows.pairwise_mac.as_ref());
        let pairwise = Unsealed::open(&master, sealed_row::PAIRWISE_MAC, sealed, known, PairwiseKey::new)?;
        let published = Arc::new(published);
        Ok(Self { master, rows, published_keys, gone, encryption_keys, published, refresh, pairwise })
    }

    fn active(&self, alg: Algorithm) -> Option<&Arc<Key>> {
        self.published_keys.iter().find(|key| key.state == State::Active && key.alg == alg)
    }

    pub(super) fn rows(&self) -> &[SigningKey] {
        &self.rows.keys
    }
}

/// A key that signs, or has signed, ready for use.
struct Key {
    row: SigningKey,
    alg: Algorithm,
    state: State,
    public: Map<String, Value>,
    /// Only an active key signs, so only an active key has one.
    signer: Option<Box<dyn JwsSigner>>,
    verifier: Box<dyn JwsVerifier>,
    /// The header of each kind of token, encoded, with its dot.
    headers: Vec<(&'static str, String)>,
}

impl Key {
    fn open(master: &MasterKey, row: &SigningKey) -> std::result::Result<Self, KeyError> {
        let (state, own) = sealed_row::open_row(master, row)?;
        let KeyAlgorithm::Signature(alg) = own.alg else {
            return Err(KeyError::Tampered(format!("signing key {}", row.kid)));
        };
        let public = own.public();
        Ok(Self {
            row: row.clone(),
            alg,
            state,
            signer: if state == State::Active { Some(own.signer(alg)?) } else { None },
            verifier: jwk::verifier(alg, &Jwk::from_map(public.clone())?)?,
            public,
            headers: PREPARED_TYPES.iter().map(|typ| (*typ, header(alg, typ, &row.kid))).collect(),
        })
    }

    fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String> {
        let signer = self.signer.as_ref().ok_or_else(|| Error::broken("an active key has a signer"))?;
        let made;
        let header = match self.headers.iter().find(|(own, _)| *own == typ) {
            Some((_, header)) => header,
            None => {
                made = header(self.alg, typ, &self.row.kid);
                &made
            }
        };
        let json = serde_json::to_vec(claims)?;
        let mut token = String::with_capacity(header.len() + json.len() * 4 / 3 + LONGEST_SIGNATURE);
        token.push_str(header);
        URL_SAFE_NO_PAD.encode_string(&json, &mut token);
        let signature = signer.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }
}

/// A JOSE header (RFC 7515 §4) in base64url, with the dot that follows it.
fn header(alg: Algorithm, typ: &str, kid: &str) -> String {
    #[derive(Serialize)]
    struct Fields<'a> {
        typ: &'a str,
        alg: Algorithm,
        kid: &'a str,
    }
    // Three strings always become JSON.
    let json = serde_json::to_vec(&Fields { typ, alg, kid }).unwrap_or_default();
    let mut text = URL_SAFE_NO_PAD.encode(json);
    text.push('.');
    text
}

/// Check a token against some keys. What we sign has a header we know to the letter, so hardly any is ever parsed.
fn check(keys: &[Arc<Key>], more: &[Arc<Key>], token: &str) -> Option<Verified> {
    let token = Compact::split(token, LONGEST_TOKEN)?;
    let mut all = keys.iter().chain(more);
    let known = all.find_map(|key| {
        let (typ, _) = key.headers.iter().find(|(_, own)| own.strip_suffix('.') == Some(token.head))?;
        Some((key, Some((*typ).to_owned())))
    });
    let (key, typ) = match known {
        Some(known) => known,
        None => read_header(&token).and_then(|read| {
            // The key says what the algorithm is; a header that says another is not ours (RFC 8725 §3.1).
            let key = keys.iter().chain(more).find(|key| key.row.kid == read.kid && key.alg.as_str() == read.alg)?;
            Some((key, read.typ))
        })?,
    };
    let (signature, payload) = (token.signature()?, token.payload()?);
    key.verifier.verify(token.signed.as_bytes(), &signature).ok()?;
    Some(Verified { typ, kid: key.row.kid.clone(), alg: key.alg, payload })
}

/// The header of a token that is ours but not worded as we word it now. A member that occurs twice is refused, and so is
/// every other member: `crit`, `b64`, `jku`, `jwk`, `x5c` have no business in a token of ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: Option<String>,
}

fn read_header(token: &Compact<'_>) -> Option<Header> {
    if token.head.len() > LONGEST_HEADER {
        return None;
    }
    serde_json::from_slice(&token.header()?).ok()
}

/// The kinds of tokens whose headers are made once.
const PREPARED_TYPES: &[&str] = &[typ::AT_JWT, typ::JWT];
/// An RSA-4096 signature in base64url, and its dot.
const LONGEST_SIGNATURE: usize = 684 + 1;
const LONGEST_HEADER: usize = 1024;
const LONGEST_TOKEN: usize = 64 * 1024;
