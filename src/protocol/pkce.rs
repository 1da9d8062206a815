//! Proof Key for Code Exchange (RFC 7636), `S256` alone.

use super::{ErrorCode, Refusal};

/// Check the form of a `code_challenge` and its method; `None` when neither was sent.
///
/// # Errors
/// `invalid_request` for `plain`, another method, or a challenge that no SHA-256 can be.
pub fn challenge(challenge: Option<&str>, method: Option<&str>) -> Result<Option<String>, Refusal> {
    let refuse = |what: String| Err(Refusal::new(ErrorCode::InvalidRequest, what));
    match (challenge, method) {
        (None, None) => Ok(None),
        (None, Some(_)) => refuse("`code_challenge_method` is given without `code_challenge`".into()),
        // RFC 7636 §4.3: no method means `plain`, which gives the verifier to whoever sees the request.
        (Some(_), None) => {
            refuse("`code_challenge_method` is missing and would mean plain; this server takes S256".into())
        }
        (Some(challenge), Some("S256")) => {
            if challenge.len() == 43 && challenge.bytes().all(is_unreserved) {
                Ok(Some(challenge.to_owned()))
            } else {
                refuse("`code_challenge` is not the base64url of a SHA-256 (43 characters, no padding)".into())
            }
        }
        (Some(_), Some(method)) => refuse(format!("`code_challenge_method` is `{method}`; this server takes S256")),
    }
}

/// Whether a `code_verifier` has the form of RFC 7636 §4.1: 43 to 128 unreserved characters.
#[must_use]
pub fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_is_refused_whether_said_or_meant() {
        let text = "a".repeat(43);
        for method in [Some("plain"), None, Some("s256"), Some("S512")] {
            assert_eq!(challenge(Some(&text), method).unwrap_err().code, ErrorCode::InvalidRequest, "{method:?}");
        }
        assert_eq!(challenge(Some(&text), Some("S256")).unwrap(), Some(text));
    }

    proptest! {
        #[test]
        fn a_verifier_is_43_to_128_unreserved_characters(text in "[A-Za-z0-9._~-]{0,200}") {
            prop_assert_eq!(is_verifier(&text), (43..=128).contains(&text.len()));
        }

        #[test]
        fn no_other_character_passes(text in "[A-Za-z0-9]{42,100}", other in "[^A-Za-z0-9._~-]") {
            let text = format!("{text}{other}");
            prop_assert!(!is_verifier(&text));
        }
    }
}
