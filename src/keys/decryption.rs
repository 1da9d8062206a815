//! Reading what others have encrypted for this server (RFC 7516 §5.2).
//!
//! The library does the cryptography, but does not get to see what it is not careful with: it panics without an
//! initialization vector, takes tags that are one byte long and unpacks whatever is compressed. And it takes the padding
//! of AES-CBC away before it looks at the MAC: how long that takes would tell who tries, byte by byte, what is inside.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use josekit::jwe::{
    JweContentEncryption, JweDecrypter, JweHeader,
    enc::{A128CBC_HS256, A128GCM, A256CBC_HS512, A256GCM},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::{
    KeyError, MasterKey,
    jwk_set::is_there,
    sealed_row::{self, State},
};
use crate::{
    protocol::{ContentEncryption, KeyAlgorithm, KeyManagement},
    random::Random,
    store::signing_keys::SigningKey,
};

/// Why something that is said to be encrypted cannot be read. Of what was tried with a key no more is said than that it
/// came to nothing: a difference would tell who has caught a message what is in it (RFC 7516 §11.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJwe {
    /// It is no JWE in compact serialization, is compressed, or has a critical header that nobody here knows.
    #[error("it is no encrypted JWT, or a compressed one")]
    Malformed,
    /// It is encrypted by an algorithm that is not accepted.
    #[error("it is encrypted by an algorithm that is not accepted")]
    Algorithm,
    /// There is no key of that name, or none for that algorithm.
    #[error("it is encrypted for none of the keys of this server; its JWK set has those that count")]
    NoKey,
    /// It does not open.
    #[error("it does not open with the key of this server")]
    Sealed,
}

/// Whether it has the five parts of an encrypted token; a signed one has three.
#[must_use]
pub fn is_encrypted(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 4
}

/// A key for which others encrypt.
pub(super) struct EncryptionKey {
    pub(super) row: SigningKey,
    pub(super) state: State,
    pub(super) alg: KeyManagement,
    pub(super) public: Map<String, Value>,
    decrypter: Box<dyn JweDecrypter>,
}

impl EncryptionKey {
    /// From its row; `None` for one that signs, or that is no longer used.
    pub(super) fn open(master: &MasterKey, row: &SigningKey) -> Result<Option<Self>, KeyError> {
        let (state, own) = sealed_row::open_row(master, row)?;
        match own.alg {
            KeyAlgorithm::Encryption(alg) if state < State::Gone => {
                Ok(Some(Self { row: row.clone(), state, alg, public: own.public(), decrypter: own.decrypter(alg)? }))
            }
            _ => Ok(None),
        }
    }

    /// In bytes, what the encrypted key of a content has to have.
    fn encrypted_key_length(&self, enc: ContentEncryption) -> Option<usize> {
        match self.alg {
            KeyManagement::RsaOaep256 => {
                let modulus = self.public.get("n").and_then(Value::as_str)?;
                Some(URL_SAFE_NO_PAD.decode(modulus).ok()?.len())
            }
            KeyManagement::EcdhEs => Some(0),
            // RFC 3394: a block more.
            KeyManagement::EcdhEsA256Kw => Some(library(enc).key_len() + 8),
        }
    }
}

/// What was encrypted for one of these keys, the likeliest first.
pub(super) fn decrypt(keys: &[Arc<EncryptionKey>], token: &str, random: &Random) -> Result<Vec<u8>, BadJwe> {
    let sealed = Sealed::read(token)?;
    let is_fitting = |key: &&Arc<EncryptionKey>| {
        key.alg == sealed.alg && sealed.header.kid.as_ref().is_none_or(|kid| *kid == key.row.kid)
    };
    let mut fitting = keys.iter().filter(is_fitting).peekable();
    if fitting.peek().is_none() {
        return Err(BadJwe::NoKey);
    }
    fitting.find_map(|key| sealed.open(key, random)).ok_or(BadJwe::Sealed)
}

/// A JWE, taken apart and measured.
struct Sealed<'a> {
    alg: KeyManagement,
    enc: ContentEncryption,
    header: Header,
    /// The header as it stands, which is authenticated.
    head: &'a str,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

