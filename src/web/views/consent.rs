//! The consent page: who wants to know and do what, in words.

use askama::Template;
use serde_json::Value as Json;

use super::{ClientView, Frame, Person, Shown, frame::membership, render};
use crate::web::locale::Value;

/// What the consent page shows. Its buttons are `action=allow`, `deny` and `switch`; the organisation is the field `org`.
#[derive(Clone, Debug)]
pub struct ConsentView<'a> {
    /// Where the form goes.
    pub action: &'a str,
    /// The token that only our own pages have.
    pub csrf: &'a str,
    /// The app that asks.
    pub client: ClientView,
    /// Who is asked.
    pub person: Person,
    /// What is asked whichever organisation is chosen: one line per protocol scope.
    pub lines: Vec<ConsentLine>,
    /// Claims that are asked for one by one (`claims`), beside those of the scopes.
    pub claims: Vec<Told>,
    /// Permissions that hang on no organisation.
    pub permissions: Vec<PermissionLine>,
    /// The organisations: none, the one that the tokens will be bound to, or several to choose from.
    pub choices: Vec<OrgChoice>,
    /// Whether the answer will be remembered, so that the page may say so.
    pub is_remembered: bool,
    /// What went wrong.
    pub problem: Option<ConsentProblem>,
}

/// A protocol scope, and what exactly will be told.
#[derive(Clone, Debug)]
pub struct ConsentLine {
    /// The scope token.
    pub scope: String,
    /// The claims that it releases about this person.
    pub told: Vec<Told>,
}

/// A claim as it will be told.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its name.
    pub claim: String,
    /// Its value; null where there is none to tell.
    pub value: Json,
}

/// A permission that would be given.
#[derive(Clone, Debug)]
pub struct PermissionLine {
    /// `resource:action`
    pub permission: String,
    /// The name of the API it is for; `None` for ours.
    pub api: Option<Shown>,
}

/// An organisation that the tokens can be bound to.
#[derive(Clone, Debug)]
pub struct OrgChoice {
    /// Its id: the value of the field `org`.
    pub org_id: String,
    /// Its name.
    pub name: Shown,
    /// The role that will be told.
    pub role: Shown,
    /// Whether it is chosen already.
    pub is_selected: bool,
    /// The permissions that would be given there.
    pub permissions: Vec<PermissionLine>,
}

/// Why the answer did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentProblem {
    /// No organisation was chosen.
    NoChoice,
    /// The page was too old: the same request goes on.
    Expired,
    /// What is asked, or what could be given, is no longer what the page showed.
    Changed,
}

impl Told {
    /// The members of a JSON object of claims.
    #[must_use]
    pub fn all(claims: &serde_json::Map<String, Json>) -> Vec<Self> {
        claims.iter().map(|(claim, value)| Self { claim: claim.clone(), value: value.clone() }).collect()
    }
}

/// The consent page.
#[must_use]
pub fn consent(frame: &Frame<'_>, view: &ConsentView<'_>) -> String {
    let app = &view.client.name;
    let only = match view.choices.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    let mut items: Vec<Item> = view.lines.iter().map(|line| Item::of_scope(frame, line)).collect();
    items.extend(Item::of_claims(frame, &view.claims));
    items.extend(only.map(|org| Item::of_org(frame, org)));
    items.extend(Item::of_permissions(frame, &view.permissions));
    items.extend(only.iter().flat_map(|org| Item::of_permissions(frame, &org.permissions)));
    let choices: Vec<Choice<'_>> = match only {
        Some(_) => Vec::new(),
        None => view.choices.iter().map(|org| Choice::of(frame, org)).collect(),
    };
    let does_more = !view.choices.is_empty() || !view.permissions.is_empty();
    let title = frame.with(if does_more { "consent-to-act" } else { "consent-to-know" }, "app", app);
    // Who asks for the list of organisations learns them all, whichever is chosen.
    let hint = match view.lines.iter().any(|line| line.scope == "orgs") {
        true => frame.text("consent-organisation-bound"),
        false => frame.with("consent-organisation-hint", "app", app),
    };
    let problem = view.problem.map(|problem| {
        frame.text(match problem {
            ConsentProblem::NoChoice => "consent-no-choice",
            ConsentProblem::Expired => "form-expired",
            ConsentProblem::Changed => "consent-changed",
        })
    });
    render(&Page { frame: *frame, view, title, items, only, choices, hint, problem })
}

