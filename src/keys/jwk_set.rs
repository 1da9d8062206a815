//! The public keys of somebody else (RFC 7517 §5): a client's, by which its assertions and request objects are checked.

use std::{collections::HashSet, ops::RangeInclusive};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use josekit::jwk::Jwk;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{compact::Compact, encryption, jwk};
use crate::protocol::{Algorithm, KeyManagement, UNSIGNED};

/// A set of public keys, as far as they can be used here.
#[derive(Clone, Debug, Default)]
pub struct JwkSet {
    keys: Vec<Key>,
    /// The certificates of keys, those of kinds that are not known here, too; DER.
    certificates: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Key {
    kid: Option<String>,
    /// What the key is for; `sig` and nothing mean signatures.
    is_for_signatures: bool,
    algorithms: Vec<Algorithm>,
    /// By which somebody can encrypt for its owner; none for a key that is for signatures.
    encryption: Vec<KeyManagement>,
    jwk: Jwk,
}

/// What is wrong with a set of keys; the sentence is for whoever registered it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJwkSet {
    /// No JSON object with a member `keys` that is a list of objects.
    #[error("it is no JWK set: an object whose member keys is a list of keys (RFC 7517 section 5)")]
    NoSet,
    /// More keys than anybody needs.
    #[error("it has more than {MOST_KEYS} keys")]
    TooMany,
    /// A secret, or the private half of a key: whoever can read the set could speak for its owner.
    #[error("it has a private or symmetric key; only public keys belong there")]
    Private,
    /// None of the keys can be used here.
    #[error("none of its keys can be used: RSA of 2048 to 4096 bits, EC P-256 and Ed25519 can")]
    Useless,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJws {
    /// It is no JWS in compact serialization, or has a critical header that nobody here knows.
    #[error("it is no signed JWT")]
    Malformed,
    /// It is signed by an algorithm that is not accepted; `none` is one of them.
    #[error("it is signed by an algorithm that is not accepted")]
    Algorithm,
    /// There is no key of that name, or none for that algorithm. A newer set may have it.
    #[error("its key is not in the set of keys")]
    NoKey,
    /// The signature is not that of the key.
    #[error("its signature is wrong")]
    Signature,
}

/// What was signed, by whom it may be signed.
#[derive(Clone, Debug)]
pub struct SignedBy {
    /// By what algorithm.
    pub alg: Algorithm,
    /// The kind of token, where it says.
    pub typ: Option<String>,
    /// What was signed.
    pub payload: Vec<u8>,
}

impl JwkSet {
    /// Read a set. Keys of a kind that is not known here are passed over, as RFC 7517 §5 wants.
    ///
    /// # Errors
    /// What is no set, has a private key, or nothing that can be used.
    pub fn read(json: &[u8]) -> Result<Self, BadJwkSet> {
        let set: Value = serde_json::from_slice(json).map_err(|_| BadJwkSet::NoSet)?;
        let listed = set.get("keys").and_then(Value::as_array).ok_or(BadJwkSet::NoSet)?;
        if listed.len() > MOST_KEYS {
            return Err(BadJwkSet::TooMany);
        }
        let (mut keys, mut certificates) = (Vec::new(), Vec::new());
        for own in listed {
            let own = own.as_object().ok_or(BadJwkSet::NoSet)?;
            if PRIVATE.iter().any(|name| own.contains_key(*name)) {
                return Err(BadJwkSet::Private);
            }
            keys.extend(Key::read(own));
            // RFC 7517 §4.7: the first is that of the key; base64, not base64url.
            let first = own.get("x5c").and_then(|chain| chain.get(0)?.as_str());
            certificates.extend(first.and_then(|text| STANDARD.decode(text).ok()));
        }
        if keys.is_empty() && certificates.is_empty() {
            Err(BadJwkSet::Useless)
        } else {
            Ok(Self { keys, certificates })
        }
    }

    /// Whether two keys of one kind go by one name: whoever looks for it may take either (RFC 7517 §4.5).
    #[must_use]
    pub fn has_namesakes(&self) -> bool {
        let mut names = HashSet::new();
        self.keys.iter().any(|key| key.kid.as_ref().is_some_and(|kid| !names.insert((kid, key.jwk.key_type()))))
    }

