//! `latchkey key list | rotate | import | export-public | reseal`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Desk, Failure, output};
use crate::{
    keys::{self, KeyError, KeySettings, Listed, MasterKey, Mode, Outcome, State, rotation},
    protocol::{Algorithm, KeyAlgorithm, Timestamp},
    server::key_settings,
};

/// The verbs of `latchkey key`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the keys that are published: active, next and retired
    #[command(after_help = "Example:\n  latchkey key list --json")]
    List(ListArgs),
    /// Let the next key sign, and make a new next one
    #[command(
        after_help = "Example:\n  latchkey key rotate                      the next key has been published for long enough\n  latchkey key rotate --emergency          the active key is in wrong hands\n  latchkey key rotate --emergency --all    the database and the master key are in wrong hands"
    )]
    Rotate(RotateArgs),
    /// Take in a private key of another tool: PEM (PKCS#8, PKCS#1) or JWK
    #[command(after_help = "Example:\n  latchkey key import old-server.pem")]
    Import(ImportArgs),
    /// Print the public keys as a JWK set, as they are published
    #[command(after_help = "Example:\n  latchkey key export-public > jwks.json")]
    ExportPublic,
    /// Seal the private keys under a new master key
    #[command(after_help = "Example:\n  latchkey key reseal")]
    Reseal(ResealArgs),
}

/// What `latchkey key list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Also those that are no longer published: gone and dropped
    #[arg(long)]
    all: bool,
}

/// What `latchkey key rotate` takes.
#[derive(Debug, clap::Args)]
pub struct RotateArgs {
    /// Do not wait until everybody has fetched the next key
    #[arg(long, conflicts_with = "emergency")]
    now: bool,
    /// Drop the active key at once: nothing it signed counts any more
    #[arg(long)]
    emergency: bool,
    /// Drop every key, and end every grant
    #[arg(long, requires = "emergency", conflicts_with = "algorithm")]
    all: bool,
    /// Only the keys of this algorithm
    #[arg(long, value_name = "ALG")]
    algorithm: Option<KeyAlgorithm>,
}

/// What `latchkey key import` takes.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The file; `-` reads standard input
    file: PathBuf,
    /// What it is to sign with [default: the JWK's own `alg`, else RS256, ES256 or EdDSA by its kind]
    #[arg(long, value_name = "ALG")]
    algorithm: Option<Algorithm>,
}

/// What `latchkey key reseal` takes.
#[derive(Debug, clap::Args)]
pub struct ResealArgs {
    /// Read the new master key from standard input instead of making one
    #[arg(long)]
    secret_stdin: bool,
    /// Keep the master key, and only bind the keys to the present issuer: for a server that has moved
    #[arg(long, conflicts_with = "secret_stdin")]
    same_key: bool,
}

/// Do it. A running server follows within a second.
///
/// # Errors
/// When it is refused; nothing has changed then.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    match command {
        Command::List(args) => list(&args, desk).await,
        Command::Rotate(args) => rotate(&args, desk).await,
        Command::Import(args) => import(&args, desk).await,
        Command::ExportPublic => export_public(desk).await,
        Command::Reseal(args) => reseal(&args, desk).await,
    }
}

async fn list(args: &ListArgs, desk: &Desk) -> Result<(), Failure> {
    let mut keys = rotation::list(&desk.store).await?;
    let is_unpublished = |key: &Listed| [State::Gone, State::Dropped].iter().any(|state| key.state == state.as_str());
    keys.retain(|key| args.all || !is_unpublished(key));
    desk.show(&keys, || {
        let (settings, now) = (key_settings(&desk.settings), desk.now());
        let rows: Vec<_> = keys
            .iter()
            .map(|key| vec![key.kid.clone(), key.alg.clone(), key.state.clone(), story(key, &settings, now)])
            .collect();
        output::table(&["kid", "algorithm", "state", ""], &rows)
    });
    Ok(())
}

