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

/// How often everything the issuer ever granted has been ended at once; a grant carries the number it was made under.
///
/// # Errors
/// When the statement fails, or the value is none of ours.
pub async fn issuer_epoch(db: &mut impl Access) -> Result<i64, StoreError> {
    let inconsistent = || StoreError::Inconsistent { table: "instance", column: "value", row: ISSUER_EPOCH.to_owned() };
    let value = find(db, ISSUER_EPOCH).await?;
    value.map_or(Ok(0), |value| value.parse().map_err(|_| inconsistent()))
}

/// End everything the issuer ever granted.
///
/// # Errors
/// When the statement fails.
pub async fn raise_issuer_epoch(tx: &mut Write) -> Result<(), StoreError> {
    tx.touch().await?;
    claim(tx, ISSUER_EPOCH, "0").await?;
    let epoch = issuer_epoch(tx).await?;
    replace(tx, ISSUER_EPOCH, &epoch.to_string(), &(epoch + 1).to_string()).await?;
    Ok(())
}

const ISSUER_EPOCH: &str = "issuer_epoch";
