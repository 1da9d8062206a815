//! The clock of the database: the one that all nodes share.

use super::{Access, Conn, StoreError};

/// What the database's clock shows, in milliseconds since 1970; `None` for SQLite, which has no clock but ours.
///
/// # Errors
/// When the statement fails.
pub async fn milliseconds(db: &mut impl Access) -> Result<Option<i64>, StoreError> {
    match db.conn() {
        Conn::Sqlite(_) => Ok(None),
        Conn::Postgres(connection) => {
            let text = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
            Ok(Some(sqlx::query_scalar(text).fetch_one(connection).await?))
        }
    }
}
