//! SQLite's connections: a few to read through, opened when they are needed, and one to write through.
//!
//! Ours rather than sqlx's pool, which asks a connection before and after each use whether it is still there: right for
//! a network, but here each question is two switches between threads, more than most statements cost.

use std::{future::Future, ops::DerefMut, path::Path, sync::Arc, time::Duration};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    StoreError,
    turn::{Turn, Writer},
};

/// So many read at once; more wait. They work at what is in memory, so more would only switch more.
const READERS: usize = 4;

/// Whoever has waited so long for a connection is told that there is none.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// SQLite waits so long for another process that is writing.
pub(super) const LONGEST_WRITE_OF_OTHERS: Duration = Duration::from_secs(10);

/// The file that a URL names as `sqlite:PATH` or `sqlite://PATH`; `None` for another database. The path is taken as it
/// stands: nothing in it is escaped, and it ends where the URL ends.
#[must_use]
pub fn file(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite:")?;
    Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
}

/// The connections to one file. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections {
    options: Arc<SqliteConnectOptions>,
    readers: Arc<[Arc<Mutex<Option<SqliteConnection>>>; READERS]>,
    free: Arc<Semaphore>,
    writer: Writer,
}

/// A connection to read through.
pub struct Reader {
    connection: OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>,
    /// Given back after the connection, so that whoever has a permit finds a free one.
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.deref_mut()
    }
}

impl Connections {
    /// Open the file to write; readers are opened when there is something to read.
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let writer = Writer::new(options.connect().await?);
        let free = Arc::new(Semaphore::new(READERS));
        Ok(Self { options: Arc::new(options), readers: Arc::default(), free, writer })
    }

    /// A connection apart, for whoever closes it again.
    pub(super) async fn another(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options.connect().await
    }

    /// A connection to read through.
    pub(super) async fn read(&self) -> Result<Reader, StoreError> {
        let permit = in_time(self.free.clone().acquire_owned()).await?.map_err(|_| sqlx::Error::PoolClosed)?;
        // The first that is free: under little load the others are never opened.
        let slot = self.readers.iter().find_map(|slot| slot.clone().try_lock_owned().ok());
        let mut slot = slot.ok_or(sqlx::Error::PoolTimedOut)?;
        if slot.is_none() {
            *slot = Some(self.another().await?);
        }
        let connection = OwnedMutexGuard::try_map(slot, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(Reader { connection, _permit: permit })
    }

    /// A turn to write.
    pub(super) async fn write(&self) -> Result<Turn, StoreError> {
        in_time(Turn::begin(&self.writer)).await?
    }

    /// Whether the last transaction came to nothing by the fault of the database.
    pub(super) fn has_failed_to_write(&self) -> bool {
        self.writer.has_failed()
    }

    /// Close them all, once whoever uses them is done.
    pub(super) async fn close(&self) {
        self.free.close();
        let mut open = vec![self.writer.close().await];
        for slot in self.readers.iter() {
            open.push(slot.lock().await.take());
        }
        for connection in open.into_iter().flatten() {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection to the database was not closed in order");
            }
        }
    }
}

async fn in_time<T>(wait: impl Future<Output = T>) -> Result<T, StoreError> {
    timeout(LONGEST_WAIT, wait).await.map_err(|_| sqlx::Error::PoolTimedOut.into())
}
