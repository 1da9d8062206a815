//! What a setting's value has to look like, and how it is written back.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;

use super::{ClientCertificates, LogFormat, RegistrationMode, rules};
use crate::protocol::{Algorithm, KeyManagement, Lifetime, PlainSecret, ResponseType};

/// A value as it came: from TOML with its type, from the environment or a flag as text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Text(String),
    Number(i64),
    Switch(bool),
    List(Vec<String>),
    /// Something no setting takes (a table, a date), as it stands in the file.
    Other(String),
}

impl Raw {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A list, or a text divided by commas.
    fn list(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(items) => Some(items.iter().map(String::as_str).collect()),
            Self::Text(text) => Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()),
            _ => None,
        }
    }
}

impl Raw {
    /// A list of words in their order, each once.
    fn words<T: Ord>(&self, read: fn(&str) -> Option<T>) -> Option<Vec<T>> {
        let mut all: Vec<T> = self.list()?.into_iter().map(read).collect::<Option<_>>()?;
        all.sort();
        all.dedup();
        Some(all)
    }

    fn of_words<T: ToString>(words: &[T]) -> Option<Self> {
        Some(Self::List(words.iter().map(ToString::to_string).collect()))
    }
}

/// As a TOML value.
impl std::fmt::Display for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", quoted(text)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Switch(on) => write!(f, "{on}"),
            Self::List(items) => {
                write!(f, "[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// One way for a value to look. `read` says `None` to anything else; `base` is where relative paths begin.
pub(super) trait Kind {
    type Value;
    const EXPECTED: &'static str;
    fn read(raw: &Raw, base: &Path) -> Option<Self::Value>;
    /// `None` when unset.
    fn show(value: &Self::Value) -> Option<Raw>;
}

/// A kind whose value may be left out.
pub(super) struct Maybe<K>(std::marker::PhantomData<K>);

impl<K: Kind> Kind for Maybe<K> {
    type Value = Option<K::Value>;
    const EXPECTED: &'static str = K::EXPECTED;
    fn read(raw: &Raw, base: &Path) -> Option<Self::Value> {
        K::read(raw, base).map(Some)
    }
    fn show(value: &Self::Value) -> Option<Raw> {
        value.as_ref().and_then(K::show)
    }
}

pub(super) struct Issuer;

impl Kind for Issuer {
    type Value = String;
    const EXPECTED: &'static str = "an https URL without trailing slash, query and fragment, such as `https://id.example.com` (http on loopback alone)";
    fn read(raw: &Raw, _: &Path) -> Option<String> {
        raw.text().filter(|text| rules::is_issuer(text)).map(str::to_owned)
    }
    fn show(value: &String) -> Option<Raw> {
        Some(Raw::Text(value.clone()))
    }
}

pub(super) struct Address;

impl Kind for Address {
    type Value = SocketAddr;
    const EXPECTED: &'static str = "an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`";
    fn read(raw: &Raw, _: &Path) -> Option<SocketAddr> {
        raw.text()?.parse().ok()
    }
    fn show(value: &SocketAddr) -> Option<Raw> {
        Some(Raw::Text(value.to_string()))
    }
}

pub(super) struct DatabaseUrl;

impl Kind for DatabaseUrl {
    type Value = String;
    const EXPECTED: &'static str =
        "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`, with `?sslmode=…` and the like where needed";
    fn read(raw: &Raw, base: &Path) -> Option<String> {
        let text = raw.text()?;
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            // What follows a `?` means something to other programs; here it would become part of the name.
            let is_path = !path.is_empty() && !path.contains('?') && !path.starts_with(":memory:");
            return is_path.then(|| format!("sqlite:{}", base.join(path).display()));
        }
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        let url = url::Url::parse(text).ok().filter(|_| is_postgres)?;
        // A misspelt `sslmode` must not come to nothing, nor a misspelt `password` into a log.
        let is_known = |name: &str| name.starts_with("options") || POSTGRES_PARAMETERS.contains(&name);
        url.query_pairs().all(|(name, _)| is_known(&name)).then(|| text.to_owned())
    }
    fn show(value: &String) -> Option<Raw> {
        Some(Raw::Text(without_password(value)))
    }
}

/// Those that sqlx takes.
const POSTGRES_PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

/// A URL without the password that stands in it before the host, or behind it as PostgreSQL's libpq takes it.
fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else { return text.to_owned() };
    let is_password = |name: &str| name.to_ascii_lowercase().contains("pass");
    if url.query_pairs().any(|(name, _)| is_password(&name)) {
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let hidden = |(name, value): (String, String)| {
            let value = if is_password(&name) { "***".to_owned() } else { value };
            (name, value)
        };
        url.query_pairs_mut().clear().extend_pairs(pairs.into_iter().map(hidden));
    }
    let has_password = url.password().is_some();
    if has_password && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    if url.as_str().contains("***") { url.to_string() } else { text.to_owned() }
}

