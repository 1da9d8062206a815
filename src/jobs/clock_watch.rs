//! Noticing that this machine's clock was set: then what has expired may count again, or what is alive be over.

use std::time::{Duration, Instant};

use crate::clock;

/// Compare the clock with the time that has passed, again and again.
pub(super) async fn run() {
    let mut last = (Instant::now(), wall());
    loop {
        tokio::time::sleep(EVERY).await;
        let now = (Instant::now(), wall());
        if let Some(seconds) = jump(now.0.duration_since(last.0), now.1.saturating_sub(last.1)) {
            tracing::warn!(
                event = "clock_moved",
                seconds,
                hint = "if it was wrong before: tokens and sessions were made by the wrong time; if it is wrong now: is NTP running?",
                "this machine's clock was set, or the machine stood still: nothing expires at the time it was meant to"
            );
        }
        last = now;
    }
}

/// By how many seconds the clock has moved otherwise than by itself, if by more than clocks are corrected in passing.
fn jump(passed: Duration, shown: i64) -> Option<i64> {
    let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    let off = shown.saturating_sub(passed);
    (off.abs() >= LEAST).then_some(off / 1_000)
}

/// In milliseconds.
fn wall() -> i64 {
    let (seconds, millis) = clock::wall();
    seconds.saturating_mul(1_000).saturating_add(i64::from(millis))
}

const EVERY: Duration = Duration::from_secs(1);
const LEAST: i64 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_told_from_one_that_goes() {
        let second = Duration::from_secs(1);
        assert_eq!(jump(second, 1_003), None);
        assert_eq!(jump(Duration::from_secs(90), 90_100), None, "whoever was kept from looking has seen nothing odd");
        assert_eq!(jump(second, 3_601_000), Some(3_600));
        assert_eq!(jump(second, -3_599_000), Some(-3_600));
    }
}
