//! `latchkey demo`.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, output};
use crate::{
    config::{Log, LogFormat},
    demo::{self, Options, Ports, Running, seed::Entry},
    telemetry::log,
};

/// What `latchkey demo` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  latchkey demo --data /tmp/latchkey-demo --no-open")]
pub struct Args {
    /// Start over: forget what an earlier demo has kept
    #[arg(long)]
    pub fresh: bool,
    /// Where to keep its state [default: $XDG_DATA_HOME/latchkey-demo, else ~/.local/share/latchkey-demo]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Do not open a browser; print what programs need to know as one line of JSON
    #[arg(long)]
    pub no_open: bool,
}

/// Run the demo until a signal comes.
///
/// # Errors
/// When it cannot start.
pub async fn run(args: Args) -> Result<(), Failure> {
    let data = args.data.or_else(usual_place).ok_or_else(|| {
        Failure::new("neither XDG_DATA_HOME nor HOME says where to keep the demo's state")
            .hint("name a directory with --data")
    })?;
    // Only what is wrong: the passwords and the link should stay in sight.
    log::start(&Log { format: Some(LogFormat::Pretty), level: "warn".to_owned() });
    eprintln!("Starting the demo. The first time takes a moment: keys and passwords are made.");
    let running = demo::start(Options { data, fresh: args.fresh, ports: Ports::USUAL }).await?;
    // Before anybody can read that it runs, and stop it.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    output::print(&words(&running));
    if args.no_open {
        output::print(&line(&running));
    } else {
        open(&running.memory.app);
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    eprintln!("\nStopping.");
    running.stop().await;
    Ok(())
}

fn usual_place() -> Option<PathBuf> {
    let named = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let share = named("XDG_DATA_HOME").or_else(|| Some(named("HOME")?.join(".local/share")))?;
    Some(share.join("latchkey-demo"))
}

fn words(running: &Running) -> String {
    let memory = &running.memory;
    let rows: Vec<Vec<String>> = running.people.iter().map(row).collect();
    let addresses = [
        ["server", &memory.issuer],
        ["sample app", &memory.app],
        ["resource server", &memory.resource_server],
        ["kept in", &running.data().display().to_string()],
    ]
    .map(|row| row.map(str::to_owned).to_vec());
    let notices: String = running.notices.iter().map(|notice| format!("{notice}\n")).collect();
    format!(
        "\n{notices}Open this link and sign in:\n\n    {}\n\n{}\n\n{}\n\nThe command line works on it, too:\n\n    latchkey --config {} user list\n\nStop it with Ctrl-C; it goes on where it was. With --fresh it starts over.\n",
        memory.app,
        output::table(&["user", "password", "role"], &rows),
        output::table(&["what", "where"], &addresses),
        running.settings().display(),
    )
}

fn row(entry: &Entry) -> Vec<String> {
    let password = entry.password.clone().unwrap_or_else(|| "(changed)".to_owned());
    let roles: Vec<String> = entry.roles.iter().map(|(role, org)| format!("{role} of {org}")).collect();
    let roles = if roles.is_empty() { "in no organisation".to_owned() } else { roles.join(", ") };
    vec![entry.username.clone(), password, roles]
}

/// The same for programs, in one line.
fn line(running: &Running) -> String {
    let memory = &running.memory;
    let users: BTreeMap<&str, &str> =
        running.people.iter().filter_map(|entry| Some((entry.username.as_str(), entry.password.as_deref()?))).collect();
    json!({ "demo": {
        "issuer": memory.issuer,
        "app": memory.app,
        "resource_server": memory.resource_server,
        "users": users,
        "client_id": memory.client_id,
        "client_secret": memory.client_secret,
    } })
    .to_string()
}

/// Open a browser, if this machine has one: the link is printed anyway.
fn open(link: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let spawned =
        Command::new(program).arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    drop(spawned);
}
