//! The account home: who you are here, your password, your sessions, and the apps with access.

use askama::Template;
use serde::{Deserialize, Serialize};

use super::{Frame, Place, Shown, frame::membership, render};
use crate::{accounts::Detail, protocol::Timestamp, web::locale::Value};

/// What the account home shows. Every form goes to one address and says what it wants in `action`:
/// `change_details` (with the claims' names), `change_password` (with `password`, `new_password`), `end_session` and `end_access` (with `id`),
/// `sign_out_everywhere`.
#[derive(Clone, Debug)]
pub struct AccountView<'a> {
    /// Where the forms go.
    pub action: &'a str,
    /// The token that only our own pages have.
    pub csrf: &'a str,
    /// The username.
    pub username: Shown,
    /// The full name.
    pub name: Option<Shown>,
    /// The e-mail address, and whether it is confirmed.
    pub email: Option<(Shown, bool)>,
    /// The phone number, and whether it is confirmed.
    pub phone_number: Option<(Shown, bool)>,
    /// The lines of the postal address.
    pub address: Vec<Shown>,
    /// What the form of the details holds, to the letter.
    pub details: Vec<(Detail, String)>,
    /// Whether that form is open: something in it has to be looked at again.
    pub is_editing: bool,
    /// The organisations with the role in each.
    pub organisations: Vec<(Shown, Shown)>,
    /// Whether there is a password to be changed.
    pub has_password: bool,
    /// Where this account is signed in, this browser first.
    pub sessions: Vec<SessionLine>,
    /// The apps with access.
    pub apps: Vec<AppLine>,
    /// What has just been done.
    pub notice: Option<AccountNotice>,
    /// What went wrong.
    pub problem: Option<AccountProblem>,
    /// The time.
    pub now: Timestamp,
}

/// A browser in which the account is signed in.
#[derive(Clone, Debug)]
pub struct SessionLine {
    /// What the form sends as `id`.
    pub id: String,
    /// What the browser called itself (`User-Agent`).
    pub agent: String,
    /// When it signed in.
    pub signed_in_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// Whether it is this browser.
    pub is_current: bool,
}

/// An app with access.
#[derive(Clone, Debug)]
pub struct AppLine {
    /// What the form sends as `id`.
    pub id: String,
    /// What it calls itself.
    pub name: Shown,
    /// Where its answers go.
    pub place: Place,
    /// The organisations in whose name it may act.
    pub organisations: Vec<Shown>,
    /// Since when.
    pub since: Timestamp,
    /// Whether it stays connected when nobody is signed in (`offline_access`).
    pub is_offline: bool,
}

/// What has just been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountNotice {
    /// The details are others.
    DetailsChanged,
    /// The password is another.
    PasswordChanged,
    /// A browser is signed out.
    SessionEnded,
    /// An app has no access any more.
    AccessEnded,
    /// All other browsers are signed out, and no app has access.
    SignedOutElsewhere,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountProblem {
    /// A detail is not what it has to be.
    Unfit(Detail),
    /// The details are more than is kept of a user, for the most part because of this one.
    TooMuch(Detail),
    /// The details are right, and yet they cannot be kept; only an operator can tell why.
    NotSaved,
    /// The password given as the present one is not it.
    WrongPassword,
    /// The new password is too short.
    TooShort {
        /// The least number of characters.
        least: i64,
    },
    /// The new password is too long.
    TooLong {
        /// The greatest number of characters.
        most: i64,
    },
    /// Too many tries.
    Throttled {
        /// The seconds until the next one counts.
        seconds: i64,
    },
    /// The page was too old; nothing was done.
    Expired,
    /// Too many people at once.
    Busy,
}

/// The account home.
#[must_use]
pub fn account(frame: &Frame<'_>, view: &AccountView<'_>) -> String {
    let notice = view.notice.map(|notice| {
        frame.text(match notice {
            AccountNotice::DetailsChanged => "account-details-changed",
            AccountNotice::PasswordChanged => "account-password-changed",
            AccountNotice::SessionEnded => "account-session-ended",
            AccountNotice::AccessEnded => "account-access-ended",
            AccountNotice::SignedOutElsewhere => "account-signed-out-elsewhere",
        })
    });
    render(&Page {
        frame: *frame,
        view,
        notice,
        problem: view.problem.map(|problem| Trouble::of(frame, problem)),
        details: view.details.iter().map(|(detail, value)| Field::of(frame, *detail, value)).collect(),
        sessions: view.sessions.iter().map(|line| Session::of(frame, line, view.now)).collect(),
        apps: view.apps.iter().map(|line| App::of(frame, line, view.now)).collect(),
        organisations: view.organisations.iter().map(|(org, role)| membership(frame, org, role)).collect(),
    })
}

