//! Permissions, and the patterns that stand for many of them (product decision 9).

use std::fmt;

use super::{ErrorCode, Refusal};

/// One concrete permission, `resource:action`, such as `kb:read`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission(String);

impl Permission {
    /// Read `resource:action`; both sides are letters, digits, `.`, `_` and `-`.
    ///
    /// # Errors
    /// `invalid_scope` for anything else, and for the resource `org`, which is how organisations are named.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::read(text).ok_or_else(|| {
            Refusal::new(ErrorCode::InvalidScope, format!("`{text}` is not a permission of the form resource:action"))
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (resource, action) = sides(text).filter(|_| text.len() <= LONGEST)?;
        (resource != ORG && is_segment(resource) && is_segment(action)).then(|| Self(text.to_owned()))
    }

    /// What it is about.
    #[must_use]
    pub fn resource(&self) -> &str {
        sides(&self.0).map_or("", |(resource, _)| resource)
    }

    /// What may be done with it.
    #[must_use]
    pub fn action(&self) -> &str {
        sides(&self.0).map_or("", |(_, action)| action)
    }

    /// As it stands in a scope.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands for permissions: `*` (all), `kb:*`, `*:read`, `kb:r*`, or a concrete one.
///
/// `*` stands for any run of characters of its own side; it never reaches across the colon.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(String);

impl Pattern {
    /// Read a pattern.
    ///
    /// # Errors
    /// `invalid_scope` for anything that is neither `*` nor two sides of letters, digits, `.`, `_`, `-` and `*`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::read(text).ok_or_else(|| {
            Refusal::new(
                ErrorCode::InvalidScope,
                format!(
                    "`{text}` is neither a permission such as kb:read nor a pattern such as *, kb:*, *:read, kb:r*"
                ),
            )
        })
    }

    fn read(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self(EVERYTHING.to_owned()));
        }
        let (resource, action) = sides(text).filter(|_| text.len() <= LONGEST)?;
        (resource != ORG && is_glob(resource) && is_glob(action)).then(|| Self(text.to_owned()))
    }

    /// Whether the permission is one of those it stands for.
    #[must_use]
    pub fn allows(&self, permission: &Permission) -> bool {
        self.covers(&permission.0)
    }

    /// Whether everything it stands for is also meant by `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        // A `*` of ours can be anything, so only a `*` of theirs can take it in: matched as a mere character it
        // is taken in by nothing else.
        other.covers(&self.0)
    }

    /// Whether it is a concrete permission after all.
    #[must_use]
    pub fn is_concrete(&self) -> bool {
        !self.0.contains('*')
    }

    fn covers(&self, text: &str) -> bool {
        match (sides(&self.0), sides(text)) {
            (Some((resource, action)), Some((other_resource, other_action))) => {
                matches(resource, other_resource) && matches(action, other_action)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 == EVERYTHING { "*" } else { &self.0 })
    }
}

/// What a scope token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeToken {
    /// A word of OpenID Connect, or of ours: it says which claims, or how long, and is no permission.
    Protocol,
    /// The organisation the tokens are to be bound to: `org` (any) or `org:<slug>`.
    Org(Option<String>),
    /// One concrete permission.
    Permission(Permission),
    /// Many permissions at once.
    Pattern(Pattern),
    /// Nothing that means anything here, unless an API lists it.
    Unknown,
}

/// The scope tokens with a meaning of their own.
pub const PROTOCOL_SCOPES: &[&str] = &["openid", "profile", "email", "address", "phone", "offline_access", "orgs"];

/// Tell what a scope token is.
#[must_use]
pub fn classify(token: &str) -> ScopeToken {
    if PROTOCOL_SCOPES.contains(&token) {
        return ScopeToken::Protocol;
    }
    if token == ORG {
        return ScopeToken::Org(None);
    }
    if let Some((ORG, slug)) = sides(token) {
        return if is_segment(slug) { ScopeToken::Org(Some(slug.to_owned())) } else { ScopeToken::Unknown };
    }
    if token.contains('*') {
        return Pattern::read(token).map_or(ScopeToken::Unknown, ScopeToken::Pattern);
    }
    Permission::read(token).map_or(ScopeToken::Unknown, ScopeToken::Permission)
}

/// The scope token that asks for any organisation, and the first half of those that name one.
pub const ORG: &str = "org";
const EVERYTHING: &str = "*:*";
const LONGEST: usize = 128;

/// The two sides of the colon, if there is exactly one.
fn sides(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(_, action)| !action.contains(':'))
}

fn is_segment(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_segment_byte)
}

fn is_glob(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'*' || is_segment_byte(byte))
}

