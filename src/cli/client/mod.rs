//! `latchkey client …`: the apps that sign users in, and the programs that act for themselves.

mod about;

use clap::Args;

use self::about::{About, read_sector};
use super::{Desk, Failure, output};
use crate::{
    clients::{
        ApplicationType, Client, SecretRow,
        registration::{self, GRACE, Information, New, OldSecret},
    },
    protocol::{
        AuthMethod, GrantType, PlainSecret, SubjectType, Timestamp, basic,
        permission::{ScopeToken, classify},
    },
};

/// The verbs of `latchkey client`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register a client
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<CreateArgs>),
    /// List the clients
    #[command(after_help = "Example:\n  latchkey client list --json | jq -r '.[].client_id'")]
    List,
    /// Show a client
    #[command(after_help = "Example:\n  latchkey client show wiki")]
    Show(IdArgs),
    /// Change a client: what is not named stays; an empty value takes away
    #[command(
        after_help = "Example:\n  latchkey client update wiki --redirect-uri https://wiki.example/callback --logo-uri ''"
    )]
    Update(Box<UpdateArgs>),
    /// Give a client a new secret; the old one still counts for 24 hours
    #[command(
        after_help = "Example:\n  latchkey client rotate-secret wiki\n  latchkey client rotate-secret wiki --lost"
    )]
    RotateSecret(RotateArgs),
    /// Stop a client, and end everything it was given
    #[command(after_help = "Example:\n  latchkey client disable wiki")]
    Disable(IdArgs),
    /// Let a disabled client ask again
    #[command(after_help = "Example:\n  latchkey client enable wiki")]
    Enable(IdArgs),
    /// Delete a client, and end everything it was given
    #[command(after_help = "Example:\n  latchkey client delete wiki")]
    Delete(IdArgs),
}

const CREATE_EXAMPLES: &str = "Examples:
  latchkey client create --name Wiki --redirect-uri https://wiki.example/callback
  latchkey client create --name Phone --public --redirect-uri com.example.phone:/callback
  latchkey client create --name Reports --grant client_credentials --scope 'kb:read'";

/// Which client.
#[derive(Debug, Args)]
pub struct IdArgs {
    /// Its client id
    id: String,
}

/// What `client create` takes.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// What people know it by
    #[arg(long)]
    name: String,
    /// Its client id [default: one is made]
    #[arg(long)]
    id: Option<String>,
    /// Read its secret from standard input (at least 32 characters) [default: one is made]
    #[arg(long)]
    secret_stdin: bool,
    /// It has no secret: an app on a device, or in a browser
    #[arg(long, conflicts_with_all = ["auth_method", "secret_stdin"])]
    public: bool,
    #[command(flatten)]
    about: About,
}

/// What `client update` takes.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Its client id
    id: String,
    /// What people know it by
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    about: About,
}

/// What `client rotate-secret` takes.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// Its client id
    id: String,
    /// Read the new secret from standard input (at least 32 characters) [default: one is made]
    #[arg(long)]
    secret_stdin: bool,
    /// End the old secret at once
    #[arg(long)]
    now: bool,
    /// Somebody else may have the old secret: end it at once, and everything the client was given
    #[arg(long)]
    lost: bool,
}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(*args, desk).await,
        Command::List => list(desk).await,
        Command::Show(IdArgs { id }) => show(&id, desk).await,
        Command::Update(args) => update(*args, desk).await,
        Command::RotateSecret(args) => rotate_secret(args, desk).await,
        Command::Disable(IdArgs { id }) => {
            let done = registration::disable(&desk.registry, &id, desk.now()).await?;
            changed(&id, done, "is disabled; everything it was given has ended", desk).await
        }
        Command::Enable(IdArgs { id }) => {
            let done = registration::enable(&desk.registry, &id, desk.now()).await?;
            changed(&id, done, "is enabled; its users sign in anew", desk).await
        }
        Command::Delete(IdArgs { id }) => delete(&id, desk).await,
    }
}

async fn create(args: CreateArgs, desk: &Desk) -> Result<(), Failure> {
    let secret = if args.secret_stdin { Some(desk.secret_from_stdin()?) } else { None };
    let mut wanted = args.about.wanted(desk).await?;
    wanted.sector = read_sector(&wanted, None, desk).await?;
    wanted.client_name = Some(args.name);
    if args.public {
        wanted.token_endpoint_auth_method = Some(AuthMethod::None);
    }
    let new = New { id: args.id, secret, wanted, is_by_itself: false };
    let (client, secret) = registration::create(&desk.registry, new, desk.now(), &desk.random).await?;
    note_idle_scopes(&client, desk).await?;
    note_idle_method(&client, desk);
    note_unusual_secret(secret.as_ref());
    show_one(&client, secret.as_ref(), &[], desk);
    Ok(())
}

