//! The demo: the server with an app and an API around it, in one process, on one machine.
//!
//! App and API are strangers to the server: they know its address and speak HTTP to it, as anybody's would.

pub mod app;
mod dashboard;
mod data;
mod pages;
mod ports;
mod relying_party;
pub mod resource_server;
pub mod seed;
mod verifier;
mod visits;
mod words;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use axum_server::{Control, Handle};
use tokio::task::JoinSet;

use self::{
    data::Directory,
    ports::Place,
    relying_party::{Registration, RelyingParty},
    resource_server::ResourceServer,
    seed::{Entry, Seed},
};
use crate::{
    cli::Failure,
    clock::Clock,
    config::{RegistrationMode, Settings},
    jobs::{self, Jobs},
    keys::{self, KeyError, MasterKey},
    protocol::with_causes,
    random::Random,
    server::{
        Server,
        listener::{self, Listeners},
    },
    store::Store,
};

pub use data::Memory;
pub use ports::Ports;

/// How a demo is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it keeps its state.
    pub data: PathBuf,
    /// Whether to begin anew.
    pub fresh: bool,
    /// Where it listens, if it can.
    pub ports: Ports,
}

/// A demo that runs until it is stopped.
pub struct Running {
    /// Its addresses, passwords and the app's credentials.
    pub memory: Memory,
    /// Who can sign in, as the database has it now.
    pub people: Vec<Entry>,
    /// What the person who started it should hear: ports that were taken.
    pub notices: Vec<String>,
    directory: Directory,
    server: Arc<Server>,
    jobs: Jobs,
    control: Control,
    serving: JoinSet<io::Result<()>>,
}

/// Start server, app and resource server.
///
/// # Errors
/// When there is no directory or no port to be had, or the database in the directory cannot be opened.
pub async fn start(options: Options) -> Result<Running, Failure> {
    let directory = Directory::open(&options.data)?;
    if options.fresh {
        directory.start_over()?;
    }
    let earlier = directory.recall()?;
    if earlier.is_none() && directory.has_database() {
        let file = directory.memory();
        return Err(Failure::new(format!("{} is missing, and with it the passwords of this demo", file.display()))
            .hint("start over with --fresh"));
    }
    let mut notices = Vec::new();
    let [server, app, resource_server] = places(options.ports, earlier.as_ref(), &mut notices)?;
    let (clock, random) = (Clock::System, Random::System);
    let memory = Memory {
        issuer: server.url(),
        app: app.url(),
        resource_server: resource_server.url(),
        ..earlier.unwrap_or_else(|| first_memory(&random))
    };
    // Before the database: what is made with these passwords must not be without them after a crash.
    directory.remember(&memory)?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port));
    directory.write_settings(&memory.issuer, listen)?;
    let opened = open(&directory, &memory, listen, clock.clone(), random.clone()).await?;
    let seed = Seed {
        store: &opened.store,
        registry: &opened.registry,
        passwords: &opened.passwords,
        random: &random,
        now: clock.now(),
    };
    seed.sow(&memory).await?;
    let people = seed.people_now(&memory).await?;
    let http = relying_party::http_client().map_err(|error| Failure::new(error.to_string()))?;
    let api = ResourceServer::new(&memory.resource_server, &memory.issuer, http.clone(), clock.clone());
    let fieldnotes = fieldnotes(&memory, http, clock, random)?;
    let (control, mut serving) = (Control::new(), JoinSet::new());
    for (place, routes) in [(app, app::router(fieldnotes)), (resource_server, api.router())] {
        for listener in place.listeners {
            serving.spawn(serve(listener, routes.clone(), control.clone()));
        }
    }
    let (jobs, own, until) = (jobs::start(&opened), opened.clone(), control.clone());
    let listeners = Listeners { main: server.listeners, ops: None };
    serving.spawn(async move { listener::serve(&own, listeners, &until).await });
    Ok(Running { memory, people, notices, directory, server: opened, jobs, control, serving })
}

impl Running {
    /// Where the state is.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.directory.path()
    }

    /// The settings with which the command line finds the demo's database.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.directory.settings()
    }

    /// Finish the requests that are being answered, and close the database.
    pub async fn stop(mut self) {
        // A browser may keep a connection open for ever.
        self.control.graceful_shutdown(Some(LONGEST_GOODBYE));
        while self.serving.join_next().await.is_some() {}
        self.jobs.stop().await;
        self.server.store.close().await;
    }
}

