//! The registered clients and APIs, as every request needs them: from memory while nothing has changed.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use super::{Client, Resource, operators, resource};
use crate::{
    config::Settings,
    keys::{Keyring, shared_secret},
    protocol::{Error, PlainSecret, Result, Timestamp},
    store::{Cache, Store, StoreError, Write, clients, resources},
};

pub use crate::store::clients::Secret as SecretRow;

/// The registered clients and APIs. Cheap to clone; all clones share what they remember.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    store: Store,
    issuer: String,
    /// Whether clients that registered themselves need PKCE.
    require_pkce: bool,
    clients: Cache<String, Option<Registered>>,
    resources: Cache<(), Arc<[Resource]>>,
    /// Whose master key seals the secrets that clients sign with.
    keyring: OnceLock<Keyring>,
}

/// A client with its secrets, which are asked for together.
#[derive(Clone)]
pub(super) struct Registered {
    pub(super) client: Arc<Client>,
    pub(super) secrets: Arc<[SecretRow]>,
}

impl Registry {
    /// The registry in that database.
    #[must_use]
    pub fn new(store: Store, issuer: &str) -> Self {
        Self::with(store, issuer, false)
    }

    /// The registry in that database, where clients count as those settings say.
    #[must_use]
    pub fn of(store: Store, settings: &Settings) -> Self {
        Self::with(store, &settings.issuer, settings.registration.require_pkce)
    }

    fn with(store: Store, issuer: &str, require_pkce: bool) -> Self {
        Self(Arc::new(Inner {
            store,
            issuer: issuer.to_owned(),
            require_pkce,
            clients: Cache::new(MOST_CLIENTS),
            resources: Cache::new(1),
            keyring: OnceLock::new(),
        }))
    }

    /// Have secrets that clients sign with sealed, and opened, under the master key of that ring. Without one, there can be
    /// no such clients.
    pub fn seal_with(&self, keyring: &Keyring) {
        self.0.keyring.get_or_init(|| keyring.clone());
    }

    /// A secret of that client, sealed.
    pub(super) async fn seal(&self, tx: &mut Write, client_id: &str, secret: &PlainSecret) -> Result<String> {
        let keyring = self.0.keyring.get().ok_or_else(|| Error::broken("a secret is to be sealed without a key"))?;
        let purpose = shared_secret::purpose(client_id, secret.hash().as_str());
        Ok(keyring.master_key().seal_in(tx, &purpose, secret.expose().as_bytes()).await?)
    }

    /// The secrets of a client that still count and that it may sign with.
    pub(super) fn shared_secrets(&self, known: &Registered, now: Timestamp) -> Result<Vec<PlainSecret>> {
        let live = known.secrets.iter().filter(|own| own.is_live(now.0));
        let sealed = live.filter_map(|own| Some((&own.hash, own.sealed.as_deref()?)));
        let mut secrets = Vec::new();
        for (hash, sealed) in sealed {
            let keyring =
                self.0.keyring.get().ok_or_else(|| Error::broken("a secret is sealed, and there is no key"))?;
            let plain = keyring.master_key().open(&shared_secret::purpose(&known.client.id, hash), sealed)?;
            secrets.push(PlainSecret::new(String::from_utf8_lossy(&plain)));
        }
        Ok(secrets)
    }

    /// The client of that id, enabled or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(&self, id: &str) -> Result<Option<Arc<Client>>> {
        Ok(self.remembered(id).await?.0.map(|found| found.client))
    }

    /// The secrets of a client: one, or two while one replaces the other. None for a client that is not there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn secrets(&self, id: &str) -> Result<Arc<[SecretRow]>> {
        Ok(self.remembered(id).await?.0.map(|found| found.secrets).unwrap_or_default())
    }

    /// Every API: the issuer itself first, its own JSON API second, then those that operators registered, by URI.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn resources(&self) -> Result<Arc<[Resource]>> {
        self.0.resources.get_or_load(&self.0.store, &(), async || self.read_resources().await).await
    }

    /// The database behind it.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Whether clients that register themselves need PKCE.
    pub(super) fn requires_pkce(&self) -> bool {
        self.0.require_pkce
    }

    /// A client as it counts: what those who register themselves need today, those who did before need as well. A secret
    /// protects codes, too, so that an operator can make an exception of a client that has one.
    pub(super) fn client(&self, row: clients::Row) -> Result<Client, StoreError> {
        let mut client = from_row(row)?;
        let is_exempt = !client.is_public() && client.metadata.is_set_by_operator(operators::REQUIRE_PKCE);
        client.require_pkce |= self.0.require_pkce && client.self_registered && !is_exempt;
        Ok(client)
    }

    /// Whether an API of that URI is there from the start.
    #[must_use]
    pub fn is_built_in(&self, uri: &str) -> bool {
        self.built_in(uri).is_some()
    }

    pub(super) fn built_in(&self, uri: &str) -> Option<Resource> {
        [Resource::of_issuer(&self.0.issuer), Resource::of_api(&self.0.issuer)].into_iter().find(|own| own.uri == uri)
    }

    /// What is known of a client, and whether it was read just now rather than remembered.
    pub(super) async fn remembered(&self, id: &str) -> Result<(Option<Registered>, bool)> {
        // Ids that nobody has are remembered, too: long ones, made up one after the other, would fill the memory.
        // Nor can every database be asked about every character.
        if id.len() > LONGEST_ID || id.contains('\0') {
            return Ok((None, true));
        }
        let mut was_read = false;
        let found = self
            .0
            .clients
            .get_or_load(&self.0.store, &id.to_owned(), async || {
                was_read = true;
                self.read(id).await
            })
            .await?;
        Ok((found, was_read))
    }

    /// What the database says of a client, whatever is remembered. Asks the same for a client that is not there.
    pub(super) async fn read(&self, id: &str) -> Result<Option<Registered>> {
        let mut db = self.0.store.read().await?;
        let row = clients::find(&mut db, id).await?;
        let secrets = clients::secrets(&mut db, id).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Registered { client: Arc::new(self.client(row)?), secrets: secrets.into() }))
    }

    async fn read_resources(&self) -> Result<Arc<[Resource]>> {
        let mut db = self.0.store.read().await?;
        let mut all = vec![Resource::of_issuer(&self.0.issuer), Resource::of_api(&self.0.issuer)];
        for row in resources::list(&mut db).await? {
            let registered = resource::from_row(row)?;
            // What an operator said of the issuer's own takes the place of what it is from the start.
            match all.iter_mut().take(2).find(|own| own.uri == registered.uri) {
                Some(own) => *own = Resource { issuer: own.issuer, ..registered },
                None => all.push(registered),
            }
        }
        Ok(all.into())
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({})", self.0.issuer)
    }
}

/// No client's id is longer, in bytes.
pub(super) const LONGEST_ID: usize = 100;

/// How many clients are remembered; beyond it the ones asked for least are read again.
const MOST_CLIENTS: usize = 10_000;

fn from_row(row: clients::Row) -> Result<Client, StoreError> {
    let metadata = serde_json::from_str(&row.metadata).map_err(|_| StoreError::Inconsistent {
        table: "clients",
        column: "metadata",
        row: row.id.clone(),
    })?;
    Ok(Client {
        id: row.id,
        metadata,
        first_party: row.first_party,
        self_registered: row.self_registered,
        require_pkce: row.require_pkce,
        enabled: row.enabled,
        epoch: row.epoch,
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
    })
}
