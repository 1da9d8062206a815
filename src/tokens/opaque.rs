//! Access tokens that are a mere reference: 256 random bits whose claims stand in the database, by hash.

use crate::{
    protocol::{PlainSecret, SecretHash},
    random::Random,
};

/// What an opaque access token begins with, so that a scanner knows it for a secret.
pub const PREFIX: &str = "lko_";

/// A new one.
#[must_use]
pub fn mint(random: &Random) -> PlainSecret {
    PlainSecret::new(format!("{PREFIX}{}", random.token()))
}

/// What it is found by; `None` for a text that cannot be one, without asking the database.
#[must_use]
pub fn hash_of(token: &str) -> Option<SecretHash> {
    let body = token.strip_prefix(PREFIX)?;
    let is_one = body.len() == 43 && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_one.then(|| PlainSecret::new(token).hash())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_the_hash_it_was_kept_by_and_nothing_else_has_one() {
        let token = mint(&Random::seeded(1));
        assert_eq!(hash_of(token.expose()), Some(token.hash()));
        for other in ["", "lko_", "lkr_abc", "lko_short", &format!("{}x", token.expose()), "eyJhbGciOiJub25lIn0.e30."] {
            assert_eq!(hash_of(other), None, "{other}");
        }
    }
}
