//! The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6, product decision 3).
//!
//! Find first, spend last: a code is found by its hash, the machine compares client and redirect URI, the verifier is
//! checked; only then does one compare-and-swap decide which of two racing requests has it.

use std::borrow::Cow;

use oxide_auth::{
    code_grant::{
        accesstoken::{AccessToken, Authorization, Input, Output, Request},
        extensions::Pkce,
    },
    primitives::grant::{Extensions, Grant as View, Value},
};

use super::{
    Context, Granted,
    issue::{self, Order},
    live::Standing,
};
use crate::{
    clients::AuthenticatedClient,
    protocol::{Error, ErrorCode, GrantType, Params, PlainSecret, Refusal, Result, pkce},
    store::grants::{self, Grant},
};

/// A code is burnt at so many vain tries.
const MOST_FAILURES: i64 = 5;

/// One sentence for all of them: whoever tries codes does not learn how near they came. The log knows the reason.
const INVALID: &str = "the code is unknown, expired or already used, or was issued to another client, for another \
                       `redirect_uri` or another `code_challenge`";

/// Exchange a code for tokens.
///
/// # Errors
/// `invalid_grant` for whatever is wrong with the code; `invalid_request` for a parameter that is missing or malformed.
pub async fn exchange(context: Context<'_>, client: &AuthenticatedClient, params: &Params) -> Result<Granted> {
    let now = context.now;
    check_presence(client, params)?;
    let mut machine = AccessToken::new(&CodeRequest { client, params });
    step!(machine, Input::None => Output::Authenticate { .. } => ());
    let code = step!(machine, Input::Authenticated => Output::Recover { code } => PlainSecret::new(code));

    let grant = recover(context, &code).await?;
    if let Err(error) = verify(machine, &grant, params) {
        return Err(failed(context, client, &grant, error).await?);
    }
    // Ending makes every node forget what it remembers: once is enough, however often the replay comes.
    if grant.ended_at.is_some() {
        return Err(invalid(format!("grant {} has been ended", grant.id)));
    }
    if grant.code_spent_at.is_some() {
        return Err(replayed(context, &grant).await?);
    }
    if now.0 >= grant.code_expires_at {
        return Err(invalid(format!("the code of grant {} has expired", grant.id)));
    }
    let live = match context.grants.standing(grant, client.client(), now).await? {
        Standing::Alive(live) => live,
        Standing::Dead(why) => return Err(invalid(why)),
    };

    let refresh = client.client().may_use(GrantType::RefreshToken);
    let order = Order {
        nonce: live.grant.nonce.as_deref(),
        refresh_generation: refresh.then_some(live.grant.refresh_generation),
        ..Order::all_of(&live)
    };
    let issued = issue::tokens(context, &order, params).await?;

    // Every check has passed and the tokens are signed. Only now is the code spent: a refused request costs nothing,
    // and of two racing ones one wins.
    let mut tx = context.store.write().await?;
    if !grants::spend_code(&mut tx, &live.grant.id, now.0, issued.grant_expires_at.0).await? {
        // Let go of the row first: whoever ends grants takes the generation before them (see `Write::touch`), and two
        // that hold one and wait for the other would never end.
        drop(tx);
        return Err(replayed(context, &live.grant).await?);
    }
    issued.keep(&mut tx).await?;
    tx.commit().await?;
    Ok(issued.granted)
}

/// What can be said before the code is looked at, and so tells nothing about it.
fn check_presence(client: &AuthenticatedClient, params: &Params) -> Result<(), Refusal> {
    params.need("code")?;
    params.need("redirect_uri")?;
    match params.get("code_verifier") {
        Some(verifier) if !pkce::is_verifier(verifier) => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "`code_verifier` is not 43 to 128 letters, digits, hyphens, periods, underscores or tildes (RFC 7636 section 4.1)",
        )),
        None if client.client().require_pkce => params.need("code_verifier").map(drop),
        _ => Ok(()),
    }
}

async fn recover(context: Context<'_>, code: &PlainSecret) -> Result<Grant> {
    let hash = code.hash();
    let mut db = context.store.read().await?;
    grants::find_by_code(&mut db, hash.as_str()).await?.ok_or_else(|| invalid("no grant has that code"))
}

