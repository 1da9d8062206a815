//! `latchkey role …`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Desk, Failure, org, output};
use crate::{
    orgs::{self, NewRole, Role, RoleChanges},
    protocol::permission::Pattern,
};

/// The verbs of `latchkey role`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a role
    #[command(
        after_help = "Example:\n  latchkey role create acme support --level 20 --permission 'kb:*' --permission user:read"
    )]
    Create(CreateArgs),
    /// List the roles of an organisation, the most privileged first
    #[command(after_help = "Example:\n  latchkey role list acme")]
    List(Whose),
    /// Show a role
    #[command(after_help = "Example:\n  latchkey role show acme support")]
    Show(Which),
    /// Change a role; it acts at once on everybody who has it
    #[command(after_help = "Example:\n  latchkey role update acme support --permission kb:read")]
    Update(UpdateArgs),
    /// Delete a role that nobody has
    #[command(after_help = "Example:\n  latchkey role delete acme support")]
    Delete(Which),
}

/// One organisation.
#[derive(Debug, Args)]
pub struct Whose {
    /// The slug of the organisation
    pub org: String,
}

/// One role.
#[derive(Debug, Args)]
pub struct Which {
    /// The slug of the organisation
    pub org: String,
    /// The name of the role
    pub name: String,
}

/// What `latchkey role create` takes.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The slug of the organisation
    pub org: String,
    /// The name of the role
    pub name: String,
    /// How privileged it is, from 1 to 99; no two roles of an organisation have the same level
    #[arg(long)]
    pub level: i64,
    /// What it allows: kb:read, or a pattern such as kb:*, *:read, kb:r*; may be repeated
    #[arg(long = "permission", value_name = "RESOURCE:ACTION")]
    pub permissions: Vec<String>,
}

/// What `latchkey role update` takes.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// The slug of the organisation
    pub org: String,
    /// The name of the role
    pub name: String,
    /// Another name
    #[arg(long = "name", value_name = "NAME")]
    pub new_name: Option<String>,
    /// Another level
    #[arg(long)]
    pub level: Option<i64>,
    /// What it allows, in place of what it did; may be repeated
    #[arg(long = "permission", value_name = "RESOURCE:ACTION")]
    pub permissions: Vec<String>,
}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    let (store, now) = (&desk.store, desk.now());
    match command {
        Command::Create(args) => {
            let org = org::find(desk, &args.org).await?;
            let new = NewRole { name: &args.name, hierarchy_level: args.level, permissions: &args.permissions };
            show(desk, &orgs::create_role(store, &org.id, new, now, &desk.random).await?);
        }
        Command::List(Whose { org }) => {
            let org = org::find(desk, &org).await?;
            let roles = orgs::roles(&mut store.read().await?, &org.id).await?;
            desk.show(&roles.iter().map(shape).collect::<Vec<_>>(), || table(&roles));
        }
        Command::Show(which) => {
            let org = org::find(desk, &which.org).await?;
            let role = orgs::find_role(&mut store.read().await?, &org.id, &which.name).await?;
            show(desk, &role.ok_or_else(|| no_such(&which))?);
        }
        Command::Update(args) => {
            let org = org::find(desk, &args.org).await?;
            let changes = RoleChanges {
                name: args.new_name.as_deref(),
                hierarchy_level: args.level,
                permissions: Some(args.permissions.as_slice()).filter(|permissions| !permissions.is_empty()),
            };
            show(desk, &orgs::update_role(store, &org.id, &args.name, changes, now).await?);
        }
        Command::Delete(which) => {
            let org = org::find(desk, &which.org).await?;
            orgs::delete_role(store, &org.id, &which.name).await?;
            let gone = json!({ "name": which.name, "deleted": true });
            desk.show(&gone, || format!("{} is deleted", which.name));
        }
    }
    Ok(())
}

fn no_such(which: &Which) -> Failure {
    Failure::new(format!("`{}` has no role `{}`", which.org, which.name))
        .hint(format!("`latchkey role list {}` shows them all", which.org))
}

fn table(roles: &[Role]) -> String {
    let row = |role: &Role| {
        let kind = if role.is_system_role { "system" } else { "own" };
        vec![role.name.clone(), role.hierarchy_level.to_string(), kind.to_owned(), permissions(role), role.id.clone()]
    };
    output::table(&["name", "level", "kind", "permissions", "id"], &roles.iter().map(row).collect::<Vec<_>>())
}

fn show(desk: &Desk, role: &Role) {
    desk.show(&shape(role), || {
        output::record(&[
            ("name", role.name.clone()),
            ("level", role.hierarchy_level.to_string()),
            ("system role", if role.is_system_role { "yes" } else { "no" }.to_owned()),
            ("permissions", permissions(role)),
            ("id", role.id.clone()),
        ])
    });
}

fn permissions(role: &Role) -> String {
    role.permissions.iter().map(Pattern::to_string).collect::<Vec<_>>().join(" ")
}

fn shape(role: &Role) -> Value {
    json!({
        "id": role.id,
        "name": role.name,
        "hierarchy_level": role.hierarchy_level,
        "is_system_role": role.is_system_role,
        "permissions": role.permissions.iter().map(Pattern::to_string).collect::<Vec<_>>(),
    })
}
