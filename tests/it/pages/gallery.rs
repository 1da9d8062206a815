//! Every page there is, in every state that looks different.

use latchkey::{
    accounts::Detail,
    protocol::{ErrorCode, Timestamp},
    web::{
        assets::Brand,
        locale::Locale,
        views::{self, *},
    },
};
use serde_json::json;

const NOW: Timestamp = Timestamp(1_790_000_000);

/// Every page there is, in every state that looks different, filled with texts made by `text` from plausible ones.
pub(super) fn gallery(locale: Locale, brand: &Brand, text: &dyn Fn(&str) -> String) -> Vec<(String, String)> {
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
        ("-no-cookie", Some(LoginProblem::NoCookie)),
        ("-unsaved", Some(LoginProblem::Unsaved)),
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
    let frames = [text("https://wiki.example/out?iss=a&sid=b")];
    let next = text("https://wiki.example/bye?state=1");
    add("signing-out", views::signing_out(&frame, &SigningOutView { frames: &frames, next: &next }));
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
        is_editing: matches!(
            problem,
            Some(AccountProblem::Unfit(_) | AccountProblem::TooMuch(_) | AccountProblem::NotSaved)
        ),
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
        AccountProblem::Unfit(Detail::GivenName),
        AccountProblem::Unfit(Detail::PhoneNumber),
        AccountProblem::TooMuch(Detail::Address),
        AccountProblem::NotSaved,
    ];
    for (at, problem) in problems.into_iter().enumerate() {
        add(&format!("account-problem-{at}"), views::account(&frame, &home(None, Some(problem))));
    }

    // Something went wrong.
    for kind in ProblemKind::ALL {
        let is_app = matches!(kind, ProblemKind::Authorization | ProblemKind::SignOut);
        let view = ProblemView {
            kind: *kind,
            go_on: matches!(kind, ProblemKind::RequestGone | ProblemKind::NoCookies)
                .then(|| text("/authorize?client_id=wiki")),
            back: matches!(kind, ProblemKind::RequestGone | ProblemKind::Authorization).then(back).flatten(),
            developer: is_app.then(|| Developer {
                error: ErrorCode::InvalidRequest,
                description: text(
                    "`redirect_uri` is not one that this client has registered; it has to match to the letter",
                ),
            }),
        };
        add(&format!("problem-{kind:?}").to_lowercase(), views::problem(&frame, &view));
    }
    for code in ErrorCode::ALL {
        add(&format!("error-{}", code.as_str()), views::error_code(&frame, *code));
    }
    add("errors", views::error_codes(&frame));
    pages
}

pub(super) fn plain(text: &str) -> String {
    text.to_owned()
}
