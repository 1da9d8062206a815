//! The dependency rule of `src/`, as a test: who may use whom, and which crates live where.

use std::{collections::BTreeSet, fs, path::Path};

/// The floors of the house, from the ground up: each folder with the neighbours on its own floor that it may use.
/// What stands on a lower floor it may always use, what stands on a higher one never.
const FLOORS: &[&[(&str, &[&str])]] = &[
    &[("protocol", &[])],
    &[("clock", &[]), ("random", &[]), ("config", &[])],
    &[("store", &[]), ("outgoing", &[])],
    &[("keys", &[]), ("tokens", &["keys"])],
    &[
        ("clients", &[]),
        ("accounts", &[]),
        ("orgs", &["accounts"]),
        ("authorization", &["clients", "accounts", "orgs"]),
        ("grants", &["clients", "accounts", "orgs"]),
    ],
    &[("telemetry", &[])],
    &[("endpoints", &["server", "web"]), ("web", &["server", "endpoints"]), ("server", &["endpoints", "web"])],
    &[("jobs", &[])],
    &[("demo", &["cli"]), ("cli", &["demo"])],
];

/// What a lower floor offers, yet this folder must not take. Signing needs no row; a setting is no row either.
const NEVER: &[(&str, &str)] = &[("tokens", "store")];

/// The sample app and the sample resource server are strangers: they may speak to the server by HTTP alone.
const STRANGERS: &[&str] =
    &["demo/app.rs", "demo/dashboard.rs", "demo/relying_party.rs", "demo/resource_server.rs", "demo/verifier.rs"];
const STRANGERS_MAY_USE: &[&str] = &["clock", "demo", "protocol", "random"];

/// Crates that only these places may name.
const CONFINED: &[(&str, &[&str])] = &[
    ("argon2", &["accounts/"]),
    ("askama", &["web/", "demo/"]),
    ("axum", &["server", "endpoints/", "web/", "demo/"]),
    ("clap", &["cli/", "main.rs"]),
    ("fluent_bundle", &["web/locale"]),
    ("josekit", &["keys/", "tokens/", "demo/"]),
    ("openidconnect", &["demo/"]),
    ("oxide_auth", &["authorization/", "grants/"]),
    ("reqwest", &["outgoing/", "demo/"]),
    ("rsa", &["keys/", "tokens/"]),
    ("sqlx", &["store/"]),
    ("tower_sessions", &["web/", "server", "store/browser_sessions.rs"]),
];

#[test]
fn no_folder_reaches_up() {
    let mut wrong = Vec::new();
    for_each_file(&mut |path, text| {
        let room = room_of(path);
        for other in rooms_named_in(text) {
            if !may_use(room, other) {
                wrong.push(format!("src/{path}: {room} may not use {other}"));
            }
            if STRANGERS.contains(&path) && !STRANGERS_MAY_USE.contains(&other) {
                wrong.push(format!("src/{path}: a stranger to the server may not use {other}, only HTTP"));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for_each_file(&mut |path, text| {
        for (krate, homes) in CONFINED {
            if names(text, krate) && !homes.iter().any(|home| path.starts_with(home)) {
                wrong.push(format!("src/{path}: {krate} belongs to {homes:?}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_floor() {
    let lib = fs::read_to_string("src/lib.rs").expect("src/lib.rs is readable");
    let declared: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let floored: BTreeSet<&str> = FLOORS.iter().flat_map(|floor| floor.iter()).map(|(room, _)| *room).collect();
    assert_eq!(declared, floored, "src/lib.rs and FLOORS name the same rooms");
    for stranger in STRANGERS {
        assert!(Path::new("src").join(stranger).exists(), "STRANGERS names {stranger}, which is gone");
    }
}

#[test]
fn every_way_of_naming_a_room_is_seen() {
    let seen = |text| rooms_named_in(text).into_iter().collect::<Vec<_>>();
    assert_eq!(seen("use crate::server::Server;"), ["server"]);
    assert_eq!(seen("use crate::{\n    keys::{Keyring, jwk},\n    store::Store,\n};"), ["keys", "store"]);
    assert_eq!(seen("let x = crate::web::views::login(); // crate::cli"), ["web"]);
    assert_eq!(seen("/// As [`crate::server`] says.\nfn a() {}"), Vec::<&str>::new());
    assert!(!may_use("protocol", "store") && !may_use("tokens", "store") && !may_use("clients", "grants"));
    assert!(may_use("grants", "clients") && may_use("store", "store") && may_use("cli", "protocol"));
    assert!(names("use rsa::RsaPrivateKey;", "rsa") && !names("use my_rsa::Key;", "rsa"));
}

/// The first folder of a path below `src/`, or the file's own name: `store/grants.rs` and `store.rs` are both `store`.
fn room_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn may_use(room: &str, other: &str) -> bool {
    // `main.rs` opens the house and `lib.rs` is its table of contents.
    if room == other || matches!(room, "main" | "lib") {
        return true;
    }
    if NEVER.contains(&(room, other)) {
        return false;
    }
    let floor_of = |room: &str| FLOORS.iter().position(|floor| floor.iter().any(|(name, _)| *name == room));
    match (floor_of(room), floor_of(other)) {
        (Some(mine), Some(theirs)) if mine == theirs => {
            FLOORS[mine].iter().any(|(name, beside)| *name == room && beside.contains(&other))
        }
        (Some(mine), Some(theirs)) => mine > theirs,
        // Not a room: `crate::Error` and the like would be met here, and there are none.
        _ => false,
    }
}

/// Every `x` in `crate::x` and in `crate::{x, …}`, comments left out.
fn rooms_named_in(text: &str) -> BTreeSet<&str> {
    let mut rooms = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        if is_comment(text, at) || text[..at].ends_with(is_word) {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            rooms.insert(first_word(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = true;
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => item = true,
                c if item && is_word(c) => {
                    rooms.insert(first_word(&list[at..]));
                    item = false;
                }
                _ => {}
            }
        }
    }
    rooms
}

fn names(text: &str, krate: &str) -> bool {
    text.match_indices(&format!("{krate}::"))
        .any(|(at, _)| !is_comment(text, at) && !text[..at].ends_with(|c| is_word(c) || c == ':'))
}

fn is_comment(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    // `://` is a URL in a string, and what follows it is code.
    line.match_indices("//").any(|(at, _)| !line[..at].ends_with(':'))
}

fn first_word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Shows every file of `src/`, by its path below that folder.
fn for_each_file(see: &mut impl FnMut(&str, &str)) {
    fn visit(folder: &Path, see: &mut impl FnMut(&str, &str)) {
        for entry in fs::read_dir(folder).expect("a folder of src/").flatten() {
            let path = entry.path();
            if path.is_dir() {
                visit(&path, see);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source file is readable");
                let below = path.strip_prefix("src").expect("it was found below src/");
                see(&below.display().to_string(), &text);
            }
        }
    }
    visit(Path::new("src"), see);
}
