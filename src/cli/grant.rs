//! `latchkey grant …`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Desk, Failure, output, user};
use crate::{
    grants::live::LiveGrants,
    protocol::Timestamp,
    store::grants::{self, Grant},
};

/// The verbs of `latchkey grant`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what a user has allowed apps
    #[command(after_help = "Example:\n  latchkey grant list alice")]
    List(ListArgs),
    /// End one, and every token it gave
    #[command(after_help = "Example:\n  latchkey grant revoke 3q2-7wEjRWeJq83vASNFZw")]
    Revoke(RevokeArgs),
}

/// What `latchkey grant list` takes.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The name the user signs in with
    pub username: String,
}

/// What `latchkey grant revoke` takes.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The grant's id, as `grant list` shows it
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
        Command::Revoke(RevokeArgs { id }) => revoke(desk, &id).await,
    }
}

/// A live grant, with the names that people know client and organisation by.
struct Line {
    grant: Grant,
    client: String,
    org: Option<String>,
}

async fn list(desk: &Desk, username: &str) -> Result<(), Failure> {
    let (account, now) = (user::find(desk, username).await?, desk.now());
    let rows = grants::list_of_user(&mut desk.store.read().await?, &account.sub, now.0).await?;
    let living = LiveGrants::new(desk.store.clone(), desk.registry.clone());
    let mut lines = Vec::new();
    for grant in rows {
        // A row that nobody has ended may be dead all the same: by an epoch, its session, a role that is gone.
        if let Some(live) = living.find(&grant.id, now).await? {
            let client = live.client.name().to_owned();
            let org = live.membership.as_ref().map(|membership| membership.org_slug.clone());
            lines.push(Line { grant, client, org });
        }
    }
    desk.show(&lines.iter().map(shape).collect::<Vec<_>>(), || {
        let row = |line: &Line| {
            vec![
                line.grant.id.clone(),
                line.client.clone(),
                line.org.clone().unwrap_or_default(),
                line.grant.scope.clone(),
                output::relative(Timestamp(line.grant.created_at), now),
                output::relative(Timestamp(line.grant.expires_at), now),
            ]
        };
        let headers = ["id", "app", "organisation", "scope", "given", "ends"];
        output::table(&headers, &lines.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

async fn revoke(desk: &Desk, id: &str) -> Result<(), Failure> {
    let now = desk.now();
    let mut tx = desk.store.write().await?;
    if !grants::end(&mut tx, id, "revoked by the operator", now.0).await? {
        return Err(match grants::find(&mut tx, id).await? {
            Some(Grant { ended_at: Some(at), ended_by, .. }) => {
                let why = ended_by.map(|why| format!(": {why}")).unwrap_or_default();
                Failure::new(format!("grant `{id}` has ended {}{why}", output::relative(Timestamp(at), now)))
            }
            _ => Failure::new(format!("there is no grant `{id}`"))
                .hint("`latchkey grant list USERNAME` shows those there are"),
        });
    }
    tx.commit().await?;
    desk.show(&json!({ "id": id, "revoked": true }), || format!("grant {id} is revoked, with every token it gave"));
    Ok(())
}

fn shape(line: &Line) -> Value {
    let grant = &line.grant;
    json!({
        "id": grant.id,
        "sub": grant.user_id,
        "client_id": grant.client_id,
        "client_name": line.client,
        "scope": grant.scope,
        "resources": serde_json::from_str::<Value>(&grant.resources).unwrap_or_default(),
        "org_id": grant.org_id,
        "org_slug": line.org,
        "offline": grant.offline,
        "sid": grant.sid,
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
    })
}
