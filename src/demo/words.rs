//! What claims, headers and errors mean, in words for somebody who sees them for the first time.

use serde_json::{Map, Value};

use super::verifier::part;
use crate::protocol::Timestamp;

/// What a claim stands in, since some mean different things in different places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    IdToken,
    AccessToken,
    Userinfo,
}

/// A claim, its value and its meaning.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) meaning: &'static str,
}

/// A JWT taken apart.
pub(super) struct Decoded {
    pub(super) raw: String,
    pub(super) header: Vec<Line>,
    pub(super) payload: Vec<Line>,
}

/// What a refresh did to one claim.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// Take a JWT apart; none if it is not one.
pub(super) fn decode(token: &str, place: Place, now: Timestamp) -> Option<Decoded> {
    let header = part::<Map<String, Value>>(token, 0)?
        .iter()
        .map(|(name, value)| line(name, value, in_header(name, place), now))
        .collect();
    Some(Decoded { raw: token.to_owned(), header, payload: lines(&part::<Map<String, Value>>(token, 1)?, place, now) })
}

/// The claims of a set, each with its meaning.
pub(super) fn lines(claims: &Map<String, Value>, place: Place, now: Timestamp) -> Vec<Line> {
    claims.iter().map(|(name, value)| line(name, value, meaning(name, place), now)).collect()
}

/// What is different in the second set, and the names of what is the same.
pub(super) fn changes(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    now: Timestamp,
) -> (Vec<Change>, Vec<String>) {
    let mut changed = Vec::new();
    let mut same = Vec::new();
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    for name in after.keys().chain(gone) {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            same.push(name.clone());
        } else {
            let text =
                |value: Option<&Value>| value.map_or_else(|| "not there".to_owned(), |value| shown(name, value, now));
            changed.push(Change { name: name.clone(), before: text(old), after: text(new) });
        }
    }
    (changed, same)
}

fn line(name: &str, value: &Value, meaning: &'static str, now: Timestamp) -> Line {
    Line { name: name.to_owned(), value: shown(name, value, now), meaning }
}

fn shown(name: &str, value: &Value, now: Timestamp) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if TIMES.contains(&name) => match number.as_i64() {
            Some(seconds) => format!("{number} = {}", moment(Timestamp(seconds), now)),
            None => number.to_string(),
        },
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A point in time for people: in UTC, and seen from now.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let absolute = time::OffsetDateTime::from_unix_timestamp(at.0).ok().and_then(|at| at.format(format).ok());
    let apart = (at - now).0;
    let span = match apart.unsigned_abs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    };
    let relative = if apart > 0 { format!("in {span}") } else { format!("{span} ago") };
    absolute.map_or_else(|| relative.clone(), |absolute| format!("{absolute}, {relative}"))
}

fn in_header(name: &str, place: Place) -> &'static str {
    match (name, place) {
        ("alg", _) => {
            "How the token is signed. This app and the resource server accept RS256 (RSA with SHA-256) and nothing else, whatever a token says."
        }
        ("kid", _) => "Which of the keys published at the JWKS endpoint made the signature.",
        ("typ", Place::AccessToken) => {
            "What kind of token this is. at+jwt marks an access token (RFC 9068), so that an ID token cannot pass for one."
        }
        ("typ", _) => "What kind of token this is: a plain JWT, so no access token.",
        _ => UNKNOWN,
    }
}

