//! What `latchkey doctor` says of an installation in which something is broken.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
};

use crate::{
    certificate::{DAY, certificate},
    program::{Done, Place},
    sqlite::sqlite,
    world::MASTER_KEY,
};

/// A place where a server has run.
fn used() -> Place {
    // An issuer at which nobody can be listening, whatever else runs on this machine.
    let place = Place::new().env("LATCHKEY_ISSUER", "http://localhost:1");
    place.serve(&[]).stop();
    place
}

#[track_caller]
fn told(done: &Done, code: i32, expected: &[&str]) {
    assert_eq!(done.code, Some(code), "{}{}", done.out, done.err);
    for text in expected {
        assert!(done.out.contains(text), "not `{text}`: {}", done.out);
    }
}

#[test]
fn a_database_that_others_can_read_is_bad_and_said_at_every_start() {
    let place = used();
    fs::set_permissions(place.path("latchkey.db"), Permissions::from_mode(0o644)).expect("chmod");
    let expected = "latchkey.db can be read by others on this machine, and password hashes are in it: chmod o=";
    told(&place.run(&["doctor"]), 1, &["✗ database: ", expected]);
    assert!(place.serve(&[]).stop().contains(expected));
    // A group may: whoever makes backups.
    fs::set_permissions(place.path("latchkey.db"), Permissions::from_mode(0o640)).expect("chmod");
    told(&place.run(&["doctor"]), 0, &["✓ database"]);
}

#[test]
fn a_secret_that_others_can_read_is_warned_of() {
    let place = Place::new();
    let file = place.write("key", MASTER_KEY);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("chmod");
    let place = place.env("LATCHKEY_KEYS_MASTER_KEY_FILE", file.to_str().expect("a path"));
    let open = place.run(&["doctor"]);
    told(
        &open,
        0,
        &["! configuration: `keys.master_key` is a secret, and ", "key can be read by others", "hint: chmod o= "],
    );
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("chmod");
    assert!(!place.run(&["doctor"]).out.contains("is a secret"));
    // A password of the database is one as well; where nobody set one there is nothing to tell.
    let place = Place::with_config("database_url = \"postgres://u:hunter2@127.0.0.1:1/d\"\n");
    fs::set_permissions(place.path("latchkey.toml"), Permissions::from_mode(0o644)).expect("chmod");
    told(&place.run(&["doctor"]), 1, &["! configuration: `database_url` is a secret, and latchkey.toml can be read"]);
}

#[test]
fn a_damaged_file_is_found_before_it_is_stumbled_over() {
    let place = used();
    let file = place.path("latchkey.db");
    let mut bytes = fs::read(&file).expect("the database");
    let half = bytes.len() / 2;
    bytes[half..].fill(0x5a);
    fs::write(&file, bytes).expect("written");
    told(&place.run(&["doctor"]), 1, &["✗ database: ", "hint: ", "bring a backup back: latchkey restore"]);
}

#[test]
fn a_directory_in_which_nothing_may_be_written_is_named() {
    let place = Place::new();
    fs::set_permissions(place.path(""), Permissions::from_mode(0o555)).expect("chmod");
    let mut command = place.command(&["doctor"]);
    if chown(place.path(""), Some(NOBODY), Some(NOBODY)).is_ok() {
        command.uid(NOBODY).gid(NOBODY);
    }
    match command.output() {
        Ok(output) => told(&output.into(), 1, &["✗ database: this user may not write in the directory ."]),
        // Another user may not even start the program where it lies.
        Err(error) => eprintln!("left out: {error}"),
    }
    fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).expect("chmod");
    let place = Place::new().env("LATCHKEY_DATABASE_URL", "sqlite:nowhere/l.db");
    told(&place.run(&["doctor"]), 1, &["✗ database: the directory nowhere does not exist", "hint: make it"]);
}

#[test]
fn keys_that_cannot_sign_or_have_signed_too_long_are_said() {
    let place = used();
    let change = |statement: &str| sqlite(&place, "latchkey.db", statement);
    change("UPDATE signing_keys SET active_from = active_from - 32 * 86400 WHERE state = 'active' RETURNING 1");
    told(
        &place.run(&["doctor"]),
        0,
        &["! keys: the RS256 key signs since ", "longer than `keys.rotate_every`", "hint: a running server rotates"],
    );
    change("UPDATE signing_keys SET active_from = active_from + 32 * 86400 WHERE state = 'active' RETURNING 1");
    change("DELETE FROM signing_keys WHERE state = 'next' RETURNING 1");
    told(&place.run(&["doctor"]), 0, &["! keys: there is no next RS256 key to take over"]);
    change("UPDATE signing_keys SET state = 'retired' WHERE state = 'active' RETURNING 1");
    told(&place.run(&["doctor"]), 1, &["✗ keys: there is no active RS256 key", "hint: nothing can be signed"]);
    // One that was only just asked for is no harm.
    let place = used().env("LATCHKEY_KEYS_ALGORITHMS", "RS256,ES256");
    told(&place.run(&["doctor"]), 0, &["! keys: there is no active ES256 key", "✓ keys: RS256"]);
}

#[test]
fn a_clock_that_was_set_back_is_seen_by_what_was_written_before() {
    let place = used();
    told(&place.run(&["doctor"]), 0, &["✓ clock: nothing in the database is from the future"]);
    sqlite(&place, "latchkey.db", "UPDATE signing_keys SET created_at = created_at + 7200 RETURNING 1");
    told(
        &place.run(&["doctor"]),
        1,
        &["✗ clock: a key was made or moved at ", "yet to come", "hint: this machine's clock"],
    );
}

#[test]
fn a_certificate_that_is_over_or_not_yet_good_is_said() {
    let place =
        Place::with_config("issuer = \"https://localhost:1\"\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n");
    for (days, code, expected) in [
        ((-30, -1), 1, "✗ certificate: expired "),
        ((1, 30), 1, "✗ certificate: is good from "),
        ((-30, 7), 0, "! certificate: expires "),
        ((-30, 90), 0, "✓ certificate: is good until "),
    ] {
        certificate(&place, "localhost", (days.0 * DAY, days.1 * DAY));
        told(&place.run(&["doctor"]), code, &[expected]);
    }
}

const NOBODY: u32 = 65_534;
