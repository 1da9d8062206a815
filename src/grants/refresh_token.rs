//! The refresh token grant (RFC 6749 §6, RFC 9700 §4.14, product decision 4).
//!
//! A refresh token says which generation of which grant it is, under a MAC: there is no row per token. The newest
//! generation is exchanged for the next by compare-and-swap; what an earlier one gets is decided by [`step_of`].

use std::borrow::Cow;

use oxide_auth::code_grant::refresh::{Input, Output, Refresh, Request};

use super::{
    Context, Granted, LiveGrant,
    issue::{self, Order},
    live::Standing,
};
use crate::{
    clients::AuthenticatedClient,
    config::Tokens,
    protocol::{
        Error, ErrorCode, Lifetime, Params, Refusal, Result, Scope, Timestamp,
        permission::{ScopeToken, classify},
    },
    store::grants::{self, Grant, Rotation},
    tokens::refresh_token::{self, RefreshToken},
};

const INVALID: &str =
    "the refresh token is malformed, expired, already used or revoked, or was issued to another client";

/// How often a request that loses a race looks again. Losing means that another one won, so this is never many.
const MOST_ATTEMPTS: usize = 8;

/// Exchange a refresh token for tokens.
///
/// # Errors
/// `invalid_grant` for whatever is wrong with the token, `invalid_scope` for a scope that was not granted.
pub async fn exchange(context: Context<'_>, client: &AuthenticatedClient, params: &Params) -> Result<Granted> {
    params.need("refresh_token")?;
    let request = RefreshRequest { client, params };
    let mut machine = Refresh::new(&request);
    step!(machine, Input::None => Output::Unauthenticated { .. } => ());
    let text = step!(machine, Input::Authenticated { scope: request.scope() } => Output::RecoverRefresh { token } => token.to_owned());
    // Forged and mangled ones are refused here, without the database.
    let token = refresh_token::read(&context.keyring.refresh_key(), &text)
        .ok_or_else(|| invalid("not a refresh token of this server"))?;

    let mut grant = recover(context, &token).await?;
    let asked = asked_scope(params, &grant)?;
    let input = Input::Recovered {
        scope: asked.as_ref().map(|scope| scope.to_string().into()),
        grant: Some(Box::new(super::view(&grant)?)),
    };
    verify(machine, input)?;

    for _ in 0..MOST_ATTEMPTS {
        if let Some(granted) = attempt(context, client, params, &token, grant, asked.clone()).await? {
            return Ok(granted);
        }
        // Another request of the same token was first: what it made decides what this one gets.
        grant = recover(context, &token).await?;
    }
    Err(Refusal::new(ErrorCode::TemporarilyUnavailable, "too many requests with one refresh token; try again").into())
}

/// One try with the grant as it was read; `None` when another request changed it meanwhile.
async fn attempt(
    context: Context<'_>,
    client: &AuthenticatedClient,
    params: &Params,
    token: &RefreshToken,
    grant: Grant,
    asked: Option<Scope>,
) -> Result<Option<Granted>> {
    let now = context.now;
    let live = match context.grants.standing(grant, client.client(), now).await? {
        Standing::Alive(live) => live,
        Standing::Dead(why) => return Err(invalid(why)),
    };
    check_age(context, &live.grant)?;
    let step = step_of(&live.grant, token.generation, context.lifetimes.refresh_repeat, now);
    let rotation = match step {
        Step::Next(rotation) => Some(rotation),
        Step::Again => None,
        Step::Reused => return Err(reused(context, &live.grant, token.generation).await?),
    };
    let order = Order {
        scope: asked.unwrap_or_else(|| live.scope.clone()),
        refresh_generation: Some(live.grant.refresh_generation.saturating_add(rotation.is_some().into())),
        ..Order::all_of(&live)
    };
    let issued = issue::tokens(context, &order, params).await?;
    if rotation.is_none() && issued.is_kept_nowhere() {
        return Ok(Some(issued.granted));
    }
    // Every check has passed and the tokens are signed: only now is the old token spent.
    let mut tx = context.store.write().await?;
    if let Some(rotation) = rotation
        && !grants::rotate(&mut tx, &live.grant.id, rotation, now.0, issued.grant_expires_at.0).await?
    {
        return Ok(None);
    }
    issued.keep(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(issued.granted))
}