pub(super) struct File;

impl Kind for File {
    type Value = PathBuf;
    const EXPECTED: &'static str = "the path of a file";
    fn read(raw: &Raw, base: &Path) -> Option<PathBuf> {
        raw.text().filter(|text| !text.is_empty()).map(|text| base.join(text))
    }
    fn show(value: &PathBuf) -> Option<Raw> {
        Some(Raw::Text(value.display().to_string()))
    }
}

pub(super) struct Networks;

impl Kind for Networks {
    type Value = Vec<IpNet>;
    const EXPECTED: &'static str = "a list of IP addresses or networks, such as `[\"10.0.0.0/8\", \"::1\"]`";
    fn read(raw: &Raw, _: &Path) -> Option<Vec<IpNet>> {
        raw.list()?
            .into_iter()
            .map(|item| item.parse().or_else(|_| item.parse::<std::net::IpAddr>().map(IpNet::from)).ok())
            .collect()
    }
    fn show(value: &Vec<IpNet>) -> Option<Raw> {
        Raw::of_words(value)
    }
}

pub(super) struct Algorithms;

impl Kind for Algorithms {
    type Value = Vec<Algorithm>;
    const EXPECTED: &'static str = "a list of `RS256` and any of `PS256`, `ES256`, `EdDSA`";
    fn read(raw: &Raw, _: &Path) -> Option<Vec<Algorithm>> {
        // OIDC Discovery §3: "The algorithm RS256 MUST be included."
        raw.words(Algorithm::of).filter(|all| all.contains(&Algorithm::RS256))
    }
    fn show(value: &Vec<Algorithm>) -> Option<Raw> {
        Raw::of_words(value)
    }
}

pub(super) struct EncryptionAlgorithms;

impl Kind for EncryptionAlgorithms {
    type Value = Vec<KeyManagement>;
    const EXPECTED: &'static str = "a list of any of `RSA-OAEP-256`, `ECDH-ES`, `ECDH-ES+A256KW`";
    fn read(raw: &Raw, _: &Path) -> Option<Vec<KeyManagement>> {
        raw.words(KeyManagement::of)
    }
    fn show(value: &Vec<KeyManagement>) -> Option<Raw> {
        Raw::of_words(value)
    }
}

pub(super) struct ResponseTypes;

impl Kind for ResponseTypes {
    type Value = Vec<ResponseType>;
    const EXPECTED: &'static str = "a list of `code` and any of `id_token`, `id_token token`, `code id_token`, `code token`, `code id_token token`, `none`";
    fn read(raw: &Raw, _: &Path) -> Option<Vec<ResponseType>> {
        raw.words(ResponseType::read).filter(|all| all.contains(&ResponseType::Code))
    }
    fn show(value: &Vec<ResponseType>) -> Option<Raw> {
        Raw::of_words(value)
    }
}

/// A span of time between `LEAST` and `MOST` seconds.
pub(super) struct Duration<const LEAST: i64, const MOST: i64>;

impl<const LEAST: i64, const MOST: i64> Kind for Duration<LEAST, MOST> {
    type Value = Lifetime;
    const EXPECTED: &'static str = match MOST {
        TEN_MINUTES => "a duration of at most ten minutes (RFC 6749, 4.1.2), such as `60s`",
        _ => "a duration such as `60s`, `15m`, `12h` or `30d`",
    };
    fn read(raw: &Raw, _: &Path) -> Option<Lifetime> {
        duration(raw.text()?).filter(|lifetime| (LEAST..=MOST).contains(&lifetime.0))
    }
    fn show(value: &Lifetime) -> Option<Raw> {
        Some(Raw::Text(written(*value)))
    }
}

