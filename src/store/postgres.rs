//! PostgreSQL's connections.

use std::{io, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use super::StoreError;

/// So many at once, of each node.
const MOST: u32 = 16;

/// Whoever has waited so long for a connection is told to come back: a page that takes longer has been closed, and a
/// server that lets everybody wait is soon full of those who do.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A statement takes milliseconds. One that waits for somebody else's lock, or for a disk that hangs, is given up rather
/// than keep its connection from all others.
const LIMITS: &str =
    "SET lock_timeout = '5s'; SET statement_timeout = '15s'; SET idle_in_transaction_session_timeout = '60s'";

/// Open a pool. One connection is made and ended at once, so that what is wrong is said, and not merely that nothing came
/// in time.
pub(super) async fn open(url: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|cause| StoreError::Server { place: "no PostgreSQL server".to_owned(), cause })?
        .application_name("latchkey");
    connect(&options).await?.close().await?;
    let pool = PgPoolOptions::new().max_connections(MOST).acquire_timeout(LONGEST_WAIT);
    let limited = pool.after_connect(|connection, _| Box::pin(async { connection.execute(LIMITS).await.map(drop) }));
    Ok(limited.connect_lazy_with(options))
}

/// A connection apart and without limits, for whoever closes it again.
pub(super) async fn another(pool: &PgPool) -> Result<PgConnection, StoreError> {
    connect(&pool.connect_options()).await
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let unreachable = |cause| StoreError::Server { place: place(options), cause };
    match timeout(LONGEST_WAIT, options.connect()).await {
        Ok(connected) => connected.map_err(unreachable),
        Err(_) => Err(unreachable(io::Error::new(io::ErrorKind::TimedOut, "it does not answer").into())),
    }
}

/// For people, and without the password.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(socket) => format!("the database {database} at {}", socket.display()),
        None => format!("the database {database} at {}:{}", options.get_host(), options.get_port()),
    }
}
