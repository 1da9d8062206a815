//! Whether the server lives, and whether it can do its work: for whatever starts it and sends it requests.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;

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
    let database = database_answers(&server.store).await;
    let clock = match database {
        Ok(()) => clock_is_right(&server.store, server.clock.now()).await,
        Err(_) => Err(Error::broken("the database does not answer")),
    };
    let checks = [("database", database), ("signing_key", keys_can_sign(&server)), ("clock", clock)];
    let is_ready = checks.iter().all(|(_, check)| check.is_ok());
    let word = |check: &Result<()>| if check.is_ok() { "ok" } else { "failed" };
    let [database, signing_key, clock] = checks.each_ref().map(|(_, check)| word(check));
    let body = Ready { status: if is_ready { "ok" } else { "unavailable" }, database, signing_key, clock };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut answer = json(status, &body);
    // Why is for the log: whoever asks here may be anybody.
    if let Some(error) = checks.into_iter().find_map(|(_, check)| check.err()) {
        dialect::note(&mut answer, error);
    }
    answer
}

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
