//! Opening either database, and the two ways to hold it: to read, or to write in a transaction.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection, PgConnection, PgPool, Postgres, SqliteConnection, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    cache::Freshness,
    sqlite::{Connections, Reader},
    turn::Turn,
};
use crate::protocol::Error;

static MIGRATIONS: Migrator = sqlx::migrate!();

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
    #[error("`database_url` names {file}, which cannot be opened to be read and written")]
    File {
        /// The file, as the URL names it.
        file: String,
        /// Why not.
        #[source]
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
        let error = match self {
            Self::Database(error) | Self::File { cause: error, .. } => error,
            Self::Commit(error) => error,
            _ => return None,
        };
        match error {
            _ if is_busy(error) => Some("another process is writing to the file; try again"),
            sqlx::Error::Io(_) => Some("is the database running, and is `database_url` its address?"),
            sqlx::Error::PoolTimedOut => Some("is the database running, and does it allow one more connection?"),
            sqlx::Error::Database(refused) => match refused.code().as_deref() {
                // SQLITE_CANTOPEN
                Some("14") => Some("does the directory of `database_url` exist, and may this user write there?"),
                // SQLITE_READONLY and its kin
                Some("8" | "264" | "520" | "776" | "1032" | "1544") => {
                    Some("may this user write the file, and in its directory?")
                }
                // SQLITE_FULL, and PostgreSQL's disk_full
                Some("13" | "53100") => Some("the disk is full: make room; nothing that was acknowledged is lost"),
                // SQLITE_NOTADB
                Some("26") => Some("the file is no SQLite database; does `database_url` name the right one?"),
                Some(code) if is_disk_error(code) => {
                    Some("the disk failed, or a quota or a limit of this process (`ulimit -f`) is reached")
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The same for whatever went wrong, if the database is behind it.
    #[must_use]
    pub fn hint_of(error: &Error) -> Option<&'static str> {
        error.cause::<Self>().and_then(Self::hint)
    }
}

/// SQLITE_BUSY and its kin: another process is at it.
fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refused) = error else { return false };
    matches!(refused.code().as_deref(), Some("5" | "261" | "517"))
}

/// SQLITE_IOERR and its kin, which are told apart above the lowest byte. PostgreSQL's codes are longer.
fn is_disk_error(code: &str) -> bool {
    code.len() < 5 && code.parse::<u32>().is_ok_and(|code| code & 0xff == 10)
}

/// The database behind the server. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
    freshness: Arc<Freshness>,
}

#[derive(Clone)]
enum Pools {
    Sqlite(Connections),
    Postgres(PgPool),
}

impl Store {
    /// Open `sqlite:PATH` or `postgres://…`, creating an SQLite file that is not there, and bring the schema up to date.
    ///
    /// # Errors
    /// A URL of neither kind, a database that cannot be reached or written, or one of a newer version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::connect(url).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// The same, leaving the schema as it is: for whoever only wants to look.
    ///
    /// # Errors
    /// A URL of neither kind, or a database that cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(Self { pools: Pools::open(url).await?, freshness: Arc::default() })
    }

    /// How many migrations this program has that the database has not.
    ///
    /// # Errors
    /// A database of a newer version, or one that cannot be read.
    pub async fn pending_migrations(&self) -> Result<usize, StoreError> {
        let known: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        let applied: Vec<i64> = match self.read().await? {
            Read::Sqlite(mut reader) => sqlx::query_scalar(APPLIED).fetch_all(reader.connection()).await,
            Read::Postgres(mut connection) => sqlx::query_scalar(APPLIED).fetch_all(&mut *connection).await,
        }
        .or_else(|error| match error {
            // An empty database: the table is not there yet.
            sqlx::Error::Database(_) => Ok(Vec::new()),
            other => Err(other),
        })?;
        match applied.iter().find(|version| !known.contains(version)) {
            Some(newer) => Err(StoreError::Newer(*newer)),
            None => Ok(known.len().saturating_sub(applied.len())),
        }
    }

    /// Bring the schema up to date; harmless when it is.
    ///
    /// # Errors
    /// A migration that fails, or a database of a newer version.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let done = match &self.pools {
            Pools::Sqlite(connections) => {
                let mut own = connections.another().await?;
                let done = MIGRATIONS.run(&mut own).await;
                // Gone before anybody asks who has the file open; what it could not tidy up is no matter.
                drop(own.close().await);
                done
            }
            Pools::Postgres(pool) => MIGRATIONS.run(pool).await,
        };
        done.map_err(|error| match error {
            MigrateError::VersionMissing(version) => StoreError::Newer(version),
            other => StoreError::Migration(other),
        })
    }

    /// SQLite opens a file that may only be read without a word, and refuses whoever writes later: for whoever wants to
    /// know at once.
    ///
    /// # Errors
    /// When it may not be written; or another process has been writing for longer than anybody waits.
    pub async fn check_writable(&self, url: &str) -> Result<(), StoreError> {
        if self.is_postgres() {
            return Ok(());
        }
        let write_nothing = async {
            let mut tx = self.write().await?;
            tx.line_up().await
        };
        match write_nothing.await {
            Err(StoreError::Database(cause)) if !is_busy(&cause) => Err(StoreError::File { file: file_of(url), cause }),
            other => other.map(drop),
        }
    }

    /// A connection to read through.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn read(&self) -> Result<Read, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite(connections) => Read::Sqlite(connections.read().await?),
            Pools::Postgres(pool) => Read::Postgres(pool.acquire().await?),
        })
    }

    /// A transaction to write in. Sign and hash before, not inside: SQLite has one write lock.
    ///
    /// # Errors
    /// When no connection or no lock can be had.
    pub async fn write(&self) -> Result<Write, StoreError> {
        let transaction = match &self.pools {
            Pools::Sqlite(connections) => Held::Sqlite(connections.write().await?),
            Pools::Postgres(pool) => Held::Postgres(pool.begin_with(BEGIN).await?),
        };
        Ok(Write { transaction, touched: false, freshness: self.freshness.clone() })
    }

    /// Whether the last transaction came to nothing by the fault of an SQLite file: a full disk, another process that
    /// holds it. Housekeeping tries again every minute, so whoever is sent no requests until then finds out all the same.
    #[must_use]
    pub fn has_failed_to_write(&self) -> bool {
        match &self.pools {
            Pools::Sqlite(connections) => connections.has_failed_to_write(),
            Pools::Postgres(_) => false,
        }
    }

    /// What tells whether a cached row may still be believed.
    #[must_use]
    pub fn freshness(&self) -> &Arc<Freshness> {
        &self.freshness
    }

    /// Whether more than one node may share this database.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// Close every connection, so that what was written is checkpointed before the program ends.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite(connections) => connections.close().await,
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Where sqlx notes which migrations it has applied.
const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success";

