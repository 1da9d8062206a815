//! The key that seals the others.
//!
//! A sealed value is a JWE (RFC 7516; `dir`, A256GCM) whose protected header says for which issuer (`iss`) and as what
//! (`sub`) it was sealed. Both are compared when it is opened: a value that was moved to another row, to another state or
//! to another installation opens as nothing.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use josekit::jwe::{
    Dir, JweContext, JweHeader,
    alg::direct::{DirectJweDecrypter, DirectJweEncrypter},
};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyError;
use crate::{
    protocol::PlainSecret,
    random::Random,
    store::{Store, Write, instance},
};

/// The master key, bound to an issuer. Cheap to clone.
#[derive(Clone)]
pub struct MasterKey(Arc<Inner>);

struct Inner {
    issuer: String,
    /// A name for the key that says nothing about it.
    id: String,
    text: PlainSecret,
    encrypter: DirectJweEncrypter,
    decrypter: DirectJweDecrypter,
    /// The file it was read from; none when it came from the settings.
    file: Option<PathBuf>,
    /// What stands in the database to prove it.
    proof: String,
}

impl MasterKey {
    /// The master key of this installation: the one that is given, else the one in the file. When there is neither and
    /// the database holds nothing sealed yet, one is made, written to the file and claimed in the database; of two nodes
    /// that do so at once, one finds the claim taken and is told to fetch the other's.
    ///
    /// # Errors
    /// A master key that is missing, malformed, or not the one the database was sealed with; one that was used for
    /// another issuer.
    pub async fn load(
        store: &Store,
        issuer: &str,
        given: Option<&PlainSecret>,
        file: &Path,
        random: &Random,
    ) -> Result<Self, KeyError> {
        let key = Self::load_of_any_issuer(store, issuer, given, file, random).await?;
        key.open(PROOF, key.proof())?;
        Ok(key)
    }

