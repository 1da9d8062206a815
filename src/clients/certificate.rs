//! A client that proves itself by the certificate of its connection (RFC 8705 §2): one that an authority has made out in
//! its name (`tls_client_auth`), or one of its own making that it has registered (`self_signed_tls_client_auth`).

use std::{fmt, io, net::IpAddr, path::Path, sync::Arc, time::Duration};

use openssl::{
    asn1::Asn1Time,
    error::ErrorStack,
    x509::{X509, X509Name, X509NameRef},
};
use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use serde::{Deserialize, Serialize};

use super::{Client, authentication::Context, metadata::wrong};
use crate::protocol::{AuthMethod, Refusal, Timestamp, with_causes};

/// A certificate whose key the asker has: a handshake has proved it, here or at a trusted proxy. Cheap to clone.
#[derive(Clone)]
pub struct ClientCertificate(Arc<[CertificateDer<'static>]>);

impl ClientCertificate {
    /// What was shown in a handshake: the asker's own first, then those that vouch for it.
    #[must_use]
    pub fn of_handshake(chain: &[Vec<u8>]) -> Option<Self> {
        Self::of(chain.iter().map(|own| CertificateDer::from(own.clone())).collect())
    }

    /// What a proxy says was shown to it: PEM, percent-encoded. What is no such thing is no certificate.
    #[must_use]
    pub fn of_header(value: &str) -> Option<Self> {
        let pem: Vec<u8> = percent_encoding::percent_decode_str(value).collect();
        Self::of(CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().ok()?)
    }

    fn of(chain: Vec<CertificateDer<'static>>) -> Option<Self> {
        (1..=LONGEST_CHAIN).contains(&chain.len()).then(|| Self(chain.into()))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

/// The authorities whose word counts for `tls_client_auth`; none where the operator names none.
#[derive(Clone, Default)]
pub struct Authorities(Option<Arc<dyn ClientCertVerifier>>);

impl Authorities {
    /// Those in the PEM file of the settings, if they name one.
    ///
    /// # Errors
    /// When it cannot be read, or holds none that can be used.
    pub fn open(file: Option<&Path>) -> Result<Self, BadAuthorities> {
        let Some(file) = file else { return Ok(Self::default()) };
        Self::read(file).map_err(|cause| BadAuthorities { file: file.display().to_string(), cause })
    }

    fn read(file: &Path) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(file).map_err(io::Error::other)? {
            roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()));
        Ok(Self(Some(builder.build().map_err(io::Error::other)?)))
    }

    /// See that one of them has vouched for a certificate, and that it is good today.
    fn vouch(&self, certificate: &ClientCertificate, now: Timestamp) -> Result<(), Unproven> {
        let verifier = self.0.as_ref().ok_or(Unproven::NoAuthority)?;
        let (own, others) = certificate.0.split_first().ok_or(Unproven::Malformed)?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.0).unwrap_or_default()));
        verifier.verify_client_cert(own, others, now).map_err(Unproven::Chain)?;
        Ok(())
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", if self.0.is_some() { "some" } else { "none" })
    }
}

/// Why nobody can vouch for certificates.
#[derive(Debug, thiserror::Error)]
#[error("`tls.client_ca` names {file}, which holds no certificates of authorities in PEM")]
pub struct BadAuthorities {
    file: String,
    #[source]
    cause: io::Error,
}

/// Why a certificate does not prove a client, for the log.
#[derive(Debug, thiserror::Error)]
enum Unproven {
    #[error("it has shown no certificate")]
    Nothing,
    #[error("its certificate cannot be read")]
    Malformed,
    #[error("`tls.client_ca` names no authority")]
    NoAuthority,
    #[error("its certificate is not good: {0}")]
    Chain(rustls::Error),
    #[error("its certificate is another's: the name in it is not the one that was registered")]
    Name,
    #[error("its certificate has expired, or is not good yet")]
    Expired,
    #[error("its certificate is none of those it has registered: {0}")]
    Unregistered(String),
}

