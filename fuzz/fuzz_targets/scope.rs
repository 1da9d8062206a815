//! Scopes, permissions and the patterns that allow them.
#![no_main]

use latchkey::protocol::{
    Scope,
    permission::{Pattern, Permission, classify},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str)| {
    let (one, other, third) = input;
    if let Ok(scope) = Scope::parse(one) {
        assert_eq!(Scope::parse(&scope.to_string()).expect("a scope"), scope);
        assert!(scope.is_within(&scope));
        for token in scope.iter() {
            assert!(token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "RFC 6749 section 3.3");
            classify(token);
        }
    }
    let (Ok(pattern), Ok(wider), Ok(permission)) =
        (Pattern::parse(one), Pattern::parse(third), Permission::parse(other))
    else {
        return;
    };
    let (resource, action) = one.split_once(':').unwrap_or(("*", "*"));
    let is_allowed = fits(resource, permission.resource()) && fits(action, permission.action());
    assert_eq!(pattern.allows(&permission), is_allowed, "{one} for {other}");
    assert!(!pattern.is_within(&wider) || !is_allowed || wider.allows(&permission), "{other}: {one} is within {third}");
});

/// The plainest reading of a pattern: which beginnings of the text the pattern's beginning stands for.
fn fits(pattern: &str, text: &str) -> bool {
    let text = text.as_bytes();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for symbol in pattern.bytes() {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match symbol {
                b'*' => reached[at] || at > 0 && next[at - 1],
                letter => at > 0 && reached[at - 1] && text[at - 1] == letter,
            };
        }
        reached = next;
    }
    reached[text.len()]
}