/// One thing that is asked for.
struct Item {
    words: String,
    told: Option<String>,
    /// The rest of what will be told, each with its name.
    more: Vec<(String, String)>,
}

struct Choice<'a> {
    org: &'a OrgChoice,
    /// As it will be told: "Acme: editor".
    told: String,
    permissions: Vec<String>,
}

impl<'a> Choice<'a> {
    fn of(frame: &Frame<'_>, org: &'a OrgChoice) -> Self {
        let in_one_line = |item: Item| match item.told {
            Some(told) => frame.locale.with("pair", [("name", item.words.into()), ("value", told.into())]),
            None => item.words,
        };
        let permissions = Item::of_permissions(frame, &org.permissions).into_iter().map(in_one_line).collect();
        Self { org, told: membership(frame, &org.name, &org.role), permissions }
    }
}

impl Item {
    fn of_scope(frame: &Frame<'_>, line: &ConsentLine) -> Self {
        let words = match line.scope.as_str() {
            "openid" => frame.text("scope-openid"),
            "profile" => frame.text("scope-profile"),
            "email" => frame.text("scope-email"),
            "address" => frame.text("scope-address"),
            "phone" => frame.text("scope-phone"),
            "orgs" => frame.text("scope-orgs"),
            "offline_access" => frame.text("scope-offline-access"),
            other => frame.with("scope-other", "scope", other),
        };
        let told = readable(frame, &line.told);
        match told.as_slice() {
            [] => Self { words, told: None, more: Vec::new() },
            [(_, only)] => Self { words, told: Some(only.clone()), more: Vec::new() },
            [(_, first), ..] => {
                let told = frame.locale.with(
                    "told-and-more",
                    [("first", Value::from(first.as_str())), ("count", Value::from(told.len().saturating_sub(1)))],
                );
                Self { words, told: Some(told), more: readable(frame, &line.told) }
            }
        }
    }

    fn of_claims(frame: &Frame<'_>, claims: &[Told]) -> Vec<Self> {
        let item = |told: &Told| Self {
            words: frame.with("scope-claim", "claim", &claim_name(frame, &told.claim)),
            told: Some(readable_value(frame, told)).filter(|value| !value.is_empty()),
            more: Vec::new(),
        };
        claims.iter().map(item).collect()
    }

    fn of_org(frame: &Frame<'_>, org: &OrgChoice) -> Self {
        Self {
            words: frame.with("scope-org", "org", &org.name),
            told: Some(membership(frame, &org.name, &org.role)),
            more: Vec::new(),
        }
    }

    /// Permissions for the same things in the same API share a line.
    fn of_permissions(frame: &Frame<'_>, permissions: &[PermissionLine]) -> Vec<Self> {
        let mut groups: Vec<(&str, Option<&Shown>, Vec<String>)> = Vec::new();
        for line in permissions {
            let (things, action) = line.permission.split_once(':').unwrap_or((&line.permission, ""));
            let words = action_words(frame, action);
            match groups.iter_mut().find(|(own, api, _)| *own == things && *api == line.api.as_ref()) {
                Some((_, _, actions)) => actions.push(words),
                None => groups.push((things, line.api.as_ref(), vec![words])),
            }
        }
        let item = |(things, api, actions): (&str, Option<&Shown>, Vec<String>)| Self {
            words: match api {
                None => frame.with("permission", "things", things),
                Some(api) => {
                    frame.locale.with("permission-in", [("things", things.into()), ("api", Value::from(&**api))])
                }
            },
            told: Some(actions.join(&frame.text("list-comma")).trim().to_owned()).filter(|told| !told.is_empty()),
            more: Vec::new(),
        };
        groups.into_iter().map(item).collect()
    }
}