fn places(ports: Ports, earlier: Option<&Memory>, notices: &mut Vec<String>) -> Result<[Place; 3], Failure> {
    let port_of = |url: fn(&Memory) -> &String| earlier.and_then(|memory| ports::of(url(memory)));
    let server = ports::take(ports.server, port_of(|memory| &memory.issuer))?;
    let app = ports::take(ports.app, port_of(|memory| &memory.app))?;
    let api = ports::take(ports.resource_server, port_of(|memory| &memory.resource_server))?;
    for (asked, place, what) in [
        (ports.server, &server, "the server"),
        (ports.app, &app, "the sample app"),
        (ports.resource_server, &api, "the resource server"),
    ] {
        if asked != 0 && place.port != asked {
            notices.push(format!("Port {asked} is taken, so {what} is on port {} instead.", place.port));
        }
    }
    Ok([server, app, api])
}

fn first_memory(random: &Random) -> Memory {
    Memory {
        issuer: String::new(),
        app: String::new(),
        resource_server: String::new(),
        users: seed::usernames().map(|name| (name.to_owned(), seed::password(random))).collect(),
        client_id: seed::CLIENT_ID.to_owned(),
        client_secret: format!("lks_{}", random.token()),
    }
}

async fn open(
    directory: &Directory,
    memory: &Memory,
    listen: SocketAddr,
    clock: Clock,
    random: Random,
) -> Result<Arc<Server>, Failure> {
    let mut settings = Settings {
        issuer: memory.issuer.clone(),
        listen,
        database_url: directory.database_url(),
        ..Settings::default()
    };
    settings.keys.file = directory.master_key();
    settings.registration.mode = RegistrationMode::Open;
    move_to(&settings, &random).await.map_err(|error| cannot_open(&error, error.hint()))?;
    Server::open(settings, clock, random).await.map_err(|error| cannot_open(&error, error.hint()))
}

fn cannot_open(error: &dyn std::error::Error, hint: Option<&str>) -> Failure {
    Failure::new(with_causes(error)).hint(hint.unwrap_or("start over with --fresh"))
}

/// The server may have had another port the last time: then the keys are sealed for another issuer, and follow.
async fn move_to(settings: &Settings, random: &Random) -> Result<(), KeyError> {
    let store = Store::open(&settings.database_url).await?;
    let file = &settings.keys.file;
    let moved = match MasterKey::load(&store, &settings.issuer, None, file, random).await {
        Err(KeyError::OtherIssuer { .. }) => {
            let old = MasterKey::load_of_any_issuer(&store, &settings.issuer, None, file, random).await?;
            let new = MasterKey::parse(&settings.issuer, old.text().expose(), Some(file))?;
            keys::reseal(&store, &old, &new).await.map(drop)
        }
        other => other.map(drop),
    };
    store.close().await;
    moved
}

fn fieldnotes(
    memory: &Memory,
    http: openidconnect::reqwest::Client,
    clock: Clock,
    random: Random,
) -> Result<Arc<app::App>, Failure> {
    let registration = Registration {
        issuer: &memory.issuer,
        client_id: &memory.client_id,
        client_secret: &memory.client_secret,
        redirect_uri: format!("{}{}", memory.app, app::CALLBACK),
        after_logout: format!("{}{}", memory.app, app::SIGNED_OUT),
        scope: app::SCOPE,
    };
    let provider =
        RelyingParty::new(registration, http.clone()).map_err(|error| Failure::new(format!("an address: {error}")))?;
    let place = pages::Place {
        app: memory.app.clone(),
        issuer: memory.issuer.clone(),
        api: memory.resource_server.clone(),
        client_id: memory.client_id.clone(),
        scope: app::SCOPE.to_owned(),
    };
    let visits = visits::Visits::new(random, clock.clone());
    Ok(Arc::new(app::App { place, provider, visits, http, clock }))
}

async fn serve(listener: TcpListener, routes: Router, control: Control) -> io::Result<()> {
    axum_server::from_tcp(listener)?.handle(Handle::with_control(control)).serve(routes.into_make_service()).await
}

const LONGEST_GOODBYE: Duration = Duration::from_secs(3);
