//! Queries and forms.
#![no_main]

use latchkey::protocol::{Params, Readable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = Readable::of(bytes);
    // What is taken reads back to the same, and is what any reader of forms would find.
    let again = Params::parse(read.params.to_query().as_bytes()).expect("what was sound is sound");
    assert_eq!(again, read.params);
    for (name, _) in url::form_urlencoded::parse(bytes) {
        let Some(value) = read.params.get(&name) else { continue };
        let mut all =
            url::form_urlencoded::parse(bytes).filter(|(own, own_value)| *own == name && !own_value.is_empty());
        assert_eq!(all.next().as_ref().map(|(_, value)| value.as_ref()), Some(value));
        assert!(name == "resource" || all.next().is_none(), "{name} is taken although it is repeated");
    }
    assert_eq!(read.flaw.is_some(), Params::parse(bytes).is_err());
});
