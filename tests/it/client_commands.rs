//! `latchkey client …` and `latchkey resource …`, run as an operator runs them.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use latchkey::{clients::Registry, protocol::Timestamp, random::Random, store::Store};

use crate::clients::{Desk, basic, post};

const NOW: Timestamp = Timestamp(1_000_000);
const ISSUER: &str = "http://localhost:8080";

/// What the `latchkey` program says and how it ends, on a database.
async fn latchkey(database_url: &str, args: &[&str], stdin: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.args(args).env("LATCHKEY_DATABASE_URL", database_url).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let stdin = stdin.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("the program starts");
        // A command that reads nothing may have ended before it is written to.
        drop(child.stdin.take().expect("it has an input").write_all(stdin.as_bytes()));
        child.wait_with_output().expect("the program ends")
    });
    let done = done.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("it speaks UTF-8");
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[tokio::test]
async fn an_operator_looks_after_clients_on_the_command_line() {
    let url = crate::world::database_url().await;
    let run = async |args: &[&str], stdin: &str| latchkey(&url, args, stdin).await;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it prints JSON");

    let create =
        ["client", "create", "--json", "--id", "wiki", "--name", "Wiki", "--redirect-uri", "https://wiki.example/cb"];
    let (code, told, _) = run(&create, "").await;
    assert_eq!(code, Some(0));
    let secret = json(&told)["client_secret"].as_str().expect("a secret is told once").to_owned();
    let desk = Desk { registry: Registry::new(Store::open(&url).await.unwrap(), ISSUER), random: Random::seeded(1) };
    assert!(desk.lets_in(basic("wiki", &secret), NOW).await);

    let (code, told, _) = run(&["client", "list", "--json"], "").await;
    assert_eq!((code, json(&told)[0]["client_name"].as_str()), (Some(0), Some("Wiki")));
    assert!(!told.contains("secret\": \"lks_"), "{told}");

    let (code, _, why) = run(&create, "").await;
    assert_eq!(code, Some(1));
    assert!(why.starts_with("error: there is already a client `wiki`"), "{why}");
    let (code, _, why) =
        run(&["client", "create", "--name", "Bad", "--redirect-uri", "http://bad.example/cb"], "").await;
    assert_eq!(code, Some(1));
    assert!(why.contains("http://bad.example/cb"), "{why}");
    assert_eq!(run(&["client", "create", "--name", "Bad", "--grant", "password"], "").await.0, Some(2));
    let (code, _, why) = run(&["client", "show", "nobody"], "").await;
    assert_eq!(code, Some(1));
    assert!(why.contains("hint: "), "{why}");

    let brought = "a secret that somebody brought along, long enough";
    let rotate = ["client", "rotate-secret", "wiki", "--now", "--secret-stdin", "--json"];
    assert_eq!(run(&rotate, &format!("{brought}\n")).await.0, Some(0));
    assert!(desk.lets_in(post("wiki", brought), NOW).await);
    assert!(!desk.lets_in(basic("wiki", &secret), NOW).await);

    let update = ["client", "update", "wiki", "--first-party", "--no-pkce", "--scope", "openid kb:*", "--json"];
    let told = json(&run(&update, "").await.1);
    assert_eq!(
        (&told["first_party"], &told["require_pkce"], &told["scope"]),
        (&true.into(), &false.into(), &"openid kb:*".into())
    );
    let told = json(&run(&["client", "disable", "wiki", "--json"], "").await.1);
    assert_eq!(told["enabled"], false);
    assert!(!desk.lets_in(post("wiki", brought), NOW).await);
    assert_eq!(run(&["client", "enable", "wiki"], "").await.0, Some(0));
    assert!(desk.lets_in(post("wiki", brought), NOW).await);
    assert_eq!(run(&["client", "delete", "wiki"], "").await.0, Some(0));
    assert_eq!(run(&["client", "delete", "wiki"], "").await.0, Some(1));
}

#[tokio::test]
async fn an_operator_looks_after_apis_on_the_command_line() {
    let url = crate::world::database_url().await;
    let run = async |args: &[&str]| latchkey(&url, args, "").await;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it prints JSON");
    let kb = "https://kb.example";
    let create = [
        "resource", "create", kb, "--name", "KB", "--scope", "kb:read", "--scope", "kb:write", "--gate", "consent",
        "--json",
    ];
    let (code, told, _) = run(&create).await;
    assert_eq!(code, Some(0));
    assert_eq!(
        json(&told),
        serde_json::json!({
            "uri": kb, "name": "KB", "scope": "kb:read kb:write", "access_token": "jwt", "typ": "at+jwt",
            "gate": "consent", "introspected_by": [],
        })
    );
    let told = json(&run(&["resource", "update", kb, "--access-token", "opaque", "--json"]).await.1);
    assert_eq!((&told["access_token"], &told["gate"]), (&"opaque".into(), &"consent".into()));
    let told = json(&run(&["resource", "list", "--json"]).await.1);
    assert_eq!((told.as_array().map(Vec::len), &told[0]["uri"]), (Some(3), &"http://localhost:8080".into()));
    assert_eq!(run(&["resource", "create", kb, "--name", "KB"]).await.0, Some(1));
    assert_eq!(run(&["resource", "delete", kb]).await.0, Some(0));
    assert_eq!(run(&["resource", "show", kb]).await.0, Some(1));
    assert_eq!(run(&["resource", "create", "kb", "--name", "KB", "--gate", "open"]).await.0, Some(2));
}