/// What a person wants to know of a key in that state.
fn story(key: &Listed, settings: &KeySettings, now: Timestamp) -> String {
    let at = |at: Option<i64>| output::relative(Timestamp(at.unwrap_or_default()), now);
    let future = |time: Option<i64>, span| {
        let then = time.map(|time| (Timestamp(time) + span).0);
        if then <= Some(now.0) { "now".to_owned() } else { at(then) }
    };
    let due = |from| future(from, settings.rotate_every);
    if let Some(KeyAlgorithm::Encryption(_)) = KeyAlgorithm::of(&key.alg) {
        return match key.state.as_str() {
            "active" => format!("published {}; its turn ends {}", at(key.active_from), due(key.active_from)),
            "next" => format!("made {}; not published yet", at(Some(key.created_at))),
            "retired" => format!("unpublished {}; still opens until {}", at(key.retired_at), at(key.gone_at)),
            "gone" => format!("gone {}; opens nothing", at(key.gone_at)),
            _ => format!("dropped {}; opens nothing", at(key.gone_at)),
        };
    }
    match key.state.as_str() {
        "active" => {
            format!("signs since {}; its turn ends {}", at(key.active_from), due(key.active_from))
        }
        "next" => {
            let ready = future(Some(key.created_at), settings.announce);
            format!("published {}; can sign {ready}", at(Some(key.created_at)))
        }
        "retired" => format!("ceased to sign {}; goes {}", at(key.retired_at), at(key.gone_at)),
        "gone" => format!("unpublished {}; counts for logout hints alone", at(key.gone_at)),
        _ => format!("dropped {}; nothing it signed counts", at(key.gone_at)),
    }
}

async fn rotate(args: &RotateArgs, desk: &Desk) -> Result<(), Failure> {
    let (keyring, now) = (desk.keyring().await?, desk.now());
    let mode = match (args.now, args.emergency) {
        (_, true) => Mode::Emergency,
        (true, false) => Mode::Now,
        (false, false) => Mode::Scheduled,
    };
    let mut done = Vec::new();
    if args.all {
        done = keyring.drop_all(&desk.store, now).await?;
    } else {
        let settings = key_settings(&desk.settings);
        for alg in args.algorithm.map_or_else(|| settings.rings().collect(), |alg| vec![alg]) {
            done.push(keyring.rotate(&desk.store, alg, mode, now).await.map_err(|error| refused(error, now))?);
        }
    }
    desk.show(&done, || {
        let mut lines: Vec<_> = done.iter().map(|outcome| told(outcome, mode)).collect();
        if args.all {
            lines.push("Every grant is ended: everybody has to sign in again.".to_owned());
            lines.push("Change the master key too: latchkey key reseal".to_owned());
        }
        if mode == Mode::Emergency {
            lines.push(
                "Resource servers forget the dropped key when they next fetch the JWK set: within 5 minutes."
                    .to_owned(),
            );
        }
        lines.join("\n")
    });
    Ok(())
}

/// The same error, with its time as people read it.
fn refused(error: KeyError, now: Timestamp) -> Failure {
    match error {
        KeyError::TooYoung { alg, ready_at } => {
            let ready = output::when(Timestamp(ready_at), now);
            let failure = Failure::new(format!("the next {alg} key is too young: it can sign from {ready} on"));
            failure.hint(error.hint().unwrap_or_default())
        }
        other => other.into(),
    }
}

