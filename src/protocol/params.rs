//! The parameters of a request, each at most once (RFC 6749 §3.1, §3.2).

use url::form_urlencoded;

use super::{Code, Refusal};

/// Parameters from a query or a form, in the order they came. `resource` alone may repeat (RFC 8707 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Read `application/x-www-form-urlencoded` bytes. A parameter without a value counts as absent (RFC 6749 §3.1).
    ///
    /// # Errors
    /// `invalid_request` for more than 100 parameters, a repeated one, bytes that are not UTF-8, or a NUL.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let refuse = |what: String| Err(Refusal::new(Code::InvalidRequest, what));
        let mut params = Self::default();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            // The WHATWG decoder puts U+FFFD for what is not UTF-8; a stranger's bytes are refused, not mended.
            if !is_utf8_once_decoded(pair) {
                return refuse("a parameter is not UTF-8 once percent-decoded".into());
            }
            let Some((name, value)) = form_urlencoded::parse(pair).next() else { continue };
            if name.contains('\0') || value.contains('\0') {
                return refuse("a parameter holds a NUL character".into());
            }
            if value.is_empty() {
                continue;
            }
            if name != "resource" && params.get(&name).is_some() {
                return refuse(format!("`{name}` is given more than once"));
            }
            if params.0.len() >= MOST_PARAMS {
                return refuse("the request has more than 100 parameters".into());
            }
            params.0.push((name.into_owned(), value.into_owned()));
        }
        Ok(params)
    }

    /// Read what a POST brings in its URL and its body, as one: a parameter in both is a repeated one.
    ///
    /// # Errors
    /// As [`Params::parse`].
    pub fn parse_post(query: Option<&str>, body: &[u8]) -> Result<Self, Refusal> {
        Self::parse(&[query.unwrap_or_default().as_bytes(), body].join(&b'&'))
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
        self.get(name).ok_or_else(|| Refusal::new(Code::InvalidRequest, format!("`{name}` is missing")))
    }

    /// Every value of a parameter that may repeat.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The parameters as a query string that reads back to the same.
    #[must_use]
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

const MOST_PARAMS: usize = 100;

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

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_except_resource() {
        let refusal = Params::parse(b"scope=a&scope=b").unwrap_err();
        assert_eq!(refusal.code, Code::InvalidRequest);
        assert_eq!(refusal.description, "`scope` is given more than once");
        let params = Params::parse(b"resource=https://a&resource=https://b").unwrap();
        assert_eq!(params.all("resource").count(), 2);
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        for bad in [&b"state=%ff"[..], b"state=\xff", b"state=%00", b"state=%C3%28"] {
            assert_eq!(Params::parse(bad).unwrap_err().code, Code::InvalidRequest, "{bad:?}");
        }
    }

    #[test]
    fn a_long_state_comes_through_unchanged() {
        let state = "é%&=+".repeat(1_600);
        let params: Params = [("state", state.as_str())].into_iter().collect();
        assert_eq!(Params::parse(params.to_query().as_bytes()).unwrap().get("state"), Some(state.as_str()));
    }
}
