//! The one list of settings.

use std::path::Path;

use super::{
    Settings,
    kind::{
        Accent, Address, Algorithms, Certificates, DatabaseUrl, Duration, EncryptionAlgorithms, File, Format, Issuer,
        Kind, Level, MasterKey, Maybe, Networks, Raw, Registrants, ResponseTypes, RsaBits, Switch, TEN_MINUTES,
        TEN_YEARS, Text,
    },
};

/// A setting: everything that is to be known of it.
pub struct Setting {
    /// Its name in the file: `section.key`.
    pub key: &'static str,
    /// What it means, in one line.
    pub doc: &'static str,
    /// What a value has to look like.
    pub expected: &'static str,
    /// What is the case when it is not set, where that is no value of its own.
    pub unset: Option<&'static str>,
    /// Whether its value is never to be printed.
    pub is_secret: bool,
    pub(super) read: fn(&mut Settings, &Raw, &Path) -> bool,
    pub(super) show: fn(&Settings) -> Option<Raw>,
}

impl Setting {
    /// Its name in the environment. With `_FILE` appended, the value is read from the file named there.
    #[must_use]
    pub fn env(&self) -> String {
        format!("LATCHKEY_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// Its value in `settings`, as it would stand in the file; `None` when it is not set. Secrets are hidden.
    #[must_use]
    pub fn shown(&self, settings: &Settings) -> Option<String> {
        (self.show)(settings).map(|raw| raw.to_string())
    }

    /// Its default, as it would stand in the file.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        self.shown(&Settings::default())
    }
}

type Span = Duration<1, TEN_YEARS>;
type Pause = Duration<0, TEN_YEARS>;
type CodeSpan = Duration<1, TEN_MINUTES>;

macro_rules! setting {
    ($($path:ident).+, $kind:ty, $doc:literal $(, unset: $unset:literal)? $(, secret: $secret:literal)?) => {
        Setting {
            key: setting!(@key $($path).+),
            doc: $doc,
            expected: <$kind as Kind>::EXPECTED,
            unset: setting!(@unset $($unset)?),
            is_secret: setting!(@secret $($secret)?),
            read: |settings, raw, base| match <$kind as Kind>::read(raw, base) {
                Some(value) => {
                    settings.$($path).+ = value;
                    true
                }
                None => false,
            },
            show: |settings| <$kind as Kind>::show(&settings.$($path).+),
        }
    };
    (@key $only:ident) => { stringify!($only) };
    (@key $section:ident . $key:ident) => { concat!(stringify!($section), ".", stringify!($key)) };
    (@unset) => { None };
    (@unset $unset:literal) => { Some($unset) };
    (@secret) => { false };
    (@secret $secret:literal) => { $secret };
}

/// Every setting, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    setting!(issuer, Issuer, "The issuer identifier; the only source of every absolute URL."),
    setting!(listen, Address, "The address of the main listener."),
    setting!(database_url, DatabaseUrl, "`sqlite:PATH`, or `postgres://…` when one machine is not enough."),
    setting!(
        tls.certificate,
        Maybe<File>,
        "PEM file with the certificate chain; when set, TLS ends here. Read again when it changes."
    ),
    setting!(tls.key, Maybe<File>, "PEM file with the certificate's private key."),
    setting!(
        tls.client_certificates,
        Certificates,
        "Whether clients may prove themselves by a certificate (RFC 8705): `off`, or `optional`, which asks for one where TLS ends here (browsers of people who have any then let them choose) and believes the `X-Client-Cert` of proxies in `proxy.trusted`."
    ),
    setting!(
        tls.client_ca,
        Maybe<File>,
        "PEM file with the authorities whose certificates prove clients that use `tls_client_auth`. Read at the start."
    ),
    setting!(
        proxy.trusted,
        Networks,
        "Addresses of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, and, with `tls.client_certificates`, whose `X-Client-Cert`: the client's certificate in PEM, percent-encoded, which they set on every request or take out of it."
    ),
    setting!(
        ops.listen,
        Maybe<Address>,
        "A second listener for `/metrics`, `/healthz` and `/readyz`; unset, they are on the main one, and `/metrics` answers loopback peers only."
    ),
    setting!(keys.master_key, Maybe<MasterKey>, "Seals the private keys in the database: 32 bytes, base64url.", unset: "read from `keys.file`, which is made with the first key", secret: true),
    setting!(keys.file, File, "Where the master key is kept when `keys.master_key` is not set."),
    setting!(keys.algorithms, Algorithms, "Algorithms for which a key ring is kept: RS256, PS256, ES256, EdDSA."),
    setting!(
        keys.encryption_algorithms,
        EncryptionAlgorithms,
        "Algorithms by which clients may encrypt request objects; a key ring is kept for each: RSA-OAEP-256, ECDH-ES, ECDH-ES+A256KW."
    ),
    setting!(keys.rotate_every, Span, "How long a key signs before the next one takes over."),
    setting!(keys.announce, Pause, "How long a key must have been published before it signs."),
    setting!(keys.rsa_bits, RsaBits, "The size of new RSA keys: 2048, 3072 or 4096."),
    setting!(tokens.code, CodeSpan, "How long an authorization code lives."),
    setting!(tokens.access_token, Span, "How long an access token lives."),
    setting!(tokens.id_token, Span, "How long an ID token lives."),
    setting!(tokens.refresh_idle, Span, "How long a refresh token lives that is not used."),
    setting!(tokens.refresh_absolute, Span, "How long a grant can be refreshed at all."),
    setting!(tokens.refresh_repeat, Pause, "How long a repeated refresh gets the identical answer."),
    setting!(sessions.idle, Span, "How long a browser session lives after its last sign of life."),
    setting!(sessions.absolute, Span, "How long a browser session lives at all."),
    setting!(brand.name, Text, "What the pages call this server."),
    setting!(brand.logo, Maybe<File>, "Image shown above every page: a file, SVG, PNG, JPEG or WebP.", unset: "the mark of Latchkey"),
    setting!(brand.accent, Maybe<Accent>, "Colour of buttons and links, `#rrggbb`; its contrast is checked at start.", unset: "the colour of Latchkey"),
    setting!(
        registration.mode,
        Registrants,
        "Who may register clients at the registration endpoint: nobody (`off`), who shows a token (`token`), or everybody (`open`)."
    ),
    setting!(
        registration.require_pkce,
        Switch,
        "Whether requests of clients that register themselves need PKCE, those that did so before included."
    ),
    setting!(
        registration.response_types,
        ResponseTypes,
        "What clients may ask the authorization endpoint for, each if it is registered for it: `code`, and for old clients any of `id_token`, `id_token token`, `code id_token`, `code token`, `code id_token token`, `none`."
    ),
    setting!(
        registration.allow_unsigned,
        Switch,
        "Lets clients have ID tokens, and send request objects, that nobody has signed (for old clients and conformance runs)."
    ),
    setting!(
        outgoing.allow_private_addresses,
        Switch,
        "Lets calls of this server reach loopback and private ranges (development)."
    ),
    setting!(outgoing.extra_ca, Maybe<File>, "PEM file with more roots to trust in calls of this server."),
    setting!(log.format, Maybe<Format>, "How lines of the log look: `pretty` or `json`.", unset: "`pretty` on a terminal, else `json`"),
    setting!(log.level, Level, "What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives."),
];
