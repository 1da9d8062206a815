//! A database of each test's own: an SQLite file, or a PostgreSQL database when `TEST_POSTGRES_URL` names a server.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use latchkey::store::Store;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

/// The URL of a database that does not hold anything yet.
pub(crate) async fn database_url() -> String {
    let name = name();
    match postgres() {
        Some(server) => {
            create(&server, &name, "").await;
            beside(&server, &name)
        }
        None => format!("sqlite:{}", file(&name).display()),
    }
}

/// A fresh, migrated database.
pub(crate) async fn store() -> Store {
    static TABLES: Mould = Mould::new();
    let url = TABLES.copy(async |url| Store::open(&url).await.expect("a fresh database opens").close().await).await;
    Store::open(&url).await.expect("a copy opens")
}

/// A database that is made once and then copied, by tests that would all begin by making the same: that takes longer
/// than most of them.
pub(crate) struct Mould(OnceCell<String>);

impl Mould {
    pub(crate) const fn new() -> Self {
        Self(OnceCell::const_new())
    }

    /// The URL of a copy. What makes the first one must have closed it again: nothing copies a database that is in use.
    pub(crate) async fn copy(&self, make: impl AsyncFnOnce(String)) -> String {
        let made = async || {
            let url = database_url().await;
            make(url.clone()).await;
            url
        };
        let original = self.0.get_or_init(made).await;
        let name = name();
        match postgres() {
            Some(server) => {
                let (_, original) = original.rsplit_once('/').expect("a PostgreSQL URL names a database");
                create(&server, &name, &format!("TEMPLATE {original}")).await;
                beside(&server, &name)
            }
            None => {
                let original = latchkey::store::sqlite_file(original).expect("an SQLite URL names a file");
                let file = file(&name);
                std::fs::copy(original, &file).expect("a file can be copied");
                format!("sqlite:{}", file.display())
            }
        }
    }
}

/// Where tests may write.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned()
}

fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("latchkey_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A file that is not there.
fn file(name: &str) -> PathBuf {
    let file = directory().join(format!("{name}.db"));
    // A process of the same number may have left one behind.
    for ending in ["db", "db-wal", "db-shm"] {
        drop(std::fs::remove_file(file.with_extension(ending)));
    }
    file
}

fn postgres() -> Option<String> {
    std::env::var("TEST_POSTGRES_URL").ok()
}

async fn create(server: &str, name: &str, how: &str) {
    let options: PgConnectOptions = server.parse().expect("TEST_POSTGRES_URL is a URL");
    let mut connection = options.connect().await.expect("the PostgreSQL server answers");
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name} {how}")))
        .execute(&mut connection)
        .await
        .expect("a database can be created");
    connection.close().await.expect("the connection closes");
}

/// Another database of the same server.
fn beside(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').expect("TEST_POSTGRES_URL names a database");
    format!("{base}/{name}")
}
