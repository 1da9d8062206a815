//! A full disk: what writes is told so, what reads goes on, and once there is room everything does.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
    process::Command,
};

use crate::{
    program::{Place, Reply, Serving, get},
    stage::Stage,
};

/// The file may not grow: as with a quota. The signal that goes with it has to be ignored, or it would be the end.
#[tokio::test]
async fn a_database_that_may_not_grow_fails_only_what_writes_and_only_for_a_while() {
    let stage = stage().await;
    let serving = stage.place.serve_by("trap '' XFSZ; exec \"$0\" \"$@\"");
    let limit = |bytes: &str| {
        let args = [format!("--pid={}", serving.pid()), format!("--fsize={bytes}:")];
        let set = Command::new("prlimit").args(args).status();
        assert!(set.expect("prlimit runs").success());
    };
    let log = stage.place.path("latchkey.db-wal");
    let fill = || limit(&fs::metadata(&log).expect("the write-ahead log is there").len().to_string());
    // What has failed may be the disk itself: nobody is told to come back.
    let ids = goes_through(&stage, &serving, (500, "server_error"), fill, || limit("unlimited"));
    assert_logged(&serving.stop(), &ids, "hint\":\"the disk failed, or a quota or a limit of this process");
}

/// A file system of its own, with no room left.
#[tokio::test]
async fn a_full_disk_fails_only_what_writes_and_only_for_a_while() {
    let may_mount = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/tmp"]).output();
    if !may_mount.is_ok_and(|done| done.status.success()) {
        eprintln!("left out: nobody but root may mount a file system here");
        return;
    }
    let stage = stage().await;
    fs::create_dir(stage.place.path("disk")).expect("a mount point");
    let serving = stage.place.serve_by(
        "exec unshare -rm sh -c '
            mount -t tmpfs -o size=4m none disk && cp latchkey.db disk/ &&
            LATCHKEY_DATABASE_URL=sqlite:disk/latchkey.db exec \"$0\" \"$@\"' \"$0\" \"$@\"",
    );
    // As the server sees it.
    let place = stage.place.path("disk/filler");
    let filler = PathBuf::from(format!("/proc/{}/root{}", serving.pid(), place.display()));
    let fill = || {
        let mut file = OpenOptions::new().create_new(true).write(true).open(&filler).expect("the server's file system");
        while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    };
    let make_room = || fs::remove_file(&filler).expect("it was made");
    let ids = goes_through(&stage, &serving, (503, "temporarily_unavailable"), fill, make_room);
    assert_logged(&serving.stop(), &ids, "hint\":\"the disk is full: make room; nothing that was acknowledged is lost");
}

async fn stage() -> Stage {
    let place = Place::new();
    let url = format!("sqlite:{}", place.path("latchkey.db").display());
    Stage::new(place, &url, 2).await
}

/// Before, while and after there is no room; the ids of the requests that failed.
fn goes_through(
    stage: &Stage,
    serving: &Serving,
    failure: (u16, &str),
    fill: impl Fn(),
    make_room: impl Fn(),
) -> Vec<String> {
    let caller = stage.caller(serving.main);
    let (first, second) = (stage.approval().code, stage.approval().code);
    let redeems = |code: &str| caller.redeems(code).expect("an answer");
    let refreshes = |token: &str| caller.refreshes(token).expect("an answer");
    let tokens = redeems(&first).json();
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));

    fill();
    // More than one: what broke off must leave nothing behind that the next one stumbles over.
    let failed = [refreshes(&refresh), redeems(&second), refreshes(&refresh)];
    let ids = failed.iter().map(|answer| failed_id(answer, failure)).collect();
    assert_eq!(serving.get("/readyz").status, 503, "whoever shares out requests sends them elsewhere");
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/healthz", "/login"] {
        let page = serving.get(path);
        // A page with a form begins a session, which has to be kept.
        let expected = if path == "/login" { failure.0 } else { 200 };
        assert_eq!(page.status, expected, "{path}: {page:?}");
        assert!(path != "/login" || page.body.contains("<h1"), "people get a page, not nothing: {page:?}");
    }
    let user = get(serving.main, "/userinfo", &format!("Authorization: Bearer {access}\r\n"));
    assert_eq!(user.status, 200, "{user:?}");
    assert_eq!(caller.asks("/introspect", &[("token", &refresh)]).expect("an answer").json()["active"], true);

    make_room();
    let next = text(&refreshes(&refresh).json(), "refresh_token");
    assert_eq!(refreshes(&next).status, 200);
    assert_eq!(redeems(&second).status, 200, "a code that could not be spent is not spent");
    assert_eq!(redeems(&first).json()["error"], "invalid_grant");
    assert_eq!((serving.get("/login").status, serving.get("/readyz").status), (200, 200));
    ids
}

/// That a request failed by our fault, in that way; gives its id.
#[track_caller]
fn failed_id(answer: &Reply, (status, error): (u16, &str)) -> String {
    assert_eq!((answer.status, &answer.json()["error"]), (status, &error.into()), "{answer:?}");
    assert_eq!(answer.header("retry-after").is_some(), status == 503, "{answer:?}");
    let id = answer.header("x-request-id").expect("an id");
    assert!(answer.json()["error_description"].as_str().expect("a description").contains(id), "{answer:?}");
    id.to_owned()
}

#[track_caller]
fn assert_logged(log: &str, ids: &[String], hint: &str) {
    for id in ids {
        let line = log.lines().find(|line| line.contains(id.as_str()) && line.contains("\"message\":\"failed\""));
        let line = line.unwrap_or_else(|| panic!("the log does not know {id}: {log}"));
        assert!(line.contains("\"cause\":\"the database refused a ") && line.contains(hint), "{line}");
    }
}

#[track_caller]
fn text(json: &serde_json::Value, member: &str) -> String {
    json[member].as_str().unwrap_or_else(|| panic!("no {member} in {json}")).to_owned()
}
