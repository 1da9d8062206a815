//! Every page, in every state and language: what it says, that it runs nothing of a stranger's, and that everybody can use it.

use std::{collections::BTreeMap, fs, path::Path};

use latchkey::{
    accounts::Detail,
    protocol::{Code, Timestamp},
    web::{
        assets::Brand,
        locale::Locale,
        views::{self, *},
    },
};
use serde_json::json;

const NOW: Timestamp = Timestamp(1_790_000_000);

/// Every page there is, in every state that looks different, filled with texts made by `text` from plausible ones.
fn gallery(locale: Locale, brand: &Brand, text: &dyn Fn(&str) -> String) -> Vec<(String, String)> {
    let frame = Frame { locale, brand, base: "", request_id: "req_7f3kq2m9x4" };
    let mut pages: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));

    let client = |verified: bool| ClientView {
        name: text("Team Wiki").into(),
        place: Place::of("https://wiki.example/cb"),
        logo_uri: verified.then(|| "https://wiki.example/logo.svg".to_owned()),
        client_uri: Some(text("https://wiki.example/")),
        policy_uri: Some("https://wiki.example/privacy".to_owned()),
        tos_uri: Some("https://wiki.example/terms".to_owned()),
        verified,
    };
    let person = || Person { name: text("Alice Example").into(), detail: Some(text("alice").into()) };
    let (action, csrf) = (text("/login?request=Zk3"), text("csrf-token"));

    // Sign in.
    let problems = [
        ("", None),
        ("-wrong", Some(LoginProblem::Wrong)),
        ("-throttled", Some(LoginProblem::Throttled { seconds: 125 })),
        ("-expired", Some(LoginProblem::Expired)),
        ("-busy", Some(LoginProblem::Busy)),
        ("-other", Some(LoginProblem::OtherAccount)),
    ];
    for (ending, problem) in problems {
        let username = if problem.is_some() { text("alice") } else { String::new() };
        let client = Some(client(ending != "-busy"));
        let view = LoginView { action: &action, csrf: &csrf, client, username: &username, problem, can_cancel: true };
        add(&format!("login{ending}"), views::login(&frame, &view));
    }
    let view =
        LoginView { action: "/login", csrf: &csrf, client: None, username: "", problem: None, can_cancel: false };
    add("login-alone", views::login(&frame, &view));

    // Consent.
    let told = |claims: serde_json::Value| Told::all(claims.as_object().expect("claims are an object"));
    let email = || text("alice@example.com");
    let identity = || {
        vec![
            ConsentLine { scope: "openid".into(), told: vec![] },
            ConsentLine {
                scope: "profile".into(),
                told: told(json!({
                    "family_name": text("Example"), "locale": "de", "name": text("Alice Example"),
                    "preferred_username": text("alice"), "updated_at": 1_700_000_000,
                })),
            },
            ConsentLine { scope: "email".into(), told: told(json!({"email": email(), "email_verified": true})) },
        ]
    };
    let permission = |permission: &str, api: Option<&str>| PermissionLine {
        permission: text(permission),
        api: api.map(|api| text(api).into()),
    };
    let choice = |id: &str, name: &str, role: &str, permissions: Vec<PermissionLine>| OrgChoice {
        org_id: text(id),
        name: text(name).into(),
        role: text(role).into(),
        is_selected: false,
        permissions,
    };
    let ask = || ConsentView {
        action: &action,
        csrf: &csrf,
        client: client(true),
        person: person(),
        lines: identity(),
        claims: vec![],
        permissions: vec![],
        choices: vec![],
        is_remembered: true,
        problem: None,
    };
    add("consent", views::consent(&frame, &ask()));
    let kb = Some("Knowledge base");
    let one = ConsentView {
        choices: vec![choice("org_1", "Acme", "editor", vec![permission("kb:read", kb), permission("kb:update", kb)])],
        client: client(false),
        ..ask()
    };
    add("consent-one-organisation", views::consent(&frame, &one));
    let several = |problem| {
        let mut lines = identity();
        for (scope, claims) in [
            ("address", json!({"address": {"street_address": text("1 Main St"), "locality": text("Ghent")}})),
            ("phone", json!({"phone_number": text("+32 1 23"), "phone_number_verified": false})),
            (
                "orgs",
                json!({"organizations": [{"slug": text("acme"), "role": text("owner")}, {"slug": "globex", "role": "viewer"}]}),
            ),
            ("offline_access", json!({})),
            (text("wiki.special").as_str(), json!({})),
        ] {
            lines.push(ConsentLine { scope: scope.to_owned(), told: told(claims) });
        }
        let all = ["kb:read", "kb:create", "kb:update", "kb:delete"].map(|own| permission(own, kb)).to_vec();
        ConsentView {
            lines,
            claims: told(json!({"birthdate": text("1990-02-01"), "nickname": null, text("shoe_size"): 43})),
            permissions: vec![permission("calendar:list", None), permission("calendar:approve", None)],
            choices: vec![
                choice("org_1", "Acme", "owner", all),
                choice("org_2", "Globex Corporation", "viewer", vec![permission("kb:read", kb)]),
                choice("org_3", "Initech", "guest", vec![]),
            ],
            is_remembered: false,
            problem,
            ..ask()
        }
    };
    add("consent-choice", views::consent(&frame, &several(None)));
    let short = ConsentView { lines: identity(), claims: vec![], permissions: vec![], ..several(None) };
    add("consent-choice-short", views::consent(&frame, &short));
    let problems = [ConsentProblem::NoChoice, ConsentProblem::Expired, ConsentProblem::Changed];
    for (at, problem) in problems.into_iter().enumerate() {
        add(&format!("consent-problem-{at}"), views::consent(&frame, &several(Some(problem))));
    }

    // Pick an account, sign out, signed out, the form.
    for has_expired in [false, true] {
        let view =
            PickAccountView { action: &action, csrf: &csrf, client: client(true), person: person(), has_expired };
        let name = if has_expired { "pick-account-expired" } else { "pick-account" };
        add(name, views::pick_account(&frame, &view));
    }
    let state = text("st");
    let hidden = [("state", state.as_str())];
    let back = || BackLink::to(&text("Team Wiki"), Some(&text("https://wiki.example/")));
    let view = SignOutView {
        action: "/logout",
        csrf: &csrf,
        client: Some(client(true)),
        person: Some(person()),
        hidden: &hidden,
    };
    add("sign-out", views::sign_out(&frame, &view));
    let view = SignOutView { action: "/logout", csrf: &csrf, client: None, person: None, hidden: &[] };
    add("sign-out-alone", views::sign_out(&frame, &view));
    add("signed-out", views::signed_out(&frame, &SignedOutView { back: None }));
    add("signed-out-back", views::signed_out(&frame, &SignedOutView { back: back() }));
    let view = FormPostView { action: "https://wiki.example/cb", params: &hidden, app: text("Team Wiki").into() };
    add("form-post", views::form_post(&frame, &view));
    for (name, action) in [("form-post-device", "http://127.0.0.1:9/cb"), ("form-post-app", "com.example.app:/cb")] {
        let app = || text("Team Wiki").into();
        add(name, views::form_post(&frame, &FormPostView { action, params: &hidden, app: app() }));
    }

    // The account.
    let agent = text("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let session = |id: &str, agent: &str, seen: i64, is_current| SessionLine {
        id: text(id),
        agent: agent.to_owned(),
        signed_in_at: Timestamp(NOW.0 - 3 * 86_400),
        seen_at: Timestamp(NOW.0 - seen),
        is_current,
    };
    let app = |name: &str, uri: &str, organisations: &[&str], is_offline| AppLine {
        id: text("cli_1"),
        name: text(name).into(),
        place: Place::of(uri),
        organisations: organisations.iter().map(|own| text(own).into()).collect(),
        since: Timestamp(NOW.0 - 86_400),
        is_offline,
    };
    let home = |notice, problem| AccountView {
        action: "/account",
        csrf: &csrf,
        username: text("alice").into(),
        name: Some(text("Alice Example").into()),
        email: Some((email().into(), true)),
        phone_number: Some((text("+32 1 23").into(), false)),
        address: vec![text("1 Main St").into(), text("9000 Ghent").into()],
        details: Detail::ALL.iter().map(|own| (*own, text("What is known"))).collect(),
        is_editing: matches!(problem, Some(AccountProblem::NotALine(_) | AccountProblem::TooMuch)),
        organisations: vec![(text("Acme").into(), text("owner").into()), ("Globex".into(), "viewer".into())],
        has_password: true,
        sessions: vec![
            session("ses_1", &agent, 0, true),
            session(
                "ses_2",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
                7_300,
                false,
            ),
            session("ses_3", "", 180, false),
        ],
        apps: vec![
            app("Team Wiki", "https://wiki.example/cb", &["Acme", "Globex"], false),
            app("Mail on my desk", "http://127.0.0.1/cb", &[], true),
        ],
        notice,
        problem,
        now: NOW,
    };
    add("account", views::account(&frame, &home(None, None)));
    let bare = AccountView {
        name: None,
        email: Some(("bob@example.com".into(), false)),
        phone_number: None,
        address: vec![],
        organisations: vec![],
        has_password: false,
        apps: vec![],
        sessions: vec![session("ses_1", "curl/8", 0, true)],
        ..home(None, None)
    };
    add("account-bare", views::account(&frame, &bare));
    let notices = [
        AccountNotice::PasswordChanged,
        AccountNotice::SessionEnded,
        AccountNotice::AccessEnded,
        AccountNotice::SignedOutElsewhere,
        AccountNotice::DetailsChanged,
    ];
    for (at, notice) in notices.into_iter().enumerate() {
        add(&format!("account-notice-{at}"), views::account(&frame, &home(Some(notice), None)));
    }
    let problems = [
        AccountProblem::WrongPassword,
        AccountProblem::TooShort { least: 12 },
        AccountProblem::TooLong { most: 1_024 },
        AccountProblem::Throttled { seconds: 40 },
        AccountProblem::Expired,
        AccountProblem::Busy,
        AccountProblem::NotALine(Detail::GivenName),
        AccountProblem::TooMuch,
    ];
    for (at, problem) in problems.into_iter().enumerate() {
        add(&format!("account-problem-{at}"), views::account(&frame, &home(None, Some(problem))));
    }

    // Something went wrong.
    for kind in ProblemKind::ALL {
        let is_app = matches!(kind, ProblemKind::Authorization | ProblemKind::SignOut);
        let view = ProblemView {
            kind: *kind,
            go_on: (*kind == ProblemKind::RequestGone).then(|| text("/authorize?client_id=wiki")),
            back: matches!(kind, ProblemKind::RequestGone | ProblemKind::Authorization).then(back).flatten(),
            developer: is_app.then(|| Developer {
                error: Code::InvalidRequest,
                description: text(
                    "`redirect_uri` is not one that this client has registered; it has to match to the letter",
                ),
            }),
        };
        add(&format!("problem-{kind:?}").to_lowercase(), views::problem(&frame, &view));
    }
    for code in Code::ALL {
        add(&format!("error-{}", code.as_str()), views::error_code(&frame, *code));
    }
    add("errors", views::error_codes(&frame));
    pages
}

