//! HTTP Basic as OAuth 2.0 means it (RFC 6749 §2.3.1).

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{ErrorCode, PlainSecret, Refusal, params::hex};

/// Read the value of an `Authorization: Basic` header: a client id and a secret, each form-encoded before they
/// were joined by a colon.
///
/// # Errors
/// `invalid_client` for another scheme, and for anything that the encoding does not produce: a loose reading
/// could find another client than the sender meant.
pub fn parse(header: &str) -> Result<(String, PlainSecret), Refusal> {
    let refuse = |what: &'static str| Refusal::new(ErrorCode::InvalidClient, what);
    let encoded = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .map(|(_, encoded)| encoded.trim_matches(' '))
        .ok_or_else(|| refuse("the Authorization header is not of the scheme Basic"))?;
    let decoded = STANDARD
        .decode(encoded)
        .map(Zeroizing::new)
        .map_err(|_| refuse("the Basic credentials are not base64 (RFC 4648 section 4, with padding)"))?;
    let text = std::str::from_utf8(&decoded).map_err(|_| refuse("the Basic credentials are not UTF-8"))?;
    let (id, secret) = text.split_once(':').ok_or_else(|| refuse("the Basic credentials have no colon"))?;
    let malformed = || {
        refuse(
            "the Basic credentials are not form-encoded: client id and secret are percent-encoded before they are \
             joined (RFC 6749 section 2.3.1)",
        )
    };
    let id = form_decode(id).ok_or_else(malformed)?;
    let secret = form_decode(secret).ok_or_else(malformed)?;
    if id.is_empty() {
        return Err(refuse("the Basic credentials have no client id"));
    }
    Ok((id.as_str().to_owned(), PlainSecret::new(secret.as_str())))
}

/// Whether a text stays what it is when it is form-decoded without having been encoded, which is what becomes of the
/// secrets of clients that leave the encoding out.
#[must_use]
pub fn needs_no_encoding(text: &str) -> bool {
    form_decode(text).is_some_and(|decoded| *decoded == text)
}

/// Decode `application/x-www-form-urlencoded` text; `None` for an escape that is none, for what is not UTF-8 once
/// decoded, and for characters that the encoding never leaves as they are.
fn form_decode(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = text.bytes();
    // Room for all of it at once: growing would leave copies of a secret behind.
    let mut decoded = Zeroizing::new(String::with_capacity(text.len()));
    let mut run = Zeroizing::new(Vec::with_capacity(text.len()));
    while let Some(byte) = bytes.next() {
        run.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            0x21..=0x7e => byte,
            _ => return None,
        });
    }
    decoded.push_str(std::str::from_utf8(&run).ok()?);
    (!decoded.chars().any(char::is_control)).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded::byte_serialize;

    use super::*;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn read(header: &str) -> Option<(String, String)> {
        parse(header).ok().map(|(id, secret)| (id, secret.expose().to_owned()))
    }

    #[test]
    fn credentials_are_form_decoded() {
        assert_eq!(read(&header("app:s%2B+%3A%25%C3%A9")), Some(("app".into(), "s+ :%é".into())));
        assert_eq!(read(&header("a%3Ab:c:d")), Some(("a:b".into(), "c:d".into())), "only the first colon divides");
        assert_eq!(read(&header("app:")), Some(("app".into(), String::new())));
        assert_eq!(read(&format!("bAsIc   {}", STANDARD.encode("a:b"))), Some(("a".into(), "b".into())));
    }

    #[test]
    fn a_malformed_header_is_refused_and_never_read_loosely() {
        for text in
            ["app:%", "app:%4", "app:%zz", "%+1:s", "app:%ff", "app:%00", "app:a b", "app:é", "app", ":s", "%0d%0a:s"]
        {
            assert_eq!(parse(&header(text)).unwrap_err().code, ErrorCode::InvalidClient, "{text}");
        }
        for value in [
            "",
            "Basic",
            "Basic ",
            "Bearer YTpi",
            "Basic ****",
            "Basic YTpi=",
            "Basic YTo",
            "Basic YTp=",
            "BasicYTpi",
            "Basic YTpi YTpi",
        ] {
            assert_eq!(parse(value).unwrap_err().code, ErrorCode::InvalidClient, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_a_client_encodes_is_what_is_read(id in "[^\\p{Cc}]{1,30}", secret in "[^\\p{Cc}]{0,60}") {
            let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let read = read(&header(&format!("{}:{}", encode(&id), encode(&secret))));
            prop_assert_eq!(read, Some((id, secret)));
        }

        #[test]
        fn no_header_breaks_the_reader(value in ".{0,80}", text in prop::collection::vec(any::<u8>(), 0..40)) {
            drop(parse(&value));
            drop(parse(&format!("Basic {}", STANDARD.encode(&text))));
        }
    }
}
