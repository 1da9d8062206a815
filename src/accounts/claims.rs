//! What is known of a user, and which of it an app is told (OIDC Core §5).

use serde_json::{Map, Value};
use url::Url;

use super::account::Account;
use crate::protocol::{
    ErrorCode, Refusal, Scope,
    claims::{is_of_the_server, of_scope},
};

/// The claims that the scopes stand for (OIDC Core §5.4), and those that were asked for one by one and are known.
/// Never `sub`: whoever answers says that first.
#[must_use]
pub fn released(account: &Account, scope: &Scope, names: &[String]) -> Map<String, Value> {
    let by_scope = scope.iter().flat_map(of_scope).map(|name| (*name).to_owned());
    by_scope.chain(names.iter().cloned()).filter_map(|name| value(account, &name).map(|value| (name, value))).collect()
}

/// Everything that is known of a user, as an operator sees it.
#[must_use]
pub fn all(account: &Account) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), account.sub.clone().into());
    for name in OWN {
        claims.extend(value(account, name).map(|value| ((*name).to_owned(), value)));
    }
    claims.extend(account.claims.clone());
    claims
}

/// One claim, if it is known.
#[must_use]
pub fn value(account: &Account, name: &str) -> Option<Value> {
    match name {
        "preferred_username" => Some(account.username.clone().into()),
        "updated_at" => Some(account.updated_at.0.into()),
        "email" => account.email.clone().map(Value::from),
        "email_verified" => account.email.is_some().then(|| account.email_verified.into()),
        name => account.claims.get(name).filter(|value| !value.is_null()).cloned(),
    }
}

/// The claims once `patch` has added, replaced and, by null, removed some. What was verified is the number that was
/// there before, so another one is not.
#[must_use]
pub fn patched(before: Map<String, Value>, mut patch: Map<String, Value>) -> Map<String, Value> {
    let is_another = patch.get("phone_number").is_some_and(|number| before.get("phone_number") != Some(number));
    if is_another && before.contains_key("phone_number_verified") && !patch.contains_key("phone_number_verified") {
        let has_one = patch.get("phone_number").is_some_and(|number| !number.is_null());
        patch.insert("phone_number_verified".to_owned(), if has_one { false.into() } else { Value::Null });
    }
    let mut claims = before;
    claims.extend(patch);
    claims.retain(|_, value| !value.is_null());
    claims
}

/// Whether these claims can be kept: the standard ones of their type (OIDC Core §5.1), none that the server itself
/// says of a user or a token, and not too many.
///
/// # Errors
/// `invalid_request`, naming the claim.
pub fn check(claims: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in claims {
        // OIDC Core §5.2: `name#ja` is the name in Japanese.
        let base = name.split_once('#').map_or(name.as_str(), |(base, _)| base);
        if OWN.contains(&base) || is_of_the_server(base) || TAKEN.contains(&base) {
            return Err(refuse(format!("claim `{name}` is the server's to say")));
        }
        check_type(base, value).map_err(|expected| refuse(format!("claim `{name}` has to be {expected}")))?;
    }
    if is_too_much(claims) {
        return Err(refuse("the claims of a user are at most 16 KiB of JSON".to_owned()));
    }
    Ok(())
}

/// Whether that is more than is kept of one person.
pub(super) fn is_too_much(claims: &Map<String, Value>) -> bool {
    serde_json::to_string(claims).map_or(true, |json| json.len() > MOST_BYTES)
}

/// Whether a claim is what it has to be, by the standard; or what that is.
pub(super) fn check_type(name: &str, value: &Value) -> Result<(), &'static str> {
    let is_text = value.as_str().is_some_and(|text| !text.is_empty() && !text.contains(char::is_control));
    match name {
        "name" | "given_name" | "family_name" | "middle_name" | "nickname" | "gender" | "zoneinfo" | "locale"
        | "phone_number" => is_text.then_some(()).ok_or("a line of text"),
        "birthdate" => value.as_str().is_some_and(is_birthdate).then_some(()).ok_or("a date such as 1985-04-12"),
        "profile" | "picture" | "website" => value
            .as_str()
            .and_then(|text| Url::parse(text).ok())
            .is_some_and(|url| matches!(url.scheme(), "http" | "https"))
            .then_some(())
            .ok_or("an http or https URL"),
        "phone_number_verified" => value.is_boolean().then_some(()).ok_or("true or false"),
        "address" => value
            .as_object()
            .is_some_and(|address| {
                address.iter().all(|(member, value)| ADDRESS.contains(&member.as_str()) && value.is_string())
            })
            .then_some(())
            .ok_or("an object as in OpenID Connect Core section 5.1.1, its members strings"),
        _ => Ok(()),
    }
}