/// A JOSE header (RFC 7516 §4.1), of which a member that counts may not occur twice.
#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    kid: Option<String>,
    epk: Option<EphemeralKey>,
    apu: Option<String>,
    apv: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    zip: bool,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// The sender's half of a key agreement (RFC 7518 §4.6.1.1). The library sees to it that the point is on the curve.
#[derive(Deserialize, Serialize)]
struct EphemeralKey {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

impl<'a> Sealed<'a> {
    fn read(token: &'a str) -> Result<Self, BadJwe> {
        if token.len() > LONGEST_TOKEN {
            return Err(BadJwe::Malformed);
        }
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        let [head, encrypted_key, iv, ciphertext, tag] = parts.try_into().map_err(|_| BadJwe::Malformed)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| BadJwe::Malformed);
        let header: Header = serde_json::from_slice(&decoded(head)?).map_err(|_| BadJwe::Malformed)?;
        // What is compressed can become anything, and RFC 8725 §3.6 tells to keep away from it. RFC 7516 §4.1.13: who does
        // not understand what is critical has to refuse.
        if header.zip || header.crit || head.len() > LONGEST_HEADER {
            return Err(BadJwe::Malformed);
        }
        let alg = KeyManagement::of(&header.alg).ok_or(BadJwe::Algorithm)?;
        let enc = ContentEncryption::of(&header.enc).ok_or(BadJwe::Algorithm)?;
        let [encrypted_key, iv, ciphertext, tag] =
            [decoded(encrypted_key)?, decoded(iv)?, decoded(ciphertext)?, decoded(tag)?];
        let sealed = Self { alg, enc, header, head, encrypted_key, iv, ciphertext, tag };
        if sealed.is_sound() { Ok(sealed) } else { Err(BadJwe::Malformed) }
    }

    /// Whether each part that does not hang on the key has the length that its algorithm gives it.
    fn is_sound(&self) -> bool {
        let is_point = |key: &EphemeralKey| {
            [&key.x, &key.y].iter().all(|own| URL_SAFE_NO_PAD.decode(own).is_ok_and(|own| own.len() == P256_BYTES))
        };
        let has_sender = match self.alg {
            KeyManagement::RsaOaep256 => true,
            KeyManagement::EcdhEs | KeyManagement::EcdhEsA256Kw => self.header.epk.as_ref().is_some_and(is_point),
        };
        has_sender && self.iv.len() == library(self.enc).iv_len() && self.tag.len() == tag_length(self.enc)
    }

    /// What is inside.
    fn open(&self, key: &EncryptionKey, random: &Random) -> Option<Vec<u8>> {
        if key.encrypted_key_length(self.enc) != Some(self.encrypted_key.len()) {
            return None;
        }
        let (enc, content_key) = (library(self.enc), self.content_key(key, random)?);
        if !self.has_right_mac(&content_key)? {
            return None;
        }
        enc.decrypt(&content_key, Some(&self.iv), &self.ciphertext, self.head.as_bytes(), Some(&self.tag)).ok()
    }

    /// The key of the content. When it cannot be had, another one by chance, which then opens nothing: so who tries does not
    /// learn which of the two it was that failed (RFC 7516 §11.5).
    fn content_key(&self, key: &EncryptionKey, random: &Random) -> Option<Zeroizing<Vec<u8>>> {
        let enc = library(self.enc);
        let by_chance = Zeroizing::new(random.bytes::<LONGEST_KEY>());
        let mut header = JweHeader::new();
        for (name, value) in [
            ("epk", self.header.epk.as_ref().and_then(|epk| serde_json::to_value(epk).ok())),
            ("apu", self.header.apu.clone().map(Value::from)),
            ("apv", self.header.apv.clone().map(Value::from)),
        ] {
            header.set_claim(name, value).ok()?;
        }
        let encrypted_key = (!self.encrypted_key.is_empty()).then_some(self.encrypted_key.as_slice());
        let opened = key.decrypter.decrypt(encrypted_key, enc, &header).map(|key| Zeroizing::new(key.into_owned()));
        match opened {
            Ok(opened) if opened.len() == enc.key_len() => Some(opened),
            _ => by_chance.get(..enc.key_len()).map(|own| Zeroizing::new(own.to_vec())),
        }
    }

