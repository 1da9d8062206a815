//! Logout tokens (OIDC Back-Channel Logout 1.0 §2.4): how a client is told that a session has ended.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::protocol::{Lifetime, Timestamp};

/// The claims of a logout token that is about to be signed. It has no `nonce`, so that it never passes for an ID token.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutToken<'a> {
    /// Who issued it.
    pub iss: &'a str,
    /// The client it is for.
    pub aud: &'a str,
    /// When it was issued, unix seconds.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// By which the client knows that it has heard this before; see [`jti`].
    pub jti: &'a str,
    /// That this is what it is.
    pub events: Events,
    /// The user.
    pub sub: &'a str,
    /// The session that has ended.
    pub sid: &'a str,
}

/// The one event there is, about which there is nothing more to say.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Events {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    back_channel_logout: Map<String, Value>,
}

/// The same for every try to tell a client that this session has ended, and for nothing else.
#[must_use]
pub fn jti(sid: &str, client_id: &str, ended: Timestamp) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("logout {sid} {client_id} {}", ended.0)))
}

/// As short as the specification recommends: another is made for each try.
pub const LIFETIME: Lifetime = Lifetime::minutes(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_that_of_the_specification() {
        let events = serde_json::to_string(&Events::default()).unwrap();
        assert_eq!(events, r#"{"http://schemas.openid.net/event/backchannel-logout":{}}"#);
    }

    #[test]
    fn every_session_of_every_client_has_an_id_of_its_own() {
        let one = jti("s", "c", Timestamp(1));
        assert_eq!(one, jti("s", "c", Timestamp(1)));
        for other in [jti("t", "c", Timestamp(1)), jti("s", "d", Timestamp(1)), jti("s", "c", Timestamp(2))] {
            assert_ne!(one, other);
        }
    }
}
