//! What the suite looks at in nearly every module, whichever it is: metadata, keys, answers, tokens, claims.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::Jwk,
    jws::{self, RS256},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::world::Answer;

/// The JSON of an answer of that status, said to be JSON.
#[track_caller]
pub(super) fn json(answer: &Answer, status: StatusCode) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    let media_type = answer.header("content-type").split(';').next().unwrap_or_default().trim();
    assert_eq!(media_type, "application/json", "{answer:?}");
    answer.json()
}

/// A list of texts, if there is one of that name.
pub(super) fn list<'a>(json: &'a Value, name: &str) -> Option<Vec<&'a str>> {
    let texts = json.get(name)?.as_array().unwrap_or_else(|| panic!("{name} is no list: {json}"));
    Some(texts.iter().map(|text| text.as_str().unwrap_or_else(|| panic!("{name} has no texts: {json}"))).collect())
}

/// A text that has to be there.
#[track_caller]
pub(super) fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}"))
}

/// The metadata of any server (OIDC Discovery §3); the schema of the suite knows all members of registered ones.
#[track_caller]
pub(super) fn metadata(metadata: &Value, issuer: &str) {
    assert_eq!(text(metadata, "issuer"), issuer);
    for (name, value) in metadata.as_object().expect("an object") {
        let is_address = name.ends_with("_endpoint") || name.ends_with("_uri") || name.ends_with("_iframe");
        if is_address {
            https(value.as_str().unwrap_or_else(|| panic!("{name} is no text")));
        } else if name.ends_with("_supported") && !value.is_boolean() {
            let entries = list(metadata, name).expect("it is there");
            let different: BTreeSet<_> = entries.iter().collect();
            assert!(!entries.is_empty() && different.len() == entries.len(), "{name}: {entries:?}");
        }
        let is_known = is_address || name.ends_with("_supported") || OTHER_METADATA.contains(&name.as_str());
        assert!(is_known, "{name} is unknown to the suite, which warns");
    }
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "claims_supported"] {
        assert!(metadata.get(name).is_some(), "no {name}");
    }
    let has = |name: &str, entry: &str| list(metadata, name).is_some_and(|all| all.contains(&entry));
    assert!(has("scopes_supported", "openid") && has("response_types_supported", "code"), "{metadata}");
    assert!(has("subject_types_supported", "public") || has("subject_types_supported", "pairwise"), "{metadata}");
    assert!(has("id_token_signing_alg_values_supported", "RS256"), "{metadata}");
    assert!(has("userinfo_signing_alg_values_supported", "RS256"), "{metadata}");
    for scope in list(metadata, "scopes_supported").into_iter().flatten() {
        assert!(scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{scope}");
    }
    if metadata.get("request_object_signing_alg_values_supported").is_some() {
        assert!(has("request_object_signing_alg_values_supported", "RS256"), "{metadata}");
    }
}

const OTHER_METADATA: &[&str] =
    &["issuer", "require_request_uri_registration", "tls_client_certificate_bound_access_tokens"];

/// An address under TLS, with a host.
#[track_caller]
pub(super) fn https(text: &str) {
    let url = Url::parse(text).unwrap_or_else(|_| panic!("{text} is no URL"));
    assert!(url.scheme() == "https" && url.has_host() && url.fragment().is_none(), "{text}");
}

/// A set of public keys (RFC 7517), each of a name that no other has.
#[track_caller]
pub(super) fn jwks(jwks: &Value) {
    let keys = jwks["keys"].as_array().expect("a list of keys");
    let mut names = BTreeSet::new();
    for key in keys {
        let name = text(key, "kid");
        assert!(!name.is_empty() && names.insert(name), "{name} twice");
        let needed: &[&str] = match text(key, "kty") {
            "RSA" => &["n", "e"],
            "EC" => &["crv", "x", "y"],
            "OKP" => &["crv", "x"],
            other => panic!("a key of the kind {other}"),
        };
        for member in needed {
            let bytes = text(key, member);
            assert!(*member == "crv" || URL_SAFE_NO_PAD.decode(bytes).is_ok_and(|bytes| !bytes.is_empty()), "{key}");
        }
        for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(secret).is_none(), "{name} tells its {secret}");
        }
    }
    assert!(keys.iter().any(|key| key["kty"] == "RSA" && key["alg"] == "RS256"), "no key for RS256: {jwks}");
}

