//! What people sign in with: a name in its normal form is in its normal form.
#![no_main]

use latchkey::accounts::{Email, Username};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = Username::parse(text) {
        let again = Username::parse(name.as_str()).expect("a normal form is a username");
        assert_eq!(name, again);
        assert!(!name.as_str().contains(['@', '<', '>', '&', '"', '\'']) && !name.as_str().contains(char::is_control));
        assert!(Email::parse(text).is_err(), "nothing is both");
    }
    if let Ok(address) = Email::parse(text) {
        assert_eq!(address, Email::parse(address.as_str()).expect("a normal form is an address"));
        assert!(!address.as_str().contains(char::is_control) && !address.as_str().contains(char::is_whitespace));
    }
});
