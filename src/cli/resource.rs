//! `latchkey resource …`: the APIs that tokens are for (RFC 8707).

use clap::Args;

use super::{Desk, Failure, output};
use crate::{
    clients::{
        AccessTokenFormat, Gate, Resource,
        resource::{self, Wanted},
    },
    protocol::Refusal,
};

/// The verbs of `latchkey resource`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register an API
    #[command(
        after_help = "Example:\n  latchkey resource create https://kb.example --name 'Knowledge base' --scope 'kb:read kb:write'"
    )]
    Create(CreateArgs),
    /// List the APIs; the issuer itself is the first
    #[command(after_help = "Example:\n  latchkey resource list")]
    List,
    /// Show an API
    #[command(after_help = "Example:\n  latchkey resource show https://kb.example")]
    Show(UriArgs),
    /// Change an API: what is not named stays
    #[command(after_help = "Example:\n  latchkey resource update https://kb.example --typ JWT")]
    Update(UpdateArgs),
    /// Forget an API; tokens that were made for it live until they expire
    #[command(after_help = "Example:\n  latchkey resource delete https://kb.example")]
    Delete(UriArgs),
}

/// Which API.
#[derive(Debug, Args)]
pub struct UriArgs {
    /// Its URI, to the letter
    uri: String,
}

/// What `resource create` takes.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Its URI: what stands in the `aud` of its tokens
    uri: String,
    /// What people know it by
    #[arg(long)]
    name: String,
    #[command(flatten)]
    about: About,
}

/// What `resource update` takes.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Its URI, to the letter
    uri: String,
    /// What people know it by
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    about: About,
}

/// What can be said of an API.
#[derive(Debug, Default, Args)]
struct About {
    /// Its scopes: asking for one of them means this API
    #[arg(long)]
    scope: Option<Vec<String>>,
    /// What its access tokens are: jwt or opaque [default: jwt]
    #[arg(long, value_parser = read::<AccessTokenFormat>, value_name = "FORMAT")]
    access_token: Option<AccessTokenFormat>,
    /// The `typ` of its JWTs: at+jwt, or JWT for libraries that refuse RFC 9068's [default: at+jwt]
    #[arg(long)]
    typ: Option<String>,
    /// What opens its scopes to a user's apps: the user's role, or consent alone [default: role]
    #[arg(long, value_parser = read::<Gate>)]
    gate: Option<Gate>,
    /// A client that may introspect its tokens; once for each
    #[arg(long, value_name = "CLIENT_ID")]
    introspected_by: Option<Vec<String>>,
}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    match command {
        Command::Create(CreateArgs { uri, name, about }) => {
            let resource = resource::create(&desk.registry, &uri, &about.wanted(Some(name)), desk.now()).await?;
            show(&resource, desk);
        }
        Command::Update(UpdateArgs { uri, name, about }) => {
            let resource = resource::update(&desk.registry, &uri, &about.wanted(name), desk.now()).await?;
            show(&resource.ok_or_else(|| unknown(&uri))?, desk);
        }
        Command::Show(UriArgs { uri }) => {
            let all = desk.registry.resources().await?;
            show(all.iter().find(|own| own.uri == uri).ok_or_else(|| unknown(&uri))?, desk);
        }
        Command::List => list(&desk.registry.resources().await?, desk),
        Command::Delete(UriArgs { uri }) => {
            if !resource::delete(&desk.registry, &uri).await? {
                return Err(unknown(&uri));
            }
            desk.show(&serde_json::json!({ "uri": uri, "deleted": true }), || {
                format!("{} is forgotten; tokens that were made for it live until they expire", output::printable(&uri))
            });
        }
    }
    Ok(())
}

impl About {
    fn wanted(self, name: Option<String>) -> Wanted {
        Wanted {
            name,
            scope: self.scope,
            access_token: self.access_token,
            typ: self.typ,
            gate: self.gate,
            introspected_by: self.introspected_by.map(|ids| ids.into_iter().filter(|id| !id.is_empty()).collect()),
        }
    }
}

fn list(resources: &[Resource], desk: &Desk) {
    desk.show(&resources, || {
        let rows: Vec<Vec<String>> = resources
            .iter()
            .map(|own| {
                vec![own.uri.clone(), own.name.clone(), tokens(own), own.gate.to_string(), own.scope.to_string()]
            })
            .collect();
        output::table(&["uri", "name", "tokens", "gate", "scope"], &rows)
    });
}

fn show(resource: &Resource, desk: &Desk) {
    desk.show(resource, || {
        let rows = [
            ("uri", resource.uri.clone()),
            ("name", resource.name.clone()),
            ("scope", resource.scope.to_string()),
            ("tokens", tokens(resource)),
            ("gate", resource.gate.to_string()),
            ("introspected by", resource.introspected_by.join(" ")),
        ];
        let lines = rows
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name:<15}  {}", output::printable(value)));
        lines.collect::<Vec<_>>().join("\n")
    });
}

/// What its tokens are, in a word or two.
fn tokens(resource: &Resource) -> String {
    match resource.access_token {
        AccessTokenFormat::Jwt => format!("jwt ({})", resource.typ),
        AccessTokenFormat::Opaque => "opaque".to_owned(),
    }
}

fn unknown(uri: &str) -> Failure {
    Failure::new(format!("there is no API `{uri}`"))
        .hint("`latchkey resource list` shows all of them; URIs match to the letter")
}

/// Read one of two words on the command line.
fn read<T: std::str::FromStr<Err = Refusal>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|refusal: Refusal| refusal.description.into_owned())
}
