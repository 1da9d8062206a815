//! Whether the server lives, and whether it can do its work: for whatever starts it and sends it requests.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use tokio::time::timeout;

use super::dialect;
use crate::{
    protocol::{Error, Result, Timestamp},
    server::Server,
    store::{Store, database_clock, instance},
};

/// Where the process says that it lives.
pub const HEALTHZ: &str = "/healthz";

/// Where it says that it can do its work.
pub const READYZ: &str = "/readyz";

/// `GET /healthz`: whoever answers lives.
pub async fn live() -> Response {
    json(StatusCode::OK, &Live { status: "ok" })
}

/// `GET /readyz`: the database answers, there is a key to sign with, and the clock is right.
pub async fn ready(State(server): State<Arc<Server>>) -> Response {
    let asked = async {
        let database = database_answers(&server.store).await;
        let clock = match database {
            Ok(()) => clock_is_right(&server.store, server.clock.now()).await,
            Err(_) => Err(Error::broken("the database does not answer")),
        };
        (database, clock)
    };
    // Whoever asks has little patience, and takes no answer for a bad one without hearing why.
    let (database, clock) = timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
        let late = || Error::broken(format!("the database has not answered within {} s", PATIENCE.as_secs()));
        (Err(late()), Err(late()))
    });
    let checks = [("database", database), ("signing_key", keys_can_sign(&server)), ("clock", clock)];
    let word = |check: &Result<()>| if check.is_ok() { "ok" } else { "failed" };
    let [database, signing_key, clock] = checks.each_ref().map(|(_, check)| word(check));
    let failed = checks.into_iter().find_map(|(check, outcome)| Some((check, outcome.err()?)));
    let status = if failed.is_none() { "ok" } else { "unavailable" };
    let body = Ready { status, database, signing_key, clock };
    let mut answer = json(if failed.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body);
    let is_news = server.readiness.changes_to(failed.as_ref().map(|(check, _)| *check));
    match failed {
        // Why is for the log, and once: whoever asks may be anybody, and asks every few seconds.
        Some((_, error)) if is_news => dialect::note(&mut answer, error),
        None if is_news => tracing::info!("ready again"),
        _ => {}
    }
    answer
}

/// What was found the last time somebody asked.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<&'static str>>);

impl Readiness {
    /// Note which check fails now, if one does; whether that is another finding than the last one.
    fn changes_to(&self, failing: Option<&'static str>) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, failing) != failing
    }
}

const PATIENCE: Duration = Duration::from_secs(2);

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // What is made of words always becomes JSON.
    dialect::json(status, serde_json::to_vec(body).unwrap_or_default())
}

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    database: &'static str,
    signing_key: &'static str,
    clock: &'static str,
}

/// # Errors
/// When it does not answer.
pub async fn database_answers(store: &Store) -> Result<()> {
    instance::find(&mut store.read().await?, "nothing").await?;
    if store.has_failed_to_write() {
        return Err(Error::broken(
            "the last transaction came to nothing: the disk is full, or another process holds the file",
        ));
    }
    Ok(())
}

/// # Errors
/// When an algorithm of the settings has no active key.
pub fn keys_can_sign(server: &Server) -> Result<()> {
    let missing = server.settings.keys.algorithms.iter().find(|alg| !server.keyring.algorithms().contains(alg));
    missing.map_or(Ok(()), |alg| Err(Error::broken(format!("there is no active {alg} key"))))
}

/// # Errors
/// When this machine's clock is more than two seconds off the database's (product decision 7).
pub async fn clock_is_right(store: &Store, now: Timestamp) -> Result<()> {
    let Some(theirs) = database_clock::milliseconds(&mut store.read().await?).await? else { return Ok(()) };
    // Ours is cut to whole seconds: on average it shows half a second too little.
    let ours = now.0.saturating_mul(1_000).saturating_add(500);
    let off = theirs.saturating_sub(ours);
    if off.abs() > MOST_OFF + 500 {
        return Err(Error::broken(format!("this machine's clock is {} s off the database's", -off / 1_000)));
    }
    Ok(())
}

const MOST_OFF: i64 = 2_000;
