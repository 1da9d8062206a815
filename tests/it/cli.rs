//! The command line around the nouns: usage, doctor, migrate, backup and restore.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    program::{Place, mode},
    sqlite::sqlite,
};

const ADD_ALICE: &[&str] = &["user", "create", "alice", "--email", "alice@example.com", "--password-stdin"];
const PASSWORD: &str = "correct horse battery\n";

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [&["bogus"][..], &["serve", "--bogus"], &["user", "bogus"], &["backup"]] {
        let done = Place::new().run(args);
        assert_eq!(done.code, Some(2), "{args:?}");
        assert!(done.err.contains("Usage:"), "{args:?}: {}", done.err);
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let mut waiting = vec![Vec::<String>::new()];
    while let Some(path) = waiting.pop() {
        let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
        args.push("--help");
        let help = Place::new().run(&args).ok();
        let commands: Vec<&str> = help
            .split("\nCommands:\n")
            .nth(1)
            .map(|rest| rest.lines().take_while(|line| line.starts_with("  ")).collect())
            .unwrap_or_default();
        let names =
            commands.iter().filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
        let names: Vec<&str> = names.filter(|name| *name != "help").collect();
        if names.is_empty() {
            assert!(help.contains("Example"), "latchkey {} has no example:\n{help}", path.join(" "));
        }
        waiting.extend(names.iter().map(|name| path.iter().cloned().chain([(*name).to_owned()]).collect()));
    }
}

#[test]
fn migrate_makes_a_database_and_does_not_mind_one() {
    let place = Place::new();
    place.run(&["migrate"]).ok();
    assert!(place.path("latchkey.db").exists());
    assert_eq!(place.run(&["migrate", "--json"]).json()["migrated"], true);
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let place = Place::new();
    place.run(&["migrate"]).ok();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'from the future', TRUE, x'00', 0) RETURNING version";
    assert_eq!(sqlite(&place, "latchkey.db", newer), 9999);
    let before = fs::read(place.path("latchkey.db")).expect("the file");
    for args in [&["user", "list"][..], &["serve", "--listen", "127.0.0.1:0"], &["migrate"]] {
        let told = place.run(args).refused();
        assert!(told.contains("newer latchkey (it has migration 9999)"), "{args:?}: {told}");
    }
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.out.contains("✗ database: ") && doctor.out.contains("9999"), "{}", doctor.out);
    assert_eq!(fs::read(place.path("latchkey.db")).expect("the file"), before);
}

#[test]
fn a_database_that_cannot_be_opened_is_named_with_a_hint() {
    let place = Place::new();
    place.write("broken.db", "this is no database, but a text that is long enough to be looked at as one".repeat(20));
    for (url, expected) in [
        ("sqlite:nowhere/l.db", "hint: does the directory of `database_url` exist"),
        ("sqlite:broken.db", "hint: the file is no SQLite database"),
    ] {
        let place = Place::new().env("LATCHKEY_DATABASE_URL", url);
        place.write(
            "broken.db",
            "this is no database, but a text that is long enough to be looked at as one".repeat(20),
        );
        let told = place.run(&["user", "list"]).refused();
        assert!(told.contains(expected), "{url}: {told}");
    }
    let told =
        Place::new().env("LATCHKEY_DATABASE_URL", "postgres://127.0.0.1:1/none").run(&["user", "list"]).refused();
    assert!(told.contains("hint: is the database running"), "{told}");
}

#[test]
fn what_the_database_refuses_is_told_without_a_place_in_the_source() {
    let place = Place::new();
    place.run(&["migrate"]).ok();
    sqlite(&place, "latchkey.db", "ALTER TABLE users RENAME TO people");
    let told = place.run(&["user", "list"]).refused();
    assert!(told.contains("the database refused a statement: ") && told.contains("no such table: users"), "{told}");
    assert!(!told.contains("src/"), "{told}");
}