fn plain(text: &str) -> String {
    text.to_owned()
}

/// A start tag: its name, and its attributes with their values as they stand in the source.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    fn get(&self, attribute: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(name, _)| *name == attribute).map(|(_, value)| *value)
    }
}

/// The start and end tags of a page, in order. Our templates quote every value, so a quote that got through unescaped
/// shows as an attribute more.
fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find(|c: char| c.is_whitespace() || c == '>').expect("a tag ends");
        let mut tag = Tag { name: &rest[..end], attributes: Vec::new() };
        rest = rest[end..].trim_start();
        while !rest.starts_with('>') {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>')).expect("an attribute ends");
            let name = &rest[..end];
            rest = &rest[end..];
            let mut value = "";
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let end = quoted.find('"').expect("a value is closed");
                (value, rest) = (&quoted[..end], &quoted[end + 1..]);
            }
            tag.attributes.push((name, value));
            rest = rest.trim_start();
        }
        tags.push(tag);
    }
    tags
}

/// The bones of a page: tags and attribute names, without any text.
fn skeleton(html: &str) -> Vec<String> {
    let bones = |tag: Tag<'_>| {
        let names: Vec<&str> = tag.attributes.iter().map(|(name, _)| *name).collect();
        format!("{} {}", tag.name, names.join(" "))
    };
    tags(html).into_iter().map(bones).collect()
}

