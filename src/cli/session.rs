//! `latchkey session …`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Desk, Failure, output, user};
use crate::{
    accounts,
    protocol::Timestamp,
    store::browser_sessions::{self, LOGIN, SignedIn},
};

/// The verbs of `latchkey session`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the browsers in which a user is signed in
    #[command(after_help = "Example:\n  latchkey session list alice")]
    List(ListArgs),
    /// Sign a browser out
    #[command(after_help = "Example:\n  latchkey session end 3q2-7wEjRWeJq83vASNFZw")]
    End(EndArgs),
}

/// What `latchkey session list` takes.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The name the user signs in with
    pub username: String,
}

/// What `latchkey session end` takes.
#[derive(Debug, Args)]
pub struct EndArgs {
    /// The session's id, as `session list` shows it and tokens carry it (`sid`)
    // A random id may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    pub id: String,
}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    match command {
        Command::List(ListArgs { username }) => list(desk, &username).await,
        Command::End(EndArgs { id }) => end(desk, &id).await,
    }
}

async fn list(desk: &Desk, username: &str) -> Result<(), Failure> {
    let (account, now) = (user::find(desk, username).await?, desk.now());
    let sessions = browser_sessions::list_of_user(&mut desk.store.read().await?, &account.sub, now.0).await?;
    desk.show(&sessions.iter().map(|session| shape(session, &account.sub)).collect::<Vec<_>>(), || {
        let row = |session: &SignedIn| {
            vec![
                session.sid.clone().unwrap_or_default(),
                agent(session),
                output::relative(Timestamp(session.created_at), now),
                output::relative(Timestamp(session.seen_at), now),
                output::relative(Timestamp(session.expires_at), now),
            ]
        };
        output::table(&["id", "browser", "began", "last seen", "ends"], &sessions.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

async fn end(desk: &Desk, id: &str) -> Result<(), Failure> {
    let mut tx = desk.store.write().await?;
    if !accounts::end_session(&mut tx, id, "session ended by the operator", desk.now()).await? {
        return Err(Failure::new(format!("there is no session `{id}`"))
            .hint("it may have ended already; `latchkey session list USERNAME` shows those there are"));
    }
    tx.commit().await?;
    desk.show(&json!({ "id": id, "ended": true }), || format!("session {id} is ended"));
    Ok(())
}

fn agent(session: &SignedIn) -> String {
    let data: Value = serde_json::from_str(&session.data).unwrap_or_default();
    data.get(LOGIN).and_then(|login| login.get("agent")).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn shape(session: &SignedIn, sub: &str) -> Value {
    json!({
        "id": session.sid,
        "sub": sub,
        "user_agent": agent(session),
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "expires_at": session.expires_at,
    })
}