/// `YYYY-MM-DD`, `YYYY`, or `0000-MM-DD` where the year is nobody's business.
fn is_birthdate(text: &str) -> bool {
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [year] => digits(year, 4),
        [year, month, day] => digits(year, 4) && digits(month, 2) && digits(day, 2),
        _ => false,
    }
}

fn refuse(what: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, what)
}

/// The claims that have columns of their own.
const OWN: &[&str] = &["preferred_username", "email", "email_verified", "updated_at"];

/// What introspection (RFC 7662 §2.2) and the command line say besides.
const TAKEN: &[&str] = &["active", "username", "token_type", "enabled"];

const ADDRESS: &[&str] = &["formatted", "street_address", "locality", "region", "postal_code", "country"];

const MOST_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::Timestamp;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    fn alice() -> Account {
        Account {
            sub: "usr_1".into(),
            username: "alice".into(),
            email: Some("alice@example.com".into()),
            email_verified: true,
            claims: map(json!({
                "name": "Alice Example", "given_name": "Alice", "phone_number": "+1 555 0100", "phone_number_verified": false,
                "address": {"country": "JP"}, "department": "Research", "name#ja": "アリス"
            })),
            enabled: true,
            epoch: 0,
            has_password: true,
            created_at: Timestamp(1_000),
            updated_at: Timestamp(2_000),
        }
    }

    #[test]
    fn an_app_is_told_what_its_scopes_stand_for_and_nothing_else() {
        let told = |scope: &str, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Value::from(released(&alice(), &Scope::parse(scope).unwrap(), &names))
        };
        assert_eq!(told("openid", &[]), json!({}));
        assert_eq!(told("openid email", &[]), json!({"email": "alice@example.com", "email_verified": true}));
        assert_eq!(
            told("openid profile", &[]),
            json!({"name": "Alice Example", "given_name": "Alice", "preferred_username": "alice", "updated_at": 2_000})
        );
        assert_eq!(told("openid phone", &[]), json!({"phone_number": "+1 555 0100", "phone_number_verified": false}));
        assert_eq!(told("openid address", &[]), json!({"address": {"country": "JP"}}));
        assert_eq!(
            told("openid", &["email", "department", "name#ja", "birthdate", "sub"]),
            json!({"email": "alice@example.com", "department": "Research", "name#ja": "アリス"})
        );
    }

    #[test]
    fn an_address_that_is_not_there_is_not_verified_either() {
        let account = Account { email: None, email_verified: false, ..alice() };
        assert!(released(&account, &Scope::parse("email").unwrap(), &[]).is_empty());
    }

    #[test]
    fn claims_that_the_server_says_itself_cannot_be_planted() {
        for name in ["sub", "iss", "role", "permissions", "email", "email_verified", "preferred_username", "sub#x"] {
            let refusal = check(&map(json!({ name: "x" }))).unwrap_err();
            assert_eq!(refusal.description, format!("claim `{name}` is the server's to say").replace('\\', ""));
        }
    }

    #[test]
    fn standard_claims_keep_to_their_types() {
        for bad in [
            json!({"name": 1}),
            json!({"name": ""}),
            json!({"name": "a\nb"}),
            json!({"birthdate": "12.4.1985"}),
            json!({"picture": "javascript:alert(1)"}),
            json!({"website": "example.com"}),
            json!({"phone_number_verified": "true"}),
            json!({"address": "Tokyo"}),
            json!({"address": {"planet": "Earth"}}),
            json!({"address": {"country": 81}}),
            json!({"note": "x".repeat(17_000)}),
        ] {
            assert!(check(&map(bad.clone())).is_err(), "{bad}");
        }
        let good = json!({
            "name": "Zoë", "birthdate": "0000-04-12", "picture": "https://example.com/z.png", "address": {"formatted": "a\nb"},
            "phone_number_verified": true, "department": {"id": 7}, "locale": "de-CH", "zoneinfo": "Europe/Zurich"
        });
        assert_eq!(check(&map(good)), Ok(()));
    }
}
