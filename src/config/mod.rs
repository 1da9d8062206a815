//! Every setting once: its name, its default, what it means, and what a value has to look like.
//!
//! [`table::SETTINGS`] is the one list. The file, the environment, the flags, `latchkey config show` and
//! `latchkey config schema`, and the table in README are all made from it.

mod kind;
mod load;
pub mod rules;
mod table;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use ipnet::IpNet;
use url::Url;

use crate::protocol::{Algorithm, AuthMethod, KeyManagement, Lifetime, PlainSecret, ResponseType, words};

pub use kind::duration;
pub use load::{Origin, Origins, Problem, Problems, Sources};
pub use table::{SETTINGS, Setting};

/// What the operator decides. [`Settings::default`] is what an empty file means.
#[derive(Clone)]
pub struct Settings {
    /// The issuer identifier, without a trailing slash; the only source of every absolute URL.
    pub issuer: String,
    /// The address of the main listener.
    pub listen: SocketAddr,
    /// `sqlite:PATH` or `postgres://…`.
    pub database_url: String,
    /// Whether and how TLS ends here.
    pub tls: Tls,
    /// Which proxies are believed.
    pub proxy: Proxy,
    /// The listener for those who look after the server.
    pub ops: Ops,
    /// The signing keys.
    pub keys: Keys,
    /// How long codes and tokens live.
    pub tokens: Tokens,
    /// How long browser sessions live.
    pub sessions: Sessions,
    /// What the pages look like.
    pub brand: Brand,
    /// Clients that register themselves.
    pub registration: Registration,
    /// Calls the server makes.
    pub outgoing: Outgoing,
    /// The log.
    pub log: Log,
}

/// Whether and how TLS ends here.
#[derive(Clone, Default)]
pub struct Tls {
    /// PEM file with the certificate chain.
    pub certificate: Option<PathBuf>,
    /// PEM file with its private key.
    pub key: Option<PathBuf>,
    /// Whether clients may show a certificate.
    pub client_certificates: ClientCertificates,
    /// PEM file with the authorities whose certificates prove clients.
    pub client_ca: Option<PathBuf>,
}

impl Tls {
    /// Whether clients can prove themselves by that method.
    #[must_use]
    pub fn allows(&self, method: AuthMethod) -> bool {
        let are_asked = self.client_certificates == ClientCertificates::Optional;
        match method {
            AuthMethod::TlsClientAuth => are_asked && self.client_ca.is_some(),
            AuthMethod::SelfSignedTlsClientAuth => are_asked,
            _ => true,
        }
    }
}

words! {
    /// Whether clients may show a certificate (mutual TLS).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum ClientCertificates {
        /// They are not asked.
        #[default]
        Off = "off",
        /// They are asked, and may decline.
        Optional = "optional",
    }
}

/// Which proxies are believed.
#[derive(Clone, Default)]
pub struct Proxy {
    /// Whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Client-Cert` count.
    pub trusted: Vec<IpNet>,
}

/// The listener for those who look after the server.
#[derive(Clone, Default)]
pub struct Ops {
    /// Its address; without one, health and metrics are on the main listener.
    pub listen: Option<SocketAddr>,
}

/// The keys of the server.
#[derive(Clone)]
pub struct Keys {
    /// 32 bytes, base64url; seals the private keys in the database. Without it, the file below.
    pub master_key: Option<PlainSecret>,
    /// Where the master key is kept, and made when the database holds nothing sealed.
    pub file: PathBuf,
    /// The algorithms for which a key ring is kept.
    pub algorithms: Vec<Algorithm>,
    /// The algorithms by which clients may encrypt their request objects.
    pub encryption_algorithms: Vec<KeyManagement>,
    /// How long a key signs.
    pub rotate_every: Lifetime,
    /// How long a key must have been published before it signs.
    pub announce: Lifetime,
    /// The size of new RSA keys.
    pub rsa_bits: u32,
}

/// How long codes and tokens live.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Authorization codes.
    pub code: Lifetime,
    /// Access tokens.
    pub access_token: Lifetime,
    /// ID tokens.
    pub id_token: Lifetime,
    /// A refresh token that is not used.
    pub refresh_idle: Lifetime,
    /// All the refresh tokens of a grant.
    pub refresh_absolute: Lifetime,
    /// How long a repeated refresh gets the identical successor.
    pub refresh_repeat: Lifetime,
}

/// How long browser sessions live.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// After the last sign of life.
    pub idle: Lifetime,
    /// After the sign-in, whatever happens.
    pub absolute: Lifetime,
}

/// What the pages look like.
#[derive(Clone, Debug)]
pub struct Brand {
    /// What the server is called.
    pub name: String,
    /// An image file shown instead of the mark.
    pub logo: Option<PathBuf>,
    /// The colour of buttons and links, `#rrggbb`.
    pub accent: Option<String>,
}

