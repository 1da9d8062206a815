//! `latchkey user …`

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{Desk, Failure, output};
use crate::{
    accounts::{self, Account, Changes, NewAccount, Passwords},
    protocol::PlainSecret,
};

/// The verbs of `latchkey user`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account
    #[command(
        after_help = "Example:\n  printf %s \"$PASSWORD\" | latchkey user create alice --email alice@example.com --name 'Alice Example' --password-stdin"
    )]
    Create(CreateArgs),
    /// List all accounts
    #[command(after_help = "Example:\n  latchkey user list --json")]
    List,
    /// Show what is known of a user
    #[command(after_help = "Example:\n  latchkey user show alice")]
    Show(Who),
    /// Change what is known of a user
    #[command(after_help = "Example:\n  latchkey user update alice --email alice@example.org --email-verified")]
    Update(UpdateArgs),
    /// Set a password; every session and every app's access ends
    #[command(after_help = "Example:\n  latchkey user set-password alice")]
    SetPassword(SetPasswordArgs),
    /// Keep a user out, at once and everywhere
    #[command(after_help = "Example:\n  latchkey user disable alice")]
    Disable(Who),
    /// Let a user in again
    #[command(after_help = "Example:\n  latchkey user enable alice")]
    Enable(Who),
    /// End every session and every app's access
    #[command(after_help = "Example:\n  latchkey user sign-out alice")]
    SignOut(Who),
    /// Let a user try again at once after too many wrong passwords
    #[command(after_help = "Example:\n  latchkey user unlock alice")]
    Unlock(Who),
    /// Delete an account, its sessions, memberships and every app's access
    #[command(after_help = "Example:\n  latchkey user delete alice")]
    Delete(Who),
}

/// One user.
#[derive(Debug, Args)]
pub struct Who {
    /// The name the user signs in with
    pub username: String,
}

/// What `latchkey user create` takes.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The name to sign in with
    pub username: String,
    /// The e-mail address; one can sign in with it, too
    #[arg(long)]
    pub email: Option<String>,
    /// The address is known to be the user's
    #[arg(long)]
    pub email_verified: bool,
    /// The full name
    #[arg(long)]
    pub name: Option<String>,
    /// Other claims, as a JSON object (OpenID Connect Core section 5.1)
    #[arg(long, value_name = "FILE.json")]
    pub claims: Option<PathBuf>,
    /// Read the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

/// What `latchkey user update` takes.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// The name the user signs in with
    pub username: String,
    /// Another e-mail address; it counts as unverified until it is said to be
    #[arg(long)]
    pub email: Option<String>,
    /// No e-mail address at all
    #[arg(long, conflicts_with_all = ["email", "email_verified"])]
    pub no_email: bool,
    /// Whether the address is known to be the user's
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    pub email_verified: Option<bool>,
    /// The full name; an empty one removes it
    #[arg(long)]
    pub name: Option<String>,
    /// Claims to add or replace, as a JSON object; null removes one
    #[arg(long, value_name = "FILE.json")]
    pub claims: Option<PathBuf>,
}

/// What `latchkey user set-password` takes.
#[derive(Debug, Args)]
pub struct SetPasswordArgs {
    /// The name the user signs in with
    pub username: String,
    /// Read the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    let (store, now) = (&desk.store, desk.now());
    match command {
        Command::Create(args) => create(args, desk).await?,
        Command::List => list(desk).await?,
        Command::Show(who) => show(desk, &find(desk, &who.username).await?),
        Command::Update(args) => update(args, desk).await?,
        Command::SetPassword(args) => set_password(args, desk).await?,
        Command::Disable(who) => {
            let sub = find(desk, &who.username).await?.sub;
            changed(desk, &accounts::disable(store, &sub, now).await?, "is disabled and signed out everywhere");
        }
        Command::Enable(who) => {
            let sub = find(desk, &who.username).await?.sub;
            changed(desk, &accounts::enable(store, &sub, now).await?, "can sign in again");
        }
        Command::SignOut(who) => {
            let sub = find(desk, &who.username).await?.sub;
            changed(desk, &accounts::sign_out_everywhere(store, &sub, now).await?, "is signed out everywhere");
        }
        Command::Unlock(who) => {
            let account = find(desk, &who.username).await?;
            accounts::unlock(store, &account).await?;
            changed(desk, &account, "can try again");
        }
        Command::Delete(who) => {
            let account = find(desk, &who.username).await?;
            accounts::delete(store, &account.sub, now).await?;
            let gone = json!({ "sub": account.sub, "preferred_username": account.username, "deleted": true });
            desk.show(&gone, || format!("{} is deleted", account.username));
        }
    }
    Ok(())
}

/// The account of that name.
pub(super) async fn find(desk: &Desk, username: &str) -> Result<Account, Failure> {
    let mut db = desk.store.read().await?;
    accounts::find_by_username(&mut db, username).await?.ok_or_else(|| {
        Failure::new(format!("there is no user `{username}`")).hint("`latchkey user list` shows them all")
    })
}