    /// The same, when the keys were sealed for another issuer: for `latchkey key reseal` after the server has moved.
    ///
    /// # Errors
    /// As [`MasterKey::load`].
    pub async fn load_of_any_issuer(
        store: &Store,
        issuer: &str,
        given: Option<&PlainSecret>,
        file: &Path,
        random: &Random,
    ) -> Result<Self, KeyError> {
        let proof = instance::find(&mut store.read().await?, PROOF).await?;
        if let Some(given) = given {
            let key = Self::parse(issuer, given.expose(), None)?;
            return key.prove(store, proof).await;
        }
        match (read_file(file)?, proof) {
            (Some(text), proof) => Self::from_file(store, issuer, &text, file, proof).await,
            (None, Some(_)) => Err(KeyError::MasterKeyMissing(file.to_owned())),
            (None, None) => {
                let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(Zeroizing::new(random.bytes::<32>())));
                let made = write_file(file, &text)?;
                // Another process on this machine may have been faster: then its key is ours.
                let text = if made { text } else { read_file(file)?.unwrap_or_default() };
                let proven = Self::parse(issuer, &text, Some(file))?.prove(store, None).await;
                if made && matches!(proven, Err(KeyError::MasterKeyWrong)) {
                    // Another node was faster: what was made here has sealed nothing and would only stand in the way.
                    drop(fs::remove_file(file));
                    return Err(KeyError::MasterKeyMissing(file.to_owned()));
                }
                proven
            }
        }
    }

    /// A master key that is not claimed yet: for `latchkey key reseal`, and for tests.
    ///
    /// # Errors
    /// When the text is not 32 bytes in base64url.
    pub fn parse(issuer: &str, text: &str, file: Option<&Path>) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).unwrap_or_default());
        if bytes.len() != 32 {
            return Err(KeyError::MasterKeyMalformed);
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&bytes).map_err(|_| KeyError::MasterKeyMalformed)?;
        mac.update(b"latchkey master key id");
        let mut id = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        id.truncate(16);
        let mut inner = Inner {
            issuer: issuer.to_owned(),
            id,
            text: PlainSecret::new(text),
            encrypter: Dir.encrypter_from_bytes(&*bytes)?,
            decrypter: Dir.decrypter_from_bytes(&*bytes)?,
            file: file.map(Path::to_owned),
            proof: String::new(),
        };
        inner.proof = inner.seal(PROOF, b"")?;
        Ok(Self(Arc::new(inner)))
    }

    /// A new one, for `latchkey key reseal`.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn generate(issuer: &str, file: Option<&Path>, random: &Random) -> Result<Self, KeyError> {
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(Zeroizing::new(random.bytes::<32>())));
        Self::parse(issuer, &text, file)
    }

    /// Seal a value as what it is: `purpose` has to be said again to open it.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<String, KeyError> {
        self.0.seal(purpose, plain)
    }

    /// Open a value that was sealed for this issuer and this purpose.
    ///
    /// # Errors
    /// When it was sealed under another master key, for another issuer, or as something else.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.0.open(purpose, sealed, Some(&self.0.issuer))
    }

    /// Open a value whatever issuer it was sealed for: what `latchkey key reseal` needs when the server has moved.
    pub(super) fn open_of_any_issuer(&self, purpose: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.0.open(purpose, sealed, None)
    }

    /// The text of the key: for the file, and to be shown once when there is none.
    #[must_use]
    pub fn text(&self) -> &PlainSecret {
        &self.0.text
    }

    /// The file it lives in; none when it is given by the settings.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The issuer what it seals is bound to.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What stands in the database to prove it.
    pub(super) fn proof(&self) -> &str {
        &self.0.proof
    }

    /// Begin a change of the keys. Every such change holds the same row, so that two nodes never change them at once; and
    /// none is made under a master key that has been replaced.
    pub(super) async fn begin(&self, store: &Store) -> Result<Write, KeyError> {
        let mut tx = store.write().await?;
        tx.touch().await?;
        self.hold(&mut tx).await?;
        Ok(tx)
    }

    /// Seal in a transaction that has taken the generation: none is sealed under a master key that has been replaced.
    ///
    /// # Errors
    /// [`KeyError::MasterKeyWrong`] once it has been.
    pub async fn seal_in(&self, tx: &mut Write, purpose: &str, plain: &[u8]) -> Result<String, KeyError> {
        self.hold(tx).await?;
        self.seal(purpose, plain)
    }

    async fn hold(&self, tx: &mut Write) -> Result<(), KeyError> {
        let is_still = instance::replace(tx, PROOF, self.proof(), self.proof()).await?;
        if is_still { Ok(()) } else { Err(KeyError::MasterKeyWrong) }
    }

    /// The key as its file has it now: another process may have resealed the database.
    pub(super) async fn again(&self, store: &Store) -> Result<Self, KeyError> {
        let proof = instance::find(&mut store.read().await?, PROOF).await?;
        let Some(file) = self.file() else { return Err(KeyError::MasterKeyWrong) };
        let text = read_file(file)?.ok_or_else(|| KeyError::MasterKeyMissing(file.to_owned()))?;
        let key = Self::from_file(store, self.issuer(), &text, file, proof).await?;
        key.open(PROOF, key.proof())?;
        Ok(key)
    }

    /// Compare with the proof in the database, or be the first to put one there.
    async fn prove(self, store: &Store, proof: Option<String>) -> Result<Self, KeyError> {
        let proof = match proof {
            Some(proof) => proof,
            None => {
                let mut tx = store.write().await?;
                if instance::claim(&mut tx, PROOF, self.proof()).await? {
                    tx.commit().await?;
                    return Ok(self);
                }
                instance::find(&mut tx, PROOF).await?.ok_or(KeyError::MasterKeyWrong)?
            }
        };
        self.open_of_any_issuer(PROOF, &proof)?;
        Ok(Self(Arc::new(self.0.with_proof(proof))))
    }

    async fn from_file(
        store: &Store,
        issuer: &str,
        text: &str,
        file: &Path,
        proof: Option<String>,
    ) -> Result<Self, KeyError> {
        let proven = Self::parse(issuer, text, Some(file))?.prove(store, proof.clone()).await;
        // A reseal changes the database before the file; it is under way, or was interrupted in between.
        if matches!(proven, Err(KeyError::MasterKeyWrong))
            && let Some(text) = read_file(&successor_of(file))?
        {
            let key = Self::parse(issuer, &text, Some(file))?.prove(store, proof).await?;
            promote_file(file)?;
            return Ok(key);
        }
        proven
    }
}

