//! `latchkey token inspect`.

use std::io::Read;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Desk, Failure, output};
use crate::{
    clients::Subjects,
    keys::{Keyring, rotation},
    protocol::{Timestamp, typ},
    store::{access_tokens, grants},
    tokens::{access_token, opaque, refresh_token},
};

/// The verbs of `latchkey token`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say what a token holds, whether it is signed by a key of ours, and whether it has expired
    #[command(after_help = "Example:\n  latchkey token inspect < token.txt")]
    Inspect(InspectArgs),
}

/// What `latchkey token inspect` takes.
#[derive(Debug, clap::Args)]
pub struct InspectArgs {
    /// The token; `-`, or nothing, reads standard input, which keeps it out of the shell's history
    token: Option<String>,
}

/// Do it. The token itself is never printed.
///
/// # Errors
/// When the text is no token.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    let Command::Inspect(args) = command;
    let text = Zeroizing::new(match args.token {
        Some(token) if token != "-" => token,
        _ => read_stdin()?,
    });
    let text = text.trim();
    let token = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    let findings = inspect(token, desk).await?;
    desk.show(&findings, || findings.words(desk.now()));
    Ok(())
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let unreadable = |error| Failure::new(format!("no token could be read from standard input: {error}"));
    std::io::stdin().lock().take(1 << 20).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// What is found in a token.
#[derive(Serialize)]
struct Findings {
    kind: &'static str,
    /// Whether it is a token of this server.
    ours: bool,
    signature: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    expired: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// Whether it has been ended before its time, as far as that can be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<Value>,
    claims: Value,
}

async fn inspect(token: &str, desk: &Desk) -> Result<Findings, Failure> {
    let keyring = desk.keyring().await?;
    if token.starts_with(refresh_token::PREFIX) {
        return inspect_refresh_token(token, keyring, desk).await;
    }
    if token.starts_with(opaque::PREFIX) {
        return inspect_opaque(token, desk).await;
    }
    inspect_jwt(token, keyring, desk).await
}

async fn inspect_jwt(token: &str, keyring: &Keyring, desk: &Desk) -> Result<Findings, Failure> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = parts.as_slice() else {
        return Err(match parts.len() {
            5 => Failure::new("this is an encrypted token (JWE); only its receiver can look into it"),
            _ => Failure::new("this is no token: a JWT has three parts divided by dots")
                .hint("pass the token alone, without the JSON or the header around it"),
        });
    };
    let (header, claims) = (part(header, "header")?, part(payload, "payload")?);
    let kid = header.get("kid").and_then(Value::as_str).map(str::to_owned);
    let is_ours = keyring.verify(token).is_some();
    let known = rotation::list(&desk.store).await?;
    let known = known.iter().find(|key| Some(&key.kid) == kid.as_ref());
    let signature = match known.map(|key| key.state.as_str()) {
        _ if is_ours => "by a key of ours",
        Some("gone") if keyring.verify_hint(token).is_some() => {
            "by a key of ours that is gone: good for a logout hint alone"
        }
        Some("dropped") => "by a key that was dropped in an emergency, or so it says",
        Some(_) => "forged or damaged: it names a key of ours, but is not by it",
        None => "not by a key of ours",
    };
    let expires_at = claims.get("exp").and_then(Value::as_i64);
    let jti = claims.get("jti").and_then(Value::as_str);
    let ended = if is_ours { ended(jti, desk).await? } else { None };
    Ok(Findings {
        kind: kind(&header, &claims),
        ours: is_ours,
        signature,
        kid,
        expired: expires_at.map(|at| at <= desk.now().0),
        expires_at,
        ended,
        header: Some(header.into()),
        claims: claims.into(),
    })
}

/// A part of a JWT: a JSON object in base64url. What is wrong with it is said without repeating it.
fn part(text: &str, name: &str) -> Result<Map<String, Value>, Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
    let bytes = bytes.map_err(|_| Failure::new(format!("the token's {name} is not base64url")))?;
    serde_json::from_slice(&bytes).map_err(|_| Failure::new(format!("the token's {name} is no JSON object")))
}

fn kind(header: &Map<String, Value>, claims: &Map<String, Value>) -> &'static str {
    let typ = header.get("typ").and_then(Value::as_str);
    if claims.contains_key("events") {
        "logout token"
    } else if typ.is_some_and(|typ| typ.eq_ignore_ascii_case(typ::AT_JWT))
        || claims.contains_key("client_id") && claims.contains_key("scope")
    {
        "access token"
    } else if claims.contains_key("aud") && claims.contains_key("sub") {
        "ID token"
    } else {
        "JWT"
    }
}

/// Whether the token was denied, or the grant it hangs on has ended.
async fn ended(jti: Option<&str>, desk: &Desk) -> Result<Option<String>, Failure> {
    let Some(jti) = jti else { return Ok(None) };
    let mut db = desk.store.read().await?;
    if access_tokens::is_denied(&mut db, jti).await? {
        return Ok(Some("revoked".to_owned()));
    }
    match access_token::grant_of(jti) {
        Some(grant_id) => ended_grant(grant_id, desk).await,
        None => Ok(None),
    }
}

