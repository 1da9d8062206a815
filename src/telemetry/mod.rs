//! Logs and metrics.

pub mod log;
mod metrics;

pub use metrics::{CONTENT_TYPE as METRICS_TYPE, Metrics, Notified, Request};
