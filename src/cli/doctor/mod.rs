//! `latchkey doctor`: everything that can be checked without changing anything.

mod database;

use std::os::unix::fs::PermissionsExt;

use serde::Serialize;
use url::Url;

use super::{Failure, database as own_files, output};
use crate::{
    clients::{Registry, registration},
    clock::Clock,
    config::{self, Origin, Origins, Problems, SETTINGS, Setting, Settings, Sources, rules},
    endpoints::{discovery, health},
    keys::{
        self, MasterKey,
        rotation::{self, Listed},
    },
    outgoing::{Outgoing, Unanswered},
    protocol::{KeyAlgorithm, Lifetime, Timestamp, with_causes},
    random::Random,
    server::{
        key_settings,
        tls::{Files, Validity},
    },
    store::Store,
    web::assets::Brand,
};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    Good,
    Warning,
    Bad,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    mark: Mark,
    told: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Check everything, and print what was found.
///
/// # Errors
/// When something is bad.
pub async fn run(sources: &Sources, json: bool) -> Result<(), Failure> {
    let mut findings = Vec::new();
    match Settings::load(sources) {
        Ok((settings, origins)) => examine(&settings, &origins, sources, &mut findings).await,
        Err(Problems(problems)) => {
            findings.extend(problems.iter().map(|problem| bad("configuration", problem.to_string())));
        }
    }
    let count = |mark: Mark| findings.iter().filter(|finding| finding.mark == mark).count();
    let (bad, warnings) = (count(Mark::Bad), count(Mark::Warning));
    output::print(&if json {
        output::json(&findings)
    } else {
        findings.iter().map(words).collect::<Vec<_>>().join("\n")
    });
    match bad {
        0 if json => Ok(()),
        0 => {
            output::print(&format!("\n{} checks, {warnings} warnings, nothing bad", findings.len()));
            Ok(())
        }
        bad => Err(Failure::new(format!("{bad} of {} checks found something bad", findings.len()))),
    }
}

fn words(finding: &Finding) -> String {
    let mark = match finding.mark {
        Mark::Good => "✓",
        Mark::Warning => "!",
        Mark::Bad => "✗",
    };
    let hint = finding.hint.as_ref().map(|hint| format!("\n    hint: {hint}")).unwrap_or_default();
    output::printable(&format!("{mark} {}: {}{hint}", finding.check, finding.told))
}

async fn examine(settings: &Settings, origins: &Origins, sources: &Sources, findings: &mut Vec<Finding>) {
    let file = sources.file.as_ref().map_or("no file".to_owned(), |file| file.display().to_string());
    findings.push(good("configuration", format!("{file}; the issuer is {}", settings.issuer)));
    findings.extend(rules::warnings(settings).into_iter().map(|warning| warn("configuration", warning)));
    findings.extend(exposed_secrets(settings, origins));
    let brand = &settings.brand;
    match Brand::new(&brand.name, brand.logo.as_deref(), brand.accent.as_deref()) {
        Ok(brand) => findings.extend(brand.remarks().iter().map(|remark| warn("brand", remark.clone()))),
        Err(error) => findings.push(bad("brand", error.to_string())),
    }
    let now = Clock::System.now();
    if let Some(store) = database::examine(settings, findings).await {
        let rows = examine_keys(settings, &store, now, findings).await;
        findings.extend(examine_clients(settings, &store).await);
        findings.push(examine_clock(&store, &rows, now).await);
        store.close().await;
    }
    if let Some(files) = Files::of(&settings.tls) {
        findings.push(examine_certificate(&files, now));
    }
    findings.push(examine_issuer(settings).await);
}

/// Files that hold a secret and that everybody on this machine may read.
fn exposed_secrets(settings: &Settings, origins: &Origins) -> Vec<Finding> {
    let holds_secret = |setting: &&Setting| {
        setting.is_secret
            || setting.shown(settings).is_some_and(|value| value.contains(":***@") || value.contains("=***"))
    };
    let place = |setting: &Setting| match origins.of(setting.key) {
        Origin::File { file, .. } | Origin::EnvFile(_, file) => Some((setting.key, file)),
        _ => None,
    };
    let exposed = SETTINGS.iter().filter(holds_secret).filter_map(place);
    exposed
        .filter(|(_, file)| own_files::is_open_to_others(file))
        .map(|(key, file)| {
            let shown = file.display();
            warn("configuration", format!("`{key}` is a secret, and {shown} can be read by others on this machine"))
                .hint(format!("chmod o= {shown}"))
        })
        .collect()
}

