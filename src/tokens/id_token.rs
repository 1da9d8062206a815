//! ID tokens (OIDC Core §2): what an app learns of who signed in, and the hint it later logs out with.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha512};

use super::access_token::OrgClaims;
use crate::{
    keys::Keyring,
    protocol::{Algorithm, Result, Signing, claims::is_of_the_server, typ},
};

/// The claims of an ID token that is about to be signed.
#[derive(Clone, Debug, Serialize)]
pub struct IdToken<'a> {
    /// Who issued it.
    pub iss: &'a str,
    /// The user.
    pub sub: &'a str,
    /// The client it is for.
    pub aud: &'a str,
    /// When it ends, unix seconds.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// When the user authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// What the app sent along, so that it can tell its own request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// How well the user authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'a str>,
    /// By what means.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub amr: &'a [&'a str],
    /// Binds the access token that came with it; see [`left_hash`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// Binds the code that came with it (OIDC Core §3.3.2.11).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c_hash: Option<String>,
    /// Binds the `state` that came with it (FAPI 1.0 Advanced §5.1.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s_hash: Option<String>,
    /// The browser session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<&'a str>,
    /// The organisation.
    #[serde(flatten)]
    pub org: Option<&'a OrgClaims>,
    /// The organisations the user belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizations: Option<&'a Value>,
    /// Claims about the user. One that is named like what the server says itself is left out.
    #[serde(flatten, serialize_with = "without_reserved")]
    pub extra: &'a Map<String, Value>,
}

fn without_reserved<S: Serializer>(extra: &Map<String, Value>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (name, value) in extra.iter().filter(|(name, _)| !is_of_the_server(name)) {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// Write it down, signed as the client has registered.
///
/// # Errors
/// When there are no keys for that.
pub fn write(keyring: &Keyring, signing: Signing, claims: &IdToken<'_>) -> Result<String> {
    match signing {
        Signing::By(algorithm) => keyring.sign(algorithm, typ::JWT, claims),
        // RFC 7519 §6: the client believes it for the connection by which it came, and for nothing else.
        Signing::Unsigned => Ok(format!("{UNSIGNED_HEADER}.{}.", URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?))),
    }
}

/// `{"alg":"none"}` in base64url.
const UNSIGNED_HEADER: &str = "eyJhbGciOiJub25lIn0";

/// The left half of the hash of what comes with an ID token (OIDC Core §3.1.3.6, §3.3.2.11), by the hash of the ID token's
/// own algorithm.
#[must_use]
pub fn left_hash(alg: Algorithm, text: &str) -> String {
    match alg {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 => left_half(&Sha256::digest(text.as_bytes())),
        // Ed25519 hashes with SHA-512 (RFC 8032 §5.1).
        Algorithm::EdDSA => left_half(&Sha512::digest(text.as_bytes())),
    }
}

fn left_half(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash.split_at(hash.len() / 2).0)
}

/// What an ID token that comes back as a hint says (OIDC RP-Initiated Logout §2, OIDC Core §3.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HintClaims {
    /// Who issued it.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The client it was for.
    pub aud: String,
    /// The browser session.
    #[serde(default)]
    pub sid: Option<String>,
}

/// What tells an ID token of ours from everything else we sign: its `exp`, and that it has none of the others.
#[derive(Deserialize)]
struct Marks {
    exp: Option<serde::de::IgnoredAny>,
    client_id: Option<serde::de::IgnoredAny>,
    scope: Option<serde::de::IgnoredAny>,
    events: Option<serde::de::IgnoredAny>,
}

/// Read an ID token of ours that came back: its signature is by one of our keys, even one that is gone, and it is neither
/// an access token nor a logout token nor what userinfo told. That it has expired does not matter.
#[must_use]
pub fn read_hint(keyring: &Keyring, issuer: &str, text: &str) -> Option<HintClaims> {
    let verified = keyring.verify_hint(text)?;
    if verified.typ.as_deref().is_some_and(|typ| typ != typ::JWT) {
        return None;
    }
    let marks: Marks = serde_json::from_slice(&verified.payload).ok()?;
    if marks.exp.is_none() || marks.client_id.is_some() || marks.scope.is_some() || marks.events.is_some() {
        return None;
    }
    let claims: HintClaims = serde_json::from_slice(&verified.payload).ok()?;
    (claims.iss == issuer).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_what_comes_along_is_that_of_the_specifications() {
        // OIDC Core §A.3 and §A.4 have examples of RS256.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(left_hash(Algorithm::RS256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
        assert_eq!(left_hash(Algorithm::RS256, code), "LDktKdoQak3Pk0cnXxCltA");
        assert_eq!(left_hash(Algorithm::ES256, token), left_hash(Algorithm::PS256, token));
        assert_eq!(left_hash(Algorithm::EdDSA, token).len(), 43);
    }

    #[test]
    fn a_profile_cannot_say_what_only_the_server_may_say() {
        let mut extra = Map::new();
        for name in ["iss", "aud", "exp", "nonce", "role", "permissions", "organizations", "events", "may_act"] {
            extra.insert(name.to_owned(), "forged".into());
        }
        extra.insert("given_name".into(), "Alice".into());
        let token = IdToken {
            iss: "https://op.example",
            sub: "usr_1",
            aud: "app",
            exp: 2,
            iat: 1,
            auth_time: Some(1),
            nonce: Some("n"),
            acr: None,
            amr: &["pwd"],
            at_hash: None,
            c_hash: None,
            s_hash: None,
            sid: None,
            org: None,
            organizations: None,
            extra: &extra,
        };
        let text = serde_json::to_string(&token).unwrap();
        assert!(!text.contains("forged"), "{text}");
        assert!(text.contains(r#""given_name":"Alice""#), "{text}");
        assert!(text.contains(r#""amr":["pwd"]"#), "{text}");
    }
}
