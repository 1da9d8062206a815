//! The sample app's sessions: in memory, one per browser, found by a random cookie.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::relying_party::{Proof, Tokens, Trouble};
use crate::{
    clock::Clock,
    protocol::{Lifetime, Timestamp},
    random::Random,
};

/// Every browser that has been here lately.
pub(super) struct Visits {
    random: Random,
    clock: Clock,
    open: Mutex<HashMap<String, Visit>>,
}

/// What the app knows of one browser.
pub(super) struct Visit {
    /// Every form carries it, so that no other site can press this app's buttons.
    pub(super) csrf: String,
    /// The sign-ins that have begun and not come back, by state: each tab may have its own.
    begun: Vec<(String, Proof)>,
    /// Who is signed in.
    pub(super) person: Option<Person>,
    /// The state of a sign-out that has begun and not come back.
    pub(super) leaving: Option<String>,
    seen: Timestamp,
}

/// Somebody who is signed in to the app.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) tokens: Tokens,
    pub(super) userinfo: Result<Map<String, Value>, Trouble>,
    /// The last call of the resource server.
    pub(super) call: Option<Call>,
    /// What the last refresh did, or why it was refused.
    pub(super) refresh: Option<Result<Refreshed, Trouble>>,
}

/// A request to the resource server and its answer, as they went over the wire.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) request: String,
    pub(super) answer: String,
    pub(super) verdict: Verdict,
}

/// How a call ended, in words.
#[derive(Clone)]
pub(super) struct Verdict {
    pub(super) is_allowed: bool,
    pub(super) text: String,
}

/// What a refresh gave in place of what.
#[derive(Clone)]
pub(super) struct Refreshed {
    pub(super) before: Tokens,
    pub(super) after: Tokens,
}

impl Visits {
    /// Nobody has been here yet.
    pub(super) fn new(random: Random, clock: Clock) -> Self {
        Self { random, clock, open: Mutex::default() }
    }

    /// A visit for a browser that is new here; gives its id.
    pub(super) fn open(&self) -> String {
        let now = self.clock.now();
        let (id, csrf) = (self.random.token(), self.random.token());
        let visit = Visit { csrf, begun: Vec::new(), person: None, leaving: None, seen: now };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, visit| now < visit.seen + LONGEST_PAUSE);
        if open.len() >= MOST_VISITS
            && let Some(oldest) = open.iter().min_by_key(|(_, visit)| visit.seen).map(|(id, _)| id.clone())
        {
            open.remove(&oldest);
        }
        open.insert(id.clone(), visit);
        id
    }

    /// The id in the browser's cookie, if the visit is still known.
    pub(super) fn known(&self, headers: &HeaderMap) -> Option<String> {
        let id = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == COOKIE).then_some(value))?;
        self.with(id, |_| id.to_owned())
    }

    /// Look into a visit, or change it; none if it has gone.
    pub(super) fn with<T>(&self, id: &str, act: impl FnOnce(&mut Visit) -> T) -> Option<T> {
        let now = self.clock.now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let visit = open.get_mut(id).filter(|visit| now < visit.seen + LONGEST_PAUSE)?;
        visit.seen = now;
        Some(act(visit))
    }

    /// The same visit under a new id: who knew the old one before the sign-in knows nothing after it.
    pub(super) fn renew(&self, id: &str) -> Option<String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let visit = open.remove(id)?;
        let id = self.random.token();
        open.insert(id.clone(), Visit { csrf: self.random.token(), ..visit });
        Some(id)
    }

    /// Forget all about a browser and begin anew, but for the state its sign-out will come back with.
    pub(super) fn leave(&self, id: &str, leaving: &str) -> String {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let id = self.open();
        self.with(&id, |visit| visit.leaving = Some(leaving.to_owned()));
        id
    }

    /// A random value for a state.
    pub(super) fn state(&self) -> String {
        self.random.token()
    }
}

impl Visit {
    /// Remember a sign-in that begins.
    pub(super) fn begin(&mut self, state: String, proof: Proof) {
        if self.begun.len() >= MOST_BEGUN {
            self.begun.remove(0);
        }
        self.begun.push((state, proof));
    }

    /// The sign-in an answer belongs to. It is taken out: no answer counts twice.
    pub(super) fn take(&mut self, state: &str) -> Option<Proof> {
        let at = self.begun.iter().position(|(own, _)| own == state)?;
        Some(self.begun.swap_remove(at).1)
    }
}

/// The `Set-Cookie` that makes a browser known by this id. Browsers do not tell ports apart, so the name is the app's own.
pub(super) fn cookie(id: &str) -> String {
    format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax")
}

const COOKIE: &str = "fieldnotes_visit";
const MOST_VISITS: usize = 1_000;
const MOST_BEGUN: usize = 8;
const LONGEST_PAUSE: Lifetime = Lifetime::hours(24);
