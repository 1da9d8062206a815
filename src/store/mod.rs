//! Where rows live: SQLite by default, PostgreSQL when one machine is not enough. Every statement is written once.
//!
//! A statement that changes rows takes a [`Write`], so a change outside a transaction does not compile. What may be
//! cached is kept in a [`Cache`], which is right as long as nobody bumps the generation (see [`Write::touch`]).

/// Run one statement, written once, on whichever database is behind `$on`; gives the number of rows changed. The statement
/// may be in parts.
macro_rules! query {
    ($on:expr, $sql:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        match $crate::store::Access::conn($on) {
            $crate::store::Conn::Sqlite(c) => {
                sqlx::query!($sql $(+ $more)* $(, $arg)*).execute(c).await.map(|done| done.rows_affected())
            }
            $crate::store::Conn::Postgres(c) => {
                sqlx::query(concat!($sql $(, $more)*))$(.bind($arg))*.execute(c).await.map(|done| done.rows_affected())
            }
        }
    };
}

/// Read rows as `$row` by `fetch_one`, `fetch_optional` or `fetch_all`. The statement may be in parts.
macro_rules! select {
    ($on:expr, $row:ident, $fetch:ident, $sql:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        match $crate::store::Access::conn($on) {
            $crate::store::Conn::Sqlite(c) => sqlx::query_as!($row, $sql $(+ $more)* $(, $arg)*).$fetch(c).await,
            $crate::store::Conn::Postgres(c) => {
                sqlx::query_as::<_, $row>(concat!($sql $(, $more)*))$(.bind($arg))*.$fetch(c).await
            }
        }
    };
}

pub mod access_tokens;
pub mod authorization_requests;
pub mod browser_sessions;
mod cache;
pub mod client_assertions;
pub mod clients;
mod conflict;
mod connection;
pub mod consents;
pub mod database_clock;
mod error;
pub mod grants;
pub mod instance;
pub mod known_devices;
pub mod login_failures;
pub mod logout_notices;
pub mod memberships;
pub mod orgs;
mod postgres;
pub mod registration_tokens;
pub mod resources;
pub mod roles;
pub mod session_clients;
pub mod signing_keys;
pub mod snapshot;
mod sqlite;
mod turn;
pub mod users;

pub use cache::{Cache, Freshness, LOOK_EVERY};
pub use conflict::{MayConflict, retried};
pub use connection::{Access, Conn, Read, Store, Write};
pub use error::StoreError;
pub use sqlite::file as sqlite_file;
