//! The `claims` parameter and the claims of the standard scopes (OIDC Core §5).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value};

use super::{ErrorCode, Refusal};

/// The claims a client asked for one by one (OIDC Core §5.5).
///
/// What the server itself says of a login (`sub`, `acr`, `auth_time`, …) is not among the names: it is there anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "wishes")]
    userinfo: BTreeMap<String, Option<Wish>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "wishes")]
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

impl Wish {
    /// The values that will do; none where any will.
    fn listed(&self) -> impl Iterator<Item = String> {
        self.values.iter().flatten().chain(self.value.as_ref()).map(text_of)
    }
}

impl ClaimsRequest {
    /// Read the parameter; members that are not understood are ignored (OIDC Core §5.5).
    ///
    /// # Errors
    /// `invalid_request` for what is not a JSON object of that form, or asks for more than 100 claims.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |what: &'static str| Refusal::new(ErrorCode::InvalidRequest, what);
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
        Some(wish.listed().collect())
    }

    /// The users whom alone the client will accept (OIDC Core §5.5.1, `sub` with a value or several), if it is not anybody.
    /// Where userinfo is to be of others than the ID token, it is nobody.
    #[must_use]
    pub fn subs(&self) -> Option<BTreeSet<String>> {
        let asked = [&self.id_token, &self.userinfo].into_iter().filter_map(|asked| asked.get("sub")?.as_ref());
        let listed = asked.map(|wish| wish.listed().collect::<BTreeSet<_>>()).filter(|listed| !listed.is_empty());
        listed.reduce(|one, other| &one & &other)
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }
}

