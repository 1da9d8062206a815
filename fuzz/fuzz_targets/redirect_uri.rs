//! Redirect URIs, held against the parser that browsers have.
#![no_main]

use latchkey::protocol::{ApplicationType, RedirectUri};
use libfuzzer_sys::fuzz_target;
use url::Url;

const WORDS: [&str; 6] =
    ["https://wiki.example/cb", "http://127.0.0.1/cb", "http://[::1]:8/cb", "com.example.app:/cb", "@", "//"];

fuzz_target!(|input: (&str, &str, u8, usize)| {
    let (registered, asked, word, at) = input;
    // Half of the time a variation of something real.
    let word = WORDS[usize::from(word) % WORDS.len()];
    let cut = (0..=word.len()).rev().find(|end| *end <= at % (word.len() + 1)).unwrap_or_default();
    for (registered, asked) in [
        (registered.to_owned(), asked.to_owned()),
        (format!("{}{registered}{}", &word[..cut], &word[cut..]), format!("{}{asked}{}", &word[..cut], &word[cut..])),
        (word.to_owned(), format!("{}{asked}{}", &word[..cut], &word[cut..])),
    ] {
        for kind in [ApplicationType::Web, ApplicationType::Native] {
            if let Ok(uri) = RedirectUri::parse(&registered, kind) {
                is_sound(&registered, kind);
                assert!(uri.matches(&registered), "{registered} is not itself");
                if uri.matches(&asked) {
                    is_the_same(&registered, &asked);
                }
            }
        }
    }
});

fn is_sound(text: &str, kind: ApplicationType) {
    let url = Url::parse(text).unwrap_or_else(|error| panic!("a browser cannot read {text}: {error}"));
    assert!(url.fragment().is_none() && !text.contains('#'), "{text}");
    assert!(url.username().is_empty() && url.password().is_none(), "{text}");
    assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == '*'), "{text:?}");
    match url.scheme() {
        "https" => assert!(url.host_str().is_some_and(|host| !host.is_empty()), "{text}"),
        "http" => {
            let host = url.host_str().unwrap_or_default();
            assert!(matches!(host, "localhost" | "127.0.0.1" | "[::1]"), "{text} leaves the machine unencrypted");
        }
        "javascript" | "data" | "vbscript" | "file" | "blob" | "about" | "ftp" | "ws" | "wss" => panic!("{text}"),
        _ => assert_eq!(kind, ApplicationType::Native, "{text}"),
    }
}

/// A browser that follows `asked` ends where `registered` leads; only a loopback address may differ in its port.
fn is_the_same(registered: &str, asked: &str) {
    let (mut one, mut other) = (Url::parse(registered).expect("a URL"), Url::parse(asked).expect("a URL"));
    if registered != asked {
        assert!(matches!(one.host_str(), Some("127.0.0.1" | "[::1]")), "{asked} for {registered}");
        let _ = (one.set_port(None), other.set_port(None));
    }
    assert_eq!(one, other);
}