/// See that a client has shown the certificate that it is known by.
///
/// # Errors
/// `invalid_client`.
pub(super) async fn prove(context: &Context<'_>, client: &Client) -> Result<(), Refusal> {
    find(context, client).await.map_err(|why| super::authentication::failed(&client.id, &why.to_string()))
}

async fn find(context: &Context<'_>, client: &Client) -> Result<(), Unproven> {
    let certificate = context.certificate.ok_or(Unproven::Nothing)?;
    let der = certificate.0.first().ok_or(Unproven::Malformed)?;
    let own = X509::from_der(der).map_err(|_| Unproven::Malformed)?;
    if client.metadata.token_endpoint_auth_method == AuthMethod::TlsClientAuth {
        context.authorities.vouch(certificate, context.now)?;
        let is_named = client.metadata.certificate_name.as_ref().is_some_and(|name| name.is_in(&own));
        return if is_named { Ok(()) } else { Err(Unproven::Name) };
    }
    // RFC 8705 §2.2: nobody vouches for it, so that all depends on its being the very one that was registered.
    if !is_good(&own, context.now).map_err(|_| Unproven::Malformed)? {
        return Err(Unproven::Expired);
    }
    let registered = context.keys.have_certificate(client, der, context.now).await;
    registered.map_err(|why| Unproven::Unregistered(with_causes(&why)))
}

fn is_good(certificate: &X509, now: Timestamp) -> Result<bool, ErrorStack> {
    let now = Asn1Time::from_unix(now.0)?;
    Ok(*certificate.not_before() <= *now && *now <= *certificate.not_after())
}

/// By which name in it a client's certificate is known, under the names of RFC 8705 §2.1.2: exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificateName {
    /// The subject, written as in RFC 4514.
    #[serde(rename = "tls_client_auth_subject_dn")]
    SubjectDn(String),
    /// A DNS name among the alternative names.
    #[serde(rename = "tls_client_auth_san_dns")]
    SanDns(String),
    /// A URI there.
    #[serde(rename = "tls_client_auth_san_uri")]
    SanUri(String),
    /// An IP address there.
    #[serde(rename = "tls_client_auth_san_ip")]
    SanIp(String),
    /// An e-mail address there.
    #[serde(rename = "tls_client_auth_san_email")]
    SanEmail(String),
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubjectDn(text)
            | Self::SanDns(text)
            | Self::SanUri(text)
            | Self::SanIp(text)
            | Self::SanEmail(text) => f.write_str(text),
        }
    }
}