pub(super) const TEN_MINUTES: i64 = 600;
/// Longer than anything is meant to live, short enough to be added to any date.
pub(super) const TEN_YEARS: i64 = 3_650 * 86_400;

/// A time as it stands in settings: `60s`, `15m`, `12h`, `30d`.
#[must_use]
pub fn duration(text: &str) -> Option<Lifetime> {
    let unit = text.chars().next_back()?;
    let digits = text.get(..text.len().checked_sub(unit.len_utf8())?)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: i64 = digits.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    count.checked_mul(seconds).map(Lifetime)
}

/// In the largest unit of which there are at least two: `60s` rather than `1m`, `24h` rather than `1d`.
fn written(lifetime: Lifetime) -> String {
    let seconds = lifetime.0;
    let in_units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')].into_iter().find(|(unit, _)| {
        let is_whole = seconds.checked_rem(*unit) == Some(0);
        is_whole && seconds / unit >= 2
    });
    in_units.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

/// A line of text.
pub(super) struct Text;

impl Kind for Text {
    type Value = String;
    const EXPECTED: &'static str = "one line of text, at most 60 characters";
    fn read(raw: &Raw, _: &Path) -> Option<String> {
        let text = raw.text()?.trim();
        (!text.is_empty() && text.chars().count() <= 60 && !text.contains(char::is_control)).then(|| text.to_owned())
    }
    fn show(value: &String) -> Option<Raw> {
        Some(Raw::Text(value.clone()))
    }
}

/// A colour. Where it cannot be read, the pages use a shade of it, and say so at start.
pub(super) struct Accent;

impl Kind for Accent {
    type Value = String;
    const EXPECTED: &'static str = "a colour such as `#175c4c`";
    fn read(raw: &Raw, _: &Path) -> Option<String> {
        let digits = raw.text()?.strip_prefix('#')?;
        let is_colour = matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        is_colour.then(|| format!("#{}", digits.to_ascii_lowercase()))
    }
    fn show(value: &String) -> Option<Raw> {
        Some(Raw::Text(value.clone()))
    }
}

pub(super) struct Switch;

