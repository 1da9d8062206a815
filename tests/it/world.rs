//! What a test stands on: a database of its own, a clock that stands still, and actors.

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use latchkey::store::Store;

/// A fresh, migrated database: an SQLite file, or a PostgreSQL database when `TEST_POSTGRES_URL` names a server.
pub(crate) async fn store() -> Store {
    Store::open(&database_url().await).await.expect("a fresh database opens")
}

/// The URL of a database that does not hold anything yet.
pub(crate) async fn database_url() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("latchkey_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    match std::env::var("TEST_POSTGRES_URL") {
        Ok(server) => {
            use sqlx::{ConnectOptions, Connection};
            let options: sqlx::postgres::PgConnectOptions = server.parse().expect("TEST_POSTGRES_URL is a URL");
            let mut connection = options.connect().await.expect("the PostgreSQL server answers");
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
                .execute(&mut connection)
                .await
                .expect("a database can be created");
            connection.close().await.expect("the connection closes");
            let (base, _) = server.rsplit_once('/').expect("TEST_POSTGRES_URL names a database");
            format!("{base}/{name}")
        }
        Err(_) => {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.db"));
            // A process of the same number may have left one behind.
            for ending in ["db", "db-wal", "db-shm"] {
                drop(std::fs::remove_file(file.with_extension(ending)));
            }
            format!("sqlite:{}", file.display())
        }
    }
}
