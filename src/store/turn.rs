//! Turns at writing to SQLite. It has one write lock, and every commit waits for the disk: transactions that queue up
//! behind one another share one commit, and each is answered when the disk has it.
//!
//! A turn is a savepoint in the transaction of its group. The lock is fair, so whoever comes to commit stands in line
//! behind those who came before, and finds their work done. Should SQLite give up the whole transaction (a full disk,
//! a failing one), the savepoint that opened the group is gone, the commit fails, and everybody in the group is told.

use std::{
    ops::DerefMut,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sqlx::{AssertSqlSafe, SqliteConnection};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, oneshot},
};

use super::StoreError;

/// Where turns are given out. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer(Arc<Inner>);

struct Inner {
    line: Arc<Mutex<Option<Line>>>,
    /// Whether somebody stands in line to commit already.
    is_committer_called: AtomicBool,
    /// Whether the last transaction came to nothing by the fault of the database.
    has_failed: Arc<AtomicBool>,
}

/// What whoever has the lock may use.
struct Line {
    connection: SqliteConnection,
    state: State,
    /// The turns that are done and wait for the disk.
    done: Vec<oneshot::Sender<Outcome>>,
    has_failed: Arc<AtomicBool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is no transaction.
    Idle,
    /// A turn is under way; or, if the lock was free, it was given up and has to be undone.
    InTurn,
    /// The last turn is done.
    BetweenTurns,
}

/// How a commit went, for each turn of its group.
type Outcome = Result<(), Arc<sqlx::Error>>;

/// The right to write, until it is dropped. What was not [committed](Turn::commit) by then never happened.
pub(super) struct Turn {
    line: OwnedMappedMutexGuard<Option<Line>, Line>,
    writer: Writer,
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection) -> Self {
        let has_failed = Arc::<AtomicBool>::default();
        let line = Line { connection, state: State::Idle, done: Vec::new(), has_failed: has_failed.clone() };
        let line = Arc::new(Mutex::new(Some(line)));
        Self(Arc::new(Inner { line, is_committer_called: AtomicBool::new(false), has_failed }))
    }

    /// Whether the last transaction came to nothing by the fault of the database.
    pub(super) fn has_failed(&self) -> bool {
        self.0.has_failed.load(Ordering::Relaxed)
    }

    /// Finish what is under way, and give the connection back. No turn begins any more.
    pub(super) async fn close(&self) -> Option<SqliteConnection> {
        let mut line = self.0.line.lock().await.take()?;
        line.finish().await;
        Some(line.connection)
    }

    async fn lock(&self) -> Result<OwnedMappedMutexGuard<Option<Line>, Line>, StoreError> {
        let line = self.0.line.clone().lock_owned().await;
        OwnedMutexGuard::try_map(line, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed.into())
    }

    /// Have the group committed by a task of its own, which nobody can cancel by hanging up.
    fn call_committer(&self) {
        // Without a runtime the program is ending, and the connection with it.
        let Ok(runtime) = Handle::try_current() else { return };
        if self.0.is_committer_called.swap(true, Ordering::SeqCst) {
            return;
        }
        let writer = self.clone();
        runtime.spawn(async move {
            let line = writer.lock().await;
            // From here on whoever ends a turn does so after this commit.
            writer.0.is_committer_called.store(false, Ordering::SeqCst);
            if let Ok(mut line) = line {
                line.finish().await;
            }
        });
    }
}

impl Turn {
    /// Wait for a turn.
    pub(super) async fn begin(writer: &Writer) -> Result<Self, StoreError> {
        let mut turn = Self { line: writer.lock().await?, writer: writer.clone() };
        turn.line.open().await?;
        Ok(turn)
    }

    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.line.deref_mut().connection
    }

    /// Wait until the disk has it.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let (sender, outcome) = oneshot::channel();
        self.line.done.push(sender);
        self.line.state = State::BetweenTurns;
        drop(self);
        match outcome.await {
            Ok(outcome) => outcome.map_err(StoreError::Commit),
            Err(_) => Err(sqlx::Error::PoolClosed.into()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.line.state != State::Idle {
            self.writer.call_committer();
        }
    }
}

