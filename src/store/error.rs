//! What a database can do to us, in sentences that say what to do.

use std::{path::PathBuf, sync::Arc};

use sqlx::migrate::MigrateError;

use crate::protocol::Error;

/// What a database can do to us.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A statement or a connection failed.
    #[error("the database refused a statement")]
    Database(#[from] sqlx::Error),
    /// A commit failed, for every transaction that shared it.
    #[error("the database refused a commit")]
    Commit(#[source] Arc<sqlx::Error>),
    /// The file of an SQLite database cannot be opened, or not be written.
    #[error("`database_url` names {}, which cannot be opened to be read and written", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: sqlx::Error,
    },
    /// A PostgreSQL server that cannot be reached, or does not let us in.
    #[error("`database_url` names {place}, which cannot be opened: {}", said(.cause))]
    Server {
        /// The server and the database, without the password.
        place: String,
        /// Why not.
        cause: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] MigrateError),
    /// The database was written by a newer version of this program.
    #[error(
        "the database was written by a newer latchkey (it has migration {0}); start that version, or restore a backup made before the upgrade"
    )]
    Newer(i64),
    /// The URL names no database that is known here.
    #[error("`database_url` is neither `sqlite:PATH` nor `postgres://…`")]
    Url,
    /// A row holds what this program never writes.
    #[error("table {table}: column {column} of row {row} cannot be read")]
    Inconsistent {
        /// The table of the row.
        table: &'static str,
        /// The column that cannot be read.
        column: &'static str,
        /// The key of the row.
        row: String,
    },
}

impl StoreError {
    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self.cause()? {
            error if is_busy(error) => Some("another process is writing to the file; try again"),
            // Whoever is hung up on while connecting has met what is no protocol to sqlx.
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => {
                Some("is the database running, and is `database_url` its address?")
            }
            sqlx::Error::PoolTimedOut => Some("is the database running, and does it allow one more connection?"),
            sqlx::Error::WorkerCrashed => Some("start the server again, and report this: it is a defect"),
            sqlx::Error::Database(refused) => hint_of_code(refused.code()?.as_ref()),
            _ => None,
        }
    }

    /// The same for whatever went wrong, if the database is behind it.
    #[must_use]
    pub fn hint_of(error: &Error) -> Option<&'static str> {
        error.cause::<Self>().and_then(Self::hint)
    }

    /// Whether the database cannot be reached, is too busy, or has no room: then nothing is wrong with what was asked, and the
    /// same may be asked again in a while.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self.cause() {
            Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut) => true,
            Some(error @ sqlx::Error::Database(refused)) => {
                // SQLITE_FULL. Of PostgreSQL: connections lost (class 08), given up for another's sake (40), resources that
                // have run out, be it the disk, memory or connections (53), a lock or a statement that took too long (55P03,
                // 57014), shutting down or starting (57P01 to 57P03).
                let code = refused.code().unwrap_or_default();
                let is_of_class = |class: &str| code.len() == 5 && code.starts_with(class);
                is_busy(error)
                    || is_of_class("08")
                    || is_of_class("40")
                    || is_of_class("53")
                    || matches!(code.as_ref(), "13" | "55P03" | "57014" | "57P01" | "57P02" | "57P03")
            }
            _ => false,
        }
    }

    /// The same of whatever went wrong.
    #[must_use]
    pub fn is_behind(error: &Error) -> bool {
        error.cause::<Self>().is_some_and(Self::is_passing)
    }

    /// Whether the thread behind a connection to SQLite is gone. Nothing brings it back.
    #[must_use]
    pub fn is_crash(error: &Error) -> bool {
        error.cause::<Self>().is_some_and(|error| matches!(error.cause(), Some(sqlx::Error::WorkerCrashed)))
    }

    /// What the database itself said.
    pub(super) fn cause(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) | Self::File { cause: error, .. } | Self::Server { cause: error, .. } => Some(error),
            Self::Commit(error) => Some(error),
            Self::Migration(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Some(error),
            _ => None,
        }
    }
}

fn hint_of_code(code: &str) -> Option<&'static str> {
    match code {
        // SQLITE_CANTOPEN
        "14" => Some("does the directory of `database_url` exist, and may this user write there?"),
        // SQLITE_READONLY and its kin
        "8" | "264" | "520" | "776" | "1032" | "1544" => Some("may this user write the file, and in its directory?"),
        // SQLITE_FULL, and PostgreSQL's disk_full
        "13" | "53100" => Some("the disk is full: make room; nothing that was acknowledged is lost"),
        // SQLITE_NOTADB
        "26" => Some("the file is no SQLite database; does `database_url` name the right one?"),
        // PostgreSQL, appendix A
        "3D000" => Some("make the database first: createdb, or CREATE DATABASE"),
        "28000" | "28P01" => Some("are user and password in `database_url` right, and does pg_hba.conf let them in?"),
        "42501" => Some("the user in `database_url` has to own the database: ALTER DATABASE … OWNER TO …"),
        "25006" => Some("the server only lets read: `database_url` has to name the primary, not a replica"),
        "53300" => {
            Some("the server takes no more connections: raise its max_connections; each node of ours opens up to 16")
        }
        "55P03" | "57014" => Some("somebody holds a lock for too long: look at pg_stat_activity and pg_locks"),
        "57P01" | "57P02" | "57P03" => Some("PostgreSQL is stopping or starting; try again"),
        // SQLITE_CORRUPT and its kin
        _ if is_sqlite(code, 11) => {
            Some("the file is damaged: stop the server, keep the file, and bring a backup back: latchkey restore")
        }
        // SQLITE_IOERR and its kin
        _ if is_sqlite(code, 10) => {
            Some("the disk failed, or a quota or a limit of this process (`ulimit -f`) is reached")
        }
        _ => None,
    }
}

/// SQLITE_BUSY and its kin: another process is at it.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refused) = error else { return false };
    matches!(refused.code().as_deref(), Some("5" | "261" | "517"))
}

/// SQLite's codes of one kind are told apart above the lowest byte. PostgreSQL's codes are longer.
fn is_sqlite(code: &str, kind: u32) -> bool {
    code.len() < 5 && code.parse::<u32>().is_ok_and(|code| code & 0xff == kind)
}

/// What went wrong, without the words of the library around it.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(refused) => refused.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
