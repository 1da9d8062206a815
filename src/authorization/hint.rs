//! Whom a client believes to have before it (OIDC Core §3.1.2.1, `id_token_hint`).

use super::request::Context;
use crate::{
    clients::{Client, Subjects},
    protocol::{Params, Result},
};

/// Whom an `id_token_hint` names.
pub(super) enum Hint {
    /// There is none.
    None,
    /// It is no ID token of this server's.
    NotOurs,
    /// It was issued where users go by other names.
    OfOthers,
    /// This user, as the client knows them.
    Names(String),
}

impl Hint {
    /// Read the parameter.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) async fn read(context: Context<'_>, client: &Client, params: &Params) -> Result<Self> {
        let Some(text) = params.get("id_token_hint") else { return Ok(Self::None) };
        let Some(hint) = (context.read_hint)(text) else { return Ok(Self::NotOurs) };
        if hint.aud != client.id {
            let other = context.registry.find(&hint.aud).await?;
            // Two sectors that help each other would find out by it whether their users are the same.
            if other.as_deref().map(Subjects::of).unwrap_or_default() != Subjects::of(client) {
                return Ok(Self::OfOthers);
            }
        }
        Ok(Self::Names(hint.sub))
    }
}
