//! The server: what every request may need, and the one route table.

mod cors;
mod crowd;
mod front;
mod incoming;
pub mod listener;
mod panic;
mod peer;
mod routes;
pub mod tls;

use std::sync::Arc;

use crate::{
    accounts::Passwords,
    clients::{Authorities, ClientKeys, Registry, certificate::BadAuthorities},
    clock::Clock,
    config::Settings,
    endpoints::{discovery::Discovery, health::Readiness},
    grants::LiveGrants,
    keys::{KeyError, KeySettings, Keyring, MasterKey},
    outgoing::{self, Outgoing},
    random::Random,
    store::{Store, StoreError},
    telemetry::Metrics,
    web::assets::{BadBrand, Brand},
};

pub use front::RequestId;
pub use peer::{Peer, is_forwarded};
pub use routes::{ops_router, router};

/// Everything a request may need. Nobody below the endpoints and pages sees the whole of it.
pub struct Server {
    /// What the operator decided.
    pub settings: Settings,
    /// The database.
    pub store: Store,
    /// The signing keys.
    pub keyring: Keyring,
    /// The registered clients and resources.
    pub registry: Registry,
    /// Who vouches for the certificates of clients.
    pub authorities: Authorities,
    /// Calls to addresses that clients have named.
    pub outgoing: Outgoing,
    /// The public keys of clients.
    pub client_keys: ClientKeys,
    /// Reads what anybody can have read: the request objects of clients, and the documents of their sectors. They wait for
    /// turns of their own.
    pub for_strangers: Outgoing,
    /// Which grants are alive.
    pub grants: LiveGrants,
    /// The metadata, ready to be sent.
    pub discovery: Discovery,
    /// The pool that hashes passwords.
    pub passwords: Passwords,
    /// What the pages look like.
    pub brand: Brand,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether it could do its work when it was last asked.
    pub readiness: Readiness,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub random: Random,
}

/// No request of any endpoint is larger.
pub(crate) const LARGEST_BODY: usize = 64 * 1024;

/// Why a server cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be opened.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The brand cannot be shown.
    #[error(transparent)]
    Brand(#[from] BadBrand),
    /// The authorities of clients' certificates cannot be read.
    #[error(transparent)]
    Authorities(#[from] BadAuthorities),
    /// No calls to other servers can be made.
    #[error(transparent)]
    Outgoing(#[from] outgoing::OpenError),
}

impl OpenError {
    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Keys(error) => error.hint(),
            Self::Store(_) | Self::Brand(_) | Self::Outgoing(_) | Self::Authorities(_) => None,
        }
    }
}

impl Server {
    /// Open the database and the keys, making what is missing.
    ///
    /// # Errors
    /// A database that cannot be opened, keys that do not open, a brand that cannot be shown, roots that cannot be read.
    pub async fn open(settings: Settings, clock: Clock, random: Random) -> Result<Arc<Self>, OpenError> {
        let brand = &settings.brand;
        let brand = Brand::new(&brand.name, brand.logo.as_deref(), brand.accent.as_deref())?;
        let authorities = Authorities::open(settings.tls.client_ca.as_deref())?;
        let outgoing = Outgoing::open(&settings.outgoing)?;
        let store = Store::open(&settings.database_url).await?;
        store.check_writable(&settings.database_url).await?;
        let keys = &settings.keys;
        let master = MasterKey::load(&store, &settings.issuer, keys.master_key.as_ref(), &keys.file, &random).await?;
        let keyring = Keyring::open(&store, master, &key_settings(&settings), &random, clock.now()).await?;
        let registry = Registry::of(store.clone(), &settings);
        registry.seal_with(&keyring);
        let grants = LiveGrants::new(store.clone(), registry.clone());
        let (discovery, passwords, metrics) = (Discovery::default(), Passwords::new(), Metrics::new());
        Ok(Arc::new(Self {
            settings,
            store,
            keyring,
            registry,
            for_strangers: outgoing.apart(),
            client_keys: ClientKeys::new(outgoing.clone()),
            authorities,
            outgoing,
            grants,
            discovery,
            passwords,
            brand,
            metrics,
            readiness: Readiness::default(),
            clock,
            random,
        }))
    }
}

/// What the life of the keys depends on.
#[must_use]
pub fn key_settings(settings: &Settings) -> KeySettings {
    KeySettings {
        algorithms: settings.keys.algorithms.clone(),
        encryption_algorithms: settings.keys.encryption_algorithms.clone(),
        rotate_every: settings.keys.rotate_every,
        announce: settings.keys.announce,
        rsa_bits: usize::try_from(settings.keys.rsa_bits).unwrap_or(2048),
        longest_token: settings.tokens.access_token.max(settings.tokens.id_token),
        longest_session: settings.sessions.absolute,
    }
}
