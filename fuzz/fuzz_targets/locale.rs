//! `ui_locales` and `Accept-Language`: whatever a stranger prefers, a page speaks one of the languages there are.
#![no_main]

use latchkey::web::locale::Locale;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|wishes: (Option<&str>, Option<&str>)| {
    let locale = Locale::negotiate(wishes.0, wishes.1);
    assert_eq!(locale, Locale::negotiate(wishes.0, wishes.1));
    assert!(!locale.text("login-title").is_empty());
});
