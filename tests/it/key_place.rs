//! Where the tests of keys and tokens take place.

use std::path::PathBuf;

use latchkey::{
    keys::{KeyError, KeySettings, Keyring, Listed, MasterKey, rotation},
    protocol::{Algorithm, Timestamp},
    random::Random,
    store::{Store, signing_keys},
};
use serde_json::json;

use crate::world;

pub(crate) const ISSUER: &str = "https://op.example";
pub(crate) const START: Timestamp = Timestamp(1_700_000_000);
pub(crate) const RS256: Algorithm = Algorithm::RS256;

/// A database and a folder for master keys; nodes are opened on it.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) settings: KeySettings,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::keeping(&[RS256]).await
    }

    pub(crate) async fn keeping(algorithms: &[Algorithm]) -> Self {
        let settings = KeySettings { algorithms: algorithms.to_vec(), ..KeySettings::default() };
        Self { store: world::store().await, folder: tempfile::tempdir().unwrap(), settings }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("keys").join("master.key")
    }

    pub(crate) async fn master(&self) -> Result<MasterKey, KeyError> {
        MasterKey::load(&self.store, ISSUER, None, &self.file(), &Random::System).await
    }

    pub(crate) async fn node(&self, now: Timestamp) -> Keyring {
        self.try_node(now).await.expect("the ring opens")
    }

    pub(crate) async fn try_node(&self, now: Timestamp) -> Result<Keyring, KeyError> {
        Keyring::open(&self.store, self.master().await?, &self.settings, &Random::System, now).await
    }

    pub(crate) async fn keys(&self) -> Vec<Listed> {
        rotation::list(&self.store).await.unwrap()
    }

    /// The kid of the only key in a state.
    pub(crate) async fn kid(&self, state: &str) -> String {
        let found: Vec<_> = self.keys().await.into_iter().filter(|key| key.state == state).collect();
        assert_eq!(found.len(), 1, "one {state} key: {found:?}");
        found[0].kid.clone()
    }

    pub(crate) async fn row(&self, state: &str) -> signing_keys::SigningKey {
        self.rows().await.into_iter().find(|row| row.state == state).expect("there is such a key")
    }

    pub(crate) async fn rows(&self) -> Vec<signing_keys::SigningKey> {
        signing_keys::list(&mut self.store.read().await.unwrap()).await.unwrap()
    }

    /// Write to the table as somebody would who has the database and nothing else.
    pub(crate) async fn tamper(&self, from: &signing_keys::SigningKey, to: &signing_keys::SigningKey) {
        let mut tx = self.store.write().await.unwrap();
        assert!(signing_keys::change(&mut tx, from, to).await.unwrap());
        tx.commit().await.unwrap();
    }
}

/// An access token of sorts.
pub(crate) fn sign(node: &Keyring) -> String {
    node.sign(RS256, "at+jwt", &json!({ "sub": "usr_1" })).unwrap()
}
