//! What people say of themselves and may change: their name, where to call and where to write to.

use serde_json::{Map, Value, json};

use super::{Account, claims};

/// One such detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The full name.
    Name,
    /// The given name.
    GivenName,
    /// The family name.
    FamilyName,
    /// The phone number.
    PhoneNumber,
    /// The postal address, written out.
    Address,
}

impl Detail {
    /// All of them, in the order in which they are asked for.
    pub const ALL: &[Self] = &[Self::Name, Self::GivenName, Self::FamilyName, Self::PhoneNumber, Self::Address];

    /// The claim that tells it (OIDC Core §5.1).
    #[must_use]
    pub const fn claim(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::PhoneNumber => "phone_number",
            Self::Address => "address",
        }
    }

    /// As it is known of somebody; empty where it is not.
    #[must_use]
    pub fn of(self, account: &Account) -> String {
        match account.claims.get(self.claim()) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Object(address)) => written_out(address),
            _ => String::new(),
        }
    }

    /// The claim that says what somebody typed, null for nothing; `None` for what the claim cannot be, or apps cannot be
    /// expected to carry in an ID token.
    fn read(self, typed: &str) -> Option<Value> {
        let text = match self {
            Self::Address => lines(typed),
            _ => typed.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let is_short =
            text.lines().count() <= MOST_LINES && text.lines().all(|line| line.chars().count() <= LONGEST_LINE);
        let value = match self {
            _ if text.is_empty() => return Some(Value::Null),
            _ if !is_short => return None,
            Self::PhoneNumber if !is_phone_number(&text) => return None,
            Self::Address => json!({ "formatted": text }),
            _ => text.into(),
        };
        claims::check_type(self.claim(), &value).is_ok().then_some(value)
    }
}

/// Why what was typed cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// This detail cannot be that.
    Detail(Detail),
    /// With all else that is known of this person it is too much; of what has changed this is the longest.
    TooMuch(Detail),
}

/// The claims that are others now that this was typed. A detail that was left as it stood stays as it is: an address
/// in parts is not written out for nothing.
///
/// # Errors
/// The first detail that cannot be what was typed, or the one that is too much.
pub fn changes<'a>(account: &Account, typed: impl Fn(Detail) -> &'a str) -> Result<Map<String, Value>, Unfit> {
    let is_another = |detail: &Detail| lines(typed(*detail)) != lines(&detail.of(account));
    let changed: Vec<Detail> = Detail::ALL.iter().copied().filter(is_another).collect();
    let mut changes = Map::new();
    for detail in &changed {
        let value = detail.read(typed(*detail)).ok_or(Unfit::Detail(*detail))?;
        changes.insert(detail.claim().to_owned(), value);
    }
    let longest = changed.into_iter().max_by_key(|detail| typed(*detail).len());
    match longest {
        Some(longest) if claims::is_too_much(&claims::patched(account.claims.clone(), changes.clone())) => {
            Err(Unfit::TooMuch(longest))
        }
        _ => Ok(changes),
    }
}

/// Digits with what people write between and before them; an extension as RFC 3966 has it (OIDC Core §5.1).
fn is_phone_number(text: &str) -> bool {
    let (number, extension) = text.split_once(";ext=").unwrap_or((text, "0"));
    let is_dialled = |c: char| c.is_ascii_digit() || " ()-./".contains(c);
    number.strip_prefix('+').unwrap_or(number).chars().all(is_dialled)
        && number.chars().filter(char::is_ascii_digit).count() >= 3
        && !extension.is_empty()
        && extension.chars().all(|c| c.is_ascii_digit())
}

/// In characters.
const LONGEST_LINE: usize = 200;

const MOST_LINES: usize = 10;

/// An address in lines, as on a letter (OIDC Core §5.1.1).
fn written_out(address: &Map<String, Value>) -> String {
    let part = |name| address.get(name).and_then(Value::as_str);
    if let Some(formatted) = part("formatted") {
        return lines(formatted);
    }
    let parts = ["street_address", "postal_code", "locality", "region", "country"].into_iter().filter_map(part);
    lines(&parts.collect::<Vec<_>>().join("\n"))
}

/// The lines of a text, whichever way they end, without those that are empty.
fn lines(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