async fn update(args: UpdateArgs, desk: &Desk) -> Result<(), Failure> {
    let mut wanted = args.about.wanted(desk).await?;
    let before = desk.registry.find(&args.id).await?.ok_or_else(|| unknown(&args.id))?;
    wanted.sector = read_sector(&wanted, Some(&before.metadata), desk).await?;
    wanted.client_name = args.name;
    let done = registration::update(&desk.registry, &args.id, wanted, desk.now(), &desk.random).await?;
    let (client, secret) = done.ok_or_else(|| unknown(&args.id))?;
    note_idle_scopes(&client, desk).await?;
    note_idle_method(&client, desk);
    show_one(&client, secret.as_ref(), &desk.registry.secrets(&client.id).await?, desk);
    Ok(())
}

async fn rotate_secret(args: RotateArgs, desk: &Desk) -> Result<(), Failure> {
    let brought = if args.secret_stdin { Some(desk.secret_from_stdin()?) } else { None };
    let old = match args {
        RotateArgs { lost: true, .. } => OldSecret::IsLost,
        RotateArgs { now: true, .. } => OldSecret::EndsNow,
        _ => OldSecret::EndsIn(GRACE),
    };
    if desk.registry.find(&args.id).await?.is_some_and(|client| client.signs_with_secret()) {
        desk.registry.seal_with(desk.keyring().await?);
    }
    let secret = registration::rotate_secret(&desk.registry, &args.id, brought, old, desk.now(), &desk.random).await?;
    let secret = secret.ok_or_else(|| unknown(&args.id))?;
    let client = desk.registry.find(&args.id).await?.ok_or_else(|| unknown(&args.id))?;
    note_unusual_secret(Some(&secret));
    show_one(&client, Some(&secret), &desk.registry.secrets(&args.id).await?, desk);
    Ok(())
}

async fn show(id: &str, desk: &Desk) -> Result<(), Failure> {
    let client = desk.registry.find(id).await?.ok_or_else(|| unknown(id))?;
    show_one(&client, None, &desk.registry.secrets(id).await?, desk);
    Ok(())
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let clients = registration::list(&desk.registry).await?;
    let told: Vec<_> = clients.iter().map(|client| Information::of(client, None)).collect();
    desk.show(&told, || {
        let rows: Vec<Vec<String>> = clients
            .iter()
            .map(|client| {
                vec![
                    client.id.clone(),
                    client.name().to_owned(),
                    kind(client).to_owned(),
                    client.metadata.grant_types.iter().map(GrantType::to_string).collect::<Vec<_>>().join(" "),
                    if client.enabled { "enabled" } else { "disabled" }.to_owned(),
                    output::relative(client.created_at, desk.now()),
                ]
            })
            .collect();
        output::table(&["client id", "name", "kind", "grants", "state", "registered"], &rows)
    });
    Ok(())
}

async fn changed(id: &str, was_there: bool, what: &str, desk: &Desk) -> Result<(), Failure> {
    let client = desk.registry.find(id).await?.filter(|_| was_there).ok_or_else(|| unknown(id))?;
    desk.show(&Information::of(&client, None), || format!("{} {what}", output::printable(id)));
    Ok(())
}

async fn delete(id: &str, desk: &Desk) -> Result<(), Failure> {
    if !registration::delete(&desk.registry, id, desk.now()).await? {
        return Err(unknown(id));
    }
    desk.show(&serde_json::json!({ "client_id": id, "deleted": true }), || {
        format!("{} is deleted; everything it was given has ended", output::printable(id))
    });
    Ok(())
}

/// Say which scopes mean nothing yet: most likely somebody mistyped.
async fn note_idle_scopes(client: &Client, desk: &Desk) -> Result<(), Failure> {
    let resources = desk.registry.resources().await?;
    for token in client.metadata.scope.iter() {
        let is_listed = resources.iter().any(|resource| resource.scope.contains(token));
        if classify(token) == ScopeToken::Unknown && !is_listed {
            let token = output::printable(token);
            eprintln!(
                "note: no API lists the scope `{token}`, and it is no word of OpenID Connect; it does nothing yet"
            );
        }
    }
    Ok(())
}

/// Say that nobody can prove to be this client as long as the settings are as they are.
fn note_idle_method(client: &Client, desk: &Desk) {
    let method = client.metadata.token_endpoint_auth_method;
    if !desk.settings.tls.allows(method) {
        let needed =
            if method == AuthMethod::TlsClientAuth { ", and `tls.client_ca` who vouches for them" } else { "" };
        eprintln!("note: {method} needs certificates: set `tls.client_certificates` to `optional`{needed}");
    }
}