/// What an answer's parameters may be when it is no (RFC 6749 §4.1.2.1), and in what characters.
#[track_caller]
pub(super) fn error_of_authorization(params: &[(String, String)]) {
    for (name, value) in params {
        match name.as_str() {
            "error_description" => described(value),
            "error_uri" => drop(Url::parse(value).expect("error_uri is a URI")),
            name => assert!(["error", "state", "session_state", "iss"].contains(&name), "{name}={value}"),
        }
    }
}

/// A refusal of the token endpoint (RFC 6749 §5.2).
#[track_caller]
pub(super) fn refused(answer: &Answer, status: StatusCode, error: &str) {
    let told = json(answer, status);
    assert_eq!(told["error"], error, "{told}");
    described(told["error_description"].as_str().unwrap_or_default());
}

/// RFC 6749 §5.2: neither quotes nor backslashes, and nothing outside ASCII.
#[track_caller]
fn described(text: &str) {
    assert!(text.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{text:?}");
}

/// A successful answer of the token endpoint (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[track_caller]
pub(super) fn tokens(answer: &Answer) -> Value {
    let tokens = json(answer, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    assert!(text(&tokens, "token_type").eq_ignore_ascii_case("Bearer"), "{tokens}");
    bearer(text(&tokens, "access_token"));
    expires_in(&tokens["expires_in"]);
    if let Some(token) = tokens.get("refresh_token") {
        assert!(token.as_str().expect("a text").bytes().all(|byte| matches!(byte, 0x20..=0x7e)), "RFC 6749, A.17");
    }
    tokens
}

#[track_caller]
pub(super) fn expires_in(seconds: &Value) {
    let seconds = seconds.as_i64().unwrap_or_else(|| panic!("{seconds} is no number"));
    assert!((1..=365 * 86_400).contains(&seconds), "{seconds}");
}

/// RFC 6750 §2.1: `b64token`.
#[track_caller]
pub(super) fn bearer(token: &str) {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    assert!(!token.is_empty() && token.bytes().all(is_fine), "{token}");
}

/// A code that nobody guesses: 128 bits, and 96 of them different by Shannon's measure.
#[track_caller]
pub(super) fn code(code: &str) {
    let length = code.len() as f64;
    let counts = code.bytes().collect::<BTreeSet<_>>();
    let of_one = |byte: &u8| code.bytes().filter(|own| own == byte).count() as f64 / length;
    let per_character: f64 = counts.iter().map(|byte| -of_one(byte) * of_one(byte).log2()).sum();
    assert!(length * 8.0 >= 128.0 && per_character * length > 96.0, "{code}");
}

/// What an ID token has to fit to.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) jwks: &'a Value,
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) now: i64,
    pub(super) nonce: Option<&'a str>,
    /// What came with it, from the same endpoint.
    pub(super) code: Option<&'a str>,
    pub(super) access_token: Option<&'a str>,
    pub(super) state: Option<&'a str>,
    /// Whether it came from the authorization endpoint, where the hashes of what came with it are required.
    pub(super) is_in_front: bool,
}

/// The claims of an ID token that is valid in every respect (OIDC Core §2, §3.1.3.7, §3.2.2.11, §3.3.2.11).
#[track_caller]
pub(super) fn id_token(token: &str, expected: Expected<'_>) -> Value {
    let claims = signed(token, expected.jwks);
    says_rightly(&claims, expected);
    claims
}

/// The claims of an ID token that nobody has signed, valid in every other respect.
#[track_caller]
pub(super) fn unsigned_id_token(token: &str, expected: Expected<'_>) -> Value {
    assert_eq!(header(token)["alg"], "none", "{token}");
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, ""] = parts[..] else { panic!("a signature in {token}") };
    let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON");
    says_rightly(&claims, expected);
    claims
}

