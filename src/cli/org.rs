//! `latchkey org …`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Desk, Failure, output, user::PAGE};
use crate::{
    orgs::{self, NewOrg, Org},
    protocol::Timestamp,
    store::orgs as rows,
};

/// The verbs of `latchkey org`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an organisation with the roles owner, admin, editor and viewer
    #[command(after_help = "Example:\n  latchkey org create acme --name 'Acme Inc.'")]
    Create(Named),
    /// List all organisations
    #[command(after_help = "Example:\n  latchkey org list --json")]
    List,
    /// Show an organisation
    #[command(after_help = "Example:\n  latchkey org show acme")]
    Show(Which),
    /// Give an organisation another name; its slug stays
    #[command(after_help = "Example:\n  latchkey org update acme --name 'Acme International'")]
    Update(Named),
    /// Let its roles count for nothing until it is activated; what was granted in its name ends
    #[command(after_help = "Example:\n  latchkey org suspend acme")]
    Suspend(Which),
    /// Let its roles count again
    #[command(after_help = "Example:\n  latchkey org activate acme")]
    Activate(Which),
    /// Delete an organisation for ever; its slug is never given to another
    #[command(after_help = "Example:\n  latchkey org delete acme")]
    Delete(Which),
}

/// One organisation.
#[derive(Debug, Args)]
pub struct Which {
    /// Its slug
    pub slug: String,
}

/// An organisation and its name.
#[derive(Debug, Args)]
pub struct Named {
    /// The slug, as scopes (`org:SLUG`) and tokens carry it
    pub slug: String,
    /// The name for people
    #[arg(long)]
    pub name: String,
}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    let (store, now) = (&desk.store, desk.now());
    match command {
        Command::Create(Named { slug, name }) => {
            let org = orgs::create(store, NewOrg { slug: &slug, name: &name }, now, &desk.random).await?;
            desk.show(&shape(&org), || {
                format!(
                    "{} is made: {}\nGive it an owner: latchkey member add {} USERNAME --role owner",
                    org.slug, org.id, org.slug
                )
            });
        }
        Command::List => list(desk).await?,
        Command::Show(which) => show(desk, &find(desk, &which.slug).await?),
        Command::Update(Named { slug, name }) => {
            let org = find(desk, &slug).await?;
            show(desk, &orgs::rename(store, &org.id, &name, now).await?);
        }
        Command::Suspend(which) => {
            let org = find(desk, &which.slug).await?;
            changed(
                desk,
                &orgs::suspend(store, &org.id, now).await?,
                "is suspended; what was granted in its name has ended",
            );
        }
        Command::Activate(which) => {
            let org = find(desk, &which.slug).await?;
            changed(desk, &orgs::activate(store, &org.id, now).await?, "is active");
        }
        Command::Delete(which) => {
            let org = find(desk, &which.slug).await?;
            orgs::delete(store, &org.id, now).await?;
            let gone = json!({ "id": org.id, "slug": org.slug, "status": "deleted" });
            desk.show(&gone, || format!("{} is deleted; its slug is never given to another", org.slug));
        }
    }
    Ok(())
}

/// The organisation of that slug.
pub(super) async fn find(desk: &Desk, slug: &str) -> Result<Org, Failure> {
    let mut db = desk.store.read().await?;
    if let Some(org) = orgs::find(&mut db, slug).await? {
        return Ok(org);
    }
    let failure = Failure::new(format!("there is no organisation `{slug}`"));
    Err(match rows::find_by_slug(&mut db, slug).await? {
        Some(gone) => failure.hint(format!("it was deleted {}", output::when(Timestamp(gone.updated_at), desk.now()))),
        None => failure.hint("`latchkey org list` shows them all"),
    })
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let mut db = desk.store.read().await?;
    let mut all: Vec<Org> = Vec::new();
    loop {
        let after = all.last().map_or("", |last| last.slug.as_str());
        let page = orgs::list(&mut db, after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    desk.show(&all.iter().map(shape).collect::<Vec<_>>(), || {
        let row = |org: &Org| vec![org.slug.clone(), org.name.clone(), org.status.clone(), org.id.clone()];
        output::table(&["slug", "name", "status", "id"], &all.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

fn changed(desk: &Desk, org: &Org, what: &str) {
    desk.show(&shape(org), || format!("{} {what}", org.slug));
}

fn show(desk: &Desk, org: &Org) {
    desk.show(&shape(org), || {
        output::record(&[
            ("slug", org.slug.clone()),
            ("name", org.name.clone()),
            ("status", org.status.clone()),
            ("id", org.id.clone()),
            ("created", output::when(Timestamp(org.created_at), desk.now())),
        ])
    });
}

fn shape(org: &Org) -> Value {
    json!({ "id": org.id, "slug": org.slug, "name": org.name, "status": org.status, "created_at": org.created_at })
}
