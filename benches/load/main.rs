//! What the server costs under load: `cargo bench --bench load`.
//!
//! It starts the release build with its default settings on an SQLite file, drives it over 64 connections on
//! loopback, and reports the processor time of the server process per operation, beside that of a bare RSA-2048
//! signature in the same run; then the same work beside it, by node-oidc-provider, where that is installed.
//! `LATCHKEY_BENCH_SECONDS` says how long each operation is driven (5).

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};

use browser::Browser;
use http::{Connection, get, post};
use installation::Installation;
use process::Process;
use work::{CLIENT_ID, DISCOVERY, Endpoints, REDIRECT_URI, Work, expect};

mod browser;
mod http;
mod installation;
mod process;
mod report;
mod rival;
mod signature;
mod work;

const CONNECTIONS: usize = 64;
const PASSWORD: &str = "correct horse battery staple";
const SCOPE: &str = "openid profile email offline_access";

fn main() {
    // `cargo test --benches` runs every bench without this word; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(run()));
    if let Err(why) = outcome {
        eprintln!("{why}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), String> {
    let seconds = std::env::var("LATCHKEY_BENCH_SECONDS").ok().and_then(|text| text.parse().ok());
    let span = Duration::from_secs(seconds.unwrap_or(5));

    let before = signature::bare();
    let installation = Installation::prepare()?;
    let basic = register(&installation)?;
    let own = measure(installation.start()?, basic, SCOPE, span).await?;
    let after = signature::bare();
    let rival = match rival::start()? {
        None => None,
        // Its access tokens are JWTs when they are for an API, and good for userinfo and introspection when they are not.
        Some(process) => Some(measure(process, basic_of(rival::SECRET), &format!("{SCOPE} bench:read"), span).await?),
    };
    report::print(&report::Findings { signatures: [before, after], own, rival });
    Ok(())
}

/// What one server costs.
pub(crate) struct Measured {
    pub(crate) operations: Vec<Done>,
    /// KiB.
    pub(crate) idle: u64,
    /// KiB.
    pub(crate) loaded: u64,
    pub(crate) first_answer: Duration,
}

/// Every operation, one after another; `scope` is what a code is asked for.
async fn measure(server: Process, basic: String, scope: &str, span: Duration) -> Result<Measured, String> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = server.resident();
    let mut bench = Bench::new(&server, basic, scope, span).await?;
    let client_credentials = [("grant_type", "client_credentials"), ("scope", "bench:read")];
    bench.same("client_credentials", post(&bench.endpoints.token, &bench.basic, &client_credentials)).await?;
    bench.code().await?;
    bench.refresh().await?;
    // node-oidc-provider remembers no more than the last thousand things.
    bench.access_token = bench.access_token_of(SCOPE).await?;
    let introspection = post(&bench.endpoints.introspect, &bench.basic, &[("token", &bench.access_token)]);
    bench.same("introspect", introspection).await?;
    let bearer = format!("Authorization: Bearer {}\r\n", bench.access_token);
    bench.same("userinfo", get(&bench.endpoints.userinfo, &bearer)).await?;
    bench.same("discovery", get(DISCOVERY, "")).await?;
    bench.same("JWKS", get(&bench.endpoints.jwks, "")).await?;
    let operations = bench.done;
    Ok(Measured { operations, idle, loaded: server.resident(), first_answer: server.first_answer })
}

/// One client, one API, one user; the header line with which the client proves itself.
fn register(installation: &Installation) -> Result<String, String> {
    let api = ["resource", "create", "https://api.example", "--name", "API", "--scope", "bench:read"];
    installation.latchkey(&[&api[..], &["--gate", "consent", "--json"]].concat(), None)?;
    let mut client = vec!["client", "create", "--json", "--id", CLIENT_ID, "--name", "Bench"];
    client.extend(["--redirect-uri", REDIRECT_URI, "--scope"]);
    let scope = format!("{SCOPE} bench:read");
    client.push(&scope);
    for grant in ["authorization_code", "refresh_token", "client_credentials"] {
        client.extend(["--grant", grant]);
    }
    let made = installation.latchkey(&client, None)?;
    let secret = made.get("client_secret").and_then(|secret| secret.as_str()).ok_or("the client has no secret")?;
    let user = ["user", "create", "alice", "--email", "alice@example.com", "--name", "Alice", "--json"];
    installation.latchkey(&[&user[..], &["--email-verified", "--password-stdin"]].concat(), Some(PASSWORD))?;
    Ok(basic_of(secret))
}

fn basic_of(secret: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{CLIENT_ID}:{secret}")))
}

/// An operation, and what it cost.
pub(crate) struct Done {
    pub(crate) name: &'static str,
    pub(crate) count: u64,
    pub(crate) cpu: Duration,
    pub(crate) took: Duration,
}

struct Bench<'a> {
    server: &'a Process,
    endpoints: Endpoints,
    basic: String,
    browser: Browser,
    authorization_request: String,
    access_token: String,
    span: Duration,
    done: Vec<Done>,
}

