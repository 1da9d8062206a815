//! The `claims` parameter and the claims of the standard scopes (OIDC Core §5).

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Code, Refusal};

/// The claims a client asked for one by one (OIDC Core §5.5).
///
/// What the server itself says of a login (`sub`, `acr`, `auth_time`, …) is not among the names: it is there anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    userinfo: BTreeMap<String, Option<Wish>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    id_token: BTreeMap<String, Option<Wish>>,
}

/// What was said of one claim (OIDC Core §5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Wish {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    essential: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Value>>,
}

impl ClaimsRequest {
    /// Read the parameter; members that are not understood are ignored (OIDC Core §5.5).
    ///
    /// # Errors
    /// `invalid_request` for what is not a JSON object of that form, or asks for more than 100 claims.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |what: &'static str| Refusal::new(Code::InvalidRequest, what);
        // A JSON array would be taken for the fields in order.
        if !text.trim_start().starts_with('{') {
            return Err(refuse("`claims` is not a JSON object"));
        }
        let request: Self = serde_json::from_str(text).map_err(|error| {
            refuse("`claims` is not a JSON object as in OpenID Connect Core section 5.5").hint(error.to_string())
        })?;
        if request.userinfo.len() + request.id_token.len() > MOST_CLAIMS {
            return Err(refuse("`claims` asks for more than 100 claims"));
        }
        Ok(request)
    }

    /// The names of all claims of the user that were asked for, sorted, each once.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = self.userinfo();
        names.extend(self.id_token());
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The names of those that were asked for in userinfo.
    #[must_use]
    pub fn userinfo(&self) -> Vec<String> {
        of_the_user(&self.userinfo)
    }

    /// The names of those that were asked for in the ID token.
    #[must_use]
    pub fn id_token(&self) -> Vec<String> {
        of_the_user(&self.id_token)
    }

    /// The `acr` values one of which has to be reached, if any has to: with none listed, whatever is reached will do.
    #[must_use]
    pub fn essential_acr(&self) -> Option<Vec<String>> {
        let wish = self.id_token.get("acr")?.as_ref().filter(|wish| wish.essential)?;
        let listed = wish.values.iter().flatten().chain(wish.value.as_ref());
        Some(listed.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The only user the client will accept (OIDC Core §5.5.1, `sub` with a value).
    #[must_use]
    pub fn sub(&self) -> Option<&str> {
        [&self.id_token, &self.userinfo]
            .into_iter()
            .find_map(|asked| asked.get("sub")?.as_ref()?.value.as_ref()?.as_str())
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }
}

impl fmt::Display for ClaimsRequest {
    /// As JSON that reads back to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The claims that a standard scope stands for (OIDC Core §5.4).
#[must_use]
pub fn of_scope(token: &str) -> &'static [&'static str] {
    match token {
        "profile" => &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
        "email" => &["email", "email_verified"],
        "address" => &["address"],
        "phone" => &["phone_number", "phone_number_verified"],
        _ => &[],
    }
}

/// Whether a claim is the server's to say of a login, so that nothing that is known of a user may go by its name.
#[must_use]
pub fn is_of_the_server(name: &str) -> bool {
    OF_THE_SERVER.contains(&name)
}

/// What the server says of a login, whoever the user is.
const OF_THE_SERVER: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "client_id",
    "scope",
    "cnf",
    "act",
    "org_id",
    "org_slug",
    "role",
    "role_id",
    "role_level",
    "permissions",
    "organizations",
];

const MOST_CLAIMS: usize = 100;

fn of_the_user(asked: &BTreeMap<String, Option<Wish>>) -> Vec<String> {
    asked.keys().filter(|name| !is_of_the_server(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_asked_for_where_they_are_wanted() {
        let request = ClaimsRequest::parse(
            r#"{"userinfo":{"email":null,"name":{"essential":true},"sub":null},"id_token":{"email":{"value":"a@b.example"},
                "acr":{"essential":true,"values":["urn:a","urn:b"]}},"something_else":[1]}"#,
        )
        .unwrap();
        assert_eq!(request.userinfo(), ["email", "name"]);
        assert_eq!(request.id_token(), ["email"]);
        assert_eq!(request.names(), ["email", "name"]);
        assert_eq!(request.essential_acr(), Some(vec!["urn:a".into(), "urn:b".into()]));
        assert_eq!(ClaimsRequest::parse(&request.to_string()).unwrap(), request);
    }

    #[test]
    fn an_acr_is_essential_only_when_it_says_so() {
        let acr =
            |wish: &str| ClaimsRequest::parse(&format!(r#"{{"id_token":{{"acr":{wish}}}}}"#)).unwrap().essential_acr();
        assert_eq!(acr("null"), None);
        assert_eq!(acr(r#"{"values":["urn:a"]}"#), None);
        assert_eq!(acr(r#"{"essential":true}"#), Some(vec![]));
        assert_eq!(acr(r#"{"essential":true,"value":"urn:a"}"#), Some(vec!["urn:a".into()]));
    }

    #[test]
    fn the_user_a_client_insists_on_is_told() {
        let sub = |text: &str| ClaimsRequest::parse(text).unwrap().sub().map(str::to_owned);
        assert_eq!(sub(r#"{"id_token":{"sub":{"value":"usr_1"}}}"#), Some("usr_1".into()));
        assert_eq!(sub(r#"{"userinfo":{"sub":{"value":"usr_1"}}}"#), Some("usr_1".into()));
        assert_eq!(sub(r#"{"id_token":{"sub":null}}"#), None);
    }

    #[test]
    fn what_is_no_claims_request_is_refused() {
        let deep = format!(r#"{{"userinfo":{{"a":{}}}}}"#, "[".repeat(1_000));
        let many = format!(
            r#"{{"userinfo":{{{}}}}}"#,
            (0..101).map(|n| format!(r#""c{n}":null"#)).collect::<Vec<_>>().join(",")
        );
        for text in
            ["", "null", "[]", "[{},{}]", "{", "\"a\"", r#"{"userinfo":[]}"#, r#"{"id_token":{"acr":7}}"#, &deep, &many]
        {
            assert_eq!(ClaimsRequest::parse(text).unwrap_err().code, Code::InvalidRequest, "{text}");
        }
        assert!(ClaimsRequest::parse("{}").unwrap().is_empty());
    }
}