impl Page<'_> {
    fn trouble_with(&self, field: &str) -> Option<&str> {
        self.problem.as_ref().filter(|trouble| trouble.field == Some(field)).map(|trouble| trouble.words.as_str())
    }
}

struct Trouble {
    words: String,
    /// The field it is about.
    field: Option<&'static str>,
}

impl Trouble {
    fn of(frame: &Frame<'_>, problem: AccountProblem) -> Self {
        let (words, field) = match problem {
            AccountProblem::Unfit(detail) => {
                let value = match detail {
                    Detail::PhoneNumber => frame.text("account-not-a-phone-number"),
                    _ => frame.text("account-unfit-detail"),
                };
                let name = label(frame, detail);
                (frame.locale.with("pair", [("name", name.into()), ("value", value.into())]), Some(detail.claim()))
            }
            AccountProblem::TooMuch(detail) => {
                let value = frame.text("account-too-much");
                let name = label(frame, detail);
                (frame.locale.with("pair", [("name", name.into()), ("value", value.into())]), Some(detail.claim()))
            }
            AccountProblem::NotSaved => (frame.with("account-not-saved", "brand", frame.brand.name()), None),
            AccountProblem::WrongPassword => (frame.text("account-wrong-password"), Some("password")),
            AccountProblem::TooShort { least } => (frame.count("account-too-short", least), Some("new-password")),
            AccountProblem::TooLong { most } => (frame.count("account-too-long", most), Some("new-password")),
            AccountProblem::Throttled { seconds } => {
                (format!("{} {}", frame.text("login-throttled"), frame.wait(seconds)), Some("password"))
            }
            AccountProblem::Expired => (frame.text("account-expired"), None),
            AccountProblem::Busy => (frame.text("login-busy"), None),
        };
        Self { words, field }
    }
}

/// A field of the details.
struct Field<'a> {
    id: &'static str,
    label: String,
    value: &'a str,
    /// What a browser fills in by itself.
    autocomplete: &'static str,
}

impl<'a> Field<'a> {
    fn of(frame: &Frame<'_>, detail: Detail, value: &'a str) -> Self {
        let autocomplete = match detail {
            Detail::Name => "name",
            Detail::GivenName => "given-name",
            Detail::FamilyName => "family-name",
            Detail::PhoneNumber => "tel",
            Detail::Address => "street-address",
        };
        Self { id: detail.claim(), label: label(frame, detail), value, autocomplete }
    }
}

fn label(frame: &Frame<'_>, detail: Detail) -> String {
    frame.text(match detail {
        Detail::Name => "account-name",
        Detail::GivenName => "account-given-name",
        Detail::FamilyName => "account-family-name",
        Detail::PhoneNumber => "account-phone-number",
        Detail::Address => "account-address",
    })
}

struct Session<'a> {
    id: &'a str,
    browser: String,
    facts: [String; 2],
    is_current: bool,
}

impl<'a> Session<'a> {
    fn of(frame: &Frame<'_>, line: &'a SessionLine, now: Timestamp) -> Self {
        let seen = match line.is_current {
            true => frame.text("session-current"),
            false => frame.with("session-seen", "ago", &frame.ago(line.seen_at, now)),
        };
        let since = frame.with("session-since", "ago", &frame.ago(line.signed_in_at, now));
        Self { id: &line.id, browser: browser(frame, &line.agent), facts: [seen, since], is_current: line.is_current }
    }
}

struct App<'a> {
    line: &'a AppLine,
    place: String,
    facts: Vec<String>,
}

impl<'a> App<'a> {
    fn of(frame: &Frame<'_>, line: &'a AppLine, now: Timestamp) -> Self {
        let mut facts = vec![frame.with("app-since", "ago", &frame.ago(line.since, now))];
        if !line.organisations.is_empty() {
            let names: Vec<&str> = line.organisations.iter().map(|name| &**name).collect();
            facts.push(frame.with("app-organisations", "orgs", &names.join(&frame.text("list-comma"))));
        }
        if line.is_offline {
            facts.push(frame.text("app-offline"));
        }
        Self { line, place: line.place.words(frame), facts }
    }
}

/// "Firefox on Linux", from the tokens that browsers have agreed on; the order matters, since each claims to be its forebears.
fn browser(frame: &Frame<'_>, agent: &str) -> String {
    let named =
        |table: &[(&str, &'static str)]| table.iter().find(|(token, _)| agent.contains(token)).map(|(_, name)| *name);
    let browser = named(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = named(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => {
            frame.locale.with("browser-on", [("browser", Value::from(browser)), ("system", Value::from(system))])
        }
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => frame.text("browser-unknown"),
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a AccountView<'a>,
    notice: Option<String>,
    problem: Option<Trouble>,
    details: Vec<Field<'a>>,
    sessions: Vec<Session<'a>>,
    apps: Vec<App<'a>>,
    organisations: Vec<String>,
}