/// When the refresh tokens of a grant end if nobody uses them.
#[must_use]
pub fn end(lifetimes: &Tokens, grant: &Grant) -> Timestamp {
    issue::refresh_end(lifetimes, grant, Timestamp(grant.refresh_rotated_at))
}

/// The live grant of a refresh token that would be accepted now; `None` for any other text.
///
/// # Errors
/// When the database cannot be read.
pub async fn inspect(context: Context<'_>, text: &str) -> Result<Option<LiveGrant>> {
    let Some(token) = refresh_token::read(&context.keyring.refresh_key(), text) else { return Ok(None) };
    let Some(grant) = find(context, &token).await? else { return Ok(None) };
    let Some(client) = context.registry.find(&grant.client_id).await? else { return Ok(None) };
    let Standing::Alive(live) = context.grants.standing(grant, &client, context.now).await? else { return Ok(None) };
    let step = step_of(&live.grant, token.generation, context.lifetimes.refresh_repeat, context.now);
    let is_good = step != Step::Reused && check_age(context, &live.grant).is_ok();
    Ok(is_good.then_some(*live))
}

/// What a refresh token of some generation gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A new generation.
    Next(Rotation),
    /// The newest generation, which exists already.
    Again,
    /// The end of the grant.
    Reused,
}

/// Decide what the holder of generation `presented` gets (product decision 4).
fn step_of(grant: &Grant, presented: i64, repeat: Lifetime, now: Timestamp) -> Step {
    let newest = grant.refresh_generation;
    if presented == newest {
        return Step::Next(Rotation { from: newest, predecessor: newest, recovered: false });
    }
    // The newest one was given to the holder of its predecessor, and has not been seen since.
    if presented == grant.refresh_predecessor && presented < newest {
        if now - Timestamp(grant.refresh_rotated_at) <= repeat {
            return Step::Again;
        }
        // The answer was lost: once, there is another successor, and the one that was lost is worth nothing now.
        if !grant.refresh_recovered {
            return Step::Next(Rotation { from: newest, predecessor: presented, recovered: true });
        }
    }
    // Two parties hold tokens of this grant; which one is the thief cannot be told, so it ends.
    Step::Reused
}

/// Idle and absolute ends, by the settings of today.
fn check_age(context: Context<'_>, grant: &Grant) -> Result<()> {
    if context.now >= end(context.lifetimes, grant) {
        return Err(invalid(format!("the refresh token of grant {} has expired", grant.id)));
    }
    Ok(())
}

/// Committed before the answer, or the rollback would undo it.
async fn reused(context: Context<'_>, grant: &Grant, generation: i64) -> Result<Error> {
    let mut tx = context.store.write().await?;
    if grants::end(&mut tx, &grant.id, "refresh token reused", context.now.0).await? {
        tracing::warn!(
            event = "refresh_token_reused",
            grant = grant.id,
            client = grant.client_id,
            user = grant.user_id,
            generation,
            newest = grant.refresh_generation,
            "a refresh token came back after its successor: its grant and all its tokens are ended"
        );
    }
    tx.commit().await?;
    Ok(invalid(format!("generation {generation} of grant {} was already used", grant.id)))
}

async fn recover(context: Context<'_>, token: &RefreshToken) -> Result<Grant> {
    find(context, token).await?.ok_or_else(|| invalid(format!("there is no grant {} any more", token.grant_id)))
}

async fn find(context: Context<'_>, token: &RefreshToken) -> Result<Option<Grant>> {
    let grant = grants::find(&mut context.store.read().await?, &token.grant_id).await?;
    // A code that was never exchanged has given no refresh token.
    Ok(grant.filter(|grant| grant.code_spent_at.is_some()))
}

/// What is asked for, with patterns made concrete: `kb:*` asks for the permissions of `kb` that were granted.
fn asked_scope(params: &Params, grant: &Grant) -> Result<Option<Scope>, Refusal> {
    let Some(text) = params.get("scope") else { return Ok(None) };
    let granted = Scope::parse(&grant.scope)?;
    let mut asked = Scope::default();
    for token in Scope::parse(text)?.iter() {
        match classify(token) {
            ScopeToken::Pattern(pattern) if !granted.contains(token) => {
                let own =
                    granted.filter(|own| matches!(classify(own), ScopeToken::Permission(own) if pattern.allows(&own)));
                if own.is_empty() {
                    asked.insert(token);
                }
                own.iter().for_each(|own| asked.insert(own));
            }
            _ => asked.insert(token),
        }
    }
    Ok(Some(asked))
}

