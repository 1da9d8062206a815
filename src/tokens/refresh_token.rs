//! Refresh tokens: a grant, a generation and a MAC (product decision 4). No row is kept per token, and a bad one is
//! refused without asking the database.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{keys::RefreshKey, protocol::PlainSecret};

/// What a refresh token begins with, so that a scanner knows it for a secret.
pub const PREFIX: &str = "lkr_";

/// What a refresh token says, once its MAC is found to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The grant it belongs to.
    pub grant_id: String,
    /// Which of the grant's refresh tokens it is.
    pub generation: i64,
}

/// The refresh token of a grant's generation: `lkr_<grant>.<generation>.<MAC>`. The same on every node and at every time,
/// so that an answer that was lost can be given again.
#[must_use]
pub fn mint(key: &RefreshKey, grant_id: &str, generation: i64) -> PlainSecret {
    let mut text = format!("{PREFIX}{grant_id}.{generation}");
    let mac = key.mac(text.as_bytes());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(mac, &mut text);
    PlainSecret::new(text)
}

/// Read a refresh token; `None` unless it is, to the letter, one that [`mint`] made.
#[must_use]
pub fn read(key: &RefreshKey, token: &str) -> Option<RefreshToken> {
    if token.len() > LONGEST {
        return None;
    }
    let (signed, mac) = token.rsplit_once('.')?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
    if !key.is_mac(signed.as_bytes(), &mac) {
        return None;
    }
    // Only what we wrote has such a MAC, so from here on nothing can be malformed.
    let (grant_id, generation) = signed.strip_prefix(PREFIX)?.rsplit_once('.')?;
    Some(RefreshToken { grant_id: grant_id.to_owned(), generation: generation.parse().ok()? })
}

const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RefreshKey {
        RefreshKey::new(&[7; 32])
    }

    #[test]
    fn a_token_says_what_it_was_made_for_and_is_made_the_same_twice() {
        let token = mint(&key(), "a-grant_id", 3);
        assert_eq!(read(&key(), token.expose()), Some(RefreshToken { grant_id: "a-grant_id".into(), generation: 3 }));
        assert_eq!(mint(&key(), "a-grant_id", 3).expose(), token.expose());
    }

    #[test]
    fn a_token_changed_in_any_single_character_is_refused() {
        let token = mint(&key(), "a-grant_id", 3);
        let token = token.expose();
        for place in 0..token.len() {
            for other in [b'A', b'z', b'0', b'.', b'=', b' ', b'+'] {
                let mut bytes = token.as_bytes().to_vec();
                if bytes[place] == other {
                    continue;
                }
                bytes[place] = other;
                let changed = String::from_utf8(bytes).unwrap();
                assert_eq!(read(&key(), &changed), None, "{changed}");
            }
        }
        for longer in
            [format!("{token}="), format!("{token}A"), format!(" {token}"), token[..token.len() - 1].to_owned()]
        {
            assert_eq!(read(&key(), &longer), None, "{longer}");
        }
    }

    #[test]
    fn a_token_made_under_another_key_is_refused() {
        let foreign = mint(&RefreshKey::new(&[8; 32]), "a-grant_id", 3);
        assert_eq!(read(&key(), foreign.expose()), None);
        for nonsense in ["", ".", "..", "lkr_..", "lkr_a.1.", "lkr_a.1.AAAA"] {
            assert_eq!(read(&key(), nonsense), None, "{nonsense}");
        }
    }
}
