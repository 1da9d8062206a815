//! Client authentication at the endpoints that clients call (RFC 6749 §2.3, §3.2.1).

use std::sync::Arc;

use subtle::Choice;

use super::{
    Authorities, Client, ClientCertificate, Registry,
    assertion::Assertion,
    certificate,
    keys::ClientKeys,
    registry::{LONGEST_ID, Registered, SecretRow},
};
use crate::protocol::{Error, ErrorCode, Params, PlainSecret, Refusal, Result, SecretHash, Timestamp, basic};

/// A client that has proven to be who it says, or a public one, which cannot. Only [`authenticate`] makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
}

impl AuthenticatedClient {
    /// The client.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.client.id
    }
}

/// What the proof of a client stands on.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The registered clients.
    pub registry: &'a Registry,
    /// Their keys.
    pub keys: &'a ClientKeys,
    /// The certificate that its connection has shown.
    pub certificate: Option<&'a ClientCertificate>,
    /// Who vouches for certificates.
    pub authorities: &'a Authorities,
    /// Whom an assertion is for; the token endpoint counts, too, as OIDC Core §9 has it.
    pub issuer: &'a str,
    /// The path of the token endpoint, below the issuer.
    pub token_endpoint: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// Find out which client asks, by exactly one method: the value of the `Authorization` header, or `client_id` and
/// `client_secret` among the parameters of the body, or a `client_assertion` there. A confidential client with a secret
/// may use either of the first two, whichever it is registered for; a public client sends `client_id` alone, and so does
/// one that is known by the certificate of its connection.
///
/// While nothing has changed, a client whose secret is right costs one SHA-256 and no database. Whoever is wrong makes
/// the database be asked exactly once, whether the client is unknown or its secret wrong.
///
/// # Errors
/// `invalid_client`, for which the endpoint answers 401 with `WWW-Authenticate: Basic`, when the client is unknown or
/// disabled, or did not prove itself; `invalid_request`, for which it answers 400, when the request uses two methods
/// or names two clients (RFC 6749 §5.2).
pub async fn authenticate(
    context: Context<'_>,
    authorization: Option<&str>,
    params: &Params,
) -> Result<AuthenticatedClient> {
    match Assertion::read(params)? {
        // RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in each request."
        Some(_) if authorization.is_some() || params.get("client_secret").is_some() => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "the client proves itself by an assertion and by a secret; use one of the two",
        )
        .into()),
        Some(assertion) => by_assertion(&context, &assertion).await,
        None => by_secret(&context, Presented::read(authorization, params)?).await,
    }
}

async fn by_assertion(context: &Context<'_>, assertion: &Assertion<'_>) -> Result<AuthenticatedClient> {
    let id = &assertion.client_id;
    let (known, was_read) = context.registry.remembered(id).await?;
    let known = signer(id, known)?;
    match assertion.prove(context, &known).await {
        // What is remembered may be older than the keys that were just registered, or the secret that was just made.
        Err(Error::Refused(refusal)) if !was_read => {
            let now = signer(id, context.registry.read(id).await?)?;
            if now.client == known.client && now.secrets == known.secrets {
                return Err(refusal.into());
            }
            assertion.prove(context, &now).await?;
            Ok(AuthenticatedClient { client: now.client })
        }
        proven => proven.map(|()| AuthenticatedClient { client: known.client }),
    }
}

/// The client whose signature an assertion has to have.
fn signer(id: &str, known: Option<Registered>) -> Result<Registered, Refusal> {
    let Some(known) = known else { return Err(failed(id, "it is not registered")) };
    if known.client.enabled { Ok(known) } else { Err(failed(id, "it is disabled")) }
}

async fn by_secret(context: &Context<'_>, presented: Presented) -> Result<AuthenticatedClient> {
    let (registry, now) = (context.registry, context.now);
    let hash = presented.secret.as_ref().map(PlainSecret::hash);
    let (known, was_read) = registry.remembered(&presented.id).await?;
    match judge(known.as_ref(), &presented, hash.as_ref(), now) {
        Ok(client) => return by_certificate(context, client, was_read).await,
        Err(refusal) if was_read => return Err(refusal.into()),
        Err(_) => {}
    }
    // What is remembered may be older than the secret that was just made; and an answer that came without the
    // database would tell which ids are registered.
    let known = registry.read(&presented.id).await?;
    by_certificate(context, judge(known.as_ref(), &presented, hash.as_ref(), now)?, true).await
}