    /// Whether a key comes with a certificate.
    #[must_use]
    pub fn has_certificates(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// That this is the certificate of one of the keys.
    ///
    /// # Errors
    /// When it is not.
    pub fn have_certificate(&self, der: &[u8]) -> Result<(), BadJws> {
        if self.certificates.iter().any(|own| own == der) { Ok(()) } else { Err(BadJws::NoKey) }
    }

    /// Whether one of these algorithms can be checked with one of the keys.
    #[must_use]
    pub fn can_verify(&self, accepted: &[Algorithm]) -> bool {
        let mut signing = self.keys.iter().filter(|key| key.is_for_signatures);
        signing.any(|key| key.algorithms.iter().any(|alg| accepted.contains(alg)))
    }

    /// The key for encrypting by that algorithm, with its name: the first that is for nothing else, or the first that may
    /// be used for it.
    #[must_use]
    pub(super) fn key_for(&self, alg: KeyManagement) -> Option<(Option<&str>, &Jwk)> {
        let fitting = || self.keys.iter().filter(|key| key.encryption.contains(&alg));
        let found = fitting().find(|key| !key.is_for_signatures).or_else(|| fitting().next())?;
        Some((found.kid.as_deref(), &found.jwk))
    }

    /// What was signed by one of these keys and one of these algorithms. What the signer says of keys (`jku`, `jwk`,
    /// `x5c`, `x5u`) is not looked at.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(&self, token: &str, accepted: &[Algorithm]) -> Result<SignedBy, BadJws> {
        let Parts { header, signed, payload, signature } = Parts::read(token).ok_or(BadJws::Malformed)?;
        let alg = accepted.iter().copied().find(|own| own.as_str() == header.alg).ok_or(BadJws::Algorithm)?;
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.is_for_signatures && key.algorithms.contains(&alg))
            .filter(|key| header.kid.is_none() || key.kid == header.kid)
            .peekable();
        if fitting.peek().is_none() {
            return Err(BadJws::NoKey);
        }
        let is_signed = fitting
            .take(MOST_TRIED)
            .any(|key| jwk::verifier(alg, &key.jwk).is_ok_and(|verifier| verifier.verify(signed, &signature).is_ok()));
        if is_signed { Ok(SignedBy { alg, typ: header.typ, payload }) } else { Err(BadJws::Signature) }
    }
}

impl Key {
    /// A key that can be used here.
    fn read(own: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| own.get(name).and_then(Value::as_str);
        let possible: &[Algorithm] = match (text("kty")?, text("crv")) {
            ("RSA", _) => &[Algorithm::RS256, Algorithm::PS256],
            ("EC", Some("P-256")) => &[Algorithm::ES256],
            ("OKP", Some("Ed25519")) => &[Algorithm::EdDSA],
            _ => return None,
        };
        // Only what makes the key: a member such as `key_ops` or `x5c` must not reach the library.
        let mut public = Map::new();
        for name in ["kty", "crv", "x", "y", "n", "e"] {
            if let Some(value) = own.get(name) {
                public.insert(name.to_owned(), value.clone());
            }
        }
        let length = |name: &str| Some(URL_SAFE_NO_PAD.decode(text(name)?).ok()?.len());
        // A signature by an enormous key, or one with an enormous exponent, takes long to check: anybody could ask for that.
        if text("kty") == Some("RSA") && (!RSA_BYTES.contains(&length("n")?) || length("e")? > LONGEST_EXPONENT) {
            return None;
        }
        let jwk = Jwk::from_map(public).ok()?;
        let algorithms: Vec<Algorithm> = possible
            .iter()
            .copied()
            .filter(|alg| text("alg").is_none_or(|named| named == alg.as_str()))
            .filter(|alg| jwk::verifier(*alg, &jwk).is_ok())
            .collect();
        let is_for_signatures = text("use").is_none_or(|purpose| purpose == "sig");
        let encryption: Vec<KeyManagement> = KeyManagement::ALL
            .iter()
            .copied()
            .filter(|_| text("use").is_none_or(|purpose| purpose == "enc"))
            .filter(|alg| text("alg").is_none_or(|named| named == alg.as_str()))
            .filter(|alg| encryption::encrypter(*alg, &jwk).is_ok())
            .collect();
        let is_usable = !algorithms.is_empty() || !encryption.is_empty();
        let kid = text("kid").map(str::to_owned);
        is_usable.then_some(Self { kid, is_for_signatures, algorithms, encryption, jwk })
    }
}

/// What a signed JWT says before anybody has checked the signature. For finding out whose keys to ask, and nothing else.
#[must_use]
pub fn unverified(token: &str) -> Option<Said> {
    Parts::read(token).map(|parts| Said { typ: parts.header.typ, payload: parts.payload })
}

