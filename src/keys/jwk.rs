//! One key: made, read from another tool's file, kept as JSON (RFC 7517), ready to sign and to verify.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwe::{ECDH_ES, ECDH_ES_A256KW, JweDecrypter, RSA_OAEP_256},
    jwk::{
        Jwk, KeyPair as _,
        alg::{ec::EcCurve, ec::EcKeyPair, ed::EdCurve, ed::EdKeyPair, rsa::RsaKeyPair},
    },
    jws::{ES256, EdDSA, JwsSigner, JwsVerifier, PS256, RS256},
};
use rand::{SeedableRng, rngs::StdRng};
use rsa::{
    BoxedUint,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
    traits::PublicKeyParts,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::KeyError;
use crate::{
    protocol::{Algorithm, KeyAlgorithm, KeyManagement},
    random::Random,
};

/// A key of ours as JSON, with its algorithm and its name: what is sealed. A gone key has only its public half left.
#[derive(Clone)]
pub struct OwnKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// What it is for.
    pub alg: KeyAlgorithm,
    jwk: Jwk,
}

impl OwnKey {
    /// Make a key. An RSA key takes a tenth of a second and more, so that is done on a thread of its own. The chance is
    /// drawn at the call, so that a seeded test makes the same RSA keys in whatever order they are ready.
    ///
    /// # Errors
    /// When a library refuses.
    pub fn generate(
        alg: KeyAlgorithm,
        rsa_bits: usize,
        random: &Random,
    ) -> impl Future<Output = Result<Self, KeyError>> + Send + 'static {
        let seed = Zeroizing::new(random.bytes::<32>());
        async move {
            let jwk = match kind(alg) {
                Kind::Rsa => {
                    let key = tokio::task::spawn_blocking(move || {
                        rsa::PrivateKey::new(&mut StdRng::from_seed(*seed), rsa_bits)
                    });
                    rsa_to_jwk(&key.await??)?
                }
                Kind::P256 => EcKeyPair::generate(EcCurve::P256)?.to_jwk_key_pair(),
                Kind::Ed25519 => EdKeyPair::generate(EdCurve::Ed25519)?.to_jwk_key_pair(),
            };
            Self::new(alg, jwk)
        }
    }

    /// Read a key that another tool made: PEM (PKCS#8, PKCS#1, SEC 1) or JWK. `wish` tells RS256 from PS256, which can
    /// be made with the same key; without it the JWK's own `alg` counts, else what the kind of key is mostly used for.
    ///
    /// # Errors
    /// What is not a private key of a known kind, a weak one, or one that contradicts itself.
    pub fn import(text: &str, wish: Option<Algorithm>) -> Result<Self, KeyError> {
        let text = text.trim();
        let (jwk, own) = if text.starts_with('{') { read_jwk(text)? } else { (read_pem(text)?, None) };
        let alg = match (jwk.key_type(), wish.or(own)) {
            ("RSA", None) => Algorithm::RS256,
            ("RSA", Some(alg @ (Algorithm::RS256 | Algorithm::PS256))) => alg,
            ("EC", None | Some(Algorithm::ES256)) => Algorithm::ES256,
            ("OKP", None | Some(Algorithm::EdDSA)) => Algorithm::EdDSA,
            (_, asked) => return Err(KeyError::WrongKind(asked.unwrap_or_default().as_str())),
        };
        let key = Self::new(alg.into(), jwk)?;
        key.check(alg).map_err(|_| KeyError::Contradictory)?;
        Ok(key)
    }

    fn new(alg: KeyAlgorithm, mut jwk: Jwk) -> Result<Self, KeyError> {
        let kid = thumbprint(jwk.as_ref()).ok_or(KeyError::NotAKey)?;
        jwk.set_algorithm(alg.as_str());
        jwk.set_key_use(alg.key_use());
        jwk.set_key_id(&kid);
        Ok(Self { kid, alg, jwk })
    }

    /// Back from what was sealed; `None` when it is not a key of that algorithm.
    pub(super) fn from_sealed(alg: KeyAlgorithm, json: &[u8]) -> Option<Self> {
        let jwk = Jwk::from_bytes(json).ok()?;
        let kid = thumbprint(jwk.as_ref())?;
        (jwk.key_id() == Some(&kid) && jwk.algorithm() == Some(alg.as_str())).then_some(Self { kid, alg, jwk })
    }

    /// The JSON that is sealed.
    pub(super) fn json(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.jwk.to_string().into_bytes())
    }

    /// The same key without its private half.
    pub(super) fn without_private(&self) -> Result<Self, KeyError> {
        Ok(Self { kid: self.kid.clone(), alg: self.alg, jwk: Jwk::from_map(self.public())? })
    }

    /// The JSON that is published: built from the members that are known to be public, so that no other can slip through.
    pub(super) fn public(&self) -> Map<String, Value> {
        let mut public = Map::new();
        for name in ["kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"] {
            if let Some(value) = self.jwk.parameter(name) {
                public.insert(name.to_owned(), value.clone());
            }
        }
        public
    }

    /// What signs with it, by its own algorithm; the library refuses another.
    pub(super) fn signer(&self, alg: Algorithm) -> Result<Box<dyn JwsSigner>, KeyError> {
        Ok(match alg {
            Algorithm::RS256 => Box::new(RS256.signer_from_jwk(&self.jwk)?),
            Algorithm::PS256 => Box::new(PS256.signer_from_jwk(&self.jwk)?),
            Algorithm::ES256 => Box::new(ES256.signer_from_jwk(&self.jwk)?),
            Algorithm::EdDSA => Box::new(EdDSA.signer_from_jwk(&self.jwk)?),
        })
    }

    /// What verifies what it signs.
    pub(super) fn verifier(&self, alg: Algorithm) -> Result<Box<dyn JwsVerifier>, KeyError> {
        verifier(alg, &Jwk::from_map(self.public())?)
    }

    /// What gets at the keys of contents that others have encrypted for it; the library refuses another algorithm.
    pub(super) fn decrypter(&self, alg: KeyManagement) -> Result<Box<dyn JweDecrypter>, KeyError> {
        Ok(match alg {
            KeyManagement::RsaOaep256 => Box::new(RSA_OAEP_256.decrypter_from_jwk(&self.jwk)?),
            KeyManagement::EcdhEs => Box::new(ECDH_ES.decrypter_from_jwk(&self.jwk)?),
            KeyManagement::EcdhEsA256Kw => Box::new(ECDH_ES_A256KW.decrypter_from_jwk(&self.jwk)?),
        })
    }

    /// Whether the two halves belong together: a file can say anything.
    fn check(&self, alg: Algorithm) -> Result<(), KeyError> {
        let signature = self.signer(alg)?.sign(SAMPLE)?;
        Ok(self.verifier(alg)?.verify(SAMPLE, &signature)?)
    }
}

