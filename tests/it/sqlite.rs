//! A database of a place, opened by hand.

use crate::program::Place;

/// Run a statement; the first number of its first row.
pub(crate) fn sqlite(place: &Place, name: &str, statement: &str) -> i64 {
    use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
    let run = async {
        let mut connection = SqliteConnectOptions::new()
            .filename(place.path(name))
            .create_if_missing(true)
            .connect()
            .await
            .expect("the database opens");
        let row: Option<(i64,)> = sqlx::query_as(sqlx::AssertSqlSafe(statement.to_owned()))
            .fetch_optional(&mut connection)
            .await
            .expect("the statement is right");
        connection.close().await.expect("it closes");
        row.map_or(0, |row| row.0)
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(run)
}
