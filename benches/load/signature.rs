//! The yardstick: what OpenSSL needs for one RSA-2048 signature on this machine, now.

use std::{
    thread,
    time::{Duration, Instant},
};

use josekit::jws::{JwsSigner, RS256};

/// The processor time of a bare RS256 signature while every core signs: the server, too, is measured on busy cores.
pub(crate) fn bare() -> Duration {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let signers: Vec<_> = (0..cores).map(|_| thread::spawn(one_core)).collect();
    let found: Vec<Duration> = signers.into_iter().filter_map(|signer| signer.join().ok()).collect();
    found.iter().sum::<Duration>() / u32::try_from(found.len().max(1)).unwrap_or(1)
}

fn one_core() -> Duration {
    let pair = RS256.generate_key_pair(2048).expect("a key is made");
    let signer = RS256.signer_from_der(pair.to_der_private_key()).expect("the key signs");
    // As many bytes as the header and claims of an access token have.
    let message = vec![b'a'; 600];
    let (began, cpu) = (Instant::now(), used());
    let mut count = 0;
    while began.elapsed() < Duration::from_secs(2) {
        signer.sign(&message).expect("the key signs");
        count += 1;
    }
    used().saturating_sub(cpu) / count
}

/// What this thread has used of the processor: proc(5), in nanoseconds.
fn used() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}