/// What an unsigned JWT says: with `none` as its algorithm, to the letter, and nothing where a signature would be
/// (RFC 7519 §6). Everybody could have made it.
#[must_use]
pub fn unsigned(token: &str) -> Option<Said> {
    let Parts { header, payload, signature, .. } = Parts::read(token)?;
    let is_unsigned = header.alg == UNSIGNED && header.kid.is_none() && signature.is_empty();
    is_unsigned.then_some(Said { typ: header.typ, payload })
}

/// What is said by nobody in particular.
#[derive(Clone, Debug)]
pub struct Said {
    /// The kind of token, where it says.
    pub typ: Option<String>,
    /// What it says.
    pub payload: Vec<u8>,
}

/// The parts of a signed JWT, read.
pub(super) struct Parts<'a> {
    pub(super) header: Header,
    pub(super) signed: &'a [u8],
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A JOSE header (RFC 7515 §4.1), of which a member that counts may not occur twice.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// Whatever is said of what is critical, even that it is nothing.
pub(super) fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

impl<'a> Parts<'a> {
    pub(super) fn read(token: &'a str) -> Option<Self> {
        let token = Compact::split(token, LONGEST_TOKEN)?;
        let header: Header = serde_json::from_slice(&token.header()?).ok()?;
        let (payload, signature) = (token.payload()?, token.signature()?);
        // RFC 7515 §4.1.11: who does not understand what is critical has to refuse.
        (!header.crit).then_some(Self { header, signed: token.signed.as_bytes(), payload, signature })
    }
}

