//! Scopes: ordered sets of scope tokens (RFC 6749 §3.3).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ErrorCode, Refusal};

/// An ordered set of scope tokens. The order is the asker's and only the text's: two scopes with the same tokens allow the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Read a `scope` parameter: tokens of `NQCHAR`, divided by single spaces (RFC 6749 §3.3).
    ///
    /// # Errors
    /// `invalid_scope` for a character outside the RFC's alphabet, or more than 100 tokens.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut scope = Self::default();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return Err(Refusal::new(
                    ErrorCode::InvalidScope,
                    "`scope` holds a character that no scope may have (RFC 6749 section 3.3)",
                ));
            }
            scope.insert(token);
            if scope.0.len() > MOST_TOKENS {
                return Err(Refusal::new(ErrorCode::InvalidScope, "`scope` has more than 100 entries"));
            }
        }
        Ok(scope)
    }

    /// Add a token, unless it is there.
    pub fn insert(&mut self, token: &str) {
        if !self.contains(token) {
            self.0.push(token.to_owned());
        }
    }

    /// Whether the token is in the set.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|own| own == token)
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is no token at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every token of this scope is in `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    /// The tokens for which `keep` holds.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }
}

const MOST_TOKENS: usize = 100;

impl<'a> FromIterator<&'a str> for Scope {
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        let mut scope = Self::default();
        for token in tokens {
            scope.insert(token);
        }
        scope
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|refusal| serde::de::Error::custom(refusal.description))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> impl Strategy<Value = String> {
        "[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,12}"
    }

    #[test]
    fn an_endless_scope_is_refused() {
        let many = |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
        assert!(Scope::parse(&many(100)).is_ok());
        assert_eq!(Scope::parse(&many(101)).unwrap_err().code, ErrorCode::InvalidScope);
    }

    proptest! {
        #[test]
        fn what_was_read_is_written_in_the_same_order_each_token_once(tokens in prop::collection::vec(token(), 0..20)) {
            let scope = Scope::parse(&tokens.join(" ")).unwrap();
            let mut once = Vec::new();
            for token in tokens {
                if !once.contains(&token) {
                    once.push(token);
                }
            }
            prop_assert_eq!(scope.to_string(), once.join(" "));
            prop_assert_eq!(Scope::parse(&scope.to_string()).unwrap(), scope);
        }

        #[test]
        fn a_character_that_no_scope_may_have_is_refused(before in token(), bad in "[^\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]", after in token()) {
            let refusal = Scope::parse(&format!("{before}{bad}{after}")).unwrap_err();
            prop_assert_eq!(refusal.code, ErrorCode::InvalidScope);
        }

        #[test]
        fn less_is_within_more(tokens in prop::collection::vec("[a-d]", 0..6), kept in prop::collection::vec("[a-d]", 0..6)) {
            let all = Scope::parse(&tokens.join(" ")).unwrap();
            let some = all.filter(|token| kept.iter().any(|own| own == token));
            prop_assert!(some.is_within(&all));
            prop_assert_eq!(all.is_within(&some), all.iter().all(|token| kept.iter().any(|own| own == token)));
            for token in all.iter() {
                prop_assert_eq!(some.contains(token), kept.iter().any(|own| own == token));
            }
        }
    }
}