/// Whatever the operator's database makes of a plain BEGIN: every compare-and-swap is one statement, and sees what the
/// one it waited for has made of the row.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

impl Pools {
    async fn open(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // What a client has seen is on disk: FULL syncs the log at every commit.
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
                .optimize_on_close(true, None);
            keep_private(options.get_filename());
            let unusable = |cause| StoreError::File { file: file_of(url), cause };
            Ok(Self::Sqlite(Connections::open(options).await.map_err(unusable)?))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(30));
            Ok(Self::Postgres(options.connect(url).await?))
        } else {
            Err(StoreError::Url)
        }
    }
}

/// Make the file, if there is none, so that only this user reads it: password hashes and addresses are in it. SQLite
/// gives the files that it keeps beside it the same mode.
fn keep_private(file: &Path) {
    // If it is there, it stays as it is; if it cannot be made, SQLite says so in a moment.
    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(file));
}

/// The file that an SQLite URL names, for people.
fn file_of(url: &str) -> String {
    SqliteConnectOptions::from_str(url).map_or_else(|_| url.to_owned(), |own| own.get_filename().display().to_string())
}

/// A plain connection.
pub enum Read {
    /// To SQLite.
    Sqlite(Reader),
    /// To PostgreSQL.
    Postgres(PoolConnection<Postgres>),
}

/// A transaction. Dropped without [`Write::commit`], it never happened.
#[must_use = "a transaction that is not committed is rolled back"]
pub struct Write {
    transaction: Held,
    touched: bool,
    freshness: Arc<Freshness>,
}

enum Held {
    Sqlite(Turn),
    Postgres(Transaction<'static, Postgres>),
}

impl Write {
    /// Say that this transaction changes what may be cached. Every node drops its caches: this one at the
    /// commit, the others when they next look (a few times a second).
    ///
    /// It comes before any row is changed: this one row makes all that touch wait for one another, and whoever has it
    /// waits for nobody but those who hold a single row and ask for no other. So no two ever wait for each other.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn touch(&mut self) -> Result<(), StoreError> {
        if !self.touched {
            query!(self, "UPDATE generation SET value = value + 1 WHERE id = 1")?;
            self.touched = true;
        }
        Ok(())
    }

    /// Stand in line with those who [touch](Write::touch), without a change that caches have to hear of: for whoever
    /// changes several rows that others may want in another order.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn line_up(&mut self) -> Result<(), StoreError> {
        query!(self, "UPDATE generation SET value = value WHERE id = 1")?;
        Ok(())
    }

    /// Make it so.
    ///
    /// # Errors
    /// When the database cannot; then nothing has happened.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.transaction {
            Held::Sqlite(turn) => turn.commit().await?,
            Held::Postgres(tx) => tx.commit().await?,
        }
        if self.touched {
            self.freshness.advance();
        }
        Ok(())
    }
}

/// A borrowed connection to either database.
pub enum Conn<'c> {
    /// To SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// To PostgreSQL.
    Postgres(&'c mut PgConnection),
}

/// Something rows can be read through: a plain connection, or the transaction one is in.
pub trait Access: Send {
    /// The connection inside.
    fn conn(&mut self) -> Conn<'_>;
}

impl Access for Read {
    fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(reader) => Conn::Sqlite(reader.connection()),
            Self::Postgres(connection) => Conn::Postgres(connection),
        }
    }
}

impl Access for Write {
    fn conn(&mut self) -> Conn<'_> {
        match &mut self.transaction {
            Held::Sqlite(turn) => Conn::Sqlite(turn.connection()),
            Held::Postgres(transaction) => Conn::Postgres(transaction),
        }
    }
}