/// What a key is made of.
enum Kind {
    Rsa,
    P256,
    Ed25519,
}

fn kind(alg: KeyAlgorithm) -> Kind {
    match alg {
        KeyAlgorithm::Signature(Algorithm::RS256 | Algorithm::PS256)
        | KeyAlgorithm::Encryption(KeyManagement::RsaOaep256) => Kind::Rsa,
        KeyAlgorithm::Signature(Algorithm::ES256)
        | KeyAlgorithm::Encryption(KeyManagement::EcdhEs | KeyManagement::EcdhEsA256Kw) => Kind::P256,
        KeyAlgorithm::Signature(Algorithm::EdDSA) => Kind::Ed25519,
    }
}

/// What verifies with a public key.
pub(super) fn verifier(alg: Algorithm, public: &Jwk) -> Result<Box<dyn JwsVerifier>, KeyError> {
    Ok(match alg {
        Algorithm::RS256 => Box::new(RS256.verifier_from_jwk(public)?),
        Algorithm::PS256 => Box::new(PS256.verifier_from_jwk(public)?),
        Algorithm::ES256 => Box::new(ES256.verifier_from_jwk(public)?),
        Algorithm::EdDSA => Box::new(EdDSA.verifier_from_jwk(public)?),
    })
}

/// The name of a key that follows from the key itself (RFC 7638 §3, RFC 8037 §2).
pub(super) fn thumbprint(jwk: &Map<String, Value>) -> Option<String> {
    let required: &[&str] = match jwk.get("kty")?.as_str()? {
        "RSA" => &["e", "kty", "n"],
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        _ => return None,
    };
    // A BTreeMap writes its members in the lexicographic order that §3.3 wants.
    let members: Option<BTreeMap<&str, &str>> =
        required.iter().map(|name| Some((*name, jwk.get(*name)?.as_str()?))).collect();
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(serde_json::to_vec(&members?).ok()?)))
}