/// RFC 6749 §6: the token is this client's, and the scope within what was granted.
fn verify(mut machine: Refresh, input: Input<'_>) -> Result<()> {
    step!(machine, input => Output::Refresh { .. } => ());
    Ok(())
}

fn invalid(why: impl Into<String>) -> Error {
    Refusal::new(ErrorCode::InvalidGrant, INVALID).hint(why).into()
}

/// What the machine may see of a token request.
struct RefreshRequest<'a> {
    client: &'a AuthenticatedClient,
    params: &'a Params,
}

impl RefreshRequest<'_> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.get(name).map(Cow::Borrowed)
    }
}

impl Request for RefreshRequest<'_> {
    /// Repeated parameters were refused when `Params` was read.
    fn valid(&self) -> bool {
        true
    }

    fn refresh_token(&self) -> Option<Cow<'_, str>> {
        self.get("refresh_token")
    }

    fn scope(&self) -> Option<Cow<'_, str>> {
        self.get("scope")
    }

    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.get("grant_type")
    }

    /// As with a password, so that the machine compares the grant's client with this one.
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client.id()), Cow::Borrowed(b"")))
    }

    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPEAT: Lifetime = Lifetime::seconds(10);

    fn grant(generation: i64, predecessor: i64, recovered: bool) -> Grant {
        Grant {
            id: "grant".into(),
            client_id: "app".into(),
            user_id: "usr_1".into(),
            sid: "sid".into(),
            offline: true,
            code_hash: String::new(),
            code_expires_at: 0,
            code_spent_at: Some(0),
            code_failures: 0,
            redirect_uri: "https://app.example/cb".into(),
            code_challenge: None,
            nonce: None,
            scope: "openid kb:read kb:write".into(),
            resources: "[]".into(),
            claims: None,
            org_id: None,
            auth_time: 0,
            acr: String::new(),
            amr: String::new(),
            refresh_generation: generation,
            refresh_predecessor: predecessor,
            refresh_recovered: recovered,
            refresh_rotated_at: 1_000,
            user_epoch: 0,
            client_epoch: 0,
            org_epoch: 0,
            issuer_epoch: 0,
            created_at: 0,
            expires_at: 0,
            ended_at: None,
            ended_by: None,
        }
    }

    #[test]
    fn what_a_token_gets_follows_from_its_generation_and_the_time() {
        let next = |from, predecessor, recovered| Step::Next(Rotation { from, predecessor, recovered });
        // (newest, predecessor, recovered), presented, seconds since the rotation, outcome
        let cases = [
            // The first one, and any newest one, is exchanged whenever it comes.
            ((0, 0, false), 0, 0, next(0, 0, false)),
            ((5, 4, false), 5, 900, next(5, 5, false)),
            ((5, 3, true), 5, 1, next(5, 5, false)),
            // A repeat gets the identical successor.
            ((5, 4, false), 4, 0, Step::Again),
            ((5, 4, false), 4, 10, Step::Again),
            ((5, 3, true), 3, 10, Step::Again),
            // Later, once, another one.
            ((5, 4, false), 4, 11, next(5, 4, true)),
            ((6, 4, true), 4, 11, Step::Reused),
            // The one that was replaced, and anything older.
            ((6, 4, true), 5, 1, Step::Reused),
            ((5, 4, false), 3, 1, Step::Reused),
            ((5, 4, false), 0, 900, Step::Reused),
            // What was never made: a database that was set back.
            ((5, 4, false), 6, 1, Step::Reused),
        ];
        for ((newest, predecessor, recovered), presented, later, outcome) in cases {
            let grant = grant(newest, predecessor, recovered);
            let now = Timestamp(1_000 + later);
            assert_eq!(
                step_of(&grant, presented, REPEAT, now),
                outcome,
                "newest {newest}, predecessor {predecessor}, recovered {recovered}, presented {presented}, {later} s later"
            );
        }
    }

    #[test]
    fn a_pattern_asks_for_what_was_granted_of_it() {
        let asked = |scope: &str| {
            let params: Params = [("scope", scope)].into_iter().collect();
            asked_scope(&params, &grant(0, 0, false)).unwrap().unwrap().to_string()
        };
        assert_eq!(asked("kb:*"), "kb:read kb:write");
        assert_eq!(asked("openid *:read"), "openid kb:read");
        // Nothing of it was granted: it stays, and the machine refuses it.
        assert_eq!(asked("wiki:*"), "wiki:*");
    }
}
