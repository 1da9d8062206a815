//! What people sign in with: a username or an e-mail address, each in one normal form.
//!
//! Two spellings of one name must be one account, at creation and at the login page alike (RFC 8265 §3.3,
//! UsernameCaseMapped): of the usual width, lower case, and composed (NFC).

use unicode_normalization::UnicodeNormalization;

use crate::protocol::{ErrorCode, Refusal};

/// A username in its normal form. It never holds an `@`, so it cannot be mistaken for somebody's e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// An e-mail address in its normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// What somebody typed into the login page, in the form in which accounts are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginName {
    /// Looks like an e-mail address.
    Email(String),
    /// Anything else.
    Username(String),
}

impl Username {
    /// Read a username: letters and digits of one script, with `.`, `_`, `-` and `+` between them.
    ///
    /// # Errors
    /// `invalid_request`, saying what a username looks like.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |what: &'static str| Err(Refusal::new(ErrorCode::InvalidRequest, what));
        let name = normal(text);
        if name.contains('@') {
            return refuse(
                "a username has no `@`; give the e-mail address as `email`, one can sign in with it as well",
            );
        }
        if name.is_empty() || name.chars().count() > LONGEST_USERNAME {
            return refuse("a username has 1 to 64 characters");
        }
        if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+')) {
            return refuse("a username consists of letters, digits and . _ - +");
        }
        if !name.starts_with(char::is_alphanumeric) || !name.ends_with(char::is_alphanumeric) {
            return refuse("a username begins and ends with a letter or digit");
        }
        if name.nfkc().ne(name.chars()) {
            // RFC 8264 §9.17: 𝐚𝐥𝐢𝐜𝐞 is no way to be another alice.
            return refuse("a username has no ligatures, superscripts or letters of a certain style");
        }
        if is_mixed(&name) {
            // A Cyrillic а among Latin letters looks like somebody else's name.
            return refuse("a username keeps to the letters of one script; this one mixes several");
        }
        Ok(Self(name))
    }

    /// The name, in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Email {
    /// Read an e-mail address (the shape of RFC 5321 §4.1.2 without quoting; only a mail can tell whether it works).
    ///
    /// # Errors
    /// `invalid_request`, saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |what: &'static str| Err(Refusal::new(ErrorCode::InvalidRequest, what));
        let address = normal(text);
        let Some((local, domain)) = address.rsplit_once('@') else {
            return refuse("an e-mail address has an `@`");
        };
        if local.is_empty() || local.len() > 64 || address.len() > LONGEST_EMAIL {
            return refuse("an e-mail address has 1 to 64 characters before the `@` and at most 254 altogether");
        }
        let is_local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        if !local.chars().all(is_local) || local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return refuse("the part of the e-mail address before the `@` holds a character it may not have there");
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if !domain.split('.').all(is_label) {
            return refuse("the part of the e-mail address after the `@` is no domain name");
        }
        Ok(Self(address))
    }

    /// The address, in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LoginName {
    /// Whatever was typed; what can be nobody's name is looked up in vain like any other.
    pub(super) fn read(text: &str) -> Self {
        // Nobody's name is longer: the rest would only cost time.
        let short: String = text.chars().take(LONGEST_EMAIL + 1).collect();
        let name = normal(&short);
        if name.contains('@') { Self::Email(name) } else { Self::Username(name) }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Email(name) | Self::Username(name) => name,
        }
    }
}

const LONGEST_USERNAME: usize = 64;
const LONGEST_EMAIL: usize = 254;