#[track_caller]
fn says_rightly(claims: &Value, expected: Expected<'_>) {
    assert_eq!(text(claims, "iss"), expected.issuer, "{claims}");
    let audience = claims["aud"].as_array().map_or(vec![&claims["aud"]], |all| all.iter().collect());
    assert!(audience.iter().any(|own| *own == expected.client_id), "{claims}");
    assert!(audience.len() == 1 || claims.get("azp").is_some(), "{claims}");
    assert!(claims.get("azp").is_none_or(|own| own == expected.client_id), "{claims}");
    let number = |name: &str| claims[name].as_i64().unwrap_or_else(|| panic!("no number {name} in {claims}"));
    assert!((1..50 * 365 * 86_400).contains(&(number("exp") - expected.now)), "{claims}");
    assert!((number("iat") - expected.now).abs() <= 300, "{claims}");
    if claims.get("auth_time").is_some() {
        assert!((expected.now - 86_400..=expected.now + 5).contains(&number("auth_time")), "{claims}");
    }
    assert_eq!(claims.get("nonce").and_then(Value::as_str), expected.nonce, "{claims}");
    let sub = text(claims, "sub");
    assert!((1..=255).contains(&sub.len()) && sub.bytes().all(|byte| matches!(byte, 0x20..=0x7e)), "{claims}");
    for (name, hashed) in [("at_hash", expected.access_token), ("c_hash", expected.code)] {
        match (claims.get(name), hashed) {
            (Some(own), Some(hashed)) => assert_eq!(own, &half_hash(hashed), "{name} of {hashed}"),
            (Some(_), None) => panic!("{name} of nothing: {claims}"),
            (None, Some(_)) => assert!(!expected.is_in_front, "no {name} in {claims}"),
            (None, None) => {}
        }
    }
    if let Some(hash) = claims.get("s_hash") {
        assert_eq!(Some(hash.as_str()), expected.state.map(half_hash).as_deref().map(Some), "{claims}");
    }
    typed(claims);
}

/// The left half of SHA-256, which goes with RS256.
pub(super) fn half_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..16])
}

/// The claims of what a key of that set has signed by RS256; the key is found by its name, and is the only one of it.
#[track_caller]
pub(super) fn signed(token: &str, jwks: &Value) -> Value {
    let header = header(token);
    assert_eq!(header["alg"], "RS256", "{header}");
    let named: Vec<&Value> =
        jwks["keys"].as_array().into_iter().flatten().filter(|key| key["kid"] == header["kid"]).collect();
    let [key] = named[..] else { panic!("{} keys for {header}", named.len()) };
    let Value::Object(key) = key.clone() else { panic!("a key is an object") };
    let verifier = RS256.verifier_from_jwk(&Jwk::from_map(key).expect("a key")).expect("a key for RS256");
    let (payload, _) = jws::deserialize_compact(token, &verifier).expect("the signature is good");
    serde_json::from_slice(&payload).expect("JSON")
}

/// The header of a JWT.
#[track_caller]
pub(super) fn header(token: &str) -> Value {
    let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    serde_json::from_slice(&header.expect("base64url")).expect("JSON")
}

/// That claims are of the kind that they have to be (OIDC Core §5.1), and none is empty.
#[track_caller]
pub(super) fn typed(claims: &Value) {
    for (name, value) in claims.as_object().expect("an object") {
        let is_fine = match name.as_str() {
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "updated_at" | "exp" | "iat" | "auth_time" => value.is_i64(),
            "address" => value.as_object().is_some_and(|address| !address.is_empty()),
            "birthdate" => value.as_str().is_some_and(is_birthdate),
            "amr" | "aud" if value.is_array() => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
            _ => value.as_str().is_some_and(|text| !text.is_empty() && text != "null"),
        };
        assert!(is_fine, "{name} in {claims}");
    }
}

/// `YYYY-MM-DD`, or the year alone.
fn is_birthdate(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        [year] => digits(year, 4),
        [year, month, day] => digits(year, 4) && digits(month, 2) && digits(day, 2),
        _ => false,
    }
}

/// That an ID token tells of the sign-in alone, where an access token lets its app ask for more (OIDC Core §5.4).
#[track_caller]
pub(super) fn tells_of_the_sign_in_alone(claims: &Value) {
    for name in claims.as_object().expect("an object").keys() {
        assert!(OF_A_SIGN_IN.contains(&name.as_str()), "nobody asked for {name} in the ID token");
    }
}

const OF_A_SIGN_IN: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "jti",
];
