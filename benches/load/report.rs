//! The table, with what was aimed at.

use std::time::Duration;

use super::{Done, Measured};

/// Everything that was measured.
pub(crate) struct Findings {
    pub(crate) signatures: [Duration; 2],
    pub(crate) own: Measured,
    pub(crate) rival: Option<Measured>,
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
    let (own, rival) = (&findings.own, findings.rival.as_ref());
    println!(
        "\n| operation | server CPU | in signatures | target | | per second | node-oidc-provider | in signatures |"
    );
    println!("|---|---:|---:|---:|---|---:|---:|---:|");
    println!(
        "| bare RSA-2048 signature ({before:.0} µs before, {after:.0} µs after) | {signature:.0} µs | 1.00 | | | | | |"
    );
    for done in &own.operations {
        let cost = cost(done);
        let target = TARGETS.iter().find(|(name, _)| *name == done.name).map_or(f64::INFINITY, |(_, target)| *target);
        let other = rival.and_then(|rival| rival.operations.iter().find(|other| other.name == done.name));
        let (other_cost, other_ratio) = other
            .map(self::cost)
            .map_or_else(Default::default, |cost| (format!("{cost:.1} µs"), format!("{:.2}", cost / signature)));
        println!(
            "| {} | {cost:.1} µs | {:.2} | {target:.2} | {} | {:.0} | {other_cost} | {other_ratio} |",
            done.name,
            cost / signature,
            verdict(cost / signature <= target),
            whole(done.count) / done.took.as_secs_f64(),
        );
    }
    let mib = |kib: u64| whole(kib) / 1024.0;
    println!(
        "| memory when idle ({:.0} MiB after the load) | {:.1} MiB | | {MOST_IDLE_MIB:.0} MiB | {} | | {} | |",
        mib(own.loaded),
        mib(own.idle),
        verdict(mib(own.idle) <= MOST_IDLE_MIB),
        rival.map_or_else(String::new, |rival| format!("{:.1} MiB ({:.0} after)", mib(rival.idle), mib(rival.loaded))),
    );
    println!(
        "| first answer after start | {:.0} ms | | {} ms | {} | | | |",
        micros(own.first_answer) / 1000.0,
        LONGEST_START.as_millis(),
        verdict(own.first_answer <= LONGEST_START),
    );
}

/// Of one operation, in microseconds.
fn cost(done: &Done) -> f64 {
    micros(done.cpu) / whole(done.count.max(1))
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
