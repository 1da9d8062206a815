//! What PostgreSQL does when two transactions stand in each other's way, and what we do about it.
//!
//! The order in which rows are taken leaves no room for a deadlock (see [`Write::touch`](super::Write::touch)), and no
//! transaction is `SERIALIZABLE`. Should one be given up all the same, whoever asked has done nothing wrong: where an
//! answer may be worked out twice, it is.

use super::StoreError;
use crate::protocol::Error;

/// So often is work done that is given up again and again.
const MOST_TRIES: usize = 4;

/// Work out an answer, and again if the database gave a transaction up for another's sake. `work` may have committed
/// nothing before the transaction that can be given up.
///
/// # Errors
/// Those of `work`.
pub async fn retried<T, E: MayConflict, F: Future<Output = Result<T, E>>>(work: impl Fn() -> F) -> Result<T, E> {
    for _ in 1..MOST_TRIES {
        match work().await {
            Err(error) if error.store_error().is_some_and(is_conflict) => {
                tracing::warn!(event = "transaction_retried", "the database gave a transaction up for another's sake");
            }
            done => return done,
        }
    }
    work().await
}

/// An error that the database may be behind.
pub trait MayConflict {
    /// What the database did.
    fn store_error(&self) -> Option<&StoreError>;
}

impl MayConflict for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl MayConflict for Error {
    fn store_error(&self) -> Option<&StoreError> {
        self.cause()
    }
}

/// `deadlock_detected` and `serialization_failure` (PostgreSQL, appendix A).
fn is_conflict(error: &StoreError) -> bool {
    let Some(sqlx::Error::Database(refused)) = error.cause() else { return false };
    matches!(refused.code().as_deref(), Some("40P01" | "40001"))
}