fn is_segment_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// Match one side: the first piece is anchored at the start, the last at the end, those between come in order and
/// never share a character.
fn matches(glob: &str, text: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else { return glob == text };
    let Some(text) = text.strip_prefix(first) else { return false };
    let Some((middle, last)) = rest.rsplit_once('*') else { return text.ends_with(rest) };
    let Some(mut text) = text.strip_suffix(last) else { return false };
    middle.split('*').all(|piece| match text.split_once(piece) {
        Some((_, after)) => {
            text = after;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allows(pattern: &str, permission: &str) -> bool {
        Permission::parse(permission).is_ok_and(|permission| Pattern::parse(pattern).unwrap().allows(&permission))
    }

    fn within(inner: &str, outer: &str) -> bool {
        Pattern::parse(inner).unwrap().is_within(&Pattern::parse(outer).unwrap())
    }

    #[test]
    fn a_pattern_stands_for_what_it_says() {
        for (pattern, permission) in
            [("*", "kb:read"), ("kb:*", "kb:read"), ("*:read", "kb:read"), ("kb:r*", "kb:read"), ("k*:re*d", "kb:read")]
        {
            assert!(allows(pattern, permission), "{pattern} {permission}");
        }
        assert!(!allows("kb:w*", "kb:read"));
        assert!(!allows("kb:*", "KB:read"), "permissions are compared to the letter");
    }

    #[test]
    fn pieces_of_a_pattern_never_share_a_character_and_keep_their_order() {
        assert!(!allows("kb:re*ead", "kb:read"));
        assert!(!allows("ab*ba:read", "aba:read"));
        assert!(!allows("kb:*d*a*", "kb:read"));
        assert!(allows("kb:*e*a*", "kb:read"));
    }

    #[test]
    fn a_star_never_reaches_across_the_colon() {
        assert!(!allows("*:read", "kb:write:read"));
        assert!(Pattern::parse("kb*").is_err(), "without a colon it would mean kbadmin:delete as well");
        assert!(!allows("kb:*", "kbadmin:delete"));
    }

    #[test]
    fn an_empty_side_is_no_permission() {
        for text in ["kb:", ":read", ":", "", "kb", "kb:re ad", "kb:*", "a:b:c", "https://api.example/read"] {
            assert!(Permission::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_word_of_the_protocol_is_never_a_permission() {
        for token in PROTOCOL_SCOPES {
            assert_eq!(classify(token), ScopeToken::Protocol);
            assert!(Permission::parse(token).is_err());
        }
        assert_eq!(classify("org"), ScopeToken::Org(None));
        assert_eq!(classify("org:acme"), ScopeToken::Org(Some("acme".into())));
        for text in ["org:", "org:*", "org:a:b", "read", "urn:a:b", "*:", "kb*"] {
            assert_eq!(classify(text), ScopeToken::Unknown, "{text}");
        }
        assert!(Permission::parse("org:read").is_err());
        assert!(Pattern::parse("org:*").is_err());
    }

    #[test]
    fn a_pattern_is_within_a_wider_one_only() {
        for (inner, outer) in [
            ("kb:*", "*"),
            ("kb:r*", "kb:*"),
            ("kb:read", "kb:r*"),
            ("*", "*:*"),
            ("*:read", "*"),
            ("kb:re*d", "kb:r*"),
        ] {
            assert!(within(inner, outer), "{inner} within {outer}");
        }
        for (inner, outer) in
            [("*", "kb:*"), ("kb:*", "kb:r*"), ("kb:r*", "kb:read"), ("*:read", "kb:read"), ("kb:*d", "kb:r*d")]
        {
            assert!(!within(inner, outer), "{inner} within {outer}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_as_the_plainest_matcher_says(glob in "[ab*]{1,8}", text in "[ab]{1,10}") {
            prop_assert_eq!(matches(&glob, &text), plainest(glob.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn what_is_within_allows_no_more(
            outer in "[ab*]{1,5}:[ab*]{1,4}",
            filling in "[ab*]{1,3}",
            text in "[ab]{1,6}:[ab]{1,6}",
        ) {
            let inner = Pattern::parse(&outer.replace('*', &filling)).unwrap();
            let outer = Pattern::parse(&outer).unwrap();
            let permission = Permission::parse(&text).unwrap();
            prop_assert!(inner.is_within(&outer));
            prop_assert!(!inner.allows(&permission) || outer.allows(&permission));
            prop_assert!(!outer.is_within(&inner) || inner.allows(&permission) == outer.allows(&permission));
        }

        #[test]
        fn every_pattern_is_within_itself_and_within_everything(text in "[a-z*]{1,8}:[a-z*]{1,8}") {
            let pattern = Pattern::parse(&text).unwrap();
            prop_assert!(pattern.is_within(&pattern));
            prop_assert!(pattern.is_within(&Pattern::parse("*").unwrap()));
        }

        #[test]
        fn what_was_read_is_written_the_same(text in "[A-Za-z0-9._*-]{1,20}:[A-Za-z0-9._*-]{1,20}") {
            prop_assume!(!text.starts_with("org:"));
            let written = Pattern::parse(&text).unwrap().to_string();
            prop_assert!(written == text || (written == "*" && text == "*:*"));
            if let Ok(permission) = Permission::parse(&text) {
                prop_assert_eq!(permission.to_string(), text);
            }
        }

        #[test]
        fn any_text_has_a_meaning_or_none_but_never_a_fault(text in ".{0,40}") {
            match classify(&text) {
                ScopeToken::Permission(permission) => prop_assert_eq!(permission.as_str(), text),
                ScopeToken::Pattern(pattern) => prop_assert!(!pattern.is_concrete()),
                ScopeToken::Protocol => prop_assert!(PROTOCOL_SCOPES.contains(&text.as_str())),
                ScopeToken::Org(_) => prop_assert!(text == "org" || text.starts_with("org:")),
                ScopeToken::Unknown => {}
            }
        }
    }

    /// A matcher that is plainly right, and slow.
    fn plainest(glob: &[u8], text: &[u8]) -> bool {
        match (glob.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                plainest(rest, text) || text.split_first().is_some_and(|(_, fewer)| plainest(glob, fewer))
            }
            (Some((own, rest)), Some((other, fewer))) => own == other && plainest(rest, fewer),
            _ => false,
        }
    }
}