/// From the `rsa` crate to josekit, by way of PKCS#8. The `rsa` crate has checked that the numbers belong together.
fn rsa_to_jwk(key: &rsa::PrivateKey) -> Result<Jwk, KeyError> {
    let bits = usize::try_from(key.n().bit_width_vartime()).unwrap_or_default();
    if bits < SHORTEST_RSA {
        return Err(KeyError::TooShort(bits));
    }
    let der = key.to_pkcs8_der().map_err(|_| KeyError::NotAKey)?;
    Ok(RsaKeyPair::from_der(der.as_bytes())?.to_jwk_key_pair())
}

fn read_pem(text: &str) -> Result<Jwk, KeyError> {
    let label = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----")).map(|(label, _)| label);
    match label.ok_or(KeyError::NotAKey)? {
        "PRIVATE KEY" => {
            if let Ok(key) = EcKeyPair::from_pem(text, None) {
                return ec_to_jwk(&key);
            }
            if let Ok(key) = EdKeyPair::from_pem(text) {
                return ed_to_jwk(&key);
            }
            rsa_to_jwk(&rsa::PrivateKey::from_pkcs8_pem(text).map_err(|_| KeyError::NotAKey)?)
        }
        "RSA PRIVATE KEY" => rsa_to_jwk(&rsa::PrivateKey::from_pkcs1_pem(text).map_err(|_| KeyError::NotAKey)?),
        "EC PRIVATE KEY" => ec_to_jwk(&EcKeyPair::from_pem(text, None).map_err(|_| KeyError::NotAKey)?),
        "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
        label if label.contains("PUBLIC KEY") || label.contains("CERTIFICATE") => Err(KeyError::PublicOnly),
        _ => Err(KeyError::NotAKey),
    }
}

fn read_jwk(text: &str) -> Result<(Jwk, Option<Algorithm>), KeyError> {
    let jwk = Jwk::from_bytes(text).map_err(|_| KeyError::NotAKey)?;
    if matches!(jwk.key_type(), "RSA" | "EC" | "OKP") && jwk.parameter("d").is_none() {
        return Err(KeyError::PublicOnly);
    }
    if jwk.key_use().is_some_and(|use_| use_ != "sig") || !jwk.is_for_key_operation("sign") {
        return Err(KeyError::WrongKind("anything: its `use` or `key_ops` says so"));
    }
    let alg = match jwk.algorithm() {
        Some(alg) => {
            Some(alg.parse().map_err(|_| KeyError::WrongKind("any algorithm of this server: its `alg` is another"))?)
        }
        None => None,
    };
    let clean = match jwk.key_type() {
        "RSA" => rsa_to_jwk(&rsa_from_jwk(&jwk).ok_or(KeyError::Contradictory)?)?,
        "EC" => ec_to_jwk(&EcKeyPair::from_jwk(&jwk).map_err(|_| KeyError::NotAKey)?)?,
        "OKP" => ed_to_jwk(&EdKeyPair::from_jwk(&jwk).map_err(|_| KeyError::NotAKey)?)?,
        _ => return Err(KeyError::WrongKind("anything: it is not RSA, EC or OKP")),
    };
    // A JWK whose public half is not that of its private half is refused, whichever of the two would be meant.
    let same = ["n", "e", "x", "y"]
        .iter()
        .all(|name| jwk.parameter(name).is_none_or(|own| clean.parameter(name) == Some(own)));
    if same { Ok((clean, alg)) } else { Err(KeyError::Contradictory) }
}