async fn create(args: CreateArgs, desk: &Desk) -> Result<(), Failure> {
    let mut claims = args.claims.as_deref().map(read_claims).transpose()?.unwrap_or_default();
    if let Some(name) = args.name {
        claims.insert("name".to_owned(), name.into());
    }
    let own = OwnClaims::take(&mut claims, &args.username)?;
    let new = NewAccount {
        email: args.email.or(own.email),
        email_verified: args.email_verified || own.email_verified.unwrap_or_default(),
        claims,
        password: password_for(&args.username, args.password_stdin, desk)?,
        username: args.username,
    };
    let account = accounts::create(&desk.store, &Passwords::new(), new, desk.now(), &desk.random).await?;
    desk.show(&shape(&account), || {
        let made = format!("{} is made: {}", account.username, account.sub);
        if account.has_password {
            made
        } else {
            format!("{made}\nThere is no password yet: latchkey user set-password {}", account.username)
        }
    });
    Ok(())
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let mut db = desk.store.read().await?;
    let mut all: Vec<Account> = Vec::new();
    loop {
        let after = all.last().map_or("", |last| last.username.as_str());
        let page = accounts::list(&mut db, after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    desk.show(&all.iter().map(shape).collect::<Vec<_>>(), || {
        let row = |account: &Account| {
            let name = account.claims.get("name").and_then(Value::as_str).unwrap_or_default();
            let email = account.email.as_deref().unwrap_or_default();
            let state = match (account.enabled, account.has_password) {
                (false, _) => "disabled",
                (true, false) => "no password",
                (true, true) => "enabled",
            };
            [&account.username, name, email, state, &account.sub].map(str::to_owned).to_vec()
        };
        output::table(&["username", "name", "e-mail", "state", "sub"], &all.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

async fn update(args: UpdateArgs, desk: &Desk) -> Result<(), Failure> {
    let account = find(desk, &args.username).await?;
    let mut patch = args.claims.as_deref().map(read_claims).transpose()?.unwrap_or_default();
    if let Some(name) = args.name {
        patch.insert("name".to_owned(), if name.is_empty() { Value::Null } else { name.into() });
    }
    let own = OwnClaims::take(&mut patch, &account.username)?;
    let changes = Changes {
        email: if args.no_email { Some(None) } else { args.email.or(own.email).map(Some) },
        email_verified: args.email_verified.or(own.email_verified),
        claims: patch,
    };
    show(desk, &accounts::update(&desk.store, &account.sub, changes, desk.now()).await?);
    Ok(())
}

async fn set_password(args: SetPasswordArgs, desk: &Desk) -> Result<(), Failure> {
    let account = find(desk, &args.username).await?;
    let password = if args.password_stdin {
        desk.secret_from_stdin()?
    } else {
        desk.ask_secret(&format!("New password for {}", account.username), "--password-stdin")?
    };
    let (store, now) = (&desk.store, desk.now());
    let account = accounts::set_password(store, &Passwords::new(), &account.sub, &password, now, &desk.random).await?;
    changed(desk, &account, "has a new password and is signed out everywhere");
    Ok(())
}

/// The password of a new account: from standard input, or asked for on a terminal; without either there is none yet.
fn password_for(username: &str, from_stdin: bool, desk: &Desk) -> Result<Option<PlainSecret>, Failure> {
    if from_stdin {
        return Ok(Some(desk.secret_from_stdin()?));
    }
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let question = format!("Password for {username} (empty for none yet)");
    let password = desk.ask_secret(&question, "--password-stdin")?;
    Ok(Some(password).filter(|password| !password.expose().is_empty()))
}

/// The claims in a file that have flags of their own.
struct OwnClaims {
    email: Option<String>,
    email_verified: Option<bool>,
}

impl OwnClaims {
    fn take(claims: &mut Map<String, Value>, username: &str) -> Result<Self, Failure> {
        let wrong = |name: &str, expected| Failure::new(format!("claim `{name}` in the file has to be {expected}"));
        let email = claims.remove("email").filter(|value| !value.is_null());
        let verified = claims.remove("email_verified").filter(|value| !value.is_null());
        if claims.get("preferred_username").is_some_and(|value| value == username) {
            claims.remove("preferred_username");
        }
        Ok(Self {
            email: email
                .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| wrong("email", "a string")))
                .transpose()?,
            email_verified: verified
                .map(|value| value.as_bool().ok_or_else(|| wrong("email_verified", "true or false")))
                .transpose()?,
        })
    }
}

fn read_claims(file: &Path) -> Result<Map<String, Value>, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("the claims in {name} cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!("{name} is not a JSON object: {error}"))
            .hint("such as {\"given_name\": \"Alice\", \"locale\": \"en-GB\"}")
    })
}

/// A user as `--json` shows one: the OIDC claims, and whether they may sign in.
fn shape(account: &Account) -> Value {
    let mut claims = accounts::claims::all(account);
    claims.insert("enabled".to_owned(), account.enabled.into());
    claims.into()
}

fn changed(desk: &Desk, account: &Account, what: &str) {
    desk.show(&shape(account), || format!("{} {what}", account.username));
}

fn show(desk: &Desk, account: &Account) {
    desk.show(&shape(account), || {
        let now = desk.now();
        let email = account.email.as_ref().map(|email| match account.email_verified {
            true => format!("{email} (verified)"),
            false => format!("{email} (not verified)"),
        });
        let mut record = vec![
            ("username", account.username.clone()),
            ("sub", account.sub.clone()),
            ("e-mail", email.unwrap_or_default()),
            ("enabled", if account.enabled { "yes" } else { "no" }.to_owned()),
            ("password", if account.has_password { "set" } else { "none" }.to_owned()),
            ("created", output::when(account.created_at, now)),
            ("updated", output::when(account.updated_at, now)),
        ];
        record.extend(
            account
                .claims
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
        );
        output::record(&record)
    });
}

/// How many rows are read at a time.
pub(super) const PAGE: i64 = 500;
