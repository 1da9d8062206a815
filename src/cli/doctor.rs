//! `latchkey doctor`: everything that can be checked without changing anything.

use std::{os::unix::fs::PermissionsExt, path::Path};

use serde::Serialize;

use super::{Failure, database, output, probe};
use crate::{
    clock::Clock,
    config::{Problems, Settings, Sources, rules},
    endpoints::{discovery, health},
    keys::{MasterKey, rotation},
    protocol::{Algorithm, Timestamp},
    random::Random,
    server::tls::Files,
    store::{Store, StoreError},
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
        Ok((settings, _)) => examine(&settings, sources, &mut findings).await,
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

async fn examine(settings: &Settings, sources: &Sources, findings: &mut Vec<Finding>) {
    let file = sources.file.as_ref().map_or("no file".to_owned(), |file| file.display().to_string());
    findings.push(good("configuration", format!("{file}; the issuer is {}", settings.issuer)));
    findings.extend(rules::warnings(settings).into_iter().map(|warning| warn("configuration", warning)));
    let brand = &settings.brand;
    match Brand::new(&brand.name, brand.logo.as_deref(), brand.accent.as_deref()) {
        Ok(brand) => findings.extend(brand.remarks().iter().map(|remark| warn("brand", remark.clone()))),
        Err(error) => findings.push(bad("brand", error.to_string())),
    }
    let now = Clock::System.now();
    if let Some(store) = examine_database(settings, findings).await {
        examine_keys(settings, &store, findings).await;
        findings.push(match health::clock_is_right(&store, now).await {
            Ok(()) => good("clock", "agrees with the database's".to_owned()),
            Err(error) => bad("clock", error.to_string()),
        });
        store.close().await;
    }
    if let Some(files) = Files::of(&settings.tls) {
        findings.push(examine_certificate(&files, now));
    }
    findings.push(examine_issuer(settings).await);
}

async fn examine_database(settings: &Settings, findings: &mut Vec<Finding>) -> Option<Store> {
    const CHECK: &str = "database";
    if let Err(failure) = database::check_owner(&settings.database_url) {
        findings.push(of_failure(CHECK, failure));
        return None;
    }
    if let Some(file) = database::file(&settings.database_url)
        && !file.exists()
    {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        findings.push(if directory.is_dir() {
            warn(CHECK, format!("{} is not there yet; the first command that needs it makes it", file.display()))
        } else {
            bad(CHECK, format!("the directory {} does not exist", directory.display()))
        });
        return None;
    }
    let looked = async {
        let store = Store::connect(&settings.database_url).await?;
        let pending = store.pending_migrations().await?;
        // Rolled back: it only shows that one could write.
        drop(store.write().await?);
        Ok::<_, StoreError>((store, pending))
    };
    match looked.await {
        Ok((store, 0)) => {
            findings.push(good(CHECK, "can be read and written, and its schema is up to date".to_owned()));
            Some(store)
        }
        Ok((store, pending)) => {
            findings.push(
                warn(CHECK, format!("{pending} migrations are missing"))
                    .hint("`latchkey migrate`, or the next start, applies them"),
            );
            store.close().await;
            None
        }
        Err(error) => {
            findings.push(of_failure(CHECK, error.into()));
            None
        }
    }
}

async fn examine_keys(settings: &Settings, store: &Store, findings: &mut Vec<Finding>) {
    const CHECK: &str = "keys";
    let rows = match rotation::list(store).await {
        Ok(rows) if rows.is_empty() => {
            findings.push(warn(CHECK, "there are none yet; the first start makes them".to_owned()));
            return;
        }
        Ok(rows) => rows,
        Err(error) => {
            findings.push(of_failure(CHECK, error.into()));
            return;
        }
    };
    let keys = &settings.keys;
    if let Err(error) =
        MasterKey::load(store, &settings.issuer, keys.master_key.as_ref(), &keys.file, &Random::System).await
    {
        findings.push(of_failure(CHECK, error.into()));
        return;
    }
    if keys.master_key.is_none()
        && let Ok(metadata) = std::fs::metadata(&keys.file)
        && metadata.permissions().mode() & 0o077 != 0
    {
        let told = format!("{} can be read by others", keys.file.display());
        findings.push(bad(CHECK, told).hint(format!("chmod 600 {}", keys.file.display())));
    }
    let lacks = |alg: &Algorithm, state: &str| !rows.iter().any(|row| row.alg == alg.as_str() && row.state == state);
    let missing = keys.algorithms.iter().find(|alg| lacks(alg, "active") || lacks(alg, "next"));
    findings.push(match missing {
        Some(alg) => warn(CHECK, format!("{alg} has no active or no next key; the next start makes it")),
        None => good(CHECK, "are sealed by this master key; each algorithm has an active and a next one".to_owned()),
    });
}

fn examine_certificate(files: &Files, now: Timestamp) -> Finding {
    const CHECK: &str = "certificate";
    let ends = files.read().and_then(|_| files.validity()).map(|own| own.until);
    match ends {
        Err(error) => bad(CHECK, output::with_causes(&error)),
        Ok(at) if at <= now => bad(CHECK, format!("expired {}", output::when(at, now))),
        Ok(at) if (at - now).0 < SOON => warn(CHECK, format!("expires {}", output::when(at, now)))
            .hint("the server reads the files again when they change"),
        Ok(at) => good(CHECK, format!("is good until {}", output::when(at, now))),
    }
}

/// Whether clients that know nothing but the issuer find this server.
async fn examine_issuer(settings: &Settings) -> Finding {
    const CHECK: &str = "issuer";
    let url = format!("{}{}", settings.issuer, discovery::OPENID_CONFIGURATION);
    let extra_ca = settings.outgoing.extra_ca.clone();
    let asked = url.clone();
    let answer = tokio::task::spawn_blocking(move || probe::get(&asked, extra_ca.as_deref())).await;
    let probe::Answer { status, body } = match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            let told = format!("{url} does not answer: {error}");
            return warn(CHECK, told).hint("is the server running, and do DNS, proxy and firewall lead to it?");
        }
        Err(_) => return warn(CHECK, "could not be asked".to_owned()),
    };
    let told: Option<String> = serde_json::from_slice::<serde_json::Value>(&body)
        .ok()
        .and_then(|metadata| Some(metadata.get("issuer")?.as_str()?.to_owned()));
    match told {
        Some(issuer) if issuer == settings.issuer => good(CHECK, format!("{url} is found by clients")),
        Some(issuer) => bad(CHECK, format!("{url} says that its issuer is `{issuer}`"))
            .hint("another server answers there, or this one runs with other settings"),
        None => bad(CHECK, format!("what answers at {url} (with status {status}) is no OpenID Connect server"))
            .hint("another program answers there, or a proxy does not pass the path on"),
    }
}

/// Certificates are renewed a month before their end; a week before it, something is amiss.
const SOON: i64 = 7 * 86_400;

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