/// One of the ways to name a client's certificate.
type Naming = (&'static str, fn(String) -> CertificateName);

impl CertificateName {
    /// Each member of a registration, and what it makes.
    pub const MEMBERS: &'static [Naming] = &[
        ("tls_client_auth_subject_dn", Self::SubjectDn),
        ("tls_client_auth_san_dns", Self::SanDns),
        ("tls_client_auth_san_uri", Self::SanUri),
        ("tls_client_auth_san_ip", Self::SanIp),
        ("tls_client_auth_san_email", Self::SanEmail),
    ];

    /// The one that is named.
    ///
    /// # Errors
    /// `invalid_client_metadata` for more than one.
    pub fn only(named: impl IntoIterator<Item = Self>) -> Result<Option<Self>, Refusal> {
        let mut named = named.into_iter();
        match (named.next(), named.next()) {
            (one, None) => Ok(one),
            _ => Err(wrong("there are several tls_client_auth_ names; a certificate is known by one (RFC 8705)")),
        }
    }

    /// Whether a certificate can have such a name.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let is_word = |text: &str| !text.is_empty() && text.len() <= 500 && text.bytes().all(|b| b.is_ascii_graphic());
        match self {
            Self::SubjectDn(text) => distinguished_name(text).map(drop).map_err(|why| {
                wrong(format!(
                    "`tls_client_auth_subject_dn` is no name as in RFC 4514, such as CN=app,O=Example: {why}"
                ))
            }),
            Self::SanIp(text) if text.parse::<IpAddr>().is_err() => {
                Err(wrong(format!("`tls_client_auth_san_ip` is `{text}`; expected an IP address")))
            }
            Self::SanDns(text) | Self::SanUri(text) | Self::SanEmail(text) if !is_word(text) => {
                Err(wrong("the name of the certificate (`tls_client_auth_san_…`) is empty, too long, or has blanks"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a certificate has it. To the letter but for what the specifications of names let differ.
    fn is_in(&self, certificate: &X509) -> bool {
        if let Self::SubjectDn(text) = self {
            return distinguished_name(text).is_ok_and(|own| is_same(&own, certificate.subject_name()));
        }
        let names = certificate.subject_alt_names();
        names.iter().flatten().any(|name| match self {
            Self::SubjectDn(_) => false,
            Self::SanDns(own) => name.dnsname().is_some_and(|there| there.eq_ignore_ascii_case(own)),
            Self::SanUri(own) => name.uri().is_some_and(|there| there == own),
            Self::SanEmail(own) => name.email().is_some_and(|there| there == own),
            Self::SanIp(own) => name.ipaddress().zip(own.parse().ok()).is_some_and(|(there, own)| match own {
                IpAddr::V4(own) => there == own.octets(),
                IpAddr::V6(own) => there == own.octets(),
            }),
        })
    }
}

fn is_same(one: &X509NameRef, other: &X509NameRef) -> bool {
    one.entries().count() > 0 && one.try_cmp(other).is_ok_and(|order| order.is_eq())
}

/// A name written as RFC 4514 has it: the last part of the name first, special characters behind a backslash.
fn distinguished_name(text: &str) -> Result<X509Name, &'static str> {
    let mut parts = Vec::new();
    for part in split(text)? {
        let (kind, value) = part.split_once('=').ok_or("a part has no `=`")?;
        parts.push((attribute(kind.trim())?, unescaped(value)?));
    }
    let mut name = X509Name::builder().map_err(|_| "it cannot be built")?;
    for (kind, value) in parts.iter().rev() {
        name.append_entry_by_text(kind, value).map_err(|_| "a part cannot have that value")?;
    }
    Ok(name.build())
}

/// At every comma that is not behind a backslash.
fn split(text: &str) -> Result<Vec<&str>, &'static str> {
    let (mut parts, mut begin, mut is_escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ',' => {
                parts.extend(text.get(begin..at));
                begin = at.saturating_add(1);
            }
            '+' => return Err("parts of several values are not taken"),
            '"' | ';' | '<' | '>' | '\0' => return Err("a special character has no backslash before it"),
            _ => {}
        }
    }
    parts.extend(text.get(begin..));
    if parts.len() > MOST_PARTS { Err("it has too many parts") } else { Ok(parts) }
}

/// What the library calls that kind of part.
fn attribute(kind: &str) -> Result<&str, &'static str> {
    const KNOWN: &[(&str, &str)] = &[
        ("CN", "CN"),
        ("L", "L"),
        ("ST", "ST"),
        ("O", "O"),
        ("OU", "OU"),
        ("C", "C"),
        ("STREET", "street"),
        ("DC", "DC"),
        ("UID", "UID"),
        ("EMAILADDRESS", "emailAddress"),
        ("SERIALNUMBER", "serialNumber"),
    ];
    let is_oid = kind.contains('.') && kind.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let known = KNOWN.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, own)| *own);
    known.or(is_oid.then_some(kind)).ok_or("a part is of a kind that is not known here; write it as a dotted OID")
}

