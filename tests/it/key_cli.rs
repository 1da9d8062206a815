//! `latchkey key` and `latchkey token inspect`, as an operator runs them.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use latchkey::{
    clock::Clock,
    keys::{KeySettings, Keyring, MasterKey},
    protocol::{Algorithm, Timestamp},
    random::Random,
    store::Store,
    tokens::refresh_token,
};
use serde_json::{Value, json};

use crate::world;

const ISSUER: &str = "http://localhost:8080";

/// A folder with a configuration in it, and the program run there.
struct Shell {
    folder: tempfile::TempDir,
    database_url: String,
}

impl Shell {
    async fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database_url: world::database_url().await }
    }

    fn run(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .args(args)
            .current_dir(self.folder.path())
            .env("LATCHKEY_ISSUER", ISSUER)
            .env("LATCHKEY_DATABASE_URL", &self.database_url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn json(&self, args: &[&str], input: &str) -> Value {
        let output = self.run(&[args, &["--json"]].concat(), input);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("it prints JSON and nothing else")
    }

    fn refused(&self, args: &[&str], input: &str) -> String {
        let output = self.run(args, input);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    }

    async fn keyring(&self) -> Keyring {
        let store = Store::open(&self.database_url).await.unwrap();
        let file = self.folder.path().join("keys").join("master.key");
        let master = MasterKey::load(&store, ISSUER, None, &file, &Random::System).await.unwrap();
        Keyring::open(&store, master, &KeySettings::default(), &Random::System, now()).await.unwrap()
    }
}

fn now() -> Timestamp {
    Clock::System.now()
}

#[tokio::test]
async fn an_operator_lists_and_rotates_keys_and_is_told_why_not() {
    let shell = Shell::new().await;
    assert_eq!(shell.json(&["key", "list"], ""), json!([]));
    let published = shell.json(&["key", "export-public"], "");
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
    let listed = shell.json(&["key", "list"], "");
    let (active, next) = (&listed[0], &listed[1]);
    assert_eq!((&active["state"], &next["state"]), (&json!("active"), &json!("next")));
    assert_eq!(active["kid"], published["keys"][0]["kid"]);
    let members: Vec<&String> = active.as_object().unwrap().keys().collect();
    assert_eq!(members, ["kid", "alg", "state", "created_at", "active_from", "retired_at", "gone_at"]);

    let refusal = shell.refused(&["key", "rotate"], "");
    assert!(
        refusal.starts_with("error: the next RS256 key is too young") && refusal.contains("hint: --now"),
        "{refusal}"
    );
    let done = shell.json(&["key", "rotate", "--now"], "");
    assert_eq!((&done[0]["active"], &done[0]["was"]), (&next["kid"], &active["kid"]));
    let done = shell.json(&["key", "rotate", "--emergency"], "");
    assert_eq!(done[0]["was"], next["kid"]);
    let states = |listed: Value| -> Vec<String> {
        listed.as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(shell.json(&["key", "list"], "")), ["active", "next", "retired"]);
    assert_eq!(states(shell.json(&["key", "list", "--all"], "")), ["active", "next", "retired", "dropped"]);
    shell.json(&["key", "rotate", "--emergency", "--all"], "");
    assert_eq!(states(shell.json(&["key", "list"], "")), ["active", "next"]);
    assert_eq!(shell.run(&["key", "rotate", "--all"], "").status.code(), Some(2));
}

#[tokio::test]
async fn an_operator_brings_a_key_and_changes_the_master_key() {
    use josekit::jwk::{KeyPair, alg::rsa::RsaKeyPair};
    let shell = Shell::new().await;
    let pem = |bits| String::from_utf8(RsaKeyPair::generate(bits).unwrap().to_pem_private_key()).unwrap();
    let short = shell.refused(&["key", "import", "-"], &pem(1024));
    assert!(short.contains("1024 bits") && short.contains("hint: "), "{short}");
    let imported = shell.json(&["key", "import", "-"], &pem(2048));
    assert_eq!(imported["state"], "active");
    assert_eq!(shell.json(&["key", "export-public"], "")["keys"][0]["kid"], imported["kid"]);

    let file = shell.folder.path().join("keys").join("master.key");
    let old = std::fs::read_to_string(&file).unwrap();
    let done = shell.json(&["key", "reseal"], "");
    let new = std::fs::read_to_string(&file).unwrap();
    assert_ne!(old, new);
    assert!(!done.to_string().contains(new.trim()), "the key is in its file, and nowhere else");
    assert_eq!(shell.json(&["key", "export-public"], "")["keys"][0]["kid"], imported["kid"]);
    let own = Random::seeded(7).token();
    shell.json(&["key", "reseal", "--secret-stdin"], &own);
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), own);
    std::fs::write(&file, old).unwrap();
    let wrong = shell.refused(&["key", "export-public"], "");
    assert!(wrong.contains("sealed under another one") && wrong.contains("hint: "), "{wrong}");
}

#[tokio::test]
async fn a_token_is_looked_into_and_never_repeated() {
    let shell = Shell::new().await;
    let keyring = shell.keyring().await;
    let claims = |exp: i64| json!({ "iss": ISSUER, "sub": "usr_1", "aud": "app", "exp": exp, "iat": exp - 900 });
    let live = keyring.sign(Algorithm::RS256, "JWT", &claims(now().0 + 900)).unwrap();
    let dead = keyring.sign(Algorithm::RS256, "at+jwt", &claims(now().0 - 1)).unwrap();
    let forged = format!("{}.{}", live.rsplit_once('.').unwrap().0, dead.rsplit_once('.').unwrap().1);

    let seen = shell.json(&["token", "inspect"], &format!("{live}\n"));
    assert_eq!((&seen["kind"], &seen["ours"], &seen["expired"]), (&json!("ID token"), &json!(true), &json!(false)));
    assert_eq!(seen["claims"]["sub"], "usr_1");
    let seen = shell.json(&["token", "inspect", &dead], "");
    assert_eq!((&seen["kind"], &seen["ours"], &seen["expired"]), (&json!("access token"), &json!(true), &json!(true)));
    let seen = shell.json(&["token", "inspect", "-"], &forged);
    assert_eq!((&seen["ours"], seen["signature"].as_str().unwrap().contains("forged")), (&json!(false), true));
    let refresh = refresh_token::mint(&keyring.refresh_key(), "a-grant", 3);
    let seen = shell.json(&["token", "inspect"], refresh.expose());
    assert_eq!((&seen["kind"], &seen["ours"]), (&json!("refresh token"), &json!(true)));
    assert_eq!(seen["claims"], json!({ "grant_id": "a-grant", "generation": 3 }));

    for token in [live.as_str(), &dead, &forged, refresh.expose(), "lko_unknown"] {
        for flags in [&["token", "inspect", "-"][..], &["token", "inspect", "-", "--json"]] {
            let output = shell.run(flags, token);
            assert!(output.status.success());
            let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(
                !printed.contains(token) && !printed.contains(token.rsplit_once('.').map_or(token, |(_, end)| end))
            );
        }
    }
    for nonsense in ["", "nonsense", "a.b.c", "a.b.c.d.e", "e30.W10.AAAA"] {
        let refusal = shell.refused(&["token", "inspect"], nonsense);
        assert!(nonsense.is_empty() || !refusal.contains(nonsense), "{refusal}");
    }
}