/// The members that only private and symmetric keys have (RFC 7518 §6).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const MOST_KEYS: usize = 20;
/// 2048 to 4096 bits.
const RSA_BYTES: RangeInclusive<usize> = 256..=512;
/// In bytes; nearly all keys have 65537.
const LONGEST_EXPONENT: usize = 4;
/// Of a token that does not name its key, no more are tried.
const MOST_TRIED: usize = 4;
const LONGEST_TOKEN: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use josekit::{
        jwk::{
            KeyPair as _,
            alg::{
                ec::{EcCurve, EcKeyPair},
                ed::{EdCurve, EdKeyPair},
                rsa::RsaKeyPair,
            },
        },
        jws::{ES256, HS256, JwsHeader, JwsSigner, PS256, RS256, serialize_compact},
    };
    use serde_json::json;

    use super::*;

    fn sign(signer: &dyn JwsSigner, kid: Option<&str>) -> String {
        let mut header = JwsHeader::new();
        if let Some(kid) = kid {
            header.set_key_id(kid);
        }
        serialize_compact(b"{\"a\":1}", &header, signer).unwrap()
    }

    fn set(keys: &[Value]) -> JwkSet {
        JwkSet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn public(jwk: Jwk, kid: &str) -> Value {
        let mut public = jwk.to_public_key().unwrap();
        public.set_key_id(kid);
        Value::Object(public.as_ref().clone())
    }

    #[test]
    fn a_signature_counts_by_a_key_of_the_set_and_an_algorithm_that_is_accepted() {
        let (rsa, ec) = (RsaKeyPair::generate(2048).unwrap(), EcKeyPair::generate(EcCurve::P256).unwrap());
        let own = set(&[public(rsa.to_jwk_key_pair(), "r"), public(ec.to_jwk_key_pair(), "e")]);
        let rs = RS256.signer_from_jwk(&rsa.to_jwk_key_pair()).unwrap();
        let ps = PS256.signer_from_jwk(&rsa.to_jwk_key_pair()).unwrap();
        let es = ES256.signer_from_jwk(&ec.to_jwk_key_pair()).unwrap();
        for (signer, kid, alg) in
            [(&rs as &dyn JwsSigner, "r", Algorithm::RS256), (&ps, "r", Algorithm::PS256), (&es, "e", Algorithm::ES256)]
        {
            for kid in [Some(kid), None] {
                let verified = own.verify(&sign(signer, kid), Algorithm::ALL).unwrap();
                assert_eq!((verified.alg, verified.payload.as_slice()), (alg, &b"{\"a\":1}"[..]));
            }
        }
        let verify = |token: &str, accepted: &[Algorithm]| own.verify(token, accepted).err();
        assert_eq!(verify(&sign(&rs, Some("r")), &[Algorithm::PS256]), Some(BadJws::Algorithm));
        assert_eq!(verify(&sign(&rs, Some("e")), Algorithm::ALL), Some(BadJws::NoKey));
        assert_eq!(verify(&sign(&rs, Some("new")), Algorithm::ALL), Some(BadJws::NoKey));
        let other = RS256.signer_from_jwk(&RsaKeyPair::generate(2048).unwrap().to_jwk_key_pair()).unwrap();
        assert_eq!(verify(&sign(&other, Some("r")), Algorithm::ALL), Some(BadJws::Signature));
    }

    #[test]
    fn tricks_with_the_header_gain_nothing() {
        let rsa = RsaKeyPair::generate(2048).unwrap();
        let key = public(rsa.to_jwk_key_pair(), "r");
        let own = set(std::slice::from_ref(&key));
        let with = |header: Value| {
            let head = URL_SAFE_NO_PAD.encode(header.to_string());
            own.verify(&format!("{head}.e30.e30"), Algorithm::ALL).err()
        };
        assert_eq!(with(json!({ "alg": "none" })), Some(BadJws::Algorithm));
        assert_eq!(with(json!({ "alg": "NONE" })), Some(BadJws::Algorithm));
        assert_eq!(with(json!({})), Some(BadJws::Malformed));
        assert_eq!(with(json!({ "alg": "RS256", "crit": null })), Some(BadJws::Malformed));
        assert_eq!(with(json!({ "alg": "RS256", "crit": ["b64"], "b64": false })), Some(BadJws::Malformed));
        // The public key taken for a shared secret.
        let secret = rsa.to_pem_public_key();
        let hs = HS256.signer_from_bytes(secret).unwrap();
        assert_eq!(own.verify(&sign(&hs, Some("r")), Algorithm::ALL).err(), Some(BadJws::Algorithm));
        // A key that the token brings along.
        let mine = RsaKeyPair::generate(2048).unwrap();
        let mut header = JwsHeader::new();
        header.set_jwk(Jwk::from_map(public(mine.to_jwk_key_pair(), "r").as_object().unwrap().clone()).unwrap());
        let signer = RS256.signer_from_jwk(&mine.to_jwk_key_pair()).unwrap();
        let token = serialize_compact(b"{}", &header, &signer).unwrap();
        assert_eq!(own.verify(&token, Algorithm::ALL).err(), Some(BadJws::Signature));
    }

    #[test]
    fn a_set_is_read_for_what_can_be_used() {
        let read = |value: Value| JwkSet::read(value.to_string().as_bytes()).map(|set| set.keys.len());
        let rsa = RsaKeyPair::generate(2048).unwrap().to_jwk_key_pair();
        let ed = EdKeyPair::generate(EdCurve::Ed25519).unwrap().to_jwk_key_pair();
        let short = RsaKeyPair::generate(1024).unwrap().to_jwk_key_pair();
        let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "x" });
        let p521 = EcKeyPair::generate(EcCurve::P521).unwrap().to_jwk_key_pair();
        assert_eq!(read(json!({ "keys": [public(rsa.clone(), "r"), public(ed, "o"), unknown] })), Ok(2));
        assert_eq!(read(json!({ "keys": [public(short, "s"), public(p521, "p")] })), Err(BadJwkSet::Useless));
        assert_eq!(read(json!({ "keys": [rsa.as_ref()] })), Err(BadJwkSet::Private));
        assert_eq!(read(json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })), Err(BadJwkSet::Private));
        for bad in [json!([]), json!({}), json!({ "keys": {} }), json!({ "keys": ["x"] }), json!("x")] {
            assert_eq!(read(bad.clone()), Err(BadJwkSet::NoSet), "{bad}");
        }
        let mut slow = public(rsa.clone(), "r");
        slow["e"] = URL_SAFE_NO_PAD.encode([0xff_u8; 5]).into();
        assert_eq!(read(json!({ "keys": [slow] })), Err(BadJwkSet::Useless));
        let mut huge = public(rsa.clone(), "r");
        huge["n"] = URL_SAFE_NO_PAD.encode([0xff_u8; 513]).into();
        assert_eq!(read(json!({ "keys": [huge] })), Err(BadJwkSet::Useless));
        let many = vec![public(rsa.clone(), "r"); 21];
        assert_eq!(read(json!({ "keys": many })), Err(BadJwkSet::TooMany));
        let mut for_encryption = public(rsa, "r");
        for_encryption["use"] = "enc".into();
        let own = set(&[for_encryption]);
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        assert_eq!(own.verify(&format!("{head}.e30.e30"), Algorithm::ALL).err(), Some(BadJws::NoKey));
    }
}