#[tokio::test]
async fn a_secret_that_some_libraries_send_as_another_is_remarked_on() {
    let url = crate::world::database_url().await;
    let create = async |id: &str, secret: &str| {
        let create = ["client", "create", "--id", id, "--name", id, "--redirect-uri", "https://a.example/cb"];
        let (code, _, notes) = latchkey(&url, &[&create[..], &["--secret-stdin"]].concat(), secret).await;
        assert_eq!(code, Some(0), "{notes}");
        notes
    };
    // requests-oauthlib, and curl, send it as it is, which is another secret once it is form-decoded.
    for (id, secret) in
        [("plus", "q7+Zb/0Bx"), ("percent", "q7%Zb/0Bx"), ("space", "q7 Zb/0Bx"), ("other", "q7é=Zb/0Bx")]
    {
        let notes = create(id, &secret.repeat(4)).await;
        assert!(notes.starts_with("note: ") && notes.contains("form-encoded"), "{id}: {notes}");
        assert!(!notes.contains("q7"), "the note tells the secret: {notes}");
    }
    assert_eq!(create("safe", &"q7-Zb/0B_x=~:.".repeat(3)).await, "");

    let rotate = ["client", "rotate-secret", "safe", "--secret-stdin"];
    let (code, _, notes) = latchkey(&url, &rotate, &"1+1=2".repeat(8)).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(notes.starts_with("note: "), "{notes}");
}

#[tokio::test]
async fn whatever_an_operator_can_give_a_client_an_empty_value_takes_away_again() {
    let url = crate::world::database_url().await;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it prints JSON");
    let create = ["client", "create", "--id", "wiki", "--name", "Wiki", "--redirect-uri", "https://wiki.example/cb"];
    let keys = ["--jwks-uri", "https://wiki.example/jwks", "--json"];
    let (_, before, _) = latchkey(&url, &[&create[..], &keys].concat(), "").await;
    let update = async |args: &[&str]| {
        let (code, told, why) = latchkey(&url, &[&["client", "update", "wiki", "--json"], args].concat(), "").await;
        assert_eq!(code, Some(0), "{args:?}: {why}");
        json(&told)
    };
    for (flag, value, member) in [
        ("--id-token-encrypted-response-alg", "ECDH-ES", "id_token_encrypted_response_alg"),
        ("--id-token-encrypted-response-enc", "A256GCM", "id_token_encrypted_response_enc"),
        ("--userinfo-encrypted-response-alg", "RSA-OAEP-256", "userinfo_encrypted_response_alg"),
        ("--userinfo-encrypted-response-enc", "A256GCM", "userinfo_encrypted_response_enc"),
        ("--request-object-algorithm", "ES256", "request_object_signing_alg"),
        ("--default-max-age", "3600", "default_max_age"),
        ("--default-acr-value", "urn:example:high", "default_acr_values"),
        ("--contact", "ops@wiki.example", "contacts"),
        ("--logo-uri", "https://wiki.example/logo", "logo_uri"),
        ("--request-uri", "https://wiki.example/request", "request_uris"),
        ("--backchannel-logout-uri", "https://wiki.example/out", "backchannel_logout_uri"),
        ("--frontchannel-logout-uri", "https://wiki.example/out", "frontchannel_logout_uri"),
        ("--post-logout-redirect-uri", "https://wiki.example/bye", "post_logout_redirect_uris"),
    ] {
        // The content is encrypted somehow only once it is encrypted at all.
        let alg = flag.strip_suffix("-enc").map(|of| format!("{of}-alg"));
        let more: Vec<&str> = alg.iter().flat_map(|alg| [alg.as_str(), "ECDH-ES"]).collect();
        assert!(update(&[&[flag, value], &more[..]].concat()).await.get(member).is_some(), "{flag}");
        let told = update(&[flag, ""]).await;
        assert!(told.get(member).is_none(), "{flag}: {told}");
        if let Some(alg) = alg {
            update(&[flag, value]).await;
            let told = update(&[&alg, ""]).await;
            assert!(told.get(member).is_none(), "without the one, the other is of no use: {told}");
        }
    }
    let told = update(&["--signing-algorithm", "RS256", "--id-token-algorithm", ""]).await;
    let mut before = json(&before);
    before.as_object_mut().expect("an object").retain(|name, _| !name.starts_with("client_secret"));
    assert_eq!(told, before, "and so it is as it was");
}
