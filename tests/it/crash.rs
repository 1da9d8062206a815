//! A server that is killed in the middle of its work, and started again: what it has acknowledged is so.

use std::{
    collections::BTreeSet,
    sync::mpsc::{self, Sender},
    thread,
    time::{Duration, Instant},
};

use latchkey::random::Random;

use crate::{
    approval::Approval,
    program::{Place, Reply, Serving},
    stage::{Caller, Stage},
    world::{PASSWORD, database_url},
};

/// As many as fit into every run of the tests. `LATCHKEY_CRASH_ROUNDS=100` in front of this test kills more often, for
/// whoever has changed how rows are written.
const ROUNDS: usize = 8;
/// As many acknowledgements are waited for at most before the server is killed.
const LONGEST_ROUND: u8 = 40;
const WORK: &[Work] =
    &[Work::Refresh, Work::Refresh, Work::Refresh, Work::Redeem, Work::Redeem, Work::Revoke, Work::Operate];

/// What a client or an operator does until the server is gone.
#[derive(Clone, Copy)]
enum Work {
    /// Redeem one code, and refresh again and again.
    Refresh,
    /// Redeem one code after the other.
    Redeem,
    /// The same, and give each refresh token back.
    Revoke,
    /// Make clients and users, and end sessions, on the command line.
    Operate,
}

/// What somebody was told before the server was killed.
#[derive(Debug)]
enum Fact {
    /// The newest refresh token of a lineage. The answer to its use may have been lost.
    Newest { refresh: String },
    /// The code was redeemed, and gave this refresh token.
    Redeemed { code: String, refresh: String },
    /// The code was sent, and nothing came back.
    Unanswered { code: String },
    /// The refresh token was revoked, or its session was ended.
    Ended { refresh: String },
    /// There is a client of that id.
    Client(String),
    /// There is a user of that name.
    User(String),
}

#[tokio::test]
async fn a_server_that_is_killed_has_forgotten_nothing_that_it_acknowledged() {
    let place = Place::new().env("LATCHKEY_LOG_LEVEL", "warn,latchkey::cli::serve=info");
    let rounds = std::env::var("LATCHKEY_CRASH_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("a number"));
    let stage = Stage::new(place, &database_url().await, rounds * (usize::from(LONGEST_ROUND) + WORK.len())).await;
    let mut facts = Vec::new();
    let (mut kills, mut checked) = (0, 0);
    for round in 0..rounds {
        let serving = stage.place.serve(&[]);
        check(&stage, &serving, &facts);
        facts = until_killed(&stage, serving, round);
        (kills, checked) = (kills + 1, checked + facts.len());
    }
    let serving = stage.place.serve(&[]);
    check(&stage, &serving, &facts);
    let log = serving.stop();
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
    println!("killed {kills} times; {checked} facts held");
}

/// Let everybody work, and kill the server at some moment.
fn until_killed(stage: &Stage, serving: Serving, round: usize) -> Vec<Fact> {
    let caller = stage.caller(serving.main);
    let (told, heard) = mpsc::channel();
    let [answers, pause, more] = Random::System.bytes::<3>();
    let pause = Duration::from_micros(u64::from(pause) * u64::from(more % 16));
    let facts = thread::scope(|scope| {
        let worker = |(n, work): (usize, &Work)| {
            let (work, name, told) = (*work, format!("r{round}w{n}"), told.clone());
            scope.spawn(move || Worker { stage, caller, name, told, facts: Vec::new() }.does(work))
        };
        let workers: Vec<_> = WORK.iter().enumerate().map(worker).collect();
        for _ in 0..=answers % LONGEST_ROUND {
            heard.recv_timeout(Duration::from_secs(60)).expect("the server answers");
        }
        let moment = Instant::now() + pause;
        while Instant::now() < moment {
            thread::yield_now();
        }
        serving.kill();
        workers.into_iter().flat_map(|worker| worker.join().expect("it ends with the server")).collect::<Vec<_>>()
    });
    assert!(!facts.is_empty());
    facts
}

struct Worker<'a> {
    stage: &'a Stage,
    caller: Caller<'a>,
    name: String,
    told: Sender<()>,
    facts: Vec<Fact>,
}

