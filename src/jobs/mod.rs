//! Work in the background: noticing what other nodes and the command line have changed, rotating keys, telling clients that
//! sessions have ended, deleting what is past its time. Any number of nodes may do it at once; the database decides between them.

mod clock_watch;
mod housekeeping;
mod rotation;
mod sign_outs;

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    protocol::Result,
    server::Server,
    store::{LOOK_EVERY, StoreError},
};

pub use housekeeping::tidy;
pub use sign_outs::SignOuts;

/// The work that goes on while the server serves.
pub struct Jobs(JoinSet<()>);

/// Begin.
#[must_use]
pub fn start(server: &Arc<Server>) -> Jobs {
    let mut jobs = JoinSet::new();
    let own = server.clone();
    jobs.spawn(repeat(server.clone(), "look", Duration::ZERO, LOOK_EVERY, move || look(own.clone())));
    let own = server.clone();
    jobs.spawn(repeat(server.clone(), "rotation", FIRST, EVERY, move || rotation::rotate(own.clone())));
    let own = server.clone();
    jobs.spawn(repeat(server.clone(), "housekeeping", FIRST, EVERY, move || housekeeping::clean(own.clone())));
    let sign_outs = Arc::new(SignOuts::new(server.clone()));
    let begin = move || {
        let sign_outs = sign_outs.clone();
        async move { sign_outs.begin().await }
    };
    jobs.spawn(repeat(server.clone(), "sign_outs", TELL_EVERY, TELL_EVERY, begin));
    jobs.spawn(clock_watch::run());
    Jobs(jobs)
}

impl Jobs {
    /// Wait for what is not meant to happen, that one of them ends by itself; gives why. A job that has panicked would never
    /// be done again, and a connection to SQLite that has crashed would fail whoever comes across it, until somebody
    /// started the server anew.
    pub async fn ended(&mut self) -> &'static str {
        match self.0.join_next().await {
            Some(Err(error)) if error.is_panic() => "work in the background has panicked",
            _ => "a connection to the database has crashed",
        }
    }

    /// Stop at once: what is under way has not happened, and the next one does it.
    pub async fn stop(mut self) {
        self.0.shutdown().await;
    }
}

/// Notice what others have changed. A node that cannot, reads everything through until it can.
async fn look(server: Arc<Server>) -> Result<()> {
    server.store.look_for_changes().await?;
    Ok(server.keyring.reload(&server.store).await?)
}

/// Do a job again and again. What goes wrong is told once, not at every try, and so is that it works again.
async fn repeat<F: Future<Output = Result<()>>>(
    server: Arc<Server>,
    job: &'static str,
    first: Duration,
    every: Duration,
    run: impl Fn() -> F,
) {
    let mut ticks = interval_at(Instant::now() + first, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_failing = false;
    loop {
        ticks.tick().await;
        let outcome = run().await;
        server.metrics.job(job, outcome.is_ok(), server.clock.now());
        if outcome.as_ref().is_err_and(StoreError::is_crash) {
            return;
        }
        match outcome {
            Err(error) if !is_failing => {
                tracing::error!(
                    event = "job_failed",
                    job,
                    cause = error.to_string(),
                    hint = StoreError::hint_of(&error),
                    "work in the background failed; it is tried again"
                );
                is_failing = true;
            }
            Ok(()) if is_failing => {
                tracing::info!(job, "work in the background succeeds again");
                is_failing = false;
            }
            _ => {}
        }
    }
}

/// Not while the server is still starting.
const FIRST: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_secs(60);
const TELL_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_does_not_end_unnoticed() {
        let mut jobs = Jobs(JoinSet::new());
        jobs.0.spawn(std::future::pending());
        jobs.0.spawn(async { panic!("a defect") });
        assert_eq!(jobs.ended().await, "work in the background has panicked");
    }
}