/// Claims, each with `null` or an object. A JSON array would be taken for the members of a wish in order.
fn wishes<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Option<Wish>>, D::Error> {
    let asked = BTreeMap::<String, Option<Map<String, Value>>>::deserialize(from)?;
    let read = |wish| Wish::deserialize(Value::Object(wish)).map_err(D::Error::custom);
    asked.into_iter().map(|(name, wish)| Ok((name, wish.map(read).transpose()?))).collect()
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

/// Whether a claim is the server's to say, so that nothing that is known of a user may go by its name: a profile must not be
/// able to say who the issuer or the audience is.
#[must_use]
pub fn is_of_the_server(name: &str) -> bool {
    [OF_A_LOGIN, OF_AN_ORGANISATION, OF_OTHER_TOKENS].iter().any(|names| names.contains(&name))
}

/// What ID tokens say of a login, whoever the user is.
pub const OF_A_LOGIN: &[&str] =
    &["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"];

/// What tokens and userinfo say of organisations (product decision 9).
pub const OF_AN_ORGANISATION: &[&str] =
    &["org_id", "org_slug", "role", "role_id", "role_level", "permissions", "organizations"];

/// What else a token can say, of ours or of the specifications: nothing in a profile may pass for it.
const OF_OTHER_TOKENS: &[&str] =
    &["nbf", "jti", "azp", "c_hash", "s_hash", "client_id", "scope", "cnf", "act", "may_act", "events"];

const MOST_CLAIMS: usize = 100;

fn of_the_user(asked: &BTreeMap<String, Option<Wish>>) -> Vec<String> {
    asked.keys().filter(|name| !is_of_the_server(name)).cloned().collect()
}

/// A value that is asked for. What is no text is nobody's `sub` and no `acr`, but it is asked for all the same: left out, it
/// would be met by anything.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// JSON of names and values that the parameter knows, put together anyhow.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                vec((name(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn name() -> impl Strategy<Value = String> {
        const KNOWN: &[&str] = &["userinfo", "id_token", "acr", "email", "essential", "value", "values"];
        prop_oneof![4 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,6}"]
    }

    /// What is of the form of OIDC Core §5.5, as far as it is looked at.
    fn request() -> impl Strategy<Value = Value> {
        let member = prop_oneof![
            any::<bool>().prop_map(|essential| ("essential".to_owned(), Value::from(essential))),
            json().prop_map(|value| ("value".to_owned(), value)),
            vec(json(), 0..3).prop_map(|values| ("values".to_owned(), Value::from(values))),
            ("x[a-z]{0,3}", json()),
        ];
        let object = vec(member, 0..4).prop_map(|members| Value::Object(members.into_iter().collect()));
        asking(prop_oneof![Just(Value::Null), object].boxed())
    }

    fn asking(wish: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
        let wishes =
            vec((name(), wish), 0..6).prop_map(|wishes| Value::Object(wishes.into_iter().collect::<Map<_, _>>()));
        let place = prop_oneof![Just("userinfo".to_owned()), Just("id_token".to_owned())];
        vec((place, wishes), 0..3).prop_map(|places| Value::Object(places.into_iter().collect()))
    }

    fn is_of_the_form(json: &Value) -> bool {
        let is_wish = |wish: &Value| {
            wish.is_null()
                || wish.as_object().is_some_and(|wish| {
                    wish.get("essential").is_none_or(Value::is_boolean)
                        && wish.get("values").is_none_or(|values| values.is_null() || values.is_array())
                })
        };
        let are_wishes = |asked: &Value| asked.as_object().is_some_and(|asked| asked.values().all(is_wish));
        json.as_object()
            .is_some_and(|all| ["userinfo", "id_token"].iter().all(|own| all.get(*own).is_none_or(are_wishes)))
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,200}", bytes in vec(any::<u8>(), 0..80), json in "[\\[\\]{}:,\"a0tn\\\\-]{0,60}") {
            for text in [&text, &*String::from_utf8_lossy(&bytes), &json, &format!("{{{json}}}")] {
                if let Err(refusal) = ClaimsRequest::parse(text) {
                    prop_assert_eq!(refusal.code, ErrorCode::InvalidRequest);
                }
            }
        }

        #[test]
        fn what_has_another_form_is_refused_and_nothing_else(json in prop_oneof![json(), asking(json().boxed())]) {
            prop_assert_eq!(ClaimsRequest::parse(&json.to_string()).is_ok(), is_of_the_form(&json), "{}", json);
        }

        #[test]
        fn what_was_read_is_written_so_that_it_reads_the_same(json in request()) {
            let request = ClaimsRequest::parse(&json.to_string()).unwrap();
            prop_assert_eq!(ClaimsRequest::parse(&request.to_string()).unwrap(), request);
        }

        #[test]
        fn every_claim_is_kept_where_it_was_asked_for(json in request()) {
            let request = ClaimsRequest::parse(&json.to_string()).unwrap();
            for (own, place) in [(&request.userinfo, "userinfo"), (&request.id_token, "id_token")] {
                let asked: BTreeSet<&String> =
                    json[place].as_object().into_iter().flatten().map(|(name, _)| name).collect();
                prop_assert!(own.keys().eq(asked), "{:?}", own);
                for (name, wish) in own {
                    let (said, kept) = (&json[place][name], wish.clone().unwrap_or_default());
                    prop_assert_eq!(kept.essential, said["essential"] == true);
                    prop_assert_eq!(kept.value.unwrap_or_default(), said["value"].clone());
                    prop_assert_eq!(kept.values.map(Value::from).unwrap_or_default(), said["values"].clone());
                }
            }
        }

        #[test]
        fn a_member_that_is_not_understood_changes_nothing(json in request(), name in "x[a-z]{0,5}", value in json()) {
            let mut more = json.clone();
            more[&name] = value;
            let (without, with) = (ClaimsRequest::parse(&json.to_string()), ClaimsRequest::parse(&more.to_string()));
            prop_assert_eq!(with.unwrap(), without.unwrap());
        }
    }

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
        assert_eq!(acr(r#"{"essential":true,"values":[5]}"#), Some(vec!["5".into()]), "not: whatever is reached");
    }

    #[test]
    fn the_user_a_client_insists_on_is_told() {
        let subs = |text: &str| ClaimsRequest::parse(text).unwrap().subs();
        let sub = |text: &str| subs(text).and_then(|mut subs| subs.pop_first());
        assert_eq!(sub(r#"{"id_token":{"sub":{"value":"usr_1"}}}"#), Some("usr_1".into()));
        assert_eq!(sub(r#"{"userinfo":{"sub":{"value":"usr_1"}}}"#), Some("usr_1".into()));
        assert_eq!(sub(r#"{"id_token":{"sub":null}}"#), None);
        assert_eq!(sub(r#"{"id_token":{"sub":{"value":5}}}"#), Some("5".into()), "not: anybody");
        let both = |id_token: &str, userinfo: &str| {
            let text = format!(r#"{{"id_token":{{"sub":{id_token}}},"userinfo":{{"sub":{userinfo}}}}}"#);
            subs(&text).map(|subs| subs.into_iter().collect::<Vec<_>>().join(" "))
        };
        let (one, several) = (r#"{"value":"usr_1"}"#, r#"{"values":["usr_2","usr_1"]}"#);
        assert_eq!(both(several, "null").as_deref(), Some("usr_1 usr_2"));
        assert_eq!(both(several, one).as_deref(), Some("usr_1"));
        assert_eq!(both(r#"{"value":"usr_3"}"#, several).as_deref(), Some(""), "nobody is both");
        assert_eq!(both(r#"{"values":[]}"#, r#"{"essential":true}"#), None);
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
            assert_eq!(ClaimsRequest::parse(text).unwrap_err().code, ErrorCode::InvalidRequest, "{text}");
        }
        assert!(ClaimsRequest::parse("{}").unwrap().is_empty());
    }
}
