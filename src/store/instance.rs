//! Facts about the installation as a whole, by name.

use super::{Access, StoreError, Write};

#[derive(sqlx::FromRow)]
struct Fact {
    value: String,
}

/// The fact of that name, if it was ever claimed.
///
/// # Errors
/// When the statement fails.
pub async fn find(db: &mut impl Access, name: &str) -> Result<Option<String>, StoreError> {
    let row = select!(db, Fact, fetch_optional, "SELECT value FROM instance WHERE name = $1", name)?;
    Ok(row.map(|row| row.value))
}

/// Claim a name for a value; false if another was first.
///
/// # Errors
/// When the statement fails.
pub async fn claim(tx: &mut Write, name: &str, value: &str) -> Result<bool, StoreError> {
    let changed =
        query!(tx, "INSERT INTO instance (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value)?;
    Ok(changed == 1)
}

/// Replace a value, if it still is what the writer believes; false if not.
///
/// # Errors
/// When the statement fails.
pub async fn replace(tx: &mut Write, name: &str, old: &str, new: &str) -> Result<bool, StoreError> {
    let changed = query!(tx, "UPDATE instance SET value = $3 WHERE name = $1 AND value = $2", name, old, new)?;
    Ok(changed == 1)
}