/// Say that a secret only works with libraries that keep to RFC 6749 §2.3.1: several popular ones do not.
fn note_unusual_secret(secret: Option<&PlainSecret>) {
    if secret.is_some_and(|secret| !basic::needs_no_encoding(secret.expose())) {
        eprintln!(
            "note: this secret has characters that HTTP Basic wants form-encoded (RFC 6749 §2.3.1), which curl and some \
             libraries leave out; one of letters, digits, `-` and `_` works with all"
        );
    }
}

fn show_one(client: &Client, secret: Option<&PlainSecret>, secrets: &[SecretRow], desk: &Desk) {
    let now = desk.now();
    desk.show(&Information::of(client, secret), || {
        let rows = rows(client, secret, secrets, now);
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines = rows.iter().map(|(name, value)| format!("{name:<width$}  {}", output::printable(value)));
        lines.collect::<Vec<_>>().join("\n")
    });
}

/// What people are shown of a client: a name and a value a line, the name on the first of several values.
fn rows(
    client: &Client,
    secret: Option<&PlainSecret>,
    secrets: &[SecretRow],
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let metadata = &client.metadata;
    let mut rows = vec![("client id", client.id.clone())];
    if let Some(secret) = secret {
        rows.push(("client secret", format!("{}   (shown this once; keep it now)", secret.expose())));
    }
    for old in secrets.iter().filter(|own| own.is_live(now.0)) {
        if let Some(end) = old.expires_at {
            rows.push(("old secret", format!("counts until {}", output::when(Timestamp(end), now))));
        }
    }
    rows.push(("name", client.name().to_owned()));
    rows.push(("kind", kind(client).to_owned()));
    if !client.enabled {
        rows.push(("state", "disabled".to_owned()));
    }
    let several = |rows: &mut Vec<_>, name: &'static str, values: &[String]| {
        rows.extend(values.iter().enumerate().map(|(at, value)| (if at == 0 { name } else { "" }, value.clone())));
    };
    let uris: Vec<String> = metadata.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect();
    several(&mut rows, "redirect URIs", &uris);
    several(&mut rows, "after sign-out", &metadata.post_logout_redirect_uris);
    rows.extend(metadata.logout.back_channel_uri.iter().map(|uri| ("told of sign-outs", uri.clone())));
    rows.extend(metadata.logout.front_channel_uri.iter().map(|uri| ("told by browsers", uri.clone())));
    rows.push(("grants", metadata.grant_types.iter().map(GrantType::to_string).collect::<Vec<_>>().join(" ")));
    rows.push(("scope", metadata.scope.to_string()));
    several(&mut rows, "APIs", &metadata.resources);
    rows.push(("authentication", metadata.token_endpoint_auth_method.to_string()));
    rows.extend(metadata.certificate_name.iter().map(|name| ("certificate", name.to_string())));
    rows.extend(metadata.jwks.iter().map(|_| ("keys", "registered by value".to_owned())));
    rows.extend(metadata.jwks_uri.iter().map(|uri| ("keys", uri.clone())));
    several(&mut rows, "request objects", &metadata.request_uris);
    let signing = metadata.request_object_signing_alg;
    rows.extend(signing.map(|signing| ("requests signed", signing.as_str().to_owned())));
    rows.push(("PKCE", if client.require_pkce { "required (S256)" } else { "not required" }.to_owned()));
    if metadata.subject_type == SubjectType::Pairwise {
        rows.push(("users known", "by names of its sector alone (pairwise)".to_owned()));
    }
    rows.extend(metadata.sector_identifier_uri.iter().map(|uri| ("sector", uri.clone())));
    rows.push(("tokens signed", metadata.access_token_signing_alg.to_string()));
    let signing = metadata.id_token_signed_response_alg;
    if signing.algorithm() != Some(metadata.access_token_signing_alg) {
        rows.push(("ID tokens signed", signing.as_str().to_owned()));
    }
    for (name, link) in [
        ("logo", &metadata.logo_uri),
        ("home page", &metadata.client_uri),
        ("privacy policy", &metadata.policy_uri),
        ("terms of service", &metadata.tos_uri),
    ] {
        rows.extend(link.iter().map(|link| (name, link.clone())));
    }
    several(&mut rows, "contacts", &metadata.contacts);
    let by_whom = if client.self_registered { ", by itself" } else { "" };
    rows.push(("registered", format!("{}{by_whom}", output::when(client.created_at, now))));
    rows
}

fn kind(client: &Client) -> &'static str {
    match (client.is_public(), client.metadata.application_type, client.first_party) {
        (true, ApplicationType::Native, false) => "public, native",
        (true, ApplicationType::Native, true) => "public, native, first-party",
        (true, ApplicationType::Web, false) => "public",
        (true, ApplicationType::Web, true) => "public, first-party",
        (false, _, false) => "confidential",
        (false, _, true) => "confidential, first-party",
    }
}

fn unknown(id: &str) -> Failure {
    Failure::new(format!("there is no client `{id}`")).hint("`latchkey client list` shows all of them")
}