fn rsa_from_jwk(jwk: &Jwk) -> Option<rsa::PrivateKey> {
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(jwk.parameter(name)?.as_str()?).ok()?;
        BoxedUint::from_be_slice(&bytes, u32::try_from(bytes.len()).ok()?.checked_mul(8)?).ok()
    };
    // Without the primes, which RFC 7518 §6.3.2 allows, they are found again from the exponents.
    let primes = match (number("p"), number("q")) {
        (Some(p), Some(q)) => vec![p, q],
        _ => Vec::new(),
    };
    rsa::PrivateKey::from_components(number("n")?, number("e")?, number("d")?, primes).ok()
}

fn ec_to_jwk(key: &EcKeyPair) -> Result<Jwk, KeyError> {
    if key.curve() == EcCurve::P256 {
        Ok(key.to_jwk_key_pair())
    } else {
        Err(KeyError::WrongKind("ES256: its curve is not P-256"))
    }
}

fn ed_to_jwk(key: &EdKeyPair) -> Result<Jwk, KeyError> {
    if key.curve() == EdCurve::Ed25519 {
        Ok(key.to_jwk_key_pair())
    } else {
        Err(KeyError::WrongKind("EdDSA: its curve is not Ed25519"))
    }
}

/// RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used".
const SHORTEST_RSA: usize = 2048;
const SAMPLE: &[u8] = b"latchkey";

#[cfg(test)]
mod tests {
    use josekit::jwk::alg::{ec::EcCurve::P384, ed::EdCurve::Ed448};

    use super::*;

    fn text(pem: Vec<u8>) -> String {
        String::from_utf8(pem).unwrap()
    }

    fn error(text: &str, wish: Option<Algorithm>) -> KeyError {
        OwnKey::import(text, wish).err().expect("the key is refused")
    }

