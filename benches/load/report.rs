//! The table, with what was aimed at.

use std::time::Duration;

use super::Done;

/// Everything that was measured.
pub(crate) struct Findings {
    pub(crate) signatures: [Duration; 2],
    pub(crate) operations: Vec<Done>,
    /// KiB.
    pub(crate) idle: u64,
    /// KiB.
    pub(crate) loaded: u64,
    pub(crate) first_answer: Duration,
}

/// The most an operation may cost, in signatures. What is aimed at in microseconds is meant for a machine that signs
/// in 209 µs.
const TARGETS: &[(&str, f64)] = &[
    ("client_credentials", 1.15),
    ("code + PKCE flow", 3.4),
    ("refresh with ID token", 2.9),
    ("introspect", 45.0 / 209.0),
    ("userinfo", 45.0 / 209.0),
    ("discovery", 10.0 / 209.0),
    ("JWKS", 10.0 / 209.0),
];
const MOST_IDLE_MIB: f64 = 20.0;
const LONGEST_START: Duration = Duration::from_millis(60);

/// Print it as README has it.
pub(crate) fn print(findings: &Findings) {
    let [before, after] = findings.signatures.map(micros);
    let signature = f64::midpoint(before, after);
    println!("\n| operation | server CPU | in signatures | target | | per second |\n|---|---:|---:|---:|---|---:|");
    println!(
        "| bare RSA-2048 signature ({before:.0} µs before, {after:.0} µs after) | {signature:.0} µs | 1.00 | | | |"
    );
    for done in &findings.operations {
        let cost = micros(done.cpu) / whole(done.count.max(1));
        let target = TARGETS.iter().find(|(name, _)| *name == done.name).map_or(f64::INFINITY, |(_, target)| *target);
        println!(
            "| {} | {cost:.1} µs | {:.2} | {target:.2} | {} | {:.0} |",
            done.name,
            cost / signature,
            verdict(cost / signature <= target),
            whole(done.count) / done.took.as_secs_f64(),
        );
    }
    let (idle, loaded) = (whole(findings.idle) / 1024.0, whole(findings.loaded) / 1024.0);
    println!(
        "| memory when idle ({loaded:.0} MiB after the load) | {idle:.1} MiB | | {MOST_IDLE_MIB:.0} MiB | {} | |",
        verdict(idle <= MOST_IDLE_MIB)
    );
    println!(
        "| first answer after start | {:.0} ms | | {} ms | {} | |",
        micros(findings.first_answer) / 1000.0,
        LONGEST_START.as_millis(),
        verdict(findings.first_answer <= LONGEST_START),
    );
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**missed**" }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^52")]
fn whole(count: u64) -> f64 {
    count as f64
}
