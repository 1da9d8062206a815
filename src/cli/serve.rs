//! `latchkey serve`.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum_server::Control;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, database};
use crate::{
    clients::registration,
    clock::Clock,
    config::{Settings, rules},
    jobs::{self, Jobs},
    protocol::with_causes,
    random::Random,
    server::{
        OpenError, Server,
        listener::{self, Listeners},
        tls::Files,
    },
    telemetry::log,
};

/// What `latchkey serve` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  latchkey serve --config /etc/latchkey.toml")]
pub struct Args {
    /// The issuer identifier: what clients know the server by
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// The address of the main listener
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// `sqlite:PATH` or `postgres://…`
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

impl Args {
    /// The flags as settings.
    #[must_use]
    pub fn flags(self) -> Vec<(&'static str, String)> {
        [("issuer", self.issuer), ("listen", self.listen), ("database_url", self.database_url)]
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }
}

/// Serve until SIGTERM or SIGINT comes; then finish what is being answered, and close the database.
///
/// # Errors
/// When the server cannot start, or loses a listener.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    log::start(&settings.log);
    // The listener first: whoever starts two servers hears of it before the second one touches the database.
    let listeners = Listeners::bind(&settings).map_err(|(address, error)| cannot_listen(&settings, address, &error))?;
    if let Some(files) = Files::of(&settings.tls) {
        files.read().map_err(|error| Failure::new(with_causes(&error)))?;
    }
    database::check_owner(&settings.database_url)?;
    let server = Server::open(settings, Clock::System, Random::System).await?;
    database::refuse_demo(&server.store, &server.settings).await?;
    let exposed = database::exposed(&server.settings.database_url);
    let of_settings = rules::warnings(&server.settings);
    for warning in of_settings.iter().chain(server.brand.remarks()).chain(&exposed) {
        tracing::warn!("{warning}");
    }
    // However many clients there are, nobody waits until they have been looked through.
    let remarking = tokio::spawn(remark_on_clients(server.clone()));
    let writing = tokio::spawn(log::write_in_batches());
    let mut jobs = jobs::start(&server);
    let outcome = until_told(&server, listeners, &mut jobs).await;
    jobs.stop().await;
    drop(remarking.await);
    server.store.close().await;
    tracing::info!("stopped");
    writing.abort();
    drop(writing.await);
    outcome
}

async fn remark_on_clients(server: Arc<Server>) {
    match registration::remarks(&server.registry, &server.settings.keys.algorithms).await {
        Ok(remarks) => remarks.iter().for_each(|remark| tracing::warn!("{remark}")),
        Err(error) => tracing::error!(cause = error.to_string(), "the registered clients could not be looked through"),
    }
}

fn cannot_listen(settings: &Settings, address: SocketAddr, error: &io::Error) -> Failure {
    let key = if settings.ops.listen == Some(address) { "ops.listen" } else { "listen" };
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "another program has the address, or this one runs already: `ss -ltnp` shows which",
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has that address; `0.0.0.0` and `[::]` are all of them"
        }
        io::ErrorKind::PermissionDenied => "a port below 1024 needs a right: CAP_NET_BIND_SERVICE",
        _ => "name another address",
    };
    Failure::new(format!("cannot listen on {address} (`{key}`): {error}")).hint(hint)
}

async fn until_told(server: &Arc<Server>, listeners: Listeners, jobs: &mut Jobs) -> Result<(), Failure> {
    let control = Control::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (listen, ops) = listeners.addresses();
    let serving = listener::serve(server, listeners, &control);
    tokio::pin!(serving);
    tracing::info!(
        issuer = server.settings.issuer,
        listen = listen.join(", "),
        ops,
        version = env!("CARGO_PKG_VERSION"),
        "serving"
    );
    tokio::select! {
        ended = &mut serving => return ended.map_err(|error| Failure::new(with_causes(&error))),
        why = jobs.ended() => {
            tracing::error!("{why}");
            return Err(Failure::new(why).hint("start the server again, and report this: it is a defect"));
        }
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("told to stop: finishing what is being answered");
    control.graceful_shutdown(Some(LONGEST_GOODBYE));
    tokio::select! {
        ended = serving => ended.map_err(|error| Failure::new(with_causes(&error))),
        // Told twice: somebody is in a hurry. What was answered is on disk.
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let hint = error.hint().map(str::to_owned);
        match error {
            OpenError::Store(error) => error.into(),
            error => Self { sentence: with_causes(&error), hint },
        }
    }
}

/// Requests take milliseconds; what takes longer than this is not worth waiting for.
const LONGEST_GOODBYE: Duration = Duration::from_secs(15);
