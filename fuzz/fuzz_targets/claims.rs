//! The `claims` parameter of OIDC Core §5.5, and the claims that an operator or an import gives somebody.
#![no_main]

use latchkey::{accounts, protocol::claims::ClaimsRequest};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    if let Ok(asked) = ClaimsRequest::parse(text) {
        let all = asked.names();
        for name in asked.userinfo().iter().chain(&asked.id_token()) {
            assert!(all.contains(name), "{name} is asked for in one place and not at all");
        }
        assert!(asked.subs().is_none_or(|subs| subs.len() <= text.len()));
        let _ = asked.essential_acr();
    }
    if let Ok(Value::Object(claims)) = serde_json::from_str(text) {
        if accounts::claims::check(&claims).is_ok() {
            assert!(!claims.contains_key("sub") && !claims.contains_key("iss") && !claims.contains_key("aud"));
            let _ = accounts::claims::patched(claims.clone(), claims);
        }
    }
});