/// Look at the certificate, too, of a client that is known by it.
async fn by_certificate(context: &Context<'_>, client: Arc<Client>, was_read: bool) -> Result<AuthenticatedClient> {
    if !client.metadata.token_endpoint_auth_method.uses_certificate() {
        return Ok(AuthenticatedClient { client });
    }
    match certificate::prove(context, &client).await {
        Ok(()) => return Ok(AuthenticatedClient { client }),
        Err(refusal) if was_read => return Err(refusal.into()),
        Err(_) => {}
    }
    // What is remembered may be older than what was just registered.
    let now = signer(&client.id, context.registry.read(&client.id).await?)?.client;
    if !now.metadata.token_endpoint_auth_method.uses_certificate() {
        return Err(failed(&now.id, "it is not known by a certificate any more").into());
    }
    certificate::prove(context, &now).await?;
    Ok(AuthenticatedClient { client: now })
}

/// What a request presents of its client.
struct Presented {
    id: String,
    secret: Option<PlainSecret>,
}

impl Presented {
    fn read(authorization: Option<&str>, params: &Params) -> Result<Self, Refusal> {
        let (id, secret) = (params.get("client_id"), params.get("client_secret"));
        let Some(header) = authorization else {
            let Some(id) = id else {
                return Err(Refusal::new(
                    ErrorCode::InvalidClient,
                    "the request names no client: send client_id and client_secret by HTTP Basic or in the body",
                ));
            };
            return Ok(Self { id: id.to_owned(), secret: secret.map(PlainSecret::new) });
        };
        // RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in each request."
        if secret.is_some() {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "the client secret is in the Authorization header and in the body; use one of the two",
            ));
        }
        let (basic_id, basic_secret) = basic::parse(header)?;
        if id.is_some_and(|id| id != basic_id) {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "`client_id` in the body is another client than the one in the Authorization header",
            ));
        }
        Ok(Self { id: basic_id, secret: Some(basic_secret) })
    }
}

/// Decide, from what is known of the client.
fn judge(
    known: Option<&Registered>,
    presented: &Presented,
    hash: Option<&SecretHash>,
    now: Timestamp,
) -> Result<Arc<Client>, Refusal> {
    let Some(Registered { client, secrets }) = known else { return Err(failed(&presented.id, "it is not registered")) };
    let method = client.metadata.token_endpoint_auth_method;
    match (client.is_public(), hash) {
        (true, None) => {}
        (false, None) if method.uses_certificate() => {}
        (false, _) if client.signs_with_secret() => {
            return Err(Refusal::new(
                ErrorCode::InvalidClient,
                "this client never sends its secret; it proves itself by a `client_assertion` (client_secret_jwt)",
            )
            .hint(format!("client {}", client.id)));
        }
        (false, _) if !client.has_secret() => {
            return Err(Refusal::new(
                ErrorCode::InvalidClient,
                format!("this client has no secret; it proves itself by {method}"),
            )
            .hint(format!("client {}", client.id)));
        }
        (true, Some(_)) => {
            return Err(Refusal::new(
                ErrorCode::InvalidClient,
                "this client is public and has no secret; send `client_id` alone, in the body",
            )
            .hint(format!("client {}", client.id)));
        }
        (false, None) => {
            return Err(Refusal::new(
                ErrorCode::InvalidClient,
                "this client has to prove itself: send its secret by HTTP Basic or as `client_secret` in the body",
            )
            .hint(format!("client {}", client.id)));
        }
        (false, Some(hash)) => {
            if !is_live_secret(secrets, hash, now) {
                return Err(failed(&presented.id, "its secret is wrong or has ended"));
            }
        }
    }
    if client.enabled { Ok(client.clone()) } else { Err(failed(&presented.id, "it is disabled")) }
}

/// Whether a hash is that of a secret which still counts. Every one is compared, and each to its end: how long it takes
/// tells nothing.
pub(super) fn is_live_secret(secrets: &[SecretRow], hash: &SecretHash, now: Timestamp) -> bool {
    let live = secrets.iter().filter(|own| own.is_live(now.0));
    live.fold(Choice::from(0), |found, own| found | hash.is_that_of(&own.hash)).into()
}

/// One sentence for all who fail, so that nobody learns which ids are registered; the reason is in the log.
pub(super) fn failed(id: &str, why: &str) -> Refusal {
    let id: String = id.chars().take(LONGEST_ID).collect();
    Refusal::new(
        ErrorCode::InvalidClient,
        "client authentication failed: there is no such client, it is disabled, or its secret, assertion or certificate is wrong",
    )
    .hint(format!("client {id}: {why}"))
}