/// What attackers put into names (attack cases 7 and 66).
const NASTY: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "</title><svg onload=alert(1)>",
    "<!--",
    "]]><x>",
    "{{7*7}}{% raw %}",
    "&lt;b&gt;&#60;b&#62;",
    "javascript:alert(1)",
    "${alert(1)}",
    "\u{202e}<b>\u{2066}",
    "\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "\u{ff1c}script\u{ff1e}",
];

#[test]
fn no_text_from_elsewhere_becomes_a_tag() {
    let brand = Brand::default();
    let innocent = gallery(Locale::En, &brand, &plain);
    for nasty in NASTY {
        let attacked = gallery(Locale::En, &brand, &|text| format!("{text}{nasty}"));
        for ((name, before), (_, after)) in innocent.iter().zip(&attacked) {
            assert_eq!(skeleton(before), skeleton(after), "{name} with {nasty}");
        }
        assert!(innocent.iter().zip(&attacked).any(|(before, after)| before.1 != after.1), "{nasty} is shown nowhere");
    }
}

#[test]
fn the_name_of_an_operator_is_escaped_too() {
    for nasty in NASTY {
        let brand = Brand::new(&format!("Acme{nasty}"), None, None).unwrap();
        let plain_brand = Brand::default();
        for ((name, before), (_, after)) in
            gallery(Locale::Ar, &plain_brand, &plain).iter().zip(&gallery(Locale::Ar, &brand, &plain))
        {
            assert_eq!(skeleton(before), skeleton(after), "{name} with {nasty}");
        }
    }
}