    /// RFC 7518 §5.2.2.2: of AES-CBC the MAC is checked first, and nothing else is done if it is wrong. AES-GCM has none of
    /// its own.
    fn has_right_mac(&self, key: &[u8]) -> Option<bool> {
        let mac_key = key.get(..key.len() / 2)?;
        Some(match self.enc {
            ContentEncryption::A128CbcHs256 => self.is_mac(Hmac::<Sha256>::new_from_slice(mac_key).ok()?),
            ContentEncryption::A256CbcHs512 => self.is_mac(Hmac::<Sha512>::new_from_slice(mac_key).ok()?),
            ContentEncryption::A128Gcm | ContentEncryption::A256Gcm => true,
        })
    }

    /// RFC 7518 §5.2.2.1: of the header, the vector, the content and the length of the header in bits.
    fn is_mac(&self, mut mac: impl Mac) -> bool {
        let bits = (self.head.len() as u64).saturating_mul(8);
        for part in [self.head.as_bytes(), &self.iv, &self.ciphertext, &bits.to_be_bytes()] {
            mac.update(part);
        }
        mac.verify_truncated_left(&self.tag).is_ok()
    }
}

fn library(enc: ContentEncryption) -> &'static dyn JweContentEncryption {
    match enc {
        ContentEncryption::A128CbcHs256 => &A128CBC_HS256,
        ContentEncryption::A256CbcHs512 => &A256CBC_HS512,
        ContentEncryption::A128Gcm => &A128GCM,
        ContentEncryption::A256Gcm => &A256GCM,
    }
}

/// In bytes.
fn tag_length(enc: ContentEncryption) -> usize {
    match enc {
        ContentEncryption::A128CbcHs256 | ContentEncryption::A128Gcm | ContentEncryption::A256Gcm => 16,
        ContentEncryption::A256CbcHs512 => 32,
    }
}