/// Whether the code is this client's, for this redirect URI, and was asked for by the holder of the verifier.
fn verify(mut machine: AccessToken, grant: &Grant, params: &Params) -> Result<()> {
    let view = Box::new(view(grant)?);
    let extensions =
        step!(machine, Input::Recovered(Some(view)) => Output::Extend { extensions } => std::mem::take(extensions));
    // The machine compares parsed URLs; RFC 6749 §4.1.3: "their values MUST be identical".
    if params.get("redirect_uri") != Some(grant.redirect_uri.as_str()) {
        return Err(invalid("another redirect URI, to the letter"));
    }
    let access_extensions = verify_pkce(extensions, params.get("code_verifier"))?;
    step!(machine, Input::Extended { access_extensions } => Output::Issue { .. } => ());
    Ok(())
}

/// RFC 7636 §4.6: "If the values are not equal, an error response indicating invalid_grant … MUST be returned."
fn verify_pkce(mut extensions: Extensions, verifier: Option<&str>) -> Result<Extensions> {
    match (extensions.remove(&Pkce::required()), verifier) {
        (None, None) => Ok(extensions),
        // RFC 9700 §2.1.1: somebody took the challenge out of the request on its way here.
        (None, Some(_)) => Err(invalid("a verifier, but the request had no challenge: a downgrade")),
        (challenge, verifier) => Pkce::required()
            .verify(challenge, verifier.map(Cow::Borrowed))
            .map(|()| extensions)
            .map_err(|()| invalid("the verifier is missing or does not match the challenge")),
    }
}

/// A vain try: counted, and the code burns at the fifth. The holder may still redeem it before.
async fn failed(context: Context<'_>, client: &AuthenticatedClient, grant: &Grant, error: Error) -> Result<Error> {
    let Error::Refused(refusal) = error else { return Err(error) };
    let reason = refusal.hint.unwrap_or_else(|| refusal.description.into_owned());
    tracing::warn!(
        event = "code_refused",
        grant = grant.id,
        client = client.id(),
        reason,
        "an authorization code was tried in vain"
    );
    if grant.code_spent_at.is_none() {
        let mut tx = context.store.write().await?;
        grants::count_failure(&mut tx, &grant.id, MOST_FAILURES, context.now.0).await?;
        tx.commit().await?;
    }
    Ok(invalid(reason))
}

/// A second redemption by whoever could have made the first: the code has leaked, or the first one was the thief's.
/// RFC 6749 §4.1.2: what it gave is revoked; committed before the answer, or the rollback would undo it.
async fn replayed(context: Context<'_>, grant: &Grant) -> Result<Error> {
    let mut tx = context.store.write().await?;
    if grants::end(&mut tx, &grant.id, "code replayed", context.now.0).await? {
        tracing::warn!(
            event = "code_replayed",
            grant = grant.id,
            client = grant.client_id,
            user = grant.user_id,
            "an authorization code came twice: its grant and all its tokens are ended"
        );
    }
    tx.commit().await?;
    Ok(invalid(format!("the code of grant {} was already used", grant.id)))
}

fn invalid(why: impl Into<String>) -> Error {
    Refusal::new(ErrorCode::InvalidGrant, INVALID).hint(why).into()
}

/// A grant as the machine sees it, with the challenge that its code was asked for.
fn view(grant: &Grant) -> Result<View> {
    let mut view = super::view(grant)?;
    if let Some(challenge) = &grant.code_challenge {
        // As `Pkce` writes it: the challenge, and a letter for the method (S256).
        view.extensions.set(&Pkce::required(), Value::private(Some(format!("{challenge}S"))));
    }
    Ok(view)
}

/// What the machine may see of a token request; the credentials stay outside.
struct CodeRequest<'a> {
    client: &'a AuthenticatedClient,
    params: &'a Params,
}

impl CodeRequest<'_> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.get(name).map(Cow::Borrowed)
    }
}

impl Request for CodeRequest<'_> {
    /// Repeated parameters were refused when `Params` was read.
    fn valid(&self) -> bool {
        true
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        self.get("code")
    }

    fn authorization(&self) -> Authorization<'_> {
        Authorization::None
    }

    /// The client that has authenticated, whatever the parameter says.
    fn client_id(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.client.id()))
    }

    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.get("redirect_uri")
    }

    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.get("grant_type")
    }

    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