#[test]
fn doctor_finds_nothing_bad_on_a_new_and_on_a_used_installation() {
    // An issuer at which nobody can be listening, whatever else runs on this machine.
    let place = Place::new().env("LATCHKEY_ISSUER", "http://localhost:1");
    let new = place.run(&["doctor"]).ok();
    assert!(new.contains("✓ configuration") && new.contains("! database: latchkey.db is not there yet"), "{new}");
    assert!(!place.path("latchkey.db").exists() && !place.path("keys").exists(), "doctor changes nothing");
    place.serve(&[]).stop();
    let findings = place.run(&["doctor", "--json"]).json();
    let mark = |check: &str| {
        let of_check = findings.as_array().expect("an array").iter().filter(|finding| finding["check"] == check);
        of_check.map(|finding| finding["mark"].clone()).collect::<Vec<_>>()
    };
    for check in ["database", "keys", "clock"] {
        assert_eq!(mark(check), ["good"], "{check}: {findings}");
    }
    // Nobody serves.
    assert_eq!(mark("issuer"), ["warning"], "{findings}");
}

#[test]
fn doctor_says_what_is_bad_and_fails() {
    let place = Place::new();
    place.serve(&[]).stop();
    place.write("keys/master.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n");
    let done = place.run(&["doctor"]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("✗ keys: the master key does not open the keys in the database"), "{}", done.out);
    assert!(done.out.contains("hint: "), "{}", done.out);
    fs::remove_file(place.path("keys/master.key")).expect("it is there");
    assert!(
        place.run(&["doctor"]).out.contains("✗ keys: the keys in the database are sealed, and there is no master key")
    );
    let done = Place::with_config("listen = 1\n").run(&["doctor"]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("✗ configuration: latchkey.toml, line 1"), "{}", done.out);
}

#[test]
fn an_algorithm_that_a_client_needs_is_missed_at_the_start_and_by_doctor() {
    let place = Place::with_config("[keys]\nalgorithms = [\"RS256\", \"ES256\"]\n");
    let client = ["client", "create", "--id", "wiki", "--name", "Wiki", "--redirect-uri", "https://wiki.example/cb"];
    place.run(&[&client[..], &["--signing-algorithm", "ES256"]].concat()).ok();
    let missed = "the tokens of client `wiki` are signed with ES256, and `keys.algorithms` keeps no keys for it";
    assert!(!place.run(&["doctor"]).out.contains(missed));
    place.write("latchkey.toml", "[keys]\nalgorithms = [\"RS256\"]\n");
    let done = place.run(&["doctor"]);
    assert!(done.code == Some(1) && done.out.contains(missed), "{}", done.out);
    let log = place.serve(&[]).stop();
    assert!(log.contains(missed), "{log}");
}

