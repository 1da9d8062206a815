//! Two servers on one SQLite file: not what it is meant for, but what happens when the old one still runs while the new
//! one starts. Nothing one-time is used twice, and what one ends is over at the other.

use std::thread;

use crate::{
    program::{Place, Reply},
    stage::Stage,
};

const CODES: usize = 12;

#[tokio::test]
async fn two_servers_on_one_file_do_not_use_anything_twice_and_agree() {
    let place = Place::new().env("LATCHKEY_LOG_LEVEL", "warn,latchkey::cli::serve=info");
    let url = format!("sqlite:{}", place.path("latchkey.db").display());
    let stage = Stage::new(place, &url, CODES + 1).await;
    let servers = [stage.place.serve(&[]), stage.place.serve(&[])];
    let callers = servers.each_ref().map(|server| stage.caller(server.main));
    for _ in 0..CODES {
        let code = stage.approval().code;
        let answers: Vec<Reply> = thread::scope(|scope| {
            let (caller, code) = (callers.iter().cycle().take(4), code.as_str());
            let tries: Vec<_> = caller.map(|caller| scope.spawn(move || caller.redeems(code))).collect();
            tries.into_iter().map(|one| one.join().expect("no panic").expect("an answer")).collect()
        });
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(won <= 1, "{answers:?}");
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 400)), "{answers:?}");
    }
    // One after the other, and what one gives back is of no use at the other.
    let text = |answer: Option<Reply>, member: &str| {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()[member].as_str().expect("a text").to_owned()
    };
    let mut token = text(callers[0].redeems(&stage.approval().code), "refresh_token");
    for caller in callers.iter().rev().cycle().take(5) {
        token = text(caller.refreshes(&token), "refresh_token");
    }
    assert_eq!(callers[0].asks("/revoke", &[("token", &token)]).expect("an answer").status, 200);
    let refused = callers[1].refreshes(&token).expect("an answer");
    assert_eq!((refused.status, &refused.json()["error"]), (400, &"invalid_grant".into()), "{refused:?}");
    for server in servers {
        let log = server.stop();
        assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
    }
}
