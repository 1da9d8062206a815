//! The parameters of a request, each at most once (RFC 6749 §3.1, §3.2).

use std::collections::BTreeSet;

use url::form_urlencoded;

use super::{ErrorCode, Refusal};

/// Parameters from a query or a form, in the order they came. `resource` alone may repeat (RFC 8707 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Read `application/x-www-form-urlencoded` bytes. A parameter without a value counts as absent (RFC 6749 §3.1).
    ///
    /// # Errors
    /// `invalid_request` for more than 100 parameters, a repeated one, bytes that are not UTF-8, or a NUL.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        Readable::of(bytes).whole()
    }

    /// The value of a parameter, if it was given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that has to be there.
    ///
    /// # Errors
    /// `invalid_request`, naming it.
    pub fn need(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::new(ErrorCode::InvalidRequest, format!("`{name}` is missing")))
    }

    /// Every value of a parameter that may repeat.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Those of these names.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| names.contains(&name.as_str()));
        self
    }

    /// What is given anew takes the place of all that was there by that name; an empty value takes it away.
    #[must_use]
    pub fn superseded_by(mut self, given: Vec<(String, String)>) -> Self {
        self.0.retain(|(own, _)| !given.iter().any(|(name, _)| name == own));
        self.0.extend(given.into_iter().filter(|(_, value)| !value.is_empty()));
        self
    }

    /// The parameters as a query string that reads back to the same.
    #[must_use]
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// What can be read of a request, and the first thing that is wrong with the rest: with it, a client that is beyond doubt
/// can still be told what it did wrong.
#[derive(Clone, Debug, Default)]
pub struct Readable {
    /// The parameters that are sound. Of one that is repeated or broken no value is among them: none can be preferred.
    pub params: Params,
    /// Why the request as a whole is not.
    pub flaw: Option<Refusal>,
}

impl Readable {
    /// Read `application/x-www-form-urlencoded` bytes, as [`Params::parse`] does.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut read = Self::default();
        let mut doubtful = BTreeSet::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            match parameter(pair) {
                Ok(Some((name, _))) if name != "resource" && read.params.get(&name).is_some() => {
                    read.note(format!("`{name}` is given more than once"));
                    doubtful.insert(name);
                }
                // Whatever stands among so many is not worth reading.
                Ok(Some(_)) if read.params.0.len() >= MOST_PARAMS => {
                    read.note("the request has more than 100 parameters".into());
                    read.params = Params::default();
                    return read;
                }
                Ok(Some(parameter)) => read.params.0.push(parameter),
                Ok(None) => {}
                Err(flaw) => {
                    read.note(flaw.into());
                    doubtful.extend(form_urlencoded::parse(pair).map(|(name, _)| name.into_owned()));
                }
            }
        }
        read.params.0.retain(|(name, _)| !doubtful.contains(name));
        read
    }

    /// Read what a POST brings in its URL and its body, as one: a parameter in both is a repeated one.
    #[must_use]
    pub fn of_post(query: Option<&str>, body: &[u8]) -> Self {
        Self::of(&[query.unwrap_or_default().as_bytes(), body].join(&b'&'))
    }

    /// The parameters, if nothing is wrong.
    ///
    /// # Errors
    /// As [`Params::parse`].
    pub fn whole(self) -> Result<Params, Refusal> {
        self.flaw.map_or(Ok(self.params), Err)
    }

    fn note(&mut self, flaw: String) {
        self.flaw.get_or_insert_with(|| Refusal::new(ErrorCode::InvalidRequest, flaw));
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

const MOST_PARAMS: usize = 100;

/// The name and value of one pair; `None` if it has no value.
fn parameter(pair: &[u8]) -> Result<Option<(String, String)>, &'static str> {
    // The WHATWG decoder puts U+FFFD for what is not UTF-8; a stranger's bytes are refused, not mended.
    if !is_utf8_once_decoded(pair) {
        return Err("a parameter is not UTF-8 once percent-decoded");
    }
    let Some((name, value)) = form_urlencoded::parse(pair).next() else { return Ok(None) };
    if name.contains('\0') || value.contains('\0') {
        return Err("a parameter holds a NUL character");
    }
    Ok((!value.is_empty()).then(|| (name.into_owned(), value.into_owned())))
}

fn is_utf8_once_decoded(pair: &[u8]) -> bool {
    let mut decoded = Vec::with_capacity(pair.len());
    let mut bytes = pair.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'%' {
            let mut ahead = bytes.clone();
            let digits = (ahead.next().copied().and_then(hex), ahead.next().copied().and_then(hex));
            if let (Some(high), Some(low)) = digits {
                decoded.push(high << 4 | low);
                bytes = ahead;
                continue;
            }
        }
        decoded.push(*byte);
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// The value of a hexadecimal digit after a `%`.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_except_resource() {
        let refusal = Params::parse(b"scope=a&scope=b").unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidRequest);
        assert_eq!(refusal.description, "`scope` is given more than once");
        let params = Params::parse(b"resource=https://a&resource=https://b").unwrap();
        assert_eq!(params.all("resource").count(), 2);
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        for bad in [&b"state=%ff"[..], b"state=\xff", b"state=%00", b"state=%C3%28"] {
            assert_eq!(Params::parse(bad).unwrap_err().code, ErrorCode::InvalidRequest, "{bad:?}");
        }
    }

    #[test]
    fn what_is_sound_of_a_request_can_be_read_beside_what_is_not() {
        let read = Readable::of(b"client_id=wiki&state=a&scope=%ff&state=b&nonce=n&state=c&scope=x");
        assert_eq!(read.params, [("client_id", "wiki"), ("nonce", "n")].into_iter().collect());
        assert_eq!(read.flaw.unwrap().description, "a parameter is not UTF-8 once percent-decoded");
        let many = "client_id=wiki".to_owned() + &(0..100).map(|i| format!("&p{i}=1")).collect::<String>();
        assert_eq!(Readable::of(many.as_bytes()).params, Params::default());
        assert_eq!(Readable::of_post(Some("client_id=wiki"), b"client_id=wiki").params, Params::default());
    }

    #[test]
    fn a_long_state_comes_through_unchanged() {
        let state = "é%&=+".repeat(1_600);
        let params: Params = [("state", state.as_str())].into_iter().collect();
        assert_eq!(Params::parse(params.to_query().as_bytes()).unwrap().get("state"), Some(state.as_str()));
    }
}
