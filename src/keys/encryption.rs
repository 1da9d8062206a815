//! Encrypting for somebody whose public keys are known (RFC 7516, RFC 7519 §5.2).

use josekit::{
    jwe::{ECDH_ES, ECDH_ES_A256KW, JweContext, JweEncrypter, JweHeader, RSA_OAEP_256},
    jwk::Jwk,
};

use super::{JwkSet, KeyError};
use crate::protocol::{ContentEncryption, KeyManagement};

/// What is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A signed JWT, nested.
    Jwt(&'a str),
    /// Claims as JSON.
    Claims(&'a [u8]),
}

impl JwkSet {
    /// Whether anything can be encrypted by that algorithm for the owner of these keys.
    #[must_use]
    pub fn can_encrypt(&self, alg: KeyManagement) -> bool {
        self.key_for(alg).is_some()
    }

    /// Encrypt for the owner of these keys; `None` when none of them is for that.
    ///
    /// # Errors
    /// When the library cannot.
    pub fn encrypt(
        &self,
        alg: KeyManagement,
        enc: ContentEncryption,
        content: Content<'_>,
    ) -> Result<Option<String>, KeyError> {
        let Some((kid, jwk)) = self.key_for(alg) else { return Ok(None) };
        let mut header = JweHeader::new();
        header.set_content_encryption(enc.as_str());
        header.set_token_type("JWT");
        if let Some(kid) = kid {
            header.set_key_id(kid);
        }
        let plain = match content {
            Content::Jwt(token) => {
                header.set_content_type("JWT");
                token.as_bytes()
            }
            Content::Claims(json) => json,
        };
        Ok(Some(JweContext::new().serialize_compact(plain, &header, &*encrypter(alg, jwk)?)?))
    }
}

/// What encrypts by that algorithm with that public key.
pub(super) fn encrypter(alg: KeyManagement, jwk: &Jwk) -> Result<Box<dyn JweEncrypter>, KeyError> {
    Ok(match alg {
        KeyManagement::RsaOaep256 => Box::new(RSA_OAEP_256.encrypter_from_jwk(jwk)?),
        KeyManagement::EcdhEs => Box::new(ECDH_ES.encrypter_from_jwk(jwk)?),
        KeyManagement::EcdhEsA256Kw => Box::new(ECDH_ES_A256KW.encrypter_from_jwk(jwk)?),
    })
}

#[cfg(test)]
mod tests {
    use josekit::{
        jwe::JweDecrypter,
        jwk::{
            KeyPair as _,
            alg::{
                ec::{EcCurve, EcKeyPair},
                rsa::RsaKeyPair,
            },
        },
    };
    use serde_json::{Value, json};

    use super::*;

    fn set(jwk: &Jwk, change: impl FnOnce(&mut Value)) -> JwkSet {
        let mut public = Value::Object(jwk.to_public_key().unwrap().as_ref().clone());
        public["kid"] = "k".into();
        change(&mut public);
        JwkSet::read(json!({ "keys": [public] }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn whoever_has_the_private_key_reads_it_by_every_algorithm() {
        let rsa = RsaKeyPair::generate(2048).unwrap().to_jwk_key_pair();
        let ec = EcKeyPair::generate(EcCurve::P256).unwrap().to_jwk_key_pair();
        for alg in KeyManagement::ALL.iter().copied() {
            let (jwk, decrypter): (_, Box<dyn JweDecrypter>) = match alg {
                KeyManagement::RsaOaep256 => (&rsa, Box::new(RSA_OAEP_256.decrypter_from_jwk(&rsa).unwrap())),
                KeyManagement::EcdhEs => (&ec, Box::new(ECDH_ES.decrypter_from_jwk(&ec).unwrap())),
                KeyManagement::EcdhEsA256Kw => (&ec, Box::new(ECDH_ES_A256KW.decrypter_from_jwk(&ec).unwrap())),
            };
            for enc in ContentEncryption::ALL.iter().copied() {
                let sealed = set(jwk, |_| {}).encrypt(alg, enc, Content::Jwt("a.b.c")).unwrap().unwrap();
                let (plain, header) = JweContext::new().deserialize_compact(&sealed, &*decrypter).unwrap();
                assert_eq!(plain, b"a.b.c", "{alg} {enc}");
                assert_eq!((header.algorithm(), header.content_encryption()), (Some(alg.as_str()), Some(enc.as_str())));
                assert_eq!((header.key_id(), header.content_type()), (Some("k"), Some("JWT")), "{alg} {enc}");
            }
        }
    }

    #[test]
    fn a_key_for_signatures_or_for_another_algorithm_is_not_used() {
        let rsa = RsaKeyPair::generate(2048).unwrap().to_jwk_key_pair();
        let can = |alg, change: fn(&mut Value)| {
            set(&rsa, change).encrypt(alg, ContentEncryption::A256Gcm, Content::Claims(b"{}")).unwrap().is_some()
        };
        assert!(can(KeyManagement::RsaOaep256, |_| {}));
        assert!(can(KeyManagement::RsaOaep256, |key| key["use"] = "enc".into()));
        assert!(can(KeyManagement::RsaOaep256, |key| key["alg"] = "RSA-OAEP-256".into()));
        assert!(!can(KeyManagement::EcdhEs, |_| {}));
        assert!(!can(KeyManagement::RsaOaep256, |key| key["use"] = "sig".into()));
        assert!(!can(KeyManagement::RsaOaep256, |key| key["alg"] = "RS256".into()));
    }
}