async fn ended_grant(grant_id: &str, desk: &Desk) -> Result<Option<String>, Failure> {
    let grant = grants::find(&mut desk.store.read().await?, grant_id).await?;
    Ok(match grant {
        None => Some("its grant is forgotten".to_owned()),
        Some(grant) => grant.ended_at.map(|at| {
            let why = grant.ended_by.map(|why| format!(": {why}")).unwrap_or_default();
            format!("its grant ended {}{why}", output::relative(Timestamp(at), desk.now()))
        }),
    })
}

async fn inspect_refresh_token(token: &str, keyring: &Keyring, desk: &Desk) -> Result<Findings, Failure> {
    let read = refresh_token::read(&keyring.refresh_key(), token);
    let grant = match &read {
        Some(read) => grants::find(&mut desk.store.read().await?, &read.grant_id).await?,
        None => None,
    };
    let expires_at = grant.as_ref().map(|grant| grant.expires_at);
    let mut claims = Map::new();
    let mut ended = None;
    if let Some(read) = &read {
        claims.insert("grant_id".to_owned(), read.grant_id.clone().into());
        claims.insert("generation".to_owned(), read.generation.into());
        ended = ended_grant(&read.grant_id, desk).await?;
    }
    if let Some(grant) = grant {
        let client = desk.registry.find(&grant.client_id).await?;
        // By the name that its client knows, as its other tokens have it; and by their own, where that is another.
        let sub = client.map(|client| Subjects::of(&client).sub(&keyring.pairwise_key(), &grant.user_id));
        if sub.as_ref() != Some(&grant.user_id) {
            claims.insert("user_id".to_owned(), grant.user_id.into());
        }
        claims.extend(sub.map(|sub| ("sub".to_owned(), sub.into())));
        claims.insert("client_id".to_owned(), grant.client_id.into());
        claims.insert("scope".to_owned(), grant.scope.into());
        claims.insert("newest_generation".to_owned(), grant.refresh_generation.into());
    }
    Ok(Findings {
        kind: "refresh token",
        ours: read.is_some(),
        signature: if read.is_some() { "by us" } else { "not by us, or damaged" },
        kid: None,
        expired: expires_at.map(|at| at <= desk.now().0),
        expires_at,
        ended,
        header: None,
        claims: claims.into(),
    })
}

async fn inspect_opaque(token: &str, desk: &Desk) -> Result<Findings, Failure> {
    let now = desk.now();
    let claims = match opaque::hash_of(token) {
        Some(hash) => access_tokens::find_opaque(&mut desk.store.read().await?, hash.as_str(), now.0).await?,
        None => None,
    };
    let claims: Option<Map<String, Value>> = claims.and_then(|json| serde_json::from_str(&json).ok());
    let expires_at = claims.as_ref().and_then(|claims| claims.get("exp")).and_then(Value::as_i64);
    let ended = match claims.as_ref().and_then(|claims| claims.get("jti")).and_then(Value::as_str) {
        Some(jti) => ended(Some(jti), desk).await?,
        None => None,
    };
    Ok(Findings {
        kind: "opaque access token",
        ours: claims.is_some(),
        signature: if claims.is_some() {
            "none: it is a reference"
        } else {
            "none: it refers to nothing here, or has expired"
        },
        kid: None,
        expired: expires_at.map(|at| at <= now.0),
        expires_at,
        ended,
        header: None,
        claims: claims.unwrap_or_default().into(),
    })
}

impl Findings {
    fn words(&self, now: Timestamp) -> String {
        let mut lines = vec![format!("kind       {}", self.kind), format!("signature  {}", self.signature)];
        let life = match (self.expires_at, self.expired) {
            (Some(at), Some(true)) => format!("expired {}", output::when(Timestamp(at), now)),
            (Some(at), _) => format!("until {}", output::when(Timestamp(at), now)),
            (None, _) => "does not say".to_owned(),
        };
        lines.push(format!("life       {life}"));
        if let Some(ended) = &self.ended {
            lines.push(format!("ended      {ended}"));
        }
        for (name, value) in [("header", self.header.as_ref()), ("claims", Some(&self.claims))] {
            let Some(value) = value else { continue };
            lines.push(format!("\n{name}"));
            for (name, value) in value.as_object().into_iter().flatten() {
                let told = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let time = value.as_i64().filter(|_| TIMES.contains(&name.as_str()));
                let time = time.map(|at| format!("  {}", output::when(Timestamp(at), now))).unwrap_or_default();
                lines.push(output::printable(&format!("  {name:<10} {told}{time}")));
            }
        }
        lines.join("\n")
    }
}

const TIMES: &[&str] = &["exp", "iat", "nbf", "auth_time", "updated_at"];
