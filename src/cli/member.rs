//! `latchkey member …`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Desk, Failure, org, output, user, user::PAGE};
use crate::{
    orgs::{self, Member},
    protocol::Timestamp,
};

/// The verbs of `latchkey member`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a user a member of an organisation
    #[command(after_help = "Example:\n  latchkey member add acme alice --role owner")]
    Add(WithRole),
    /// List the members of an organisation
    #[command(after_help = "Example:\n  latchkey member list acme")]
    List(Whose),
    /// Give a member another role
    #[command(after_help = "Example:\n  latchkey member set-role acme bob --role editor")]
    SetRole(WithRole),
    /// Let a membership count for nothing until it is activated
    #[command(after_help = "Example:\n  latchkey member suspend acme bob")]
    Suspend(Which),
    /// Let a membership count again
    #[command(after_help = "Example:\n  latchkey member activate acme bob")]
    Activate(Which),
    /// End a membership
    #[command(after_help = "Example:\n  latchkey member remove acme bob")]
    Remove(Which),
}

/// One organisation.
#[derive(Debug, Args)]
pub struct Whose {
    /// The slug of the organisation
    pub org: String,
}

/// One member.
#[derive(Debug, Args)]
pub struct Which {
    /// The slug of the organisation
    pub org: String,
    /// The user's name
    pub username: String,
}

/// A member and a role.
#[derive(Debug, Args)]
pub struct WithRole {
    /// The slug of the organisation
    pub org: String,
    /// The user's name
    pub username: String,
    /// The name of the role
    #[arg(long)]
    pub role: String,
}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    let (store, now) = (&desk.store, desk.now());
    match command {
        Command::Add(WithRole { org, username, role }) => {
            let (org_id, sub) = find(desk, &org, &username).await?;
            let member = orgs::add_member(store, &org_id, &sub, &role, now).await?;
            changed(desk, &member, &format!("is {} of {org}", member.role));
        }
        Command::List(Whose { org }) => list(desk, &org).await?,
        Command::SetRole(WithRole { org, username, role }) => {
            let (org_id, sub) = find(desk, &org, &username).await?;
            let member = orgs::set_member_role(store, &org_id, &sub, &role, now).await?;
            changed(desk, &member, &format!("is {} of {org}", member.role));
        }
        Command::Suspend(Which { org, username }) => {
            let (org_id, sub) = find(desk, &org, &username).await?;
            changed(desk, &orgs::suspend_member(store, &org_id, &sub, now).await?, &format!("is suspended in {org}"));
        }
        Command::Activate(Which { org, username }) => {
            let (org_id, sub) = find(desk, &org, &username).await?;
            changed(desk, &orgs::activate_member(store, &org_id, &sub, now).await?, &format!("is active in {org}"));
        }
        Command::Remove(Which { org, username }) => {
            let (org_id, sub) = find(desk, &org, &username).await?;
            orgs::remove_member(store, &org_id, &sub).await?;
            let gone = json!({ "username": username, "sub": sub, "removed": true });
            desk.show(&gone, || format!("{username} is no member of {org} any more"));
        }
    }
    Ok(())
}

async fn find(desk: &Desk, org: &str, username: &str) -> Result<(String, String), Failure> {
    Ok((org::find(desk, org).await?.id, user::find(desk, username).await?.sub))
}

async fn list(desk: &Desk, slug: &str) -> Result<(), Failure> {
    let org = org::find(desk, slug).await?;
    let mut db = desk.store.read().await?;
    let mut all: Vec<Member> = Vec::new();
    loop {
        let after = all.last().map_or("", |last| last.username.as_str());
        let page = orgs::members(&mut db, &org.id, after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    desk.show(&all.iter().map(shape).collect::<Vec<_>>(), || {
        let now = desk.now();
        let row = |member: &Member| {
            let since = output::relative(Timestamp(member.created_at), now);
            vec![member.username.clone(), member.role.clone(), member.status.clone(), since, member.sub.clone()]
        };
        output::table(&["username", "role", "status", "since", "sub"], &all.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

fn changed(desk: &Desk, member: &Member, what: &str) {
    desk.show(&shape(member), || format!("{} {what}", member.username));
}

fn shape(member: &Member) -> Value {
    json!({
        "username": member.username,
        "sub": member.sub,
        "role": member.role,
        "status": member.status,
        "created_at": member.created_at,
    })
}