fn normal(text: &str) -> String {
    // Lower case first and compose afterwards: lowering may decompose (İ becomes i and a dot).
    text.trim().chars().flat_map(of_usual_width).nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// RFC 8265 §3.3.2: ａ is an a, and ｶ is a カ, as East Asian keyboards type them.
fn of_usual_width(c: char) -> impl Iterator<Item = char> {
    let is_other = matches!(c, '\u{3000}' | '\u{ff01}'..='\u{ffee}');
    let (as_it_is, mapped) = if is_other { (None, Some(c)) } else { (Some(c), None) };
    as_it_is.into_iter().chain(mapped.into_iter().nfkc())
}

fn is_mixed(name: &str) -> bool {
    let mut scripts = name.chars().filter(|c| c.is_alphabetic()).map(script);
    let first = scripts.next();
    scripts.any(|script| Some(script) != first)
}

/// The scripts that have letters in common, to the eye. All others are one here: Japanese and Korean are written in
/// several of them.
fn script(letter: char) -> &'static str {
    match letter {
        ..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => "Latin",
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => "Greek",
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}' => {
            "Cyrillic"
        }
        '\u{530}'..='\u{58f}' => "Armenian",
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => "Cherokee",
        '\u{2c80}'..='\u{2cff}' => "Coptic",
        _ => "another",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_a_name_are_one() {
        for (one, other) in [
            ("Alice", "alice"),
            (" bob ", "bob"),
            ("JÜRGEN", "ju\u{308}rgen"),
            ("Ωμεγα", "ωμεγα"),
            ("ａｌｉｃｅ", "alice"),
            ("ｶﾞ", "ガ"),
        ] {
            assert_eq!(Username::parse(one).unwrap(), Username::parse(other).unwrap(), "{one}");
        }
        assert_eq!(Email::parse("Alice@Example.COM").unwrap().as_str(), "alice@example.com");
    }

    #[test]
    fn a_name_that_could_be_taken_for_another_is_refused() {
        let long = "a".repeat(65);
        for bad in [
            "",
            " ",
            "a b",
            "alice@example.com",
            "-a",
            "a.",
            "a\nb",
            "a\u{0}b",
            "a\u{202e}b",
            "a\u{200b}b",
            "a/b",
            "a'b",
            "\u{430}lice",
            // All of a kind, and to the eye of another kind: mathematical letters, ligatures, superscripts, letters in circles.
            "\u{1d41a}\u{1d425}\u{1d422}\u{1d41c}\u{1d41e}",
            "\u{fb01}n",
            "x\u{b2}",
            "\u{24d0}\u{24d1}",
            "\u{1d43}\u{1d47}",
            "\u{2170}v",
            "\u{17f}am",
            // Greek and Cyrillic.
            "\u{3bf}\u{440}",
            "\u{3c1}\u{430}\u{443}",
            "\u{561}\u{430}",
            &long,
        ] {
            assert_eq!(Username::parse(bad).unwrap_err().code, ErrorCode::InvalidRequest, "{bad:?}");
        }
        for good in ["a", "alice", "o.brien-2_x+y", "jürgen", "алиса", "花子", "山田はなコ", "김민수", "1st", "ωμεγα"]
        {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_is_no_e_mail_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "alice",
            "@example.com",
            "alice@",
            "a b@example.com",
            "a@b@c",
            "a..b@example.com",
            ".a@example.com",
            "a@-example.com",
            "a@example..com",
            "a@exa mple.com",
            "a@example.com\r\nBcc: x",
            "a\u{0}@example.com",
            &long,
        ] {
            assert_eq!(Email::parse(bad).unwrap_err().code, ErrorCode::InvalidRequest, "{bad:?}");
        }
        for good in ["a@localhost", "o'brien+tag@mail.example.com", "jürgen@exämple.de"] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_is_typed_is_looked_up_as_it_was_registered() {
        assert_eq!(LoginName::read(" ALICE "), LoginName::Username("alice".into()));
        assert_eq!(LoginName::read("Alice@Example.com"), LoginName::Email("alice@example.com".into()));
        // A Japanese keyboard types wide letters.
        assert_eq!(LoginName::read("Ａｌｉｃｅ\u{3000}"), LoginName::Username("alice".into()));
        assert_eq!(LoginName::read("alice＠example.com"), LoginName::Email("alice@example.com".into()));
        assert_eq!(LoginName::read(&"x".repeat(100_000)).as_str().len(), LONGEST_EMAIL + 1);
    }
}
