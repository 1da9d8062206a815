//! Logs and metrics.

/// What is counted.
#[derive(Debug, Default)]
pub struct Metrics {}

impl Metrics {
    /// Counters that begin at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}