fn told(outcome: &Outcome, mode: Mode) -> String {
    let Outcome { alg, active, next, was, won } = outcome;
    if !won {
        return format!("{alg}: another node rotated at this very moment; {active} signs now, {next} is next.");
    }
    if let KeyAlgorithm::Encryption(_) = alg {
        let was = match (was, mode) {
            (Some(was), Mode::Emergency) => format!("{was} is dropped: it opens nothing any more"),
            (Some(was), _) => format!("{was} is retired: it still opens what clients encrypt before they hear of it"),
            (None, _) => "there was no active key".to_owned(),
        };
        return format!("{alg}: {active} is published now, {next} is next; {was}.");
    }
    let was = match (was, mode) {
        (Some(was), Mode::Emergency) => format!("{was} is dropped: nothing it signed counts any more"),
        (Some(was), _) => format!("{was} is retired: what it signed stays good until it expires"),
        (None, _) => "there was no active key".to_owned(),
    };
    format!("{alg}: {active} signs now, {next} is next; {was}.")
}

async fn import(args: &ImportArgs, desk: &Desk) -> Result<(), Failure> {
    let text = if args.file == Path::new("-") {
        Zeroizing::new(desk.secret_from_stdin()?.expose().to_owned())
    } else {
        let unreadable = |error| Failure::new(format!("{} cannot be read: {error}", args.file.display()));
        Zeroizing::new(std::fs::read_to_string(&args.file).map_err(unreadable)?)
    };
    let (settings, now) = (key_settings(&desk.settings), desk.now());
    // Before the ring is opened, which makes the keys that are missing: on an empty server it becomes the active one.
    let master = master_key(desk).await?;
    let key = rotation::import(&desk.store, &master, &settings, &text, args.algorithm, now).await?;
    desk.keyring().await?;
    desk.show(&key, || {
        if key.state == State::Active.as_str() {
            return format!("{} ({}) is the active key.", key.kid, key.alg);
        }
        let ready = Timestamp(key.created_at) + settings.announce;
        format!(
            "{} ({}) is the next key; it can sign {}. Then: latchkey key rotate",
            key.kid,
            key.alg,
            output::when(ready, now)
        )
    });
    Ok(())
}

async fn export_public(desk: &Desk) -> Result<(), Failure> {
    let published = desk.keyring().await?.published();
    let set: Value = serde_json::from_slice(&published.body).map_err(|error| Failure::new(error.to_string()))?;
    output::print(&output::json(&set));
    Ok(())
}

async fn reseal(args: &ResealArgs, desk: &Desk) -> Result<(), Failure> {
    let (settings, keys) = (&desk.settings, &desk.settings.keys);
    let (given, file) = (keys.master_key.as_ref(), &keys.file);
    if args.same_key {
        keys::load_and_rebind(&desk.store, &settings.issuer, given, file, &desk.random).await?;
        desk.show(&json!({ "issuer": settings.issuer }), || format!("The keys are bound to {}.", settings.issuer));
        return Ok(());
    }
    let old = MasterKey::load_of_any_issuer(&desk.store, &settings.issuer, given, file, &desk.random).await?;
    let new = if args.secret_stdin {
        MasterKey::parse(&settings.issuer, desk.secret_from_stdin()?.expose(), old.file())?
    } else if given.is_some() {
        return Err(Failure::new("the master key comes from the settings, so the new one has to come from you")
            .hint("make one, keep it, and pass it in: latchkey key reseal --secret-stdin"));
    } else {
        MasterKey::generate(&settings.issuer, old.file(), &desk.random)?
    };
    let count = keys::reseal(&desk.store, &old, &new).await?;
    let file = new.file().map(|file| file.display().to_string());
    desk.show(&json!({ "resealed": count, "issuer": settings.issuer, "file": file }), || match &file {
        Some(file) => format!("{count} secrets are sealed under a new master key, in {file}. Copy it to the other nodes."),
        None => format!(
            "{count} secrets are sealed under the new master key. Put it into the settings and restart: until then running servers sign, but cannot rotate."
        ),
    });
    Ok(())
}

async fn master_key(desk: &Desk) -> Result<MasterKey, Failure> {
    let keys = &desk.settings.keys;
    let given = keys.master_key.as_ref();
    Ok(MasterKey::load(&desk.store, &desk.settings.issuer, given, &keys.file, &desk.random).await?)
}