/// The claims with names and values in words. Whether an address is confirmed is said with the address.
fn readable(frame: &Frame<'_>, told: &[Told]) -> Vec<(String, String)> {
    let is_confirmed = |claim: &str| told.iter().find(|own| own.claim == format!("{claim}_verified"));
    let mut readable: Vec<(&str, String, String)> = told
        .iter()
        .filter(|own| !matches!(own.claim.as_str(), "email_verified" | "phone_number_verified"))
        .map(|own| {
            let value = readable_value(frame, own);
            let value = match is_confirmed(&own.claim).map(|confirmed| &confirmed.value) {
                Some(Json::Bool(true)) => frame.with("told-confirmed", "value", &value),
                Some(Json::Bool(false)) => frame.with("told-unconfirmed", "value", &value),
                _ => value,
            };
            (own.claim.as_str(), claim_name(frame, &own.claim), value)
        })
        .filter(|(_, _, value)| !value.is_empty())
        .collect();
    // The name says most, so it stands first.
    readable.sort_by_key(|(claim, _, _)| *claim != "name");
    readable.into_iter().map(|(_, name, value)| (name, value)).collect()
}

fn readable_value(frame: &Frame<'_>, told: &Told) -> String {
    match &told.value {
        Json::Number(seconds) if told.claim == "updated_at" => {
            seconds.as_i64().and_then(|seconds| frame.date(seconds)).unwrap_or_default()
        }
        Json::String(text) if told.claim == "birthdate" => {
            frame.birthdate(text).unwrap_or_else(|| Shown::from(text.as_str()).to_string())
        }
        value => in_words(frame, value),
    }
}

fn in_words(frame: &Frame<'_>, value: &Json) -> String {
    let joined = |values: &mut dyn Iterator<Item = &Json>| {
        values
            .map(|value| in_words(frame, value))
            .filter(|words| !words.is_empty())
            .collect::<Vec<_>>()
            .join(&frame.text("list-comma"))
    };
    match value {
        Json::Null => String::new(),
        Json::Bool(true) => frame.text("yes"),
        Json::Bool(false) => frame.text("no"),
        Json::Number(number) => number.to_string(),
        Json::String(text) => Shown::from(text.as_str()).to_string(),
        Json::Array(values) => joined(&mut values.iter()),
        Json::Object(members) => match (members.get("formatted"), members.get("slug"), members.get("role")) {
            // An address that is written out needs no parts (OIDC Core §5.1.1).
            (Some(Json::String(formatted)), _, _) => Shown::from(formatted.as_str()).to_string(),
            // A membership, as `organizations` lists it.
            (_, Some(Json::String(org)), Some(Json::String(role))) => {
                let [org, role] = [org, role].map(|text| Shown::from(text.as_str()));
                membership(frame, &org, &role)
            }
            _ => joined(&mut members.values()),
        },
    }
}

fn action_words(frame: &Frame<'_>, action: &str) -> String {
    match action {
        "read" => frame.text("action-read"),
        "list" => frame.text("action-list"),
        "create" => frame.text("action-create"),
        "update" => frame.text("action-update"),
        "write" => frame.text("action-write"),
        "delete" => frame.text("action-delete"),
        other => other.to_owned(),
    }
}

/// The name of a standard claim (OIDC Core §5.1); others stand as they are.
fn claim_name(frame: &Frame<'_>, claim: &str) -> String {
    let id = match claim {
        "sub" => "claim-sub",
        "name" => "claim-name",
        "given_name" => "claim-given-name",
        "family_name" => "claim-family-name",
        "middle_name" => "claim-middle-name",
        "nickname" => "claim-nickname",
        "preferred_username" => "claim-preferred-username",
        "profile" => "claim-profile",
        "picture" => "claim-picture",
        "website" => "claim-website",
        "email" | "email_verified" => "claim-email",
        "gender" => "claim-gender",
        "birthdate" => "claim-birthdate",
        "zoneinfo" => "claim-zoneinfo",
        "locale" => "claim-locale",
        "phone_number" | "phone_number_verified" => "claim-phone-number",
        "address" => "claim-address",
        "updated_at" => "claim-updated-at",
        "organizations" => "claim-organizations",
        "auth_time" => "claim-auth-time",
        "acr" | "amr" => "claim-acr",
        other => return Shown::from(other).to_string(),
    };
    frame.text(id)
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a ConsentView<'a>,
    title: String,
    items: Vec<Item>,
    only: Option<&'a OrgChoice>,
    choices: Vec<Choice<'a>>,
    hint: String,
    problem: Option<String>,
}
