//! Opening either database, and the two ways to hold it: to read, or to write in a transaction.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

use sqlx::{
    Connection, PgConnection, PgPool, Postgres, SqliteConnection, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    StoreError,
    cache::Freshness,
    error::is_busy,
    postgres,
    sqlite::{self, Connections, Reader},
    turn::Turn,
};

static MIGRATIONS: Migrator = sqlx::migrate!();

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
        .or_else(|error| match &error {
            // An empty database: the table is not there yet (SQLITE_ERROR, and PostgreSQL's undefined_table).
            sqlx::Error::Database(refused) if matches!(refused.code().as_deref(), Some("1" | "42P01")) => {
                Ok(Vec::new())
            }
            _ => Err(error),
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
            Pools::Postgres(pool) => {
                // Of its own, too: it may take as long as it takes, and so may waiting for another node's.
                let mut own = postgres::another(pool).await?;
                let done = MIGRATIONS.run(&mut own).await;
                drop(own.close().await);
                done
            }
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
            Err(StoreError::Database(cause)) if !is_busy(&cause) => {
                Err(StoreError::File { file: sqlite::file(url).unwrap_or(Path::new(url)).to_owned(), cause })
            }
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

    /// Whether every page of an SQLite file is what it has to be; what is wrong, if not. It reads the whole file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn damage(&self) -> Result<Option<String>, StoreError> {
        let Read::Sqlite(mut reader) = self.read().await? else { return Ok(None) };
        let told: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(reader.connection()).await?;
        Ok((told != "ok").then_some(told))
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
        if let Some(file) = sqlite::file(url) {
            let options = SqliteConnectOptions::new()
                .filename(file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // What a client has seen is on disk: FULL syncs the log at every commit.
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(sqlite::LONGEST_WRITE_OF_OTHERS)
                .optimize_on_close(true, None);
            keep_private(file);
            let unusable = |cause| StoreError::File { file: file.to_owned(), cause };
            Ok(Self::Sqlite(Connections::open(options).await.map_err(unusable)?))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Ok(Self::Postgres(postgres::open(url).await?))
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