impl Worker<'_> {
    /// Work until the server does not answer any more.
    fn does(mut self, work: Work) -> Vec<Fact> {
        let step = match work {
            Work::Refresh => Self::refreshes,
            Work::Redeem => Self::redeems,
            Work::Revoke => Self::revokes,
            Work::Operate => Self::operates,
        };
        while step(&mut self).is_some() {}
        self.facts
    }

    fn knows(&mut self, fact: Fact) {
        self.facts.push(fact);
        // Once enough was told, nobody listens.
        let _ = self.told.send(());
    }

    /// Redeem a code for a refresh token.
    fn tokens(&mut self) -> Option<(Approval, String)> {
        let approval = self.stage.approval();
        match self.caller.redeems(&approval.code) {
            Some(answer) => Some((approval, refresh_token(&answer))),
            None => {
                self.knows(Fact::Unanswered { code: approval.code });
                None
            }
        }
    }

    fn refreshes(&mut self) -> Option<()> {
        let (_, mut refresh) = self.tokens()?;
        let fact = loop {
            let _ = self.told.send(());
            match self.caller.refreshes(&refresh) {
                Some(answer) => refresh = refresh_token(&answer),
                None => break Fact::Newest { refresh },
            }
        };
        self.knows(fact);
        None
    }

    fn redeems(&mut self) -> Option<()> {
        let (approval, refresh) = self.tokens()?;
        self.knows(Fact::Redeemed { code: approval.code, refresh });
        Some(())
    }

    fn revokes(&mut self) -> Option<()> {
        let (_, refresh) = self.tokens()?;
        let answer = self.caller.asks("/revoke", &[("token", &refresh)])?;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.knows(Fact::Ended { refresh });
        Some(())
    }

    fn operates(&mut self) -> Option<()> {
        let (approval, refresh) = self.tokens()?;
        let place = &self.stage.place;
        place.run(&["session", "end", &approval.sid]).ok();
        self.knows(Fact::Ended { refresh });
        let name = format!("{}-{}", self.name, self.facts.len());
        let client = ["client", "create", "--id", &name, "--name", &name, "--redirect-uri", "https://new.example/cb"];
        place.run(&client).ok();
        self.knows(Fact::Client(name.clone()));
        let email = format!("{name}@example.com");
        place.run_with_input(&["user", "create", &name, "--email", &email, "--password-stdin"], PASSWORD).ok();
        self.knows(Fact::User(name));
        Some(())
    }
}

/// Ask the server that was started again.
fn check(stage: &Stage, serving: &Serving, facts: &[Fact]) {
    let caller = stage.caller(serving.main);
    let refreshes = |token: &str| caller.refreshes(token).expect("an answer");
    let names = |noun: &str, key: &str| -> BTreeSet<String> {
        let all = stage.place.run(&[noun, "list", "--json"]).json();
        all.as_array().expect("a list").iter().filter_map(|one| Some(one[key].as_str()?.to_owned())).collect()
    };
    let (clients, users) = (names("client", "client_id"), names("user", "preferred_username"));
    for fact in facts {
        match fact {
            Fact::Newest { refresh } => {
                let next = refresh_token(&refreshes(refresh));
                refresh_token(&refreshes(&next));
            }
            Fact::Redeemed { code, refresh } => {
                refresh_token(&refreshes(refresh));
                assert_refused(&caller.redeems(code).expect("an answer"), fact);
            }
            Fact::Unanswered { code } => {
                let answer = caller.redeems(code).expect("an answer");
                if answer.status != 200 {
                    assert_refused(&answer, fact);
                }
            }
            Fact::Ended { refresh } => assert_refused(&refreshes(refresh), fact),
            Fact::Client(id) => assert!(clients.contains(id), "{fact:?}"),
            Fact::User(name) => assert!(users.contains(name), "{fact:?}"),
        }
    }
}

#[track_caller]
fn refresh_token(answer: &Reply) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
}

#[track_caller]
fn assert_refused(answer: &Reply, fact: &Fact) {
    assert_eq!((answer.status, &answer.json()["error"]), (400, &"invalid_grant".into()), "{fact:?}: {answer:?}");
}
