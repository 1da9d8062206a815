//! Access tokens (RFC 9068): signed, not stored.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{protocol::typ, random::Random};

/// The organisation a token is bound to, and what its user may do there (product decision 9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgClaims {
    /// The id of the organisation, which never changes.
    pub org_id: String,
    /// Its name in URLs and scopes.
    pub org_slug: String,
    /// The name of the user's role.
    pub role: String,
    /// The id of the role.
    pub role_id: String,
    /// Its rank: a higher one may do to a lower one what the app allows.
    pub role_level: i64,
    /// The concrete permissions granted in this token; never a pattern.
    pub permissions: Vec<String>,
}

/// The claims of an access token that is about to be signed.
#[derive(Clone, Debug, Serialize)]
pub struct AccessToken<'a> {
    /// Who issued it.
    pub iss: &'a str,
    /// The user; the client itself when it acts for itself.
    pub sub: &'a str,
    /// The APIs it is for: a string when there is one, else an array (RFC 7519 §4.1.3).
    #[serde(serialize_with = "one_or_many")]
    pub aud: &'a [String],
    /// When it ends, unix seconds.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// What no other token has; see [`jti`].
    pub jti: &'a str,
    /// The client it was issued to.
    pub client_id: &'a str,
    /// What was granted, divided by spaces.
    pub scope: &'a str,
    /// When the user authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'a str>,
    /// By what means.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub amr: &'a [&'a str],
    /// The browser session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<&'a str>,
    /// The organisation.
    #[serde(flatten)]
    pub org: Option<&'a OrgClaims>,
}

/// The claims of an access token that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// The user, or the client itself.
    pub sub: String,
    /// The APIs it is for.
    #[serde(serialize_with = "one_or_many", deserialize_with = "many_or_one")]
    pub aud: Vec<String>,
    /// When it ends, unix seconds.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// What no other token has; see [`grant_of`].
    pub jti: String,
    /// The client it was issued to.
    pub client_id: String,
    /// What was granted, divided by spaces.
    pub scope: String,
    /// When the user authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By what means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The browser session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The organisation.
    #[serde(flatten)]
    pub org: Option<OrgClaims>,
}

impl Claims {
    /// Read the payload of a token whose signature was checked. What is not an access token (an ID token has no
    /// `client_id`, no `scope` and no `jti`) is `None`.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// Whether the token hangs on a grant, and on which.
    #[must_use]
    pub fn grant_id(&self) -> Option<&str> {
        grant_of(&self.jti)
    }
}

/// Whether a token of this `typ` may be an access token at all: an ID token also says `JWT`, and is told by its claims.
#[must_use]
pub fn is_typ(typ: Option<&str>) -> bool {
    // RFC 9068 §4: "typ" is compared as a media type: without regard to case, with or without `application/`.
    typ.is_some_and(|typ| {
        let short = match typ.get(..APPLICATION.len()) {
            Some(start) if start.eq_ignore_ascii_case(APPLICATION) => typ.get(APPLICATION.len()..).unwrap_or_default(),
            _ => typ,
        };
        short.eq_ignore_ascii_case(typ::AT_JWT) || short.eq_ignore_ascii_case(typ::JWT)
    })
}

const APPLICATION: &str = "application/";

/// A new `jti`: the id of the grant the token hangs on and 128 random bits; those alone when there is no grant.
#[must_use]
pub fn jti(grant_id: Option<&str>, random: &Random) -> String {
    match grant_id {
        Some(grant_id) => format!("{grant_id}.{}", random.id()),
        None => random.id(),
    }
}

/// The grant a token hangs on, by its `jti`; `None` when a client acts for itself.
#[must_use]
pub fn grant_of(jti: &str) -> Option<&str> {
    jti.split_once('.').map(|(grant, _)| grant)
}

fn one_or_many<S: Serializer>(aud: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match aud {
        [only] => serializer.serialize_str(only),
        several => several.serialize(serializer),
    }
}

fn many_or_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Aud {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Aud::deserialize(deserializer)? {
        Aud::One(only) => vec![only],
        Aud::Many(several) => several,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token<'a>(aud: &'a [String], org: Option<&'a OrgClaims>) -> AccessToken<'a> {
        AccessToken {
            iss: "https://op.example",
            sub: "usr_1",
            aud,
            exp: 1_900,
            iat: 1_000,
            jti: "grant.one",
            client_id: "app",
            scope: "openid kb:read",
            auth_time: Some(900),
            acr: Some("urn:latchkey:acr:password"),
            amr: &["pwd"],
            sid: Some("session"),
            org,
        }
    }

    fn acme() -> OrgClaims {
        OrgClaims {
            org_id: "org_1".into(),
            org_slug: "acme".into(),
            role: "viewer".into(),
            role_id: "rol_1".into(),
            role_level: 10,
            permissions: vec!["kb:read".into()],
        }
    }

    #[test]
    fn one_audience_is_a_string_and_two_are_an_array() {
        let (one, two) =
            (["https://api.example".to_owned()], ["https://api.example".to_owned(), "https://op.example".to_owned()]);
        assert_eq!(serde_json::to_value(token(&one, None)).unwrap()["aud"], "https://api.example");
        let both = serde_json::json!(["https://api.example", "https://op.example"]);
        assert_eq!(serde_json::to_value(token(&two, None)).unwrap()["aud"], both);
    }

    #[test]
    fn what_was_written_is_what_is_read_with_and_without_an_organisation() {
        let aud = ["https://api.example".to_owned()];
        let org = acme();
        let bound = serde_json::to_vec(&token(&aud, Some(&org))).unwrap();
        let claims = Claims::parse(&bound).unwrap();
        assert_eq!(claims.org, Some(org));
        assert_eq!(claims.grant_id(), Some("grant"));
        assert_eq!(serde_json::to_vec(&claims).unwrap(), bound);
        let free = serde_json::to_vec(&token(&aud, None)).unwrap();
        assert_eq!(Claims::parse(&free).unwrap().org, None);
        assert_eq!(serde_json::to_vec(&Claims::parse(&free).unwrap()).unwrap(), free);
    }

    #[test]
    fn what_a_client_acting_for_itself_gets_says_nothing_of_a_user() {
        let aud = ["https://api.example".to_owned()];
        let own = AccessToken { auth_time: None, acr: None, amr: &[], sid: None, ..token(&aud, None) };
        let text = serde_json::to_value(own).unwrap();
        for absent in ["auth_time", "acr", "amr", "sid", "org_id", "role", "permissions"] {
            assert!(text.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn the_grant_stands_in_front_of_the_jti_and_a_client_has_none() {
        let random = Random::seeded(1);
        assert_eq!(grant_of(&jti(Some("grant"), &random)), Some("grant"));
        assert_eq!(grant_of(&jti(None, &random)), None);
    }

    #[test]
    fn only_the_two_types_of_access_tokens_are_taken() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "JWT"] {
            assert!(is_typ(Some(typ)), "{typ}");
        }
        for typ in [None, Some("logout+jwt"), Some("dpop+jwt"), Some(""), Some("application/")] {
            assert!(!is_typ(typ), "{typ:?}");
        }
    }
}