impl<'a> Bench<'a> {
    /// Sign in and consent on the pages, once for each scope.
    async fn new(server: &'a Process, basic: String, scope: &str, span: Duration) -> Result<Self, String> {
        let mut connection = Connection::open(server.address).await.map_err(|error| error.to_string())?;
        let endpoints = Endpoints::discover(&mut connection, &server.issuer).await?;
        let mut browser = Browser::open(server.address, &server.issuer).await.map_err(|error| error.to_string())?;
        let response = browser.authorize(&endpoints.authorization_request(SCOPE), "alice", PASSWORD).await?;
        let tokens = expect(&mut connection, &endpoints.exchange(&response, &basic)?, 200).await?;
        let access_token = tokens.member("access_token").ok_or("the answer has no access token")?;
        let authorization_request = endpoints.authorization_request(scope);
        browser.authorize(&authorization_request, "alice", PASSWORD).await?;
        Ok(Self { server, endpoints, basic, browser, authorization_request, access_token, span, done: Vec::new() })
    }

    async fn access_token_of(&mut self, scope: &str) -> Result<String, String> {
        let mut connection = Connection::open(self.server.address).await.map_err(|error| error.to_string())?;
        // Idle for longer than a server keeps a connection.
        self.browser.reconnect(self.server.address).await.map_err(|error| error.to_string())?;
        let request = self.endpoints.authorization_request(scope);
        let response = self.browser.authorize(&request, "alice", PASSWORD).await?;
        let tokens = expect(&mut connection, &self.endpoints.exchange(&response, &self.basic)?, 200).await?;
        tokens.member("access_token").ok_or_else(|| "the answer has no access token".to_owned())
    }

    async fn same(&mut self, name: &'static str, request: String) -> Result<(), String> {
        self.drive(name, (0..CONNECTIONS).map(|_| Work::Same(request.clone())).collect()).await
    }

    async fn code(&mut self) -> Result<(), String> {
        let authorize = get(&self.authorization_request, &self.browser.cookie());
        let work = || Work::Code {
            endpoints: self.endpoints.clone(),
            authorize: authorize.clone(),
            basic: self.basic.clone(),
        };
        self.drive("code + PKCE flow", (0..CONNECTIONS).map(|_| work()).collect()).await
    }

    /// Every connection has a grant of its own.
    async fn refresh(&mut self) -> Result<(), String> {
        let mut connection = Connection::open(self.server.address).await.map_err(|error| error.to_string())?;
        let authorize = get(&self.authorization_request, &self.browser.cookie());
        let mut all = Vec::new();
        for _ in 0..CONNECTIONS {
            let answer = expect(&mut connection, &authorize, 303).await?;
            let exchange = self.endpoints.exchange(answer.location.as_deref().unwrap_or_default(), &self.basic)?;
            let tokens = expect(&mut connection, &exchange, 200).await?;
            let token = tokens.member("refresh_token").ok_or("the answer has no refresh token")?;
            all.push(Work::Refresh { endpoints: self.endpoints.clone(), token, basic: self.basic.clone() });
        }
        self.drive("refresh with ID token", all).await
    }

    /// Let every connection do its work until the time is over; the first second does not count.
    async fn drive(&mut self, name: &'static str, all: Vec<Work>) -> Result<(), String> {
        let (warm, end) =
            (Instant::now() + Duration::from_secs(1), Instant::now() + Duration::from_secs(1) + self.span);
        let mut tasks = tokio::task::JoinSet::new();
        for mut work in all {
            let address = self.server.address;
            tasks.spawn(async move {
                let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
                let mut count = 0;
                while Instant::now() < end {
                    work.once(&mut connection).await?;
                    count += u64::from(Instant::now() >= warm);
                }
                Ok::<u64, String>(count)
            });
        }
        tokio::time::sleep_until(warm.into()).await;
        let (cpu, began) = (self.server.cpu(), Instant::now());
        let mut count = 0;
        while let Some(task) = tasks.join_next().await {
            count += task.map_err(|error| error.to_string())??;
        }
        self.done.push(Done { name, count, cpu: self.server.cpu().saturating_sub(cpu), took: began.elapsed() });
        Ok(())
    }
}