fn meaning(name: &str, place: Place) -> &'static str {
    match name {
        "iss" => "The issuer: who made and signed the token.",
        "sub" => "Whom it is about. The identifier stays the same for ever, unlike names and e-mail addresses.",
        "aud" => match place {
            Place::IdToken => "For whom the token is: this app, by its client id.",
            _ => {
                "For which APIs the token is; any other has to refuse it. The issuer among them means that the token opens userinfo, too."
            }
        },
        "exp" => "When the token stops being valid.",
        "iat" => "When the token was made.",
        "nbf" => "Before this time the token is not valid.",
        "auth_time" => "When the person last proved who they are; a refresh does not change that.",
        "nonce" => "A random value that this app sent along. It ties the ID token to this very sign-in.",
        "at_hash" => "A fingerprint of the access token: the two were made for each other.",
        "c_hash" => "A fingerprint of the authorization code.",
        "acr" => "How strongly the person proved who they are.",
        "amr" => "By which means: pwd is a password.",
        "azp" => "The client the token was issued to.",
        "sid" => "The browser session at Latchkey. Signing out there ends it.",
        "jti" => {
            "The token's own number. Its first part leads Latchkey to the grant it hangs on, so that it can be revoked."
        }
        "client_id" => "Which app the token was issued to.",
        "scope" => {
            "What the app may do with it: what was asked for, as far as the person agreed and their role allows."
        }
        "org_id" => "The organisation that this sign-in is bound to, by its id.",
        "org_slug" => "The organisation by its short name.",
        "role" => "The person's role in that organisation.",
        "role_id" => "The role by its id.",
        "role_level" => "How high the role stands: 100 is an owner, 10 a viewer.",
        "permissions" => {
            "Which of the permissions that were asked for this token carries. Wildcards of a role never leave Latchkey."
        }
        "organizations" => "The organisations the person belongs to.",
        "name" => "The person's full name.",
        "given_name" => "Their given name.",
        "family_name" => "Their family name.",
        "nickname" => "How they like to be called.",
        "preferred_username" => "The name they sign in with. It may change: do not use it as a key.",
        "email" => "Their e-mail address.",
        "email_verified" => "Whether it is known to be theirs.",
        "updated_at" => "When the profile was last changed.",
        "picture" => "Where a picture of them is.",
        "locale" => "The language they prefer.",
        "zoneinfo" => "Their time zone.",
        "phone_number" => "Their telephone number.",
        "phone_number_verified" => "Whether it is known to be theirs.",
        "address" => "Their postal address.",
        _ => UNKNOWN,
    }
}

/// What an OAuth error means for the person in front of the app.
pub(super) fn error(code: &str) -> &'static str {
    match code {
        "access_denied" => "The sign-in was not allowed: either you said no, or it is not open to you.",
        "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
            "Latchkey would have had to ask you something, and this app had asked it not to."
        }
        "invalid_grant" => {
            "What this app holds is no longer good: it has expired, has been used already, or was revoked, by signing out, by a new password, or on the account page. Sign in again."
        }
        "invalid_client" => {
            "Latchkey does not accept this app's credentials. Was the demo started afresh? Then restart it."
        }
        "invalid_scope" => "Latchkey cannot grant what this app asks for.",
        "invalid_token" => "Latchkey no longer accepts the access token: it has expired or was revoked.",
        "insufficient_scope" => "The access token does not allow that.",
        "unauthorized_client" => "Latchkey does not let this app do that.",
        "temporarily_unavailable" => "Latchkey is too busy. Try again in a moment.",
        "server_error" => "Something went wrong inside Latchkey.",
        _ => "Latchkey refused.",
    }
}

const UNKNOWN: &str = "This page has no words for it.";
const TIMES: &[&str] = &["exp", "iat", "nbf", "auth_time", "updated_at"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_time_is_shown_as_it_stands_in_the_token_and_as_people_tell_it() {
        let [line] = &lines(&object(json!({ "exp": 1_000_000_900 })), Place::IdToken, Timestamp(1_000_000_000))[..]
        else {
            panic!("one claim gives one line")
        };
        assert_eq!(line.value, "1000000900 = 2001-09-09 02:01:40 UTC, in 15 min");
        assert_eq!(line.meaning, "When the token stops being valid.");
    }

    #[test]
    fn the_audience_of_an_id_token_is_explained_otherwise_than_that_of_an_access_token() {
        assert_ne!(meaning("aud", Place::IdToken), meaning("aud", Place::AccessToken));
    }

    #[test]
    fn a_refresh_shows_what_changed_came_and_went_and_names_what_stayed() {
        let before = object(json!({ "sub": "usr_1", "jti": "a", "role": "owner" }));
        let after = object(json!({ "sub": "usr_1", "jti": "b", "sid": "s" }));
        let (changed, same) = changes(&before, &after, Timestamp(0));
        assert_eq!(same, ["sub"]);
        let told: Vec<_> =
            changed.iter().map(|own| (own.name.as_str(), own.before.as_str(), own.after.as_str())).collect();
        assert!(told.contains(&("jti", "a", "b")) && told.contains(&("sid", "not there", "s")), "{told:?}");
        assert!(told.contains(&("role", "owner", "not there")), "{told:?}");
    }

    #[test]
    fn what_is_no_jwt_is_not_taken_apart() {
        assert!(decode("lko_opaque", Place::AccessToken, Timestamp(0)).is_none());
    }
}