/// The policy would not let it run or apply; a page that needs it would be broken.
#[test]
fn nothing_is_inline() {
    for (name, html) in gallery(Locale::En, &Brand::default(), &plain) {
        for tag in tags(&html) {
            assert!(tag.name != "style", "{name} has a style element");
            assert!(tag.name != "script" || tag.get("src").is_some_and(|src| src.starts_with("/assets/")), "{name}");
            for (attribute, value) in &tag.attributes {
                assert!(*attribute != "style" && !attribute.starts_with("on"), "{name}: {attribute}");
                assert!(!value.trim_start().starts_with("javascript:"), "{name}: {value}");
            }
        }
        assert!(!html.contains("<script>"), "{name}");
    }
}

#[test]
fn every_form_of_ours_carries_the_token_that_only_our_pages_have() {
    for (name, html) in gallery(Locale::En, &Brand::default(), &plain) {
        let tags = tags(&html);
        let posts = tags.iter().filter(|tag| tag.name == "form" && tag.get("method") == Some("post")).count();
        let forms = tags.iter().filter(|tag| tag.name == "form").count();
        let tokens =
            tags.iter().filter(|tag| tag.get("name") == Some("csrf") && tag.get("value") == Some("csrf-token")).count();
        assert_eq!(posts, forms, "{name} has a form that does not post");
        // The answer to an app is no form of ours: the app must not learn our token.
        assert_eq!(tokens, if name.starts_with("form-post") { 0 } else { forms }, "{name}");
    }
}

#[test]
fn every_page_can_be_used_by_everybody() {
    for (name, html) in Locale::ALL.iter().flat_map(|locale| gallery(*locale, &Brand::default(), &plain)) {
        let tags = tags(&html);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{name} uses an id twice");
        assert_eq!(tags.iter().filter(|tag| tag.name == "h1").count(), 1, "{name}");
        assert_eq!(tags.iter().filter(|tag| tag.name == "main").count(), 1, "{name}");
        assert!(tags.iter().filter(|tag| tag.get("autofocus").is_some()).count() <= 1, "{name}");
        assert!(html.contains("req_7f3kq2m9x4"), "{name} does not say its request id");
        let labelled: Vec<&str> = tags.iter().filter_map(|tag| tag.get("for")).collect();
        for tag in &tags {
            let is_hidden = tag.get("type") == Some("hidden") || tag.get("hidden").is_some();
            if matches!(tag.name, "input" | "textarea") && !is_hidden && tag.get("type") != Some("radio") {
                assert!(tag.get("id").is_some_and(|id| labelled.contains(&id)), "{name} has an input without a label");
                assert!(tag.get("autocomplete").is_some(), "{name}");
            }
            for reference in
                ["aria-describedby", "aria-labelledby", "for", "form"].iter().filter_map(|own| tag.get(own))
            {
                for id in reference.split(' ') {
                    assert!(ids.contains(&id), "{name} refers to #{id}, which is not there");
                }
            }
            if let Some(field) = tag.get("href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(&field), "{name} links to #{field}, which is not there");
            }
            assert!(tag.name != "img" || tag.get("alt").is_some(), "{name}");
        }
    }
}

