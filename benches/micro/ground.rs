//! What the benches stand on: keys and one client in a database of their own.

use latchkey::{
    clients::{Registry, registration},
    keys::{KeySettings, Keyring, MasterKey},
    protocol::{Algorithm, KeyManagement, Timestamp},
    random::Random,
    store::Store,
    tokens::access_token::AccessToken,
};

/// The issuer of everything here.
pub(crate) const ISSUER: &str = "https://op.example";
/// The time of everything here.
const NOW: Timestamp = Timestamp(1_800_000_000);

/// A key ring with every algorithm, and a registry with one client.
pub(crate) struct Ground {
    pub(crate) keyring: Keyring,
    pub(crate) registry: Registry,
    pub(crate) runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the runtime starts");
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (keyring, registry) = runtime.block_on(fill(folder.path()));
        Self { keyring, registry, runtime, _folder: folder }
    }
}

async fn fill(folder: &std::path::Path) -> (Keyring, Registry) {
    let store = Store::open(&format!("sqlite:{}", folder.join("bench.db").display())).await.expect("a fresh database");
    store.migrate().await.expect("the migrations apply");
    let random = Random::seeded(1);
    let master = MasterKey::load(&store, ISSUER, None, &folder.join("master.key"), &random).await;
    let settings = KeySettings {
        algorithms: Algorithm::ALL.to_vec(),
        encryption_algorithms: KeyManagement::ALL.to_vec(),
        ..KeySettings::default()
    };
    let keyring = Keyring::open(&store, master.expect("a master key is made"), &settings, &random, NOW).await;
    let registry = Registry::new(store, ISSUER);
    let new = registration::New {
        id: Some("wiki".into()),
        secret: None,
        wanted: registration::Wanted {
            client_name: Some("Wiki".into()),
            redirect_uris: Some(vec!["https://wiki.example/callback".into()]),
            scope: Some("openid profile email offline_access org kb:*".into()),
            ..registration::Wanted::default()
        },
        is_by_itself: false,
    };
    registration::create(&registry, new, NOW, &random).await.expect("the client is registered");
    (keyring.expect("the keys are made"), registry)
}

/// The claims of an access token as an app gets it for a user.
pub(crate) fn access_token() -> AccessToken<'static> {
    AccessToken {
        iss: ISSUER,
        sub: "usr_Ir0bMgJJkJ2a3XcOv3hNtA",
        aud: AUDIENCE.get_or_init(|| vec![ISSUER.to_owned()]),
        exp: NOW.0 + 900,
        iat: NOW.0,
        jti: "7fTqv0cWmNUzgCJ2nWb0pA.0cWmNUzgCJ2nWb0pA7fTqv",
        client_id: "wiki",
        scope: "openid profile email offline_access kb:read kb:create",
        auth_time: Some(NOW.0 - 60),
        acr: Some("urn:latchkey:acr:password"),
        amr: &["pwd"],
        sid: Some("0cWmNUzgCJ2nWb0pA7fTqv"),
        org: None,
    }
}

static AUDIENCE: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
