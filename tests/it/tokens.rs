//! Tokens that come back: what is ours counts, and nothing that merely looks like it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::{Jwk, KeyPair, alg::rsa::RsaKeyPair},
    jws::{ES256, HS256, JwsSigner, PS256, RS256},
};
use latchkey::{
    keys::{Keyring, Mode, rotation},
    protocol::{Algorithm, typ},
    tokens::{
        access_token::{self, AccessToken, Claims},
        id_token::{self, IdToken},
    },
};
use serde_json::{Map, Value, json};

use crate::key_place::{ISSUER, Place, START};

/// A ring whose active key is known to the test, so that it can sign what the server never would.
struct Forge {
    node: Keyring,
    place: Place,
    key: RsaKeyPair,
    kid: String,
}

impl Forge {
    async fn new() -> Self {
        let place = Place::keeping(&[Algorithm::RS256, Algorithm::ES256]).await;
        let key = RsaKeyPair::generate(2048).unwrap();
        let pem = String::from_utf8(key.to_pem_private_key()).unwrap();
        let master = place.master().await.unwrap();
        let kid = rotation::import(&place.store, &master, &place.settings, &pem, None, START).await.unwrap().kid;
        let node = place.node(START).await;
        Self { node, place, key, kid }
    }

    /// A token with a header to the letter, signed by the active RS256 key.
    fn sign(&self, header: &str, payload: &str) -> String {
        let jwk = self.key.to_jwk_private_key();
        seal(&RS256.signer_from_jwk(&jwk).unwrap(), header, payload)
    }

    fn takes(&self, token: &str) -> bool {
        let taken = self.node.verify(token).is_some();
        assert_eq!(taken, self.node.verify_hint(token).is_some(), "hints are checked as tokens are: {token}");
        taken
    }
}

