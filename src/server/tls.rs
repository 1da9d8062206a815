//! TLS that ends here: the certificate, and what becomes of it when its files change.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum_server::tls_rustls::RustlsConfig;
use openssl::{asn1::Asn1Time, x509::X509};
use rustls::{
    DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

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
    #[error("the certificate and the key cannot be used together")]
    Unusable(#[from] rustls::Error),
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

    /// When the server's own certificate ends.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn not_after(&self) -> Result<Timestamp, TlsError> {
        let chain = self.chain()?;
        let own = chain.first().ok_or_else(|| TlsError::Empty(self.certificate.clone()))?;
        let epoch = Asn1Time::from_unix(0)?;
        let since = epoch.diff(X509::from_der(own)?.not_after())?;
        Ok(Timestamp(i64::from(since.days) * 86_400 + i64::from(since.secs)))
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
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match self.clients {
            ClientCertificates::Off => builder.with_no_client_auth(),
            ClientCertificates::Optional => builder.with_client_cert_verifier(Arc::new(AnyCertificate(provider))),
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Looks whether the files have changed.
pub struct Follower {
    files: Files,
    config: RustlsConfig,
    seen: Stamps,
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
        Self { seen: stamps(&files), files, config }
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
                Look::Renewed
            }
            Err(error) => Look::Unusable(error),
        }
    }

    /// Look every few seconds.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.look() {
                Look::Unchanged => {}
                Look::Renewed => {
                    tracing::info!(event = "certificate_renewed", "the certificate has changed and is in use");
                }
                Look::Unusable(error) => {
                    let cause = Error::from(error).to_string();
                    tracing::error!(
                        event = "certificate_unusable",
                        cause,
                        "the certificate has changed and is of no use; the old one stays"
                    );
                }
            }
        }
    }
}

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