impl Kind for Switch {
    type Value = bool;
    const EXPECTED: &'static str = "`true` or `false`";
    fn read(raw: &Raw, _: &Path) -> Option<bool> {
        match raw {
            Raw::Switch(on) => Some(*on),
            Raw::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
    fn show(value: &bool) -> Option<Raw> {
        Some(Raw::Switch(*value))
    }
}

pub(super) struct RsaBits;

impl Kind for RsaBits {
    type Value = u32;
    const EXPECTED: &'static str = "`2048`, `3072` or `4096`";
    fn read(raw: &Raw, _: &Path) -> Option<u32> {
        let bits = match raw {
            Raw::Number(number) => u32::try_from(*number).ok()?,
            Raw::Text(text) => text.parse().ok()?,
            _ => return None,
        };
        matches!(bits, 2048 | 3072 | 4096).then_some(bits)
    }
    fn show(value: &u32) -> Option<Raw> {
        Some(Raw::Number(i64::from(*value)))
    }
}

/// 32 bytes in base64url.
pub(super) struct MasterKey;

impl Kind for MasterKey {
    type Value = PlainSecret;
    const EXPECTED: &'static str =
        "32 random bytes in base64url, 43 characters (`openssl rand -base64 32 | tr '+/' '-_' | tr -d =`)";
    fn read(raw: &Raw, _: &Path) -> Option<PlainSecret> {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let text = raw.text()?.trim_end_matches('=');
        let bytes = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        (bytes.len() == 32).then(|| PlainSecret::new(text))
    }
    fn show(_: &PlainSecret) -> Option<Raw> {
        Some(Raw::Text("***".to_owned()))
    }
}

/// A kind whose values are the words of an enum.
macro_rules! one_of {
    ($kind:ident, $value:ty, $expected:literal) => {
        pub(super) struct $kind;

        impl Kind for $kind {
            type Value = $value;
            const EXPECTED: &'static str = $expected;
            fn read(raw: &Raw, _: &Path) -> Option<$value> {
                <$value>::of(raw.text()?)
            }
            fn show(value: &$value) -> Option<Raw> {
                Some(Raw::Text(value.as_str().to_owned()))
            }
        }
    };
}

one_of!(Certificates, ClientCertificates, "`off` or `optional`");
one_of!(Registrants, RegistrationMode, "`off`, `token` or `open`");
one_of!(Format, LogFormat, "`pretty` or `json`");

pub(super) struct Level;

impl Kind for Level {
    type Value = String;
    const EXPECTED: &'static str =
        "`error`, `warn`, `info`, `debug` or `trace`, or directives such as `info,latchkey=debug`";
    fn read(raw: &Raw, _: &Path) -> Option<String> {
        let text = raw.text()?;
        // The filter takes any word for a target at level `trace`; a misspelt level must not open everything.
        let is_level = |word: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&word);
        let is_known = text.split(',').all(|directive| {
            let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
            is_level(level)
        });
        // A space would belong to the name of a target that there is not.
        let is_tight = !text.contains(char::is_whitespace);
        (is_known && is_tight && text.parse::<tracing_subscriber::filter::Targets>().is_ok()).then(|| text.to_owned())
    }
    fn show(value: &String) -> Option<Raw> {
        Some(Raw::Text(value.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        for (text, seconds) in [("60s", 60), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000), ("0s", 0)] {
            assert_eq!(duration(text), Some(Lifetime(seconds)), "{text}");
        }
        for bad in ["", "60", "s", "-1s", "+1s", "1.5h", "1 h", "1w", "9223372036854775807d", "1é"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_duration_is_written_as_people_do() {
        for text in ["60s", "90s", "15m", "12h", "24h", "30d", "0s"] {
            assert_eq!(written(duration(text).unwrap()), text);
        }
        assert_eq!(written(Lifetime(120)), "2m");
    }

    #[test]
    fn a_relative_sqlite_file_lies_where_the_configuration_lies() {
        let read = |text: &str| DatabaseUrl::read(&Raw::Text(text.into()), Path::new("/etc/latchkey"));
        assert_eq!(read("sqlite:latchkey.db").as_deref(), Some("sqlite:/etc/latchkey/latchkey.db"));
        assert_eq!(read("sqlite:///var/lib/l.db").as_deref(), Some("sqlite:/var/lib/l.db"));
        assert_eq!(read("sqlite:"), None);
        assert_eq!(read("sqlite::memory:"), None);
        assert_eq!(read("sqlite:l.db?mode=rwc"), None, "a habit from elsewhere is no name of a file");
        assert_eq!(read("mysql://h/d"), None);
        assert!(read("postgres://u@h/d?sslmode=require&options[search_path]=own").is_some());
        assert_eq!(read("postgres://u@h/d?sslmod=require"), None, "it would come to nothing");
    }

    #[test]
    fn an_accent_is_a_colour() {
        let read = |text: &str| Accent::read(&Raw::Text(text.into()), Path::new(""));
        assert_eq!(read("#1A5FB4").as_deref(), Some("#1a5fb4"));
        for bad in ["1a5fb4", "blue", "#1a5fb", "#1a5fbé", "#"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_misspelt_level_does_not_open_everything() {
        let read = |text: &str| Level::read(&Raw::Text(text.into()), Path::new(""));
        assert!(read("info").is_some() && read("info,latchkey=debug").is_some());
        assert!(read("inof").is_none() && read("latchkey").is_none() && read("").is_none());
    }

    #[test]
    fn text_is_quoted_as_toml_reads_it() {
        let text = "a \"b\" \\ c\u{1}\té";
        let line = format!("k = {}", Raw::Text(text.into()));
        let table = toml::de::DeTable::parse(&line).unwrap();
        assert_eq!(table.get_ref().get("k").unwrap().get_ref().as_str(), Some(text));
    }
}