/// RFC 4514 §2.4: `\,` is a comma, `\2C` too; blanks around the value are not part of it.
fn unescaped(value: &str) -> Result<String, &'static str> {
    const HALF: &str = "a backslash stands before nothing";
    let value = value.trim_start_matches(' ');
    if value.starts_with('#') {
        return Err("values in hexadecimal are not taken");
    }
    // Up to where the last character is that counts.
    let (mut bytes, mut length) = (Vec::new(), 0);
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let is_blank = byte == b' ';
        if byte == b'\\' {
            let next = rest.next().ok_or(HALF)?;
            match char::from(next).to_digit(16) {
                Some(high) => {
                    let low = rest.next().and_then(|low| char::from(low).to_digit(16)).ok_or(HALF)?;
                    bytes.push(u8::try_from(high * 16 + low).map_err(|_| HALF)?);
                }
                None => bytes.push(next),
            }
        } else {
            bytes.push(byte);
        }
        if !is_blank {
            length = bytes.len();
        }
    }
    bytes.truncate(length);
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() || text.contains('\0') => Err("a part is empty"),
        Ok(text) => Ok(text),
        Err(_) => Err("it is not UTF-8"),
    }
}

const LONGEST_CHAIN: usize = 10;
const MOST_PARTS: usize = 30;

#[cfg(test)]
mod tests {
    use openssl::nid::Nid;

    use super::*;

    fn entries(text: &str) -> Vec<String> {
        let name = distinguished_name(text).unwrap();
        name.entries().map(|entry| String::from_utf8(entry.data().as_slice().to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_name_is_read_from_its_end_with_what_is_escaped() {
        assert_eq!(entries("CN=app,O=Example"), ["Example", "app"]);
        assert_eq!(entries(r"CN=Sales\, East\20 , O = A\2BB \C4\8D"), ["A+B č", "Sales, East "]);
        assert_eq!(entries("2.5.4.3=app,DC=example,dc=com"), ["com", "example", "app"]);
        let name = distinguished_name("UID=jsmith,C=CH").unwrap();
        assert_eq!(name.entries_by_nid(Nid::COUNTRYNAME).count(), 1);
        for bad in [
            "",
            "app",
            "CN=",
            "CN= ",
            "=app",
            "CN=a,",
            "CN=a+OU=b",
            "CN=#0C01",
            "XX=a",
            r"CN=a\",
            r"CN=a\4",
            r"CN=a\FF",
            r"CN=a\00",
            "CN=\"a\"",
            "C=Switzerland",
            "CN=a;O=b",
        ] {
            assert!(distinguished_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_names_are_the_same_whatever_the_case_and_not_in_another_order() {
        let same = |one, other| is_same(&distinguished_name(one).unwrap(), &distinguished_name(other).unwrap());
        assert!(same("CN=App Server,O=Example", "cn=app  server, o=EXAMPLE"));
        assert!(!same("CN=app,O=Example", "O=Example,CN=app"));
        assert!(!same("CN=app,O=Example", "CN=app"));
        assert!(!same("CN=app", "OU=app"));
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for bad in ["", "-----BEGIN CERTIFICATE-----", "%", "CN=app"] {
            assert!(ClientCertificate::of_header(bad).is_none(), "{bad}");
        }
        assert!(ClientCertificate::of_handshake(&[]).is_none());
    }

    #[test]
    fn a_certificate_is_known_by_one_name_that_it_can_have() {
        let of = |member: &str, text: &str| {
            let (_, make) = CertificateName::MEMBERS.iter().find(|(name, _)| name.ends_with(member)).unwrap();
            make(text.to_owned())
        };
        for (member, good, bad) in [
            ("subject_dn", "CN=app", "app"),
            ("san_dns", "app.example", "app example"),
            ("san_uri", "spiffe://example/app", ""),
            ("san_ip", "2001:db8::1", "192.0.2"),
            ("san_email", "app@example.com", "a\n@example.com"),
        ] {
            assert_eq!(of(member, good).check(), Ok(()), "{good}");
            assert!(of(member, bad).check().is_err(), "{bad}");
        }
        assert!(CertificateName::only([of("san_ip", "::1"), of("san_dns", "a")]).is_err());
        assert_eq!(CertificateName::only([]), Ok(None));
    }
}
