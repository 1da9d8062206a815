//! Copies of an SQLite database, and the way back. PostgreSQL has its own tools.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use super::{Conn, Read, StoreError, Write, authorization_requests, browser_sessions, instance, registration_tokens};
use crate::store::Access;

/// Write a copy of the database, as it is at this moment, to an empty file; others go on writing meanwhile. False for
/// PostgreSQL.
///
/// # Errors
/// When the copy cannot be written.
pub async fn write(db: &mut Read, file: &Path) -> Result<bool, StoreError> {
    match db.conn() {
        Conn::Sqlite(connection) => {
            sqlx::query("VACUUM INTO $1").bind(file.to_string_lossy().into_owned()).execute(connection).await?;
            Ok(true)
        }
        Conn::Postgres(_) => Ok(false),
    }
}

/// Whether nobody else has the database open. If so, everything is in its one file afterwards, which may then be
/// moved away or replaced.
///
/// # Errors
/// When it cannot be opened at all.
pub async fn is_alone(file: &Path) -> Result<bool, StoreError> {
    // Leaving the write-ahead log takes a lock that no other connection, however idle, may hold a share of.
    let options = SqliteConnectOptions::new().filename(file).journal_mode(SqliteJournalMode::Delete);
    let alone = async {
        let mut connection = options.busy_timeout(Duration::from_secs(1)).connect().await?;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(mode == "delete")
    };
    match alone.await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(BUSY) => Ok(false),
        other => Ok(other?),
    }
}

/// End what a restored copy must not bring back to life: codes, refresh tokens and sessions, spent or ended since.
/// `beyond` is the epoch of the database that the copy replaces.
///
/// # Errors
/// When a statement fails.
pub async fn end_everything(tx: &mut Write, beyond: i64) -> Result<(), StoreError> {
    instance::raise_issuer_epoch(tx).await?;
    while instance::issuer_epoch(tx).await? <= beyond {
        instance::raise_issuer_epoch(tx).await?;
    }
    registration_tokens::delete_all(tx).await?;
    browser_sessions::forget(tx, i64::MAX, i64::MAX).await?;
    authorization_requests::forget(tx, i64::MAX, i64::MAX).await?;
    tx.touch().await
}

/// SQLITE_BUSY.
const BUSY: &str = "5";