/// Programs drive these pages too (product.md): the ids and the English headings are a promise.
#[test]
fn what_programs_look_for_is_there() {
    let pages: BTreeMap<String, String> = gallery(Locale::En, &Brand::default(), &plain).into_iter().collect();
    for (page, ids, heading) in [
        ("login", &["username", "password", "login-submit", "login-cancel"][..], "Sign in"),
        ("login-wrong", &["username", "password", "login-submit", "login-cancel"], "Sign in"),
        ("consent", &["consent-allow", "consent-deny"], "Team Wiki wants to know who you are"),
        ("consent-choice", &["consent-allow", "consent-deny"], "Team Wiki wants access"),
        ("sign-out", &["logout-confirm"], "Sign out?"),
        ("signed-out", &[], "You are signed out"),
        ("problem-authorization", &[], "Authorization error"),
        ("problem-signout", &[], "Sign-out error"),
    ] {
        let html = &pages[page];
        for id in ids {
            assert!(html.contains(&format!(" id=\"{id}\"")), "{page} has no #{id}");
        }
        assert!(html.contains(&format!("<h1>{heading}</h1>")), "{page} is not headed {heading}");
        assert!(html.contains("<title>"), "{page}");
    }
}

#[test]
fn a_page_says_who_asks_and_what_will_be_told() {
    let pages: BTreeMap<String, String> = gallery(Locale::En, &Brand::default(), &plain).into_iter().collect();
    for (page, texts) in [
        ("login", &["to go on to Team Wiki", "wiki.example"][..]),
        ("login-busy", &["Not verified"]),
        ("login-wrong", &["<title>Error: Sign in · Latchkey</title>", "value=\"alice\""]),
        ("login-throttled", &["Try again in 3 minutes."]),
        ("consent", &["alice@example.com (confirmed)", "Alice Example and 4 more details", "2023-11-14"]),
        ("consent-one-organisation", &["Acme: editor", "in Knowledge base", "read, change", "Not verified"]),
        (
            "consent-choice",
            &[
                "Acme: owner",
                "Globex Corporation: viewer",
                "No further permissions",
                "list, approve",
                "acme: owner, globex: viewer",
                "+32 1 23 (not confirmed)",
                "1 Main St, Ghent",
            ],
        ),
        ("form-post-app", &["app on this device (com.example.app:)"]),
        (
            "account",
            &["Firefox on Linux", "Safari on iPhone", "Unknown browser", "Last seen 2 hours ago", "In: Acme, Globex"],
        ),
        ("account", &["+32 1 23 (not confirmed)", "9000 Ghent", ">Change your details</summary>"]),
        (
            "account-problem-6",
            &[
                "<a href=\"#given_name\">Given name: This has to be one line of plain text.",
                "<details class=\"edit\" open>",
            ],
        ),
        ("account-problem-1", &["at least 12 characters", "<title>Error: Your account"]),
        (
            "problem-authorization",
            &["<code>redirect_uri</code> is not one", "For the developer of this app", "/errors/invalid_request"],
        ),
        ("problem-authorization", &["href=\"https://wiki.example/\">Back to Team Wiki</a>"]),
        ("problem-requestgone", &["You can go on from here", ">Go on</a>", ">Back to Team Wiki</a>"]),
        ("signed-out-back", &["href=\"https://wiki.example/\">Back to Team Wiki</a>"]),
    ] {
        for text in texts {
            assert!(pages[page].contains(text), "{page} does not say {text}");
        }
    }
    assert!(!pages["login"].contains("Not verified"));
}

#[test]
fn an_app_that_learns_all_organisations_is_not_said_to_learn_one() {
    let pages: BTreeMap<String, String> = gallery(Locale::En, &Brand::default(), &plain).into_iter().collect();
    for (page, says, other) in [
        ("consent-choice", "Access is given in the one you choose", "will learn the one you choose"),
        ("consent-choice-short", "will learn the one you choose", "Access is given in the one you choose"),
    ] {
        assert!(pages[page].contains(says) && !pages[page].contains(other), "{page}");
    }
}

