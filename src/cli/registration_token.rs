//! `latchkey registration-token …`: tokens with which programs register clients (RFC 7591 §1.2).

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Desk, Failure, output};
use crate::{
    config::{RegistrationMode, duration},
    protocol::{Lifetime, PlainSecret, Timestamp},
    store::registration_tokens::{self, Row},
};

/// The verbs of `latchkey registration-token`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make one
    #[command(after_help = "Example:\n  latchkey registration-token create --uses 1 --expires-in 7d")]
    Create(CreateArgs),
    /// List those that count
    #[command(after_help = "Example:\n  latchkey registration-token list")]
    List,
    /// End one; what was registered with it stays
    #[command(after_help = "Example:\n  latchkey registration-token revoke 3q2-7wEjRWeJq83vASNFZw")]
    Revoke(RevokeArgs),
}

/// What `registration-token create` takes.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// How many clients can be registered with it [default: as many as it lives]
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    uses: Option<i64>,
    /// How long it counts, such as 12h or 30d [default: until it is revoked]
    #[arg(long, value_name = "TIME", value_parser = read_duration)]
    expires_in: Option<Lifetime>,
}

/// What `registration-token revoke` takes.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Its id, as `registration-token list` shows it
    // A random id may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    id: String,
}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(&args, desk).await,
        Command::List => list(desk).await,
        Command::Revoke(RevokeArgs { id }) => revoke(&id, desk).await,
    }
}

async fn create(args: &CreateArgs, desk: &Desk) -> Result<(), Failure> {
    let now = desk.now();
    let token = PlainSecret::new(format!("lki_{}", desk.random.token()));
    let row = Row {
        id: desk.random.id(),
        uses: args.uses,
        created_at: now.0,
        expires_at: args.expires_in.map(|life| (now + life).0),
    };
    let mut tx = desk.store.write().await?;
    registration_tokens::insert(&mut tx, &row, token.hash().as_str()).await?;
    tx.commit().await?;
    let mut shown = shape(&row);
    if let Some(members) = shown.as_object_mut() {
        members.insert("token".to_owned(), token.expose().into());
    }
    desk.show(&shown, || format!("{}   (shown this once; keep it now)", token.expose()));
    if desk.settings.registration.mode != RegistrationMode::Token {
        eprintln!("note: it is asked for once `registration.mode` is `token`");
    }
    Ok(())
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let now = desk.now();
    let rows = registration_tokens::list(&mut desk.store.read().await?, now.0).await?;
    desk.show(&rows.iter().map(shape).collect::<Vec<_>>(), || {
        let line = |row: &Row| {
            vec![
                row.id.clone(),
                row.uses.map_or_else(|| "any number".to_owned(), |uses| uses.to_string()),
                output::relative(Timestamp(row.created_at), now),
                row.expires_at.map_or_else(|| "never".to_owned(), |at| output::relative(Timestamp(at), now)),
            ]
        };
        output::table(&["id", "uses left", "made", "ends"], &rows.iter().map(line).collect::<Vec<_>>())
    });
    Ok(())
}

async fn revoke(id: &str, desk: &Desk) -> Result<(), Failure> {
    let mut tx = desk.store.write().await?;
    let was_there = registration_tokens::delete(&mut tx, id).await?;
    tx.commit().await?;
    if !was_there {
        return Err(Failure::new(format!("there is no registration token `{id}`"))
            .hint("`latchkey registration-token list` shows those there are"));
    }
    desk.show(&json!({ "id": id, "revoked": true }), || {
        format!("registration token {} is revoked", output::printable(id))
    });
    Ok(())
}

fn shape(row: &Row) -> Value {
    json!({ "id": row.id, "uses": row.uses, "created_at": row.created_at, "expires_at": row.expires_at })
}

fn read_duration(text: &str) -> Result<Lifetime, String> {
    duration(text)
        .filter(|life| life.0 > 0)
        .ok_or_else(|| format!("`{text}` is no time; expected one such as 60s, 15m, 12h or 30d"))
}
