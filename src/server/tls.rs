//! TLS that ends here: the certificate, and what becomes of it when its files change.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum_server::tls_rustls::RustlsConfig;
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    x509::X509,
};
use rustls::{
    DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::Server;
use crate::{
    config::{ClientCertificates, Tls},
    protocol::{Error, Timestamp},
};

/// The files that the settings name.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Whether clients may show a certificate.
    pub clients: ClientCertificates,
}

/// Why there is no TLS with these files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{} holds no {what} in PEM", .file.display())]
    Pem {
        /// The file.
        file: PathBuf,
        /// What it was to hold.
        what: &'static str,
        /// Why not.
        #[source]
        cause: rustls::pki_types::pem::Error,
    },
    /// The certificate file is empty.
    #[error("{} holds no certificate", .0.display())]
    Empty(PathBuf),
    /// The certificate is none.
    #[error("the certificate cannot be read")]
    Malformed(#[from] openssl::error::ErrorStack),
    /// Certificate and key cannot be used, or not together.
    #[error("the certificate in {} and the key in {} cannot be used together", .certificate.display(), .key.display())]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why not.
        #[source]
        cause: rustls::Error,
    },
}

/// From when on and until when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub from: Timestamp,
    /// Not after.
    pub until: Timestamp,
}

impl Files {
    /// Those that the settings name, if they name any.
    #[must_use]
    pub fn of(tls: &Tls) -> Option<Self> {
        let (certificate, key) = (tls.certificate.clone()?, tls.key.clone()?);
        Some(Self { certificate, key, clients: tls.client_certificates })
    }

    /// The certificates, the server's own first.
    ///
    /// # Errors
    /// When the file cannot be read as PEM.
    pub fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let pem = |cause| TlsError::Pem { file: self.certificate.clone(), what: "certificate", cause };
        let chain = CertificateDer::pem_file_iter(&self.certificate).map_err(pem)?;
        let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(pem)?;
        if chain.is_empty() { Err(TlsError::Empty(self.certificate.clone())) } else { Ok(chain) }
    }

    /// From when on and until when the server's own certificate is good.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn validity(&self) -> Result<Validity, TlsError> {
        let chain = self.chain()?;
        let own = chain.first().ok_or_else(|| TlsError::Empty(self.certificate.clone()))?;
        let own = X509::from_der(own)?;
        let epoch = Asn1Time::from_unix(0)?;
        let seconds = |at: &Asn1TimeRef| {
            let since = epoch.diff(at)?;
            Ok::<_, TlsError>(Timestamp(i64::from(since.days) * 86_400 + i64::from(since.secs)))
        };
        Ok(Validity { from: seconds(own.not_before())?, until: seconds(own.not_after())? })
    }

    /// What TLS needs.
    ///
    /// # Errors
    /// When a file cannot be read, or the two do not belong together.
    pub fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = self.chain()?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|cause| TlsError::Pem {
            file: self.key.clone(),
            what: "private key",
            cause,
        })?;
        let provider = Arc::new(ring::default_provider());
        // TLS 1.2 with its forward-secret suites, and 1.3: rustls has no others.
        let unusable =
            |cause| TlsError::Unusable { certificate: self.certificate.clone(), key: self.key.clone(), cause };
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = match self.clients {
            ClientCertificates::Off => builder.with_no_client_auth(),
            ClientCertificates::Optional => builder.with_client_cert_verifier(Arc::new(AnyCertificate(provider))),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Looks whether the files have changed.
pub struct Follower {
    files: Files,
    config: RustlsConfig,
    seen: Stamps,
    /// Of the certificate in use.
    validity: Option<Validity>,
}

/// What a look at the files has found.
#[derive(Debug)]
pub enum Look {
    /// They are as they were.
    Unchanged,
    /// They have changed and are in use.
    Renewed,
    /// They have changed and are of no use; the old certificate stays.
    Unusable(TlsError),
}

type Stamps = [Option<(SystemTime, u64)>; 2];

impl Follower {
    /// Begin with files that were just read into `config`.
    #[must_use]
    pub fn new(files: Files, config: RustlsConfig) -> Self {
        Self { seen: stamps(&files), validity: files.validity().ok(), files, config }
    }

    /// Look again, and read them if they have changed.
    pub fn look(&mut self) -> Look {
        let now = stamps(&self.files);
        if now == self.seen {
            return Look::Unchanged;
        }
        self.seen = now;
        match self.files.read() {
            Ok(new) => {
                self.config.reload_from_config(new);
                self.validity = self.files.validity().ok();
                Look::Renewed
            }
            Err(error) => Look::Unusable(error),
        }
    }

    /// Look every few seconds, and say once a day that the certificate is about to end.
    pub async fn run(mut self, server: Arc<Server>) {
        let mut told = None;
        loop {
            told = self.watch(&server, told);
            tokio::time::sleep(LOOK_EVERY).await;
            match self.look() {
                Look::Unchanged => {}
                Look::Renewed => {
                    told = None;
                    tracing::info!(event = "certificate_renewed", "the certificate has changed and is in use");
                }
                Look::Unusable(error) => {
                    let cause = Error::from(error).to_string();
                    tracing::error!(
                        event = "certificate_unusable",
                        cause,
                        hint = "both files have to be there, of one kind, and belong together; they are read again when they change",
                        "the certificate has changed and is of no use; the old one stays"
                    );
                }
            }
        }
    }

    /// Say what is amiss with the time of the certificate in use, unless it was said for as many days already.
    fn watch(&mut self, server: &Server, told: Option<i64>) -> Option<i64> {
        let Some(Validity { from, until }) = self.validity else { return told };
        server.metrics.certificate_ends(until);
        let now = server.clock.now();
        let days = (until - now).0.div_euclid(86_400);
        if told == Some(days) || (now >= from && days >= SOON) {
            return told;
        }
        let (file, not_before, not_after) = (self.files.certificate.display(), from.0, until.0);
        if now < from {
            tracing::error!(event = "certificate_not_yet_valid", %file, not_before, "the certificate is not good yet: browsers refuse it");
        } else if until <= now {
            tracing::error!(event = "certificate_expired", %file, not_after, "the certificate has expired: browsers refuse it");
        } else {
            tracing::warn!(event = "certificate_expires", %file, not_after, days, "the certificate is about to expire: was it to be renewed?");
        }
        Some(days)
    }
}

/// Certificates are renewed a month before their end; so many days before it, something is amiss.
const SOON: i64 = 14;

/// Change whenever one of the files does.
fn stamps(files: &Files) -> Stamps {
    [&files.certificate, &files.key].map(|file| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Takes whatever certificate a client shows, once the handshake has proved that its key is the client's: which
/// certificate is whose is the registry's to say, not a certificate authority's (RFC 8705 §2.2).
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