#[test]
fn doctor_sees_a_master_key_that_others_can_read() {
    let place = Place::new();
    place.serve(&[]).stop();
    let file = place.path("keys/master.key");
    assert_eq!(mode(&file), 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("chmod");
    let done = place.run(&["doctor"]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("master.key can be read by others"), "{}", done.out);
}

#[test]
fn doctor_knows_whether_the_issuer_leads_to_this_server() {
    let place = Place::new();
    let serving = place.serve(&[]);
    let issuer = format!("http://{}", serving.main);
    let place = place.env("LATCHKEY_ISSUER", &issuer);
    let findings = place.run(&["doctor", "--json"]);
    // The server was started as another issuer: that is bad, and said.
    assert_eq!(findings.code, Some(1));
    assert!(findings.out.contains("says that its issuer is `http://localhost:8080`"), "{}", findings.out);
    serving.stop();
}

#[test]
fn a_file_of_another_user_is_not_touched() {
    let place = Place::new();
    place.run(&["migrate"]).ok();
    let file = place.path("latchkey.db").display().to_string();
    let chown = std::process::Command::new("chown").args(["12345", &file]).status();
    if !chown.expect("chown runs").success() {
        // Only root can give a file away.
        return;
    }
    for args in [&["user", "list"][..], &["serve", "--listen", "127.0.0.1:0"], &["doctor"]] {
        let done = place.run(args);
        assert_eq!(done.code, Some(1), "{args:?}");
        let told = format!("{}{}", done.out, done.err);
        assert!(told.contains("belongs to another user (uid 12345"), "{args:?}: {told}");
    }
}

#[test]
fn a_backup_is_taken_while_the_server_runs_and_brings_everything_back() {
    let place = Place::new();
    let serving = place.serve(&[]);
    place.run_with_input(ADD_ALICE, PASSWORD).ok();
    let made = place.run(&["backup", "copy.db", "--json"]).json();
    assert_eq!(made["file"], "copy.db");
    assert_eq!(mode(&place.path("copy.db")), 0o600);
    assert!(place.run(&["backup", "copy.db"]).refused().contains("copy.db is there already"));
    // After the backup: what the restored database must not know.
    place.run(&["user", "delete", "alice"]).ok();
    let told = place.run(&["restore", "copy.db"]).refused();
    assert!(told.contains("latchkey.db is in use") && told.contains("hint: stop every server"), "{told}");
    serving.stop();
    let restored = place.run(&["restore", "copy.db", "--json"]).json();
    assert_eq!(restored["database"], "latchkey.db");
    let users = place.run(&["user", "list", "--json"]).json();
    assert_eq!(users[0]["preferred_username"], "alice");
    // What was there is kept, and the server starts on what is there now.
    let kept = restored["kept"].as_str().expect("a name");
    assert_eq!(sqlite(&place, kept, "SELECT COUNT(*) FROM users"), 0);
    place.serve(&[]).stop();
    let again = place.run(&["doctor"]).ok();
    assert!(again.contains("✓ keys"), "{again}");
}

#[test]
fn a_restored_backup_revives_no_session_no_request_and_no_grant() {
    let place = Place::new();
    place.serve(&[]).stop();
    let session = "INSERT INTO browser_sessions (hash, version, data, created_at, seen_at, expires_at)
        VALUES ('h', 0, '{}', 0, 0, 99999999999) RETURNING version";
    sqlite(&place, "latchkey.db", session);
    let request = "INSERT INTO authorization_requests (id, params, created_at, expires_at)
        VALUES ('r', '', 0, 99999999999) RETURNING created_at";
    sqlite(&place, "latchkey.db", request);
    place.run(&["backup", "copy.db"]).ok();
    // Meanwhile everything was ended once, and everybody signed in again.
    let raised = "INSERT INTO instance (name, value) VALUES ('issuer_epoch', '4')
        ON CONFLICT (name) DO UPDATE SET value = '4' RETURNING 1";
    sqlite(&place, "latchkey.db", raised);
    place.run(&["restore", "copy.db"]).ok();
    let count = |table: &str| sqlite(&place, "latchkey.db", &format!("SELECT COUNT(*) FROM {table}"));
    assert_eq!((count("browser_sessions"), count("authorization_requests")), (0, 0));
    // Beyond both: neither what the copy nor what the replaced database gave counts.
    let epoch = "SELECT CAST(value AS INTEGER) FROM instance WHERE name = 'issuer_epoch'";
    assert_eq!(sqlite(&place, "latchkey.db", epoch), 5);
}

#[test]
fn what_is_no_backup_changes_nothing() {
    let place = Place::new();
    place.run_with_input(ADD_ALICE, PASSWORD).ok();
    place.write("text.db", "hello");
    sqlite(&place, "other.db", "SELECT 1");
    place.write("empty.db", "");
    for (file, expected) in [
        ("missing.db", "is no backup: No such file"),
        ("text.db", "it is no SQLite database"),
        ("empty.db", "it is no SQLite database"),
    ] {
        let told = place.run(&["restore", file]).refused();
        assert!(told.contains(expected), "{file}: {told}");
    }
    assert_eq!(place.run(&["user", "list", "--json"]).json()[0]["preferred_username"], "alice");
    assert!(!place.path("latchkey.db.restoring").exists());
}

#[test]
fn postgresql_is_left_to_its_own_tools() {
    let Ok(url) = std::env::var("TEST_POSTGRES_URL") else { return };
    let place = Place::new().env("LATCHKEY_DATABASE_URL", &url);
    let told = place.run(&["restore", "copy.db"]).refused();
    assert!(told.contains("pg_restore") && told.contains("--emergency --all"), "{told}");
}
