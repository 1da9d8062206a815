//! Deleting what is past its time, in batches so small that nobody waits for them.

use std::sync::Arc;

use crate::{
    config::Tokens,
    protocol::{Lifetime, Result, Timestamp},
    server::Server,
    store::{
        self, Store, StoreError, Write, access_tokens, authorization_requests, browser_sessions, client_assertions,
        clients, grants, known_devices, login_failures, logout_notices, registration_tokens,
    },
};

/// Tidy up, and count what was deleted.
pub(super) async fn clean(server: Arc<Server>) -> Result<()> {
    let rows = tidy(&server.store, &server.settings.tokens, server.clock.now()).await?;
    server.metrics.deleted(rows);
    if rows > 0 {
        tracing::debug!(rows, "deleted what is past its time");
    }
    Ok(())
}

/// Delete every row that nobody can need any more; the number of rows.
///
/// # Errors
/// When the database refuses; what was deleted until then stays deleted.
pub async fn tidy(store: &Store, tokens: &Tokens, now: Timestamp) -> Result<u64> {
    let mut all: u64 = 0;
    for kind in Kind::ALL {
        loop {
            let deleted = store::retried(|| kind.forget(store, tokens, now)).await?;
            all = all.saturating_add(deleted);
            if deleted < BATCH.unsigned_abs() {
                break;
            }
            // Somebody who waits for the database comes first.
            tokio::task::yield_now().await;
        }
    }
    Ok(all)
}

/// What is deleted.
#[derive(Clone, Copy)]
enum Kind {
    Sessions,
    Requests,
    Grants,
    AccessTokens,
    LoginFailures,
    Devices,
    ClientSecrets,
    ClientAssertions,
    RegistrationTokens,
    LogoutNotices,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Sessions,
        Self::Requests,
        Self::Grants,
        Self::AccessTokens,
        Self::LoginFailures,
        Self::Devices,
        Self::ClientSecrets,
        Self::ClientAssertions,
        Self::RegistrationTokens,
        Self::LogoutNotices,
    ];

    async fn forget(self, store: &Store, tokens: &Tokens, now: Timestamp) -> Result<u64> {
        let mut tx = store.write().await?;
        tx.line_up().await?;
        let deleted = self.forget_in(&mut tx, tokens, now).await?;
        tx.commit().await?;
        Ok(deleted)
    }

    async fn forget_in(self, tx: &mut Write, tokens: &Tokens, now: Timestamp) -> std::result::Result<u64, StoreError> {
        match self {
            Self::Sessions => browser_sessions::forget(tx, now.0, BATCH).await,
            Self::Requests => authorization_requests::forget(tx, now.0, BATCH).await,
            // The access and ID tokens of a grant may live on when it can no longer be refreshed; they ask for its row.
            Self::Grants => grants::forget(tx, (now - tokens.access_token.max(tokens.id_token) - KEPT).0, BATCH).await,
            Self::AccessTokens => access_tokens::forget(tx, now.0, BATCH).await,
            Self::LoginFailures => login_failures::forget(tx, now.0, BATCH).await,
            Self::Devices => known_devices::forget(tx, now.0, BATCH).await,
            Self::ClientSecrets => clients::forget_secrets(tx, now.0, BATCH).await,
            Self::ClientAssertions => client_assertions::forget(tx, now.0, BATCH).await,
            Self::RegistrationTokens => registration_tokens::forget(tx, now.0, BATCH).await,
            // Who delivers them has said by then that they were given up.
            Self::LogoutNotices => logout_notices::forget(tx, (now - KEPT).0, BATCH).await,
        }
    }
}

const BATCH: i64 = 200;
const KEPT: Lifetime = Lifetime::days(1);
