//! What single values cannot tell: rules that join several settings, and warnings.

use url::Url;

use super::{ClientCertificates, RegistrationMode, Settings};

/// Whether a text can be an issuer identifier (OIDC Discovery §3, RFC 8414 §2): https, or http on loopback; a host;
/// no query, no fragment, no trailing slash; and written as every URL library would write it, since clients compare
/// it to the letter.
pub(super) fn is_issuer(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => is_loopback_host(&url),
        _ => false,
    };
    let path = url.path().trim_end_matches('/');
    let is_plain = |segment: &str| {
        !segment.is_empty()
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
    };
    is_safe
        && url.username().is_empty()
        && url.password().is_none()
        && (path.is_empty() || path.split('/').skip(1).all(is_plain))
        && format!("{}{path}", url.origin().ascii_serialization()) == text
}

fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A rule that joins several settings, broken: the setting to change, and what is wrong.
pub(super) struct Broken {
    pub(super) key: &'static str,
    pub(super) why: String,
}

/// The rules that join several settings.
pub(super) fn broken(settings: &Settings) -> Vec<Broken> {
    let mut found = Vec::new();
    let mut rule = |is_kept: bool, key: &'static str, why: &str| {
        if !is_kept {
            found.push(Broken { key, why: why.to_owned() });
        }
    };
    let tls = &settings.tls;
    rule(
        tls.certificate.is_none() || tls.key.is_some(),
        "tls.key",
        "is missing, but `tls.certificate` is set: TLS needs both",
    );
    rule(
        tls.key.is_none() || tls.certificate.is_some(),
        "tls.certificate",
        "is missing, but `tls.key` is set: TLS needs both",
    );
    let has_tls = tls.certificate.is_some();
    rule(
        has_tls || settings.listen.ip().is_loopback() || !settings.proxy.trusted.is_empty(),
        "listen",
        "is no loopback address, and neither is TLS configured (`tls.certificate`, `tls.key`) nor a proxy named that ends it (`proxy.trusted`): passwords would cross the network in the clear",
    );
    rule(
        !has_tls || settings.is_https(),
        "issuer",
        "begins with http://, but TLS is configured (`tls.certificate`): the issuer is what clients reach, so it begins with https://",
    );
    rule(
        has_tls || !settings.proxy.trusted.is_empty() || tls.client_certificates == ClientCertificates::Off,
        "tls.client_certificates",
        "asks for what only TLS that ends here or at a proxy can show: set `tls.certificate` and `tls.key`, or `proxy.trusted`, or leave it out",
    );
    rule(
        tls.client_ca.is_none() || tls.client_certificates == ClientCertificates::Optional,
        "tls.client_ca",
        "is set, but clients are not asked for certificates: set `tls.client_certificates` to `optional`, or leave it out",
    );
    rule(
        settings.ops.listen.is_none_or(|ops| ops.port() == 0 || ops != settings.listen),
        "ops.listen",
        "is the same as `listen`; leave it out to serve both on one listener",
    );
    rule(
        settings.keys.announce < settings.keys.rotate_every,
        "keys.announce",
        "is not shorter than `keys.rotate_every`: the next key would never be old enough to take over",
    );
    rule(
        settings.tokens.refresh_idle <= settings.tokens.refresh_absolute,
        "tokens.refresh_idle",
        "is longer than `tokens.refresh_absolute`",
    );
    rule(
        settings.tls.client_certificates == ClientCertificates::Off
            || settings.proxy.trusted.iter().all(|network| network.prefix_len() > 0),
        "proxy.trusted",
        "names the whole internet while `tls.client_certificates` is `optional`: anybody could show the certificate of any client in a header",
    );
    rule(settings.sessions.idle <= settings.sessions.absolute, "sessions.idle", "is longer than `sessions.absolute`");
    found
}

/// What is allowed, but not safe in production; said at every start.
#[must_use]
pub fn warnings(settings: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    let mut warn = |is_unsafe: bool, what: &str| {
        if is_unsafe {
            found.push(what.to_owned());
        }
    };
    warn(
        !settings.is_https(),
        "`issuer` is an http URL on loopback: good for development, reachable from this machine alone",
    );
    warn(
        settings.is_https() && settings.tls.certificate.is_none() && settings.proxy.trusted.is_empty(),
        "`issuer` is an https URL, but TLS does not end here and no proxy is named in `proxy.trusted`: every caller looks like the proxy, so limits per address hit all users at once",
    );
    warn(
        settings.proxy.trusted.iter().any(|network| network.prefix_len() == 0),
        "`proxy.trusted` names the whole internet: anybody can pretend to be any address",
    );
    warn(
        settings.registration.mode == RegistrationMode::Open,
        "`registration.mode` is `open`: everybody can register clients, which pages call not verified",
    );
    warn(
        settings.registration.mode != RegistrationMode::Off && !settings.registration.require_pkce,
        "`registration.require_pkce` is off: whoever intercepts a code of a public client that registered itself can use it",
    );
    warn(
        settings.registration.allow_unsigned,
        "`registration.allow_unsigned` is on: clients can have ID tokens that anybody could have made, and requests count without the signature of a request object",
    );
    warn(
        settings.outgoing.allow_private_addresses,
        "`outgoing.allow_private_addresses` is on: clients can make this server call into its own network",
    );
    warn(
        settings.ops.listen.is_some_and(|ops| ops.ip().is_unspecified()),
        "`ops.listen` is open on every interface: metrics are shown to whoever reaches it",
    );
    warn(
        settings.tokens.access_token.0 > 86_400,
        "`tokens.access_token` is longer than a day: a resource server that verifies tokens by itself honours a revoked one that long",
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_on_loopback_and_written_canonically() {
        for good in [
            "https://id.example.com",
            "https://id.example.com:8443",
            "https://example.com/id/eu-1",
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://id.localhost",
        ] {
            assert!(is_issuer(good), "{good}");
        }
        for bad in [
            "",
            "id.example.com",
            "http://id.example.com",
            "https://id.example.com/",
            "https://id.example.com/id/",
            "https://id.example.com//id",
            "https://id.example.com?x=1",
            "https://id.example.com/#f",
            "https://user@id.example.com",
            "https://ID.example.com",
            "https://id.example.com:443",
            "https://id.example.com/a/../b",
            "https://id.example.com/{x}",
            "https://id.example.com/a b",
            "ftp://localhost",
            "http://0.0.0.0:8080",
            "http://localhost.example.com",
        ] {
            assert!(!is_issuer(bad), "{bad}");
        }
    }

    #[test]
    fn the_defaults_break_no_rule() {
        assert!(broken(&Settings::default()).is_empty());
    }
}