    #[test]
    fn the_thumbprint_is_that_of_the_specification() {
        // RFC 7638 §3.1 and RFC 8037 §A.3.
        let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        let okp = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let print = |json: &str| thumbprint(&serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!(print(rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(print(okp), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn every_usual_file_of_a_private_key_is_read_as_the_same_key() {
        let rsa = RsaKeyPair::generate(2048).unwrap();
        let mut jwk = rsa.to_jwk_key_pair();
        let kid = thumbprint(jwk.as_ref()).unwrap();
        let files = [text(rsa.to_pem_private_key()), text(rsa.to_traditional_pem_private_key()), jwk.to_string()];
        for file in files {
            let key = OwnKey::import(&format!("\n{file}\n"), None).unwrap();
            assert_eq!((key.kid.as_str(), key.alg), (kid.as_str(), Algorithm::RS256.into()), "{file}");
        }
        // RFC 7518 §6.3.2: the primes may be left out.
        for name in ["p", "q", "dp", "dq", "qi"] {
            jwk.set_parameter(name, None).unwrap();
        }
        assert_eq!(OwnKey::import(&jwk.to_string(), Some(Algorithm::PS256)).unwrap().alg, Algorithm::PS256.into());

        let ec = EcKeyPair::generate(EcCurve::P256).unwrap();
        for file in
            [text(ec.to_pem_private_key()), text(ec.to_traditional_pem_private_key()), ec.to_jwk_key_pair().to_string()]
        {
            assert_eq!(OwnKey::import(&file, None).unwrap().alg, Algorithm::ES256.into(), "{file}");
        }
        let ed = EdKeyPair::generate(EdCurve::Ed25519).unwrap();
        for file in [text(ed.to_pem_private_key()), ed.to_jwk_key_pair().to_string()] {
            assert_eq!(OwnKey::import(&file, None).unwrap().alg, Algorithm::EdDSA.into(), "{file}");
        }
    }

    #[test]
    fn a_short_rsa_key_is_refused_in_every_format() {
        let short = RsaKeyPair::generate(1024).unwrap();
        let files = [
            text(short.to_pem_private_key()),
            text(short.to_traditional_pem_private_key()),
            short.to_jwk_key_pair().to_string(),
        ];
        for file in files {
            assert!(matches!(error(&file, None), KeyError::TooShort(1024)), "{file}");
        }
    }

    #[test]
    fn what_cannot_sign_is_refused_with_the_reason() {
        let rsa = RsaKeyPair::generate(2048).unwrap();
        assert!(matches!(error(&text(rsa.to_pem_public_key()), None), KeyError::PublicOnly));
        assert!(matches!(error(&text(rsa.to_traditional_pem_public_key()), None), KeyError::PublicOnly));
        assert!(matches!(error(&rsa.to_jwk_public_key().to_string(), None), KeyError::PublicOnly));
        assert!(matches!(
            error("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", None),
            KeyError::PublicOnly
        ));
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
        assert!(matches!(error(encrypted, None), KeyError::Encrypted));
        for nonsense in [
            "",
            "{",
            "{}",
            "[]",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "ssh-rsa AAAA",
        ] {
            assert!(matches!(error(nonsense, None), KeyError::NotAKey), "{nonsense}");
        }
        assert!(matches!(error(r#"{"kty":"oct","k":"AAAA"}"#, None), KeyError::WrongKind(_)));
    }

    #[test]
    fn a_key_of_another_curve_or_for_another_use_is_refused() {
        let p384 = EcKeyPair::generate(P384).unwrap();
        assert!(matches!(error(&text(p384.to_pem_private_key()), None), KeyError::WrongKind(_)));
        assert!(matches!(error(&p384.to_jwk_key_pair().to_string(), None), KeyError::WrongKind(_)));
        let ed448 = EdKeyPair::generate(Ed448).unwrap();
        assert!(matches!(error(&text(ed448.to_pem_private_key()), None), KeyError::WrongKind(_)));
        let ec = EcKeyPair::generate(EcCurve::P256).unwrap();
        assert!(matches!(error(&text(ec.to_pem_private_key()), Some(Algorithm::RS256)), KeyError::WrongKind(_)));
        let mut jwk = ec.to_jwk_key_pair();
        jwk.set_key_use("enc");
        assert!(matches!(error(&jwk.to_string(), None), KeyError::WrongKind(_)));
        jwk.set_key_use("sig");
        jwk.set_algorithm("ES384");
        assert!(matches!(error(&jwk.to_string(), None), KeyError::WrongKind(_)));
    }

    #[test]
    fn a_private_half_with_the_public_half_of_another_key_is_refused() {
        let (one, two) = (RsaKeyPair::generate(2048).unwrap(), RsaKeyPair::generate(2048).unwrap());
        let mut mixed = one.to_jwk_key_pair();
        mixed.set_parameter("n", two.to_jwk_public_key().parameter("n").cloned()).unwrap();
        assert!(matches!(error(&mixed.to_string(), None), KeyError::Contradictory));
        let (one, two) = (EcKeyPair::generate(EcCurve::P256).unwrap(), EcKeyPair::generate(EcCurve::P256).unwrap());
        let mut mixed = one.to_jwk_key_pair();
        for name in ["x", "y"] {
            mixed.set_parameter(name, two.to_jwk_public_key().parameter(name).cloned()).unwrap();
        }
        assert!(matches!(error(&mixed.to_string(), None), KeyError::Contradictory));
        let (one, two) =
            (EdKeyPair::generate(EdCurve::Ed25519).unwrap(), EdKeyPair::generate(EdCurve::Ed25519).unwrap());
        let mut mixed = one.to_jwk_key_pair();
        mixed.set_parameter("x", two.to_jwk_public_key().parameter("x").cloned()).unwrap();
        assert!(matches!(error(&mixed.to_string(), None), KeyError::Contradictory));
    }

    #[tokio::test]
    async fn a_key_of_every_algorithm_signs_what_its_public_half_verifies() {
        for alg in Algorithm::ALL.iter().copied() {
            let key = OwnKey::generate(alg.into(), 2048, &Random::seeded(1)).await.unwrap();
            key.check(alg).unwrap();
            let sealed = OwnKey::from_sealed(alg.into(), &key.json()).unwrap();
            assert_eq!(sealed.kid, key.kid);
            assert!(key.without_private().unwrap().signer(alg).is_err());
            let public = serde_json::to_string(&key.public()).unwrap();
            for private in ["\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\""] {
                assert!(!public.contains(private), "{public}");
            }
        }
    }
}