impl Line {
    /// Begin a turn. The state comes first: whatever is given up half-way has to be undone.
    async fn open(&mut self) -> Result<(), sqlx::Error> {
        if self.state == State::InTurn {
            self.undo().await;
        }
        let is_first = self.state == State::Idle;
        self.state = State::InTurn;
        if !is_first {
            return self.run(AssertSqlSafe(format!("SAVEPOINT turn_{}", self.done.len()))).await;
        }
        // IMMEDIATE: take the one write lock now rather than fail to upgrade to it later.
        let opened = self.run("BEGIN IMMEDIATE; SAVEPOINT turns").await;
        if opened.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
            self.give_up().await;
            self.state = State::Idle;
        }
        opened
    }

    /// Undo the turn that was given up, and only that.
    async fn undo(&mut self) {
        if self.done.is_empty() {
            self.give_up().await;
            self.state = State::Idle;
            return;
        }
        match self.run(AssertSqlSafe(format!("ROLLBACK TO turn_{}", self.done.len()))).await {
            Ok(()) => self.state = State::BetweenTurns,
            Err(error) => self.fail(error).await,
        }
    }

    /// Commit what is done, undo what was given up, and tell everybody.
    async fn finish(&mut self) {
        if self.state == State::InTurn {
            self.undo().await;
        }
        if self.state == State::Idle {
            return;
        }
        match self.run("RELEASE turns; COMMIT").await {
            Ok(()) => self.tell(&Ok(())),
            Err(error) => self.fail(error).await,
        }
    }

    /// Nothing of the group has happened.
    async fn fail(&mut self, error: sqlx::Error) {
        self.give_up().await;
        self.tell(&Err(Arc::new(error)));
    }

    /// Does nothing when SQLite has given the transaction up itself.
    async fn give_up(&mut self) {
        drop(self.run("ROLLBACK").await);
    }

    fn tell(&mut self, outcome: &Outcome) {
        self.state = State::Idle;
        self.has_failed.store(outcome.is_err(), Ordering::Relaxed);
        for turn in self.done.drain(..) {
            // Whoever has hung up does not hear it.
            drop(turn.send(outcome.clone()));
        }
    }

    async fn run(&mut self, sql: impl sqlx::SqlSafeStr) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(&mut self.connection).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
    use tokio::task::yield_now;

    use super::*;

    /// An empty table of numbers, and who writes to it.
    async fn writer() -> Writer {
        let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
        sqlx::raw_sql("CREATE TABLE numbers (n INTEGER)").execute(&mut connection).await.unwrap();
        Writer::new(connection)
    }

    async fn add(turn: &mut Turn, n: i64) {
        sqlx::query("INSERT INTO numbers VALUES ($1)").bind(n).execute(turn.connection()).await.unwrap();
    }

    async fn numbers(writer: &Writer) -> Vec<i64> {
        let mut turn = Turn::begin(writer).await.unwrap();
        sqlx::query_scalar("SELECT n FROM numbers ORDER BY n").fetch_all(turn.connection()).await.unwrap()
    }

    /// Whoever takes a turn, adds a number and then commits, or not.
    fn spawn(writer: &Writer, n: i64, commits: bool) -> tokio::task::JoinHandle<Result<(), StoreError>> {
        let writer = writer.clone();
        tokio::spawn(async move {
            let mut turn = Turn::begin(&writer).await?;
            add(&mut turn, n).await;
            if commits { turn.commit().await } else { Ok(()) }
        })
    }

    #[tokio::test]
    async fn of_a_group_only_the_turn_that_was_given_up_is_undone() {
        let writer = writer().await;
        let first = Turn::begin(&writer).await.unwrap();
        let others =
            [spawn(&writer, 1, true), spawn(&writer, 2, false), spawn(&writer, 3, true), spawn(&writer, 4, false)];
        yield_now().await;
        drop(first);
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert_eq!(numbers(&writer).await, [1, 3]);
    }

    #[tokio::test]
    async fn a_group_that_sqlite_gives_up_fails_for_every_turn_of_it() {
        let writer = writer().await;
        let mut first = Turn::begin(&writer).await.unwrap();
        add(&mut first, 1).await;
        let line = writer.clone();
        let second = tokio::spawn(async move {
            let mut turn = Turn::begin(&line).await.unwrap();
            // As a full disk does it.
            sqlx::raw_sql("ROLLBACK").execute(turn.connection()).await.unwrap();
            turn.commit().await
        });
        let third = spawn(&writer, 3, true);
        yield_now().await;
        first.commit().await.unwrap_err();
        second.await.unwrap().unwrap_err();
        third.await.unwrap().unwrap_err();
        assert_eq!(numbers(&writer).await, [0; 0]);
        spawn(&writer, 4, true).await.unwrap().unwrap();
        assert_eq!(numbers(&writer).await, [4]);
    }

    #[tokio::test]
    async fn whoever_hangs_up_while_waiting_leaves_nobody_waiting() {
        let writer = writer().await;
        let mut first = Turn::begin(&writer).await.unwrap();
        add(&mut first, 1).await;
        let second = spawn(&writer, 2, true);
        yield_now().await;
        second.abort();
        first.commit().await.unwrap();
        assert_eq!(numbers(&writer).await, [1]);
    }

    #[tokio::test]
    async fn whoever_hangs_up_after_handing_in_is_written_all_the_same() {
        let writer = writer().await;
        let mut first = Turn::begin(&writer).await.unwrap();
        add(&mut first, 1).await;
        drop(tokio::time::timeout(std::time::Duration::ZERO, first.commit()).await);
        assert_eq!(numbers(&writer).await, [1]);
    }
}