impl Inner {
    fn seal(&self, purpose: &str, plain: &[u8]) -> Result<String, KeyError> {
        let mut header = JweHeader::new();
        header.set_content_encryption("A256GCM");
        header.set_key_id(&self.id);
        header.set_issuer(&self.issuer);
        header.set_subject(purpose);
        Ok(JweContext::new().serialize_compact(plain, &header, &self.encrypter)?)
    }

    fn open(&self, purpose: &str, sealed: &str, issuer: Option<&str>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let tampered = || KeyError::Tampered(purpose.to_owned());
        let header = sealed.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let header = header.and_then(|json| JweHeader::from_bytes(&json).ok()).ok_or_else(tampered)?;
        if header.key_id() != Some(&self.id) {
            return Err(KeyError::MasterKeyWrong);
        }
        // `zip` would let a small value become a huge one; nothing of ours has it.
        if header.content_encryption() != Some("A256GCM") || header.compression().is_some() {
            return Err(tampered());
        }
        let opened = JweContext::new().deserialize_compact(sealed, &self.decrypter);
        // From here on the header is known to be what was sealed.
        let (plain, header) = opened.map_err(|_| tampered())?;
        let plain = Zeroizing::new(plain);
        if header.subject() != Some(purpose) {
            return Err(tampered());
        }
        match (issuer, header.issuer()) {
            (Some(ours), Some(sealed)) if ours != sealed => {
                Err(KeyError::OtherIssuer { sealed: sealed.to_owned(), ours: ours.to_owned() })
            }
            (_, None) => Err(tampered()),
            _ => Ok(plain),
        }
    }

    fn with_proof(&self, proof: String) -> Self {
        Self {
            issuer: self.issuer.clone(),
            id: self.id.clone(),
            text: self.text.clone(),
            encrypter: self.encrypter.clone(),
            decrypter: self.decrypter.clone(),
            file: self.file.clone(),
            proof,
        }
    }
}

/// Put a new master key beside the old one; [`promote_file`] makes it the one. In between the database changes.
pub(super) fn write_successor(key: &MasterKey) -> Result<(), KeyError> {
    let Some(file) = key.file() else { return Ok(()) };
    let successor = successor_of(file);
    match fs::remove_file(&successor) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(KeyError::MasterKeyFile(successor, error)),
        _ => {}
    }
    write_file(&successor, key.text().expose()).map(|_| ())
}

/// Replace the master key's file by its successor, unless another process has done so already.
pub(super) fn promote_file(file: &Path) -> Result<(), KeyError> {
    let renamed = match fs::rename(successor_of(file), file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    renamed.and_then(|()| sync_folder(file)).map_err(|error| KeyError::MasterKeyFile(file.to_owned(), error))
}

fn successor_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn read_file(file: &Path) -> Result<Option<Zeroizing<String>>, KeyError> {
    match fs::read_to_string(file) {
        Ok(text) => {
            warn_if_shared(file);
            Ok(Some(Zeroizing::new(text)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeyError::MasterKeyFile(file.to_owned(), error)),
    }
}

/// Write the file whole or not at all, for its owner alone; false if it is there already.
fn write_file(file: &Path, text: &str) -> Result<bool, KeyError> {
    let write = || -> io::Result<bool> {
        let folder = folder_of(file);
        fs::create_dir_all(folder)?;
        let draft = folder.join(format!(".master-key-{}", Random::System.id()));
        write_private(&draft, text)?;
        // A hard link, unlike a rename, never replaces what is there. Where there are no links, the file is written in place.
        let written = match fs::hard_link(&draft, file) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => write_private(file, text),
            other => other,
        };
        drop(fs::remove_file(&draft));
        match written {
            Ok(()) => sync_folder(file).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    };
    write().map_err(|error| KeyError::MasterKeyFile(file.to_owned(), error))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// So that the name is on disk as well as the bytes.
fn sync_folder(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder_of(file))?.sync_all()?;
    Ok(())
}

fn warn_if_shared(file: &Path) {
    #[cfg(unix)]
    if let Ok(about) = fs::metadata(file)
        && std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0
    {
        tracing::warn!(file = %file.display(), "the master key can be read by others: chmod 600");
    }
}

/// The name of the fact that proves the master key, and what it is sealed as.
pub(super) const PROOF: &str = "master_key";