/// The messages of a catalogue, each with the variables that it uses.
fn messages(catalogue: &str) -> BTreeMap<String, Vec<String>> {
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in catalogue.lines().filter(|line| !line.starts_with('#')) {
        if let Some((id, _)) = line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase())) {
            assert!(!messages.contains_key(id), "{id} is there twice");
            current = id.to_owned();
        }
        let variables = messages.entry(current.clone()).or_default();
        for part in line.split('$').skip(1) {
            variables.push(part.chars().take_while(char::is_ascii_alphanumeric).collect());
        }
        variables.sort();
        variables.dedup();
    }
    messages.remove("");
    messages
}

#[test]
fn every_language_says_everything() {
    let english = messages(Locale::En.catalogue());
    assert!(english.len() > 150);
    for locale in Locale::ALL {
        if let Err((_, errors)) = fluent_bundle::FluentResource::try_new(locale.catalogue().to_owned()) {
            panic!("{locale:?}: {errors:?}");
        }
        let own = messages(locale.catalogue());
        for (id, variables) in &english {
            let Some(own) = own.get(id) else { panic!("{locale:?} has no {id}") };
            // A count that a language writes as a word needs no figure, but some variant of the message has it.
            assert_eq!(own, variables, "{locale:?} {id}");
            let args = variables.iter().map(|name| match name.as_str() {
                "count" => ("count", 3.into()),
                name => (VARIABLES.iter().copied().find(|own| *own == name).expect("a known variable"), "x".into()),
            });
            let text = locale.with(id, args);
            assert!(
                !text.contains('{') && !text.is_empty() && (text != *id || !id.contains('-')),
                "{locale:?} {id}: {text}"
            );
        }
        let more: Vec<_> = own.keys().filter(|id| !english.contains_key(*id)).collect();
        assert!(more.is_empty(), "{locale:?} has {more:?}, which English has not");
    }
}

const VARIABLES: &[&str] = &[
    "id", "org", "role", "name", "host", "scheme", "brand", "app", "title", "scope", "claim", "things", "api", "first",
    "value", "ago", "browser", "system", "orgs",
];

#[test]
fn no_language_was_left_in_english() {
    let same = ["pair", "membership", "list-comma"];
    for locale in Locale::ALL.iter().filter(|own| **own != Locale::En) {
        let own: Vec<String> = messages(locale.catalogue()).into_keys().collect();
        let untranslated = own
            .iter()
            .filter(|id| !same.contains(&id.as_str()) && locale.text(id) == Locale::En.text(id))
            .collect::<Vec<_>>();
        // Words that two languages share, such as "Name", are few.
        assert!(untranslated.len() < 12, "{locale:?}: {untranslated:?}");
    }
}

#[test]
fn every_message_is_used_and_every_used_message_exists() {
    let mut sources = String::new();
    for folder in ["templates", "src/web", "src/web/views"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "html" || ending == "rs") {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let english = messages(Locale::En.catalogue());
    for id in english.keys() {
        assert!(sources.contains(&format!("\"{id}\"")), "{id} is said nowhere");
    }
    for call in [".text(\"", ".with(\"", ".count(\"", ".title(\""] {
        for rest in sources.split(call).skip(1) {
            let id = rest.split('"').next().unwrap();
            assert!(english.contains_key(id), "{id} is said, but no catalogue has it");
        }
    }
}

#[test]
fn every_error_is_explained() {
    for code in Code::ALL {
        let Explanation { meaning, causes, cures, defined_in: (_, address) } = views::explain(*code);
        assert!(meaning.ends_with('.') && !causes.is_empty() && !cures.is_empty(), "{code:?}");
        assert!(address.starts_with("https://"), "{code:?}");
    }
}

/// For people who change a page: `target/tmp/pages` holds all of them, to be looked at through any web server.
#[test]
fn every_page_is_rendered_in_every_language() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(folder.join("assets")).unwrap();
    let brand = Brand::default();
    for locale in Locale::ALL {
        for (name, html) in gallery(*locale, &brand, &plain) {
            let [lang, dir] = [locale.tag(), locale.dir()];
            assert!(html.contains(&format!("<html lang=\"{lang}\" dir=\"{dir}\">")), "{name}");
            assert!(!html.contains("{$"), "{name} leaves a variable of a message open");
            fs::write(folder.join(format!("{lang}-{name}.html")), html).unwrap();
        }
    }
    for file in brand.files() {
        fs::write(folder.join("assets").join(file.name()), file.body()).unwrap();
    }
}
