//! Scheduled key rotation: whichever node gets there first.

use std::sync::Arc;

use crate::{protocol::Result, server::Server};

/// Rotate what is due.
pub(super) async fn rotate(server: Arc<Server>) -> Result<()> {
    let rotated = server.keyring.rotate_if_due(&server.store, server.clock.now()).await?;
    for outcome in rotated {
        if outcome.won {
            tracing::info!(
                event = "key_rotated",
                alg = outcome.alg.as_str(),
                active = outcome.active,
                next = outcome.next,
                was = outcome.was,
                "a new key signs"
            );
        }
    }
    Ok(())
}
