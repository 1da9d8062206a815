//! What is counted, in the text format of Prometheus. Labels come from the code alone, so that nobody can make more of
//! them by asking for strange things.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use super::log;
use crate::protocol::{Result, Timestamp};

/// What is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    errors: Family<ErrorLabels, Counter>,
    jobs: Family<JobLabels, Counter>,
    done: Family<JobName, Gauge>,
    deleted: Counter,
    notified: Family<NotifiedLabels, Counter>,
    certificate: Gauge,
    memory: Gauge,
}

/// An answered request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The pattern of its route.
    pub route: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// The error code, if it was refused or failed.
    pub error: Option<&'static str>,
    /// How long it took.
    pub took: Duration,
}

impl Metrics {
    /// Counters that begin at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("latchkey"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            errors: Family::default(),
            jobs: Family::default(),
            done: Family::default(),
            deleted: Counter::default(),
            notified: Family::default(),
            certificate: Gauge::default(),
            memory: Gauge::default(),
        };
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        let registry = &mut metrics.registry;
        registry.register("build", "The version that runs", build);
        registry.register("http_requests", "Answered requests", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("errors", "Requests that were refused or failed, by error code", metrics.errors.clone());
        registry.register("events", "Events that an operator should know of", log::events().clone());
        registry.register("jobs", "Work done in the background", metrics.jobs.clone());
        registry.register_with_unit(
            "job_last_success_timestamp",
            "When work in the background last succeeded, in unix time",
            Unit::Seconds,
            metrics.done.clone(),
        );
        registry.register_with_unit(
            "certificate_expiry_timestamp",
            "When the certificate in use ends, in unix time; 0 where TLS does not end here",
            Unit::Seconds,
            metrics.certificate.clone(),
        );
        registry.register("deleted_rows", "Rows deleted because they were past their time", metrics.deleted.clone());
        registry.register(
            "logout_tokens",
            "Tries to tell clients that a session has ended, by outcome",
            metrics.notified.clone(),
        );
        registry.register_with_unit("resident_memory", "Memory in use", Unit::Bytes, metrics.memory.clone());
        metrics
    }

    /// Count a request.
    pub fn answered(&self, request: Request<'_>) {
        let Request { route, status, error, took } = request;
        let labels = RequestLabels { route: route.to_owned(), status: status.into() };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&RouteLabels { route: labels.route }).observe(took.as_secs_f64());
        if let Some(error) = error {
            self.errors.get_or_create(&ErrorLabels { route: route.to_owned(), error }).inc();
        }
    }

    /// Count a run of a job.
    pub fn job(&self, job: &'static str, is_done: bool, now: Timestamp) {
        if is_done {
            self.done.get_or_create(&JobName { job }).set(now.0);
        }
        self.jobs.get_or_create(&JobLabels { job, outcome: if is_done { "done" } else { "failed" } }).inc();
    }

    /// Say when the certificate in use ends.
    pub fn certificate_ends(&self, at: Timestamp) {
        self.certificate.set(at.0);
    }

    /// Count deleted rows.
    pub fn deleted(&self, rows: u64) {
        self.deleted.inc_by(rows);
    }

    /// Count a try to tell a client that a session has ended.
    pub fn notified(&self, outcome: Notified) {
        let outcome = match outcome {
            Notified::Delivered => "delivered",
            Notified::Retried => "retried",
            Notified::GivenUp => "given_up",
        };
        self.notified.get_or_create(&NotifiedLabels { outcome }).inc();
    }

    /// Everything, as Prometheus reads it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn text(&self) -> Result<String> {
        self.memory.set(resident_memory().unwrap_or_default());
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// What came of a try to tell a client that a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notified {
    /// It has heard it.
    Delivered,
    /// It is tried again.
    Retried,
    /// It is not.
    GivenUp,
}

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    route: String,
    error: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    job: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotifiedLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobName {
    job: &'static str,
}

/// The name of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EventLabels {
    pub(super) event: String,
}

const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// In bytes, where the system says it (Linux).
fn resident_memory() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_errors_are_counted_by_route() {
        let metrics = Metrics::new();
        let request =
            Request { route: "/token", status: 400, error: Some("invalid_grant"), took: Duration::from_millis(3) };
        metrics.answered(request);
        metrics.answered(request);
        let text = metrics.text().unwrap();
        assert!(text.contains("latchkey_http_requests_total{route=\"/token\",status=\"400\"} 2"), "{text}");
        assert!(text.contains("latchkey_errors_total{route=\"/token\",error=\"invalid_grant\"} 2"), "{text}");
        assert!(text.contains("latchkey_http_request_duration_seconds_count{route=\"/token\"} 2"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
