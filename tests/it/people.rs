//! The commands for people and organisations, as an operator or a script runs them: the program itself, on a database
//! of its own.

use std::{
    collections::HashMap,
    io::Write,
    process::{Command, Output, Stdio},
};

use latchkey::{
    clock::Clock,
    protocol::Lifetime,
    random::Random,
    store::{
        Store,
        browser_sessions::{BrowserSessions, LOGIN, Lifetimes},
        grants::{self, Grant},
    },
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

/// A terminal at an operator's desk.
struct Operator {
    url: String,
}

impl Operator {
    async fn new() -> Self {
        Self { url: crate::world::database_url().await }
    }

    fn runs(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .args(args)
            .env_clear()
            .env("LATCHKEY_DATABASE_URL", &self.url)
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A program that reads nothing may have ended already.
        drop(child.stdin.take().expect("its input").write_all(input.as_bytes()));
        child.wait_with_output().expect("the program ends")
    }

    /// What the command prints as JSON.
    #[track_caller]
    fn gets(&self, args: &[&str]) -> Value {
        self.gives(args, "")
    }

    /// The same, with something on its standard input.
    #[track_caller]
    fn gives(&self, args: &[&str], input: &str) -> Value {
        let output = self.runs(&[args, &["--json"]].concat(), input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// What the command says to people.
    #[track_caller]
    fn reads(&self, args: &[&str]) -> String {
        let output = self.runs(args, "");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The command is refused with exit code 1 and one sentence on standard error.
    #[track_caller]
    fn is_refused(&self, args: &[&str], sentence: &str) {
        let output = self.runs(args, "");
        let errors = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {errors}");
        assert!(errors.starts_with("error: ") && errors.contains(sentence), "{args:?}: {errors}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }

    async fn store(&self) -> Store {
        Store::open(&self.url).await.expect("the database opens")
    }
}

#[tokio::test]
async fn a_user_is_shown_as_oidc_claims_and_whether_they_may_sign_in() {
    let operator = Operator::new().await;
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("claims-of-alice.json");
    std::fs::write(&file, r#"{"given_name":"Alice","birthdate":"1985-04-12","address":{"country":"CH"}}"#).unwrap();
    let file = file.to_str().unwrap();
    let alice = operator.gives(
        &[
            "user",
            "create",
            "Alice",
            "--email",
            "alice@example.com",
            "--email-verified",
            "--name",
            "Alice Example",
            "--claims",
            file,
            "--password-stdin",
        ],
        "correct horse battery\n",
    );
    let expected = json!({
        "sub": alice["sub"], "preferred_username": "alice", "name": "Alice Example", "given_name": "Alice",
        "birthdate": "1985-04-12", "address": {"country": "CH"}, "email": "alice@example.com", "email_verified": true,
        "updated_at": alice["updated_at"], "enabled": true
    });
    assert_eq!(alice, expected);
    assert!(alice["updated_at"].is_i64());
    assert_eq!(operator.gets(&["user", "show", "ALICE"]), alice);
    assert_eq!(operator.gets(&["user", "list"]), json!([alice]));
    let words = operator.reads(&["user", "list"]);
    assert!(words.starts_with("USERNAME") && words.contains("alice@example.com"), "{words}");
    assert!(!words.contains("argon2"), "{words}");
}

#[tokio::test]
async fn what_is_known_of_a_user_can_be_changed_and_removed() {
    let operator = Operator::new().await;
    operator.gets(&["user", "create", "bob", "--email", "bob@example.com", "--email-verified", "--name", "Bob"]);
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("claims-of-bob.json");
    std::fs::write(&file, r#"{"nickname":"Bobby","name":null}"#).unwrap();
    let bob = operator.gets(&["user", "update", "bob", "--claims", file.to_str().unwrap()]);
    assert_eq!((&bob["nickname"], &bob["name"], &bob["email_verified"]), (&json!("Bobby"), &Value::Null, &json!(true)));
    let bob = operator.gets(&["user", "update", "bob", "--email", "bob@example.org"]);
    assert_eq!((&bob["email"], &bob["email_verified"]), (&json!("bob@example.org"), &json!(false)));
    let bob = operator.gets(&["user", "update", "bob", "--email-verified"]);
    assert_eq!(bob["email_verified"], true);
    let bob = operator.gets(&["user", "update", "bob", "--no-email"]);
    assert_eq!(
        (&bob["email"], &bob["email_verified"], &bob["nickname"]),
        (&Value::Null, &Value::Null, &json!("Bobby"))
    );
    assert_eq!(operator.gets(&["user", "disable", "bob"])["enabled"], false);
    assert_eq!(operator.gets(&["user", "enable", "bob"])["enabled"], true);
    operator.gets(&["user", "sign-out", "bob"]);
    operator.gets(&["user", "unlock", "bob"]);
    operator.gives(&["user", "set-password", "bob", "--password-stdin"], "another horse battery");
    assert_eq!(operator.gets(&["user", "delete", "bob"])["deleted"], true);
    assert_eq!(operator.gets(&["user", "list"]), json!([]));
}

#[tokio::test]
async fn what_cannot_be_done_to_a_user_is_said_in_a_sentence() {
    let operator = Operator::new().await;
    operator.gets(&["user", "create", "alice"]);
    operator.is_refused(&["user", "create", "alice"], "the username is taken");
    operator.is_refused(&["user", "create", "b@d"], "no `@`");
    operator.is_refused(&["user", "create", "bob", "--password-stdin"], "standard input is empty");
    operator.is_refused(&["user", "create", "bob", "--claims", "/no/such/file"], "cannot be read");
    operator.is_refused(&["user", "show", "nobody"], "there is no user `nobody`");
    operator.is_refused(&["user", "set-password", "alice"], "no terminal");
    assert_eq!(operator.runs(&["user", "create"], "").status.code(), Some(2), "wrong usage");
    let short = operator.runs(&["user", "create", "bob", "--password-stdin"], "short");
    assert_eq!(short.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&short.stderr).contains("short\n"), "a password is not repeated");
    assert_eq!(operator.gets(&["user", "list"]).as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn organisations_roles_and_members_are_shown_in_their_shapes() {
    let operator = Operator::new().await;
    let acme = operator.gets(&["org", "create", "acme", "--name", "Acme"]);
    assert_eq!((&acme["slug"], &acme["name"], &acme["status"]), (&json!("acme"), &json!("Acme"), &json!("active")));
    assert!(acme["id"].as_str().is_some_and(|id| id.starts_with("org_")));
    assert_eq!(operator.gets(&["org", "list"]), json!([acme]));
    assert_eq!(operator.gets(&["org", "update", "acme", "--name", "Acme Inc."])["name"], "Acme Inc.");

    let role = operator.gets(&[
        "role",
        "create",
        "acme",
        "support",
        "--level",
        "20",
        "--permission",
        "kb:*",
        "--permission",
        "user:read",
    ]);
    let expected = json!({
        "id": role["id"], "name": "support", "hierarchy_level": 20, "is_system_role": false, "permissions": ["kb:*", "user:read"]
    });
    assert_eq!(role, expected);
    let names: Vec<_> =
        operator.gets(&["role", "list", "acme"]).as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["owner", "admin", "editor", "support", "viewer"]);
    let role = operator.gets(&["role", "update", "acme", "support", "--level", "21", "--permission", "kb:read"]);
    assert_eq!(operator.gets(&["role", "show", "acme", "support"]), role);
    assert_eq!((&role["hierarchy_level"], &role["permissions"]), (&json!(21), &json!(["kb:read"])));

    let alice = operator.gets(&["user", "create", "alice"]);
    let member = operator.gets(&["member", "add", "acme", "alice", "--role", "owner"]);
    assert_eq!((&member["username"], &member["sub"]), (&json!("alice"), &alice["sub"]));
    assert_eq!((&member["role"], &member["status"]), (&json!("owner"), &json!("active")));
    operator.gets(&["user", "create", "bob"]);
    operator.gets(&["member", "add", "acme", "bob", "--role", "support"]);
    assert_eq!(operator.gets(&["member", "set-role", "acme", "bob", "--role", "viewer"])["role"], "viewer");
    assert_eq!(operator.gets(&["member", "suspend", "acme", "bob"])["status"], "suspended");
    assert_eq!(operator.gets(&["member", "activate", "acme", "bob"])["status"], "active");
    assert_eq!(operator.gets(&["member", "list", "acme"]).as_array().map(Vec::len), Some(2));
    assert_eq!(operator.gets(&["member", "remove", "acme", "bob"])["removed"], true);
    assert_eq!(operator.gets(&["role", "delete", "acme", "support"])["deleted"], true);
    assert_eq!(operator.gets(&["org", "suspend", "acme"])["status"], "suspended");
    assert_eq!(operator.gets(&["org", "activate", "acme"])["status"], "active");
    assert_eq!(operator.gets(&["org", "delete", "acme"])["status"], "deleted");
    assert_eq!(operator.gets(&["org", "list"]), json!([]));
}

#[tokio::test]
async fn what_cannot_be_done_to_an_organisation_is_said_in_a_sentence() {
    let operator = Operator::new().await;
    operator.gets(&["org", "create", "acme", "--name", "Acme"]);
    operator.gets(&["user", "create", "alice"]);
    operator.gets(&["member", "add", "acme", "alice", "--role", "owner"]);
    operator.is_refused(&["org", "create", "acme", "--name", "Other"], "the slug is taken");
    operator.is_refused(&["org", "create", "A B", "--name", "Other"], "lower-case");
    operator.is_refused(&["org", "show", "globex"], "there is no organisation `globex`");
    operator.is_refused(&["member", "remove", "acme", "alice"], "last active owner");
    operator.is_refused(&["user", "delete", "alice"], "last active owner of acme");
    operator.is_refused(&["member", "add", "acme", "alice", "--role", "viewer"], "a member already");
    operator
        .is_refused(&["member", "set-role", "acme", "alice", "--role", "king"], "it has owner, admin, editor, viewer");
    operator.is_refused(&["role", "update", "acme", "owner", "--permission", "kb:read"], "cannot be changed");
    operator.is_refused(&["role", "create", "acme", "other", "--level", "80"], "a role of that level");
    operator.is_refused(&["role", "show", "acme", "king"], "has no role `king`");
    operator.gets(&["org", "delete", "acme"]);
    operator.is_refused(&["org", "show", "acme"], "it was deleted");
    operator.is_refused(&["org", "create", "acme", "--name", "Other"], "the slug is taken");
}

#[tokio::test]
async fn sessions_and_grants_are_listed_and_ended() {
    let operator = Operator::new().await;
    let sub = operator.gets(&["user", "create", "alice"])["sub"].as_str().unwrap().to_owned();
    operator.gets(&["client", "create", "--id", "app", "--name", "Wiki", "--redirect-uri", "https://app.example/cb"]);
    let (store, now) = (operator.store().await, Clock::System.now());
    let lifetimes = Lifetimes { idle: Lifetime::hours(12), absolute: Lifetime::days(30) };
    let sessions = BrowserSessions::new(store.clone(), Clock::System, Random::System, lifetimes);
    let expiry_date = OffsetDateTime::from_unix_timestamp(now.0).unwrap();
    let mut record = Record { id: Id(1), data: HashMap::new(), expiry_date };
    record.data.insert(LOGIN.into(), json!({ "sub": sub, "sid": "-sid", "agent": "Firefox on Linux" }));
    sessions.create(&mut record).await.unwrap();
    let mut tx = store.write().await.unwrap();
    for (id, offline) in [("-online", false), ("offline", true)] {
        grants::insert(&mut tx, &grant(&sub, id, offline, now.0)).await.unwrap();
        assert!(grants::spend_code(&mut tx, id, now.0, now.0 + 900).await.unwrap());
    }
    tx.commit().await.unwrap();

    let listed = operator.gets(&["session", "list", "alice"]);
    assert_eq!((&listed[0]["id"], &listed[0]["user_agent"]), (&json!("-sid"), &json!("Firefox on Linux")));
    let listed = operator.gets(&["grant", "list", "alice"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!((&listed[0]["client_id"], &listed[0]["scope"]), (&json!("app"), &json!("openid")));
    assert_eq!(listed[0]["client_name"], "Wiki");
    assert_eq!(listed[0]["resources"], json!(["https://api.example"]));

    // What was not meant to outlive the session ends with it, and nothing else.
    assert_eq!(operator.gets(&["session", "end", "-sid"])["ended"], true);
    assert_eq!(operator.gets(&["session", "list", "alice"]), json!([]));
    let left = operator.gets(&["grant", "list", "alice"]);
    assert_eq!((left.as_array().map(Vec::len), &left[0]["id"]), (Some(1), &json!("offline")));
    operator.is_refused(&["session", "end", "-sid"], "there is no session `-sid`");
    operator.is_refused(&["grant", "revoke", "-online"], "session ended by the operator");

    assert_eq!(operator.gets(&["grant", "revoke", "offline"])["revoked"], true);
    assert_eq!(operator.gets(&["grant", "list", "alice"]), json!([]));
    operator.is_refused(&["grant", "revoke", "offline"], "revoked by the operator");
    operator.is_refused(&["grant", "revoke", "nothing"], "there is no grant `nothing`");
}

fn grant(sub: &str, id: &str, offline: bool, now: i64) -> Grant {
    Grant {
        id: id.into(),
        client_id: "app".into(),
        user_id: sub.into(),
        sid: "-sid".into(),
        offline,
        code_hash: format!("hash{id}"),
        code_expires_at: now + 60,
        code_spent_at: None,
        code_failures: 0,
        redirect_uri: "https://app.example/cb".into(),
        code_challenge: None,
        nonce: None,
        scope: "openid".into(),
        resources: r#"["https://api.example"]"#.into(),
        claims: None,
        org_id: None,
        auth_time: now,
        acr: "urn:latchkey:acr:password".into(),
        amr: "pwd".into(),
        refresh_generation: 0,
        refresh_predecessor: 0,
        refresh_recovered: false,
        refresh_rotated_at: now,
        user_epoch: 0,
        client_epoch: 0,
        org_epoch: 0,
        issuer_epoch: 0,
        created_at: now,
        expires_at: now + 60,
        ended_at: None,
        ended_by: None,
    }
}