async fn examine_keys(settings: &Settings, store: &Store, now: Timestamp, findings: &mut Vec<Finding>) -> Vec<Listed> {
    const CHECK: &str = "keys";
    let rows = match rotation::list(store).await {
        Ok(rows) if rows.is_empty() => {
            findings.push(warn(CHECK, "there are none yet; the first start makes them".to_owned()));
            return rows;
        }
        Ok(rows) => rows,
        Err(error) => {
            findings.push(of_failure(CHECK, error.into()));
            return Vec::new();
        }
    };
    let keys = &settings.keys;
    if let Err(error) =
        MasterKey::load(store, &settings.issuer, keys.master_key.as_ref(), &keys.file, &Random::System).await
    {
        findings.push(of_failure(CHECK, error.into()));
        return rows;
    }
    if keys.master_key.is_none()
        && let Ok(metadata) = std::fs::metadata(&keys.file)
        && metadata.permissions().mode() & 0o077 != 0
    {
        let told = format!("{} can be read by others", keys.file.display());
        findings.push(bad(CHECK, told).hint(format!("chmod 600 {}", keys.file.display())));
    }
    findings.extend(key_settings(settings).rings().map(|alg| examine_ring(alg, &rows, keys.rotate_every, now)));
    rows
}

async fn examine_clients(settings: &Settings, store: &Store) -> Vec<Finding> {
    const CHECK: &str = "clients";
    let registry = Registry::of(store.clone(), settings);
    match registration::remarks(&registry, &settings.keys.algorithms).await {
        Ok(remarks) => {
            let hint = "add the algorithm to `keys.algorithms`, or `latchkey client update … --signing-algorithm`";
            remarks.into_iter().map(|remark| bad(CHECK, remark).hint(hint)).collect()
        }
        Err(error) => vec![of_failure(CHECK, error.into())],
    }
}

/// The keys of one algorithm.
fn examine_ring(alg: KeyAlgorithm, rows: &[Listed], rotate_every: Lifetime, now: Timestamp) -> Finding {
    const CHECK: &str = "keys";
    let (done, does) = match alg {
        KeyAlgorithm::Signature(_) => ("signed", "signs"),
        KeyAlgorithm::Encryption(_) => ("decrypted", "is published"),
    };
    let of_alg = || rows.iter().filter(|row| row.alg == alg.as_str());
    let state = |state: &str| of_alg().find(|row| row.state == state);
    let Some(active) = state("active") else {
        let told = format!("there is no active {alg} key");
        return if of_alg().next().is_none() {
            warn(CHECK, told).hint(format!("`{}` names it; the next start makes one", keys::setting_of(alg)))
        } else {
            bad(CHECK, told).hint(format!("nothing can be {done}: latchkey key rotate --now --algorithm {alg}"))
        };
    };
    let signs_since = Timestamp(active.active_from.unwrap_or(active.created_at));
    let overdue = now - (signs_since + rotate_every);
    if overdue.0 > LATE {
        let told =
            format!("the {alg} key {does} since {}, longer than `keys.rotate_every`", output::when(signs_since, now));
        return warn(CHECK, told)
            .hint("a running server rotates: look for job_failed in its log, or: latchkey key rotate");
    }
    if state("next").is_none() {
        return warn(CHECK, format!("there is no next {alg} key to take over"))
            .hint("a running server makes one within a minute: look for job_failed in its log");
    }
    good(CHECK, format!("{alg}: sealed by this master key; an active and a next one"))
}

