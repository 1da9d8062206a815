//! Who is signed in in this browser.

use serde::{Deserialize, Serialize};

use crate::protocol::Timestamp;

/// The authentication context class of a login by password.
pub const ACR_PASSWORD: &str = "urn:latchkey:acr:password";

/// The authentication context classes that can be reached, weakest first.
pub const ACR_VALUES: &[&str] = &[ACR_PASSWORD];

/// A login, as the browser session holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The user.
    pub sub: String,
    /// The session's public id, as tokens carry it.
    pub sid: String,
    /// When the user last proved who they are.
    pub auth_time: Timestamp,
    /// How well (OIDC Core §2, `acr`).
    pub acr: String,
    /// By what means (RFC 8176).
    pub amr: Vec<String>,
    /// The user's epoch at that time: a login from before "sign out everywhere" counts for nothing.
    pub epoch: i64,
    /// What the browser called itself, for the list of sessions.
    pub agent: String,
}