/// In bytes.
const LONGEST_TOKEN: usize = 64 * 1024;
const LONGEST_HEADER: usize = 4 * 1024;
/// That of A256CBC-HS512, the longest of a content's.
const LONGEST_KEY: usize = 64;
/// A coordinate of a point on P-256.
const P256_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use josekit::{
        jwe::{JweContext, RSA_OAEP},
        jwk::Jwk,
    };
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        keys::{encryption, jwk::OwnKey},
        protocol::Timestamp,
    };

    async fn key(alg: KeyManagement) -> Arc<EncryptionKey> {
        let random = Random::seeded(7);
        let master = MasterKey::generate("https://op.example", None, &random).unwrap();
        let own = OwnKey::generate(alg.into(), 2048, &random).await.unwrap();
        let row = sealed_row::new_row(&master, &own, State::Active, Timestamp(0)).unwrap();
        Arc::new(EncryptionKey::open(&master, &row).unwrap().unwrap())
    }

    fn seal(key: &EncryptionKey, enc: ContentEncryption, change: impl FnOnce(&mut JweHeader)) -> String {
        let mut header = JweHeader::new();
        header.set_content_encryption(enc.as_str());
        change(&mut header);
        let mut public = Jwk::from_map(key.public.clone()).unwrap();
        public.set_parameter("kid", None).unwrap();
        let encrypter = encryption::encrypter(key.alg, &public).unwrap();
        JweContext::new().serialize_compact(b"a.b.c", &header, &*encrypter).unwrap()
    }

    fn open(key: &Arc<EncryptionKey>, token: &str) -> Result<Vec<u8>, BadJwe> {
        decrypt(std::slice::from_ref(key), token, &Random::seeded(1))
    }

    /// The same with another header, and the parts after it changed.
    fn changed(token: &str, head: impl FnOnce(&mut Value), parts: impl FnOnce(&mut [String])) -> String {
        let mut all: Vec<String> = token.split('.').map(str::to_owned).collect();
        let mut header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&all[0]).unwrap()).unwrap();
        head(&mut header);
        all[0] = URL_SAFE_NO_PAD.encode(header.to_string());
        parts(&mut all);
        all.join(".")
    }

    #[tokio::test]
    async fn what_is_encrypted_for_a_key_opens_by_every_algorithm() {
        for alg in KeyManagement::ALL.iter().copied() {
            let key = key(alg).await;
            for enc in ContentEncryption::ALL.iter().copied() {
                let named = seal(&key, enc, |header| header.set_key_id(&key.row.kid));
                assert_eq!(open(&key, &named), Ok(b"a.b.c".to_vec()), "{alg} {enc}");
                let with_parties = seal(&key, enc, |header| {
                    header.set_agreement_partyuinfo(b"alice");
                    header.set_agreement_partyvinfo(b"bob");
                });
                assert_eq!(open(&key, &with_parties), Ok(b"a.b.c".to_vec()), "{alg} {enc}");
                let other = seal(&key, enc, |header| header.set_key_id("another"));
                assert_eq!(open(&key, &other), Err(BadJwe::NoKey), "{alg} {enc}");
            }
        }
    }

    #[tokio::test]
    async fn one_bit_that_differs_anywhere_and_it_does_not_open() {
        for alg in KeyManagement::ALL.iter().copied() {
            let key = key(alg).await;
            for enc in ContentEncryption::ALL.iter().copied() {
                let token = seal(&key, enc, |_| {});
                for at in 1..5 {
                    let flipped = changed(
                        &token,
                        |_| {},
                        |parts| {
                            let mut bytes = URL_SAFE_NO_PAD.decode(&parts[at]).unwrap();
                            if let Some(last) = bytes.last_mut() {
                                *last ^= 1;
                            }
                            parts[at] = URL_SAFE_NO_PAD.encode(bytes);
                        },
                    );
                    if flipped != token {
                        assert_eq!(open(&key, &flipped), Err(BadJwe::Sealed), "{alg} {enc} {at}");
                    }
                }
                let more_said = changed(&token, |header| header["typ"] = "JWT".into(), |_| {});
                assert_eq!(open(&key, &more_said), Err(BadJwe::Sealed), "{alg} {enc}");
            }
        }
    }

    /// A tag of one byte is right one time in 256; without a vector the library panics.
    #[tokio::test]
    async fn parts_of_another_length_are_refused_before_any_key_is_tried() {
        for alg in KeyManagement::ALL.iter().copied() {
            let key = key(alg).await;
            for enc in ContentEncryption::ALL.iter().copied() {
                let token = seal(&key, enc, |_| {});
                for (at, length, told) in [
                    (1, 7, BadJwe::Sealed),
                    (1, 300, BadJwe::Sealed),
                    (2, 0, BadJwe::Malformed),
                    (2, 8, BadJwe::Malformed),
                    (2, 64, BadJwe::Malformed),
                    (3, 0, BadJwe::Sealed),
                    (4, 0, BadJwe::Malformed),
                    (4, 1, BadJwe::Malformed),
                    (4, 15, BadJwe::Malformed),
                ] {
                    let cut = changed(
                        &token,
                        |_| {},
                        |parts| {
                            let mut bytes = URL_SAFE_NO_PAD.decode(&parts[at]).unwrap();
                            bytes.resize(length, 0);
                            parts[at] = URL_SAFE_NO_PAD.encode(bytes);
                        },
                    );
                    assert_eq!(open(&key, &cut), Err(told), "{alg} {enc}: part {at} of {length} bytes");
                }
            }
        }
    }

    #[tokio::test]
    async fn tricks_with_the_header_gain_nothing() {
        let (rsa, ec) = (key(KeyManagement::RsaOaep256).await, key(KeyManagement::EcdhEs).await);
        let told = |key: &Arc<EncryptionKey>, change: fn(&mut Value)| {
            open(key, &changed(&seal(key, ContentEncryption::A256Gcm, |_| {}), change, |_| {})).unwrap_err()
        };
        // RSA1_5 and the secrets of others, a password that takes for ever, and none at all.
        for alg in ["RSA1_5", "RSA-OAEP", "dir", "A256KW", "PBES2-HS256+A128KW", "none", "rsa-oaep-256"] {
            let token = changed(
                &seal(&rsa, ContentEncryption::A256Gcm, |_| {}),
                |head| {
                    head["alg"] = alg.into();
                    head["p2c"] = 1_000_000_000.into();
                },
                |_| {},
            );
            assert_eq!(open(&rsa, &token), Err(BadJwe::Algorithm), "{alg}");
        }
        assert_eq!(told(&rsa, |head| head["enc"] = "A192GCM".into()), BadJwe::Algorithm);
        assert_eq!(told(&rsa, |head| head["alg"] = "ECDH-ES".into()), BadJwe::Malformed);
        assert_eq!(told(&ec, |head| head["alg"] = "RSA-OAEP-256".into()), BadJwe::NoKey);
        assert_eq!(told(&rsa, |head| head["zip"] = "DEF".into()), BadJwe::Malformed);
        assert_eq!(told(&rsa, |head| head["zip"] = Value::Null), BadJwe::Malformed);
        assert_eq!(told(&rsa, |head| head["crit"] = json!([])), BadJwe::Malformed);
        assert_eq!(told(&rsa, |head| head["x"] = "x".repeat(LONGEST_HEADER).into()), BadJwe::Malformed);
        // A sender's half that is not there, of another curve, or no point of this one: an answer to that would tell of the key.
        assert_eq!(told(&ec, |head| head["epk"] = Value::Null), BadJwe::Malformed);
        assert_eq!(told(&ec, |head| head["epk"]["x"] = "AA".into()), BadJwe::Malformed);
        assert_eq!(told(&ec, |head| head["epk"]["crv"] = "P-521".into()), BadJwe::Sealed);
        assert_eq!(told(&ec, |head| head["epk"]["kty"] = "OKP".into()), BadJwe::Sealed);
        let off_curve = |head: &mut Value| {
            head["epk"]["x"] = URL_SAFE_NO_PAD.encode([1; P256_BYTES]).into();
            head["epk"]["y"] = URL_SAFE_NO_PAD.encode([2; P256_BYTES]).into();
        };
        assert_eq!(told(&ec, off_curve), BadJwe::Sealed);
        assert_eq!(told(&ec, |head| head["apu"] = "not base64url!".into()), BadJwe::Sealed);
        let twice = URL_SAFE_NO_PAD.encode(r#"{"alg":"RSA-OAEP-256","alg":"RSA1_5","enc":"A256GCM"}"#);
        let token = seal(&rsa, ContentEncryption::A256Gcm, |_| {});
        let (_, rest) = token.split_once('.').unwrap();
        assert_eq!(open(&rsa, &format!("{twice}.{rest}")), Err(BadJwe::Malformed));
        assert_eq!(open(&rsa, &format!("{token}.e30")), Err(BadJwe::Malformed));
        assert_eq!(open(&rsa, "a.b.c"), Err(BadJwe::Malformed));
    }

    /// The key by SHA-1 does not open what says that it is by SHA-256.
    #[tokio::test]
    async fn what_was_encrypted_by_another_algorithm_does_not_open() {
        let key = key(KeyManagement::RsaOaep256).await;
        let mut public = Jwk::from_map(key.public.clone()).unwrap();
        public.set_parameter("alg", None).unwrap();
        let mut header = JweHeader::new();
        header.set_content_encryption("A256GCM");
        let encrypter = RSA_OAEP.encrypter_from_jwk(&public).unwrap();
        let token = JweContext::new().serialize_compact(b"a.b.c", &header, &encrypter).unwrap();
        assert_eq!(open(&key, &token), Err(BadJwe::Algorithm));
        let token = changed(&token, |head| head["alg"] = "RSA-OAEP-256".into(), |_| {});
        assert_eq!(open(&key, &token), Err(BadJwe::Sealed));
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_is_refused_and_nothing_panics(
            alg in prop::sample::select(KeyManagement::ALL), enc in prop::sample::select(ContentEncryption::ALL),
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 4),
            x in prop::collection::vec(any::<u8>(), 31..34),
        ) {
            static KEYS: std::sync::OnceLock<Vec<Arc<EncryptionKey>>> = std::sync::OnceLock::new();
            let keys = KEYS.get_or_init(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                KeyManagement::ALL.iter().map(|alg| runtime.block_on(key(*alg))).collect()
            });
            let x = URL_SAFE_NO_PAD.encode(x);
            let header = json!({ "alg": alg, "enc": enc, "epk": { "kty": "EC", "crv": "P-256", "x": x, "y": x } });
            let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
            for part in parts {
                token.push('.');
                token.push_str(&URL_SAFE_NO_PAD.encode(part));
            }
            prop_assert!(decrypt(keys, &token, &Random::seeded(1)).is_err());
        }
    }
}