fn b64(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A JWS with a header to the letter.
pub(crate) fn seal(signer: &dyn JwsSigner, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", b64(header), b64(payload));
    let signature = signer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", b64(signature))
}

#[tokio::test]
async fn a_token_worded_by_an_earlier_version_still_counts() {
    let forge = Forge::new().await;
    let kid = &forge.kid;
    for header in [
        format!(r#"{{"typ":"JWT","alg":"RS256","kid":"{kid}"}}"#),
        format!(r#"{{"kid":"{kid}","alg":"RS256"}}"#),
        format!(r#"{{ "alg": "RS256", "typ": "logout+jwt", "kid": "{kid}" }}"#),
    ] {
        assert!(forge.takes(&forge.sign(&header, "{}")), "{header}");
    }
    let verified =
        forge.node.verify(&forge.sign(&format!(r#"{{"kid":"{kid}","alg":"RS256"}}"#), r#"{"a":1}"#)).unwrap();
    assert_eq!((verified.typ, verified.payload.as_slice()), (None, br#"{"a":1}"#.as_slice()));
}

#[tokio::test]
async fn a_header_that_says_anything_else_is_refused_even_when_the_signature_is_right() {
    let forge = Forge::new().await;
    let kid = &forge.kid;
    for header in [
        r#"{"alg":"RS256"}"#.to_owned(),
        r#"{"alg":"RS256","kid":null}"#.to_owned(),
        format!(r#"{{"kid":"{kid}"}}"#),
        format!(r#"{{"alg":"none","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"None","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"nOnE","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"PS256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"rs256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"RS256","alg":"RS256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","crit":["exp"],"exp":1}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","crit":[]}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","b64":false,"crit":["b64"]}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","b64":true}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","jku":"https://evil.example/jwks"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}","jwk":{}}}"#, forge.key.to_jwk_public_key()),
        format!(r#"{{"alg":"RS256","kid":"{kid}","zip":"DEF"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}x"}}"#),
        r#"{"alg":"RS256","kid":"../../etc/passwd"}"#.to_owned(),
        r#"{"alg":"RS256","kid":"' OR 1=1 --"}"#.to_owned(),
        format!(r#"{{"alg":"RS256","kid":"{kid}"}} "#).replace('}', "}}"),
        format!(r#"[{{"alg":"RS256","kid":"{kid}"}}]"#),
        String::new(),
    ] {
        assert!(!forge.takes(&forge.sign(&header, "{}")), "{header}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_to_the_letter_what_was_signed_is_refused() {
    let forge = Forge::new().await;
    let token = forge.node.sign(Algorithm::RS256, "at+jwt", &json!({ "sub": "usr_1" })).unwrap();
    assert!(forge.takes(&token));
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    // The last character of 256 bytes in base64url carries four bits that have to be zero.
    let stray = {
        let last = signature.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
        format!("{}{next}", &signature[..signature.len() - 1])
    };
    for changed in [
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}=="),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{stray}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{header}.{payload}\n.{signature}"),
        format!("{token}.{signature}"),
        format!("{header}.{payload}.{signature}.{header}.{payload}"),
        format!("{header}.{}.{signature}", b64(r#"{"sub":"usr_2"}"#)),
        format!("{header}.{payload}.{}", signature.replace('-', "+").replace('_', "/") + "+"),
        json!({ "protected": header, "payload": payload, "signature": signature }).to_string(),
        ".".to_owned(),
        "..".to_owned(),
        String::new(),
        "a".repeat(1 << 20),
        ".".repeat(1 << 20),
    ] {
        assert!(!forge.takes(&changed), "{}", &changed[..changed.len().min(200)]);
    }
}

#[tokio::test]
async fn a_signature_by_another_key_or_of_another_kind_is_refused() {
    let forge = Forge::new().await;
    let header = format!(r#"{{"typ":"at+jwt","alg":"RS256","kid":"{}"}}"#, forge.kid);
    let other = RsaKeyPair::generate(2048).unwrap().to_jwk_private_key();
    assert!(!forge.takes(&seal(&RS256.signer_from_jwk(&other).unwrap(), &header, "{}")));
    // The right key, used for PSS.
    assert!(!forge.takes(&seal(&PS256.signer_from_jwk(&forge.key.to_jwk_private_key()).unwrap(), &header, "{}")));
    // RFC 8725 §2.1: an HMAC whose secret is the public key.
    let mut secret = Jwk::new("oct");
    secret.set_key_value(forge.key.to_pem_public_key());
    let hmac = HS256.signer_from_jwk(&secret).unwrap();
    assert!(!forge.takes(&seal(&hmac, &header.replace("RS256", "HS256"), "{}")));
    assert!(!forge.takes(&seal(&hmac, &header, "{}")));
}

#[tokio::test]
async fn an_elliptic_signature_is_two_numbers_of_32_bytes_that_are_not_zero() {
    let forge = Forge::new().await;
    let token = forge.node.sign(Algorithm::ES256, "at+jwt", &json!({})).unwrap();
    assert!(forge.takes(&token));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert_eq!(raw.len(), 64);
    let with = |signature: &[u8]| format!("{signed}.{}", b64(signature));
    // The same numbers in DER.
    let mut der = vec![0x30, 70, 0x02, 33, 0];
    der.extend_from_slice(&raw[..32]);
    der.extend_from_slice(&[0x02, 33, 0]);
    der.extend_from_slice(&raw[32..]);
    let zeros = [0_u8; 64];
    let r_zero = [&zeros[..32], &raw[32..]].concat();
    let s_zero = [&raw[..32], &zeros[..32]].concat();
    for bad in [&der[..], &zeros, &r_zero, &s_zero, &raw[..63], &[&raw[..], &[0]].concat(), &[0xff; 64], &[]] {
        assert!(!forge.takes(&with(bad)), "{bad:?}");
    }
    // A key of the wrong kind under the right name.
    let ec =
        josekit::jwk::alg::ec::EcKeyPair::generate(josekit::jwk::alg::ec::EcCurve::P256).unwrap().to_jwk_private_key();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header = String::from_utf8(header).unwrap();
    assert!(!forge.takes(&seal(&ES256.signer_from_jwk(&ec).unwrap(), &header, "{}")));
}

fn access_token(forge: &Forge, typ: &str) -> String {
    let aud = [ISSUER.to_owned()];
    let token = AccessToken {
        iss: ISSUER,
        sub: "usr_1",
        aud: &aud,
        exp: START.0 + 900,
        iat: START.0,
        jti: "grant.one",
        client_id: "app",
        scope: "openid",
        auth_time: Some(START.0),
        acr: Some("urn:latchkey:acr:password"),
        amr: &["pwd"],
        sid: Some("session"),
        org: None,
    };
    forge.node.sign(Algorithm::RS256, typ, &token).unwrap()
}

fn id_token(forge: &Forge, issuer: &str) -> String {
    let token = IdToken {
        iss: issuer,
        sub: "usr_1",
        aud: "app",
        exp: START.0 + 900,
        iat: START.0,
        auth_time: Some(START.0),
        nonce: Some("n-0S6_WzA2Mj"),
        acr: Some("urn:latchkey:acr:password"),
        amr: &["pwd"],
        at_hash: None,
        c_hash: None,
        s_hash: None,
        organizations: None,
        sid: Some("session"),
        org: None,
        extra: &Map::new(),
    };
    forge.node.sign(Algorithm::RS256, typ::JWT, &token).unwrap()
}

#[tokio::test]
async fn one_kind_of_token_is_never_taken_for_another() {
    let forge = Forge::new().await;
    // An ID token is no access token, though its resource might have asked for the same `typ`.
    let verified = forge.node.verify(&id_token(&forge, ISSUER)).unwrap();
    assert!(access_token::is_typ(verified.typ.as_deref()));
    assert_eq!(Claims::parse(&verified.payload), None);
    // An access token is no hint, whatever its `typ`; neither is a logout token, or an ID token of another issuer.
    for typ in ["at+jwt", "JWT"] {
        assert_eq!(id_token::read_hint(&forge.node, ISSUER, &access_token(&forge, typ)), None);
        let verified = forge.node.verify(&access_token(&forge, typ)).unwrap();
        assert_eq!(Claims::parse(&verified.payload).unwrap().grant_id(), Some("grant"));
    }
    let logout = json!({ "iss": ISSUER, "sub": "usr_1", "aud": "app", "exp": 1, "sid": "session", "events": {} });
    for typ in ["JWT", "logout+jwt"] {
        let logout = forge.node.sign(Algorithm::RS256, typ, &logout).unwrap();
        assert_eq!(id_token::read_hint(&forge.node, ISSUER, &logout), None, "{typ}");
    }
    assert_eq!(id_token::read_hint(&forge.node, ISSUER, &id_token(&forge, "https://other.example")), None);
    assert_eq!(id_token::read_hint(&forge.node, ISSUER, "nonsense"), None);
}

#[tokio::test]
async fn a_hint_counts_long_after_its_token_and_its_key_have_ended() {
    let forge = Forge::new().await;
    let token = id_token(&forge, ISSUER);
    forge.node.rotate(&forge.place.store, Algorithm::RS256, Mode::Now, START).await.unwrap();
    let later = START + latchkey::protocol::Lifetime::days(1);
    forge.node.rotate_if_due(&forge.place.store, later).await.unwrap();
    assert_eq!(forge.node.verify(&token), None);
    let hint = id_token::read_hint(&forge.node, ISSUER, &token).expect("the gone key is remembered");
    assert_eq!((hint.sub.as_str(), hint.aud.as_str(), hint.sid.as_deref()), ("usr_1", "app", Some("session")));
}

#[tokio::test]
async fn an_access_token_looks_as_rfc_9068_says() {
    let forge = Forge::new().await;
    let token = access_token(&forge, "at+jwt");
    let part = |index: usize| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
    };
    assert_eq!(part(0), json!({ "typ": "at+jwt", "alg": "RS256", "kid": forge.kid }));
    let expected = json!({
        "iss": ISSUER, "sub": "usr_1", "aud": ISSUER, "exp": START.0 + 900, "iat": START.0, "jti": "grant.one",
        "client_id": "app", "scope": "openid", "auth_time": START.0, "acr": "urn:latchkey:acr:password",
        "amr": ["pwd"], "sid": "session",
    });
    assert_eq!(part(1), expected);
}