/// Clients that register themselves (RFC 7591).
#[derive(Clone, Debug)]
pub struct Registration {
    /// Who may.
    pub mode: RegistrationMode,
    /// Whether their requests need PKCE, as those of all clients do that operators have not said otherwise of.
    pub require_pkce: bool,
    /// What clients may ask the authorization endpoint for, if they have registered it (product decision 15): whoever
    /// registers them.
    pub response_types: Vec<ResponseType>,
    /// Whether clients may have ID tokens, and send request objects, that nobody has signed (product decision 15).
    pub allow_unsigned: bool,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Off,
            require_pkce: true,
            response_types: vec![ResponseType::Code],
            allow_unsigned: false,
        }
    }
}

words! {
    /// Who may register a client by themselves.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum RegistrationMode {
        /// Nobody.
        #[default]
        Off = "off",
        /// Who shows an initial access token.
        Token = "token",
        /// Everybody.
        Open = "open",
    }
}

/// Calls the server makes.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// Whether they may reach loopback and private ranges.
    pub allow_private_addresses: bool,
    /// PEM file with more trusted roots.
    pub extra_ca: Option<PathBuf>,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look; unset: pretty on a terminal, else JSON.
    pub format: Option<LogFormat>,
    /// What is logged: a level, or `tracing` directives.
    pub level: String,
}

words! {
    /// How a line of the log looks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum LogFormat {
        /// For people.
        Pretty = "pretty",
        /// For machines: one JSON object a line.
        Json = "json",
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: "http://localhost:8080".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            database_url: "sqlite:latchkey.db".to_owned(),
            tls: Tls::default(),
            proxy: Proxy::default(),
            ops: Ops::default(),
            keys: Keys {
                master_key: None,
                file: PathBuf::from("keys/master.key"),
                algorithms: vec![Algorithm::RS256],
                encryption_algorithms: Vec::new(),
                rotate_every: Lifetime::days(30),
                announce: Lifetime::hours(24),
                rsa_bits: 2048,
            },
            tokens: Tokens {
                code: Lifetime::seconds(60),
                access_token: Lifetime::minutes(15),
                id_token: Lifetime::minutes(15),
                refresh_idle: Lifetime::days(14),
                refresh_absolute: Lifetime::days(90),
                refresh_repeat: Lifetime::seconds(10),
            },
            sessions: Sessions { idle: Lifetime::hours(12), absolute: Lifetime::days(30) },
            brand: Brand { name: "Latchkey".to_owned(), logo: None, accent: None },
            registration: Registration::default(),
            outgoing: Outgoing::default(),
            log: Log { format: None, level: "info".to_owned() },
        }
    }
}

impl Settings {
    /// The path of the issuer, under which everything is served: empty, or `/…` without a trailing slash.
    #[must_use]
    pub fn base_path(&self) -> &str {
        let after_scheme = self.issuer.find("://").map_or(0, |at| at.saturating_add(3));
        let rest = self.issuer.get(after_scheme..).unwrap_or_default();
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }

    /// Whether browsers reach the server by https, so that cookies can insist on it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.issuer.starts_with("https://")
    }

    /// The name under which a cookie travels: where TLS is, one that no other host and no page without TLS can set. Where it
    /// is not (loopback alone), one with the port: a browser sends the cookies of a host to each of its ports, and a server on
    /// another one would take ours for its own, and its place.
    #[must_use]
    pub fn cookie(&self, name: &str) -> String {
        if self.is_https() {
            return format!("__Host-{name}");
        }
        let port = Url::parse(&self.issuer).ok().and_then(|issuer| issuer.port_or_known_default());
        format!("{name}-{}", port.unwrap_or_default())
    }
}

/// Every value as `latchkey config show` prints it: secrets stay hidden.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for setting in SETTINGS {
            map.entry(&setting.key, &setting.shown(self));
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_issuer_is_where_everything_is_served() {
        let base = |issuer: &str| Settings { issuer: issuer.to_owned(), ..Settings::default() }.base_path().to_owned();
        assert_eq!(base("https://id.example"), "");
        assert_eq!(base("https://example.com/id/eu"), "/id/eu");
    }

    #[test]
    fn a_cookie_is_of_one_host_or_of_one_port() {
        let cookie = |issuer: &str| Settings { issuer: issuer.to_owned(), ..Settings::default() }.cookie("latchkey");
        assert_eq!(cookie("https://id.example:8443/eu"), "__Host-latchkey");
        assert_eq!(cookie("http://localhost:8080"), "latchkey-8080");
        assert_eq!(cookie("http://[::1]/id"), "latchkey-80");
    }

    #[test]
    fn settings_never_print_a_secret() {
        let mut settings = Settings::default();
        settings.keys.master_key = Some(PlainSecret::new("c2VjcmV0"));
        settings.database_url = "postgres://latchkey:hunter2@db/latchkey".to_owned();
        let printed = format!("{settings:?}");
        assert!(!printed.contains("c2VjcmV0") && !printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("postgres://latchkey:"), "{printed}");
    }
}