/// PostgreSQL has a clock to compare with; beside SQLite there is only what was written by the clock of then.
async fn examine_clock(store: &Store, keys: &[Listed], now: Timestamp) -> Finding {
    const CHECK: &str = "clock";
    if let Err(error) = health::clock_is_right(store, now).await {
        return bad(CHECK, error.to_string()).hint("is NTP running? tokens are made and judged by this clock");
    }
    let latest = keys.iter().flat_map(|row| [Some(row.created_at), row.active_from, row.retired_at]).flatten().max();
    match latest.map(Timestamp).filter(|at| (*at - now).0 > 2) {
        Some(at) => bad(CHECK, format!("a key was made or moved at {}, which is yet to come", output::when(at, now)))
            .hint("this machine's clock was set back, or was wrong then: is NTP running?"),
        None if store.is_postgres() => good(CHECK, "agrees with the database's".to_owned()),
        None => good(CHECK, "nothing in the database is from the future".to_owned()),
    }
}

fn examine_certificate(files: &Files, now: Timestamp) -> Finding {
    const CHECK: &str = "certificate";
    const RENEW: &str = "put the new files in the place of the old ones: a running server reads them within seconds";
    match files.read().and_then(|_| files.validity()) {
        Err(error) => bad(CHECK, with_causes(&error)),
        Ok(Validity { from, .. }) if from > now => {
            bad(CHECK, format!("is good from {} on, not yet", output::when(from, now)))
                .hint("is this machine's clock right?")
        }
        Ok(Validity { until, .. }) if until <= now => {
            bad(CHECK, format!("expired {}", output::when(until, now))).hint(RENEW)
        }
        Ok(Validity { until, .. }) if (until - now).0 < SOON => {
            warn(CHECK, format!("expires {}", output::when(until, now))).hint(RENEW)
        }
        Ok(Validity { until, .. }) => good(CHECK, format!("is good until {}", output::when(until, now))),
    }
}

/// Whether clients that know nothing but the issuer find this server.
async fn examine_issuer(settings: &Settings) -> Finding {
    const CHECK: &str = "issuer";
    let url = format!("{}{}", settings.issuer, discovery::OPENID_CONFIGURATION);
    let another = |told| bad(CHECK, told).hint("another program answers there, or a proxy does not pass the path on");
    // Where the server itself may not call, its operator may.
    let anywhere = config::Outgoing { allow_private_addresses: true, ..settings.outgoing.clone() };
    let asked = match (Outgoing::open(&anywhere), Url::parse(&url)) {
        (Ok(outgoing), Ok(url)) => outgoing.get(&url, "application/json", LARGEST_METADATA).await,
        (Err(error), _) => return bad(CHECK, with_causes(&error)),
        (_, Err(error)) => return bad(CHECK, format!("{url} is no address: {error}")),
    };
    let body = match asked {
        Ok(answer) => answer.body,
        Err(Unanswered::Status(status)) => {
            return another(format!("what answers at {url} (with status {status}) is no OpenID Connect server"));
        }
        Err(error) => {
            let told = format!("{url} does not answer: {}", with_causes(&error));
            return warn(CHECK, told).hint("is the server running, and do DNS, proxy and firewall lead to it?");
        }
    };
    let told: Option<String> = serde_json::from_slice::<serde_json::Value>(&body)
        .ok()
        .and_then(|metadata| Some(metadata.get("issuer")?.as_str()?.to_owned()));
    match told {
        Some(issuer) if issuer == settings.issuer => good(CHECK, format!("{url} is found by clients")),
        Some(issuer) => bad(CHECK, format!("{url} says that its issuer is `{issuer}`"))
            .hint("another server answers there, or this one runs with other settings"),
        None => another(format!("what answers at {url} is no OpenID Connect server")),
    }
}

/// No server says more of itself.
const LARGEST_METADATA: usize = 256 * 1024;

/// Certificates are renewed a month before their end; two weeks before it, something is amiss.
const SOON: i64 = 14 * 86_400;

/// A server looks every minute whether a key is due; one that was stopped over night is nothing to speak of.
const LATE: i64 = 86_400;

impl Finding {
    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

fn good(check: &'static str, told: String) -> Finding {
    Finding { check, mark: Mark::Good, told, hint: None }
}

fn warn(check: &'static str, told: String) -> Finding {
    Finding { check, mark: Mark::Warning, told, hint: None }
}

fn bad(check: &'static str, told: String) -> Finding {
    Finding { check, mark: Mark::Bad, told, hint: None }
}

fn of_failure(check: &'static str, failure: Failure) -> Finding {
    Finding { check, mark: Mark::Bad, told: failure.sentence, hint: failure.hint }
}
