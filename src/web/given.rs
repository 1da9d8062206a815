//! What a yes gives: the grants behind the answer, and the answer made from them. A second press of the button finds the
//! same grants, and is answered with them once more.

use axum::response::Response;

use crate::{
    authorization::{
        code::{self, Terms},
        login::Login,
        offer::Offer,
        request::Request,
        response::{Given, Response as Answer},
    },
    endpoints::request::context,
    grants::{
        front_channel::{self, Asked, Tokens},
        live::Standing,
    },
    protocol::{Error, ErrorCode, Lifetime, PlainSecret, Refusal, ResponseType, Result, Timestamp},
    server::Server,
    store::{
        Access, Write,
        grants::{self, Grant},
    },
    web::{page::PageError, session_state, visitor::Visitor},
};

/// By what the grants of one request are found: its code, and what stands in the place of one for all else that the answer
/// brings.
pub struct Codes {
    code: PlainSecret,
    at_once: PlainSecret,
}

/// The grants of one request.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The one with a code.
    pub with_code: Option<Grant>,
    /// The one for what the answer brings itself.
    pub at_once: Option<Grant>,
}

/// An answer that is made, and what of it has to be kept before anybody sees it.
pub struct Prepared {
    /// The answer.
    pub response: Answer,
    tokens: Option<Tokens>,
}

impl Codes {
    /// Those of a request that waited under that reference, or of one that was answered at once.
    #[must_use]
    pub fn of(server: &Server, waited_as: Option<&str>) -> Self {
        let by_chance = || code::by_chance(&server.random);
        match waited_as {
            Some(id) => {
                let key = server.keyring.refresh_key();
                Self { code: code::of_request(&key, id), at_once: code::of_answer(&key, id) }
            }
            None => Self { code: by_chance(), at_once: by_chance() },
        }
    }

    /// The grants that an approval gives.
    ///
    /// # Errors
    /// None that is known of.
    pub fn grants(
        &self,
        server: &Server,
        request: &Request,
        login: &Login,
        offer: &Offer,
        issuer_epoch: i64,
        now: Timestamp,
    ) -> Result<Rows> {
        let lifetime = server.settings.tokens.code;
        let terms = |code| Terms { code, lifetime, issuer_epoch, now };
        let response_type = request.response_type;
        let with_code = if response_type.has_code() {
            Some(code::grant(request, login, offer, terms(&self.code), &server.random)?)
        } else {
            None
        };
        let at_once = match lives(server, response_type) {
            Some(lives) => {
                Some(code::grant_at_once(request, login, offer, terms(&self.at_once), lives, &server.random)?)
            }
            None => None,
        };
        Ok(Rows { with_code, at_once })
    }

    /// The grants that were given, as they stand now.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn find(&self, db: &mut impl Access) -> Result<Rows> {
        let with_code = grants::find_by_code(db, self.code.hash().as_str()).await?;
        let at_once = grants::find_by_code(db, self.at_once.hash().as_str()).await?;
        Ok(Rows { with_code, at_once })
    }
}

/// How long what the answer brings itself lives; `None` for a code alone.
fn lives(server: &Server, response_type: ResponseType) -> Option<Lifetime> {
    let lifetimes = &server.settings.tokens;
    match response_type {
        ResponseType::Code => None,
        ResponseType::None => Some(lifetimes.code),
        other if other.has_token() => Some(lifetimes.access_token),
        _ => Some(lifetimes.id_token),
    }
}

impl Rows {
    /// All there are.
    pub fn all(&self) -> impl Iterator<Item = &Grant> {
        self.with_code.iter().chain(&self.at_once)
    }
}

impl Prepared {
    /// Keep what has to be kept.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn keep(&self, tx: &mut Write) -> Result<()> {
        match &self.tokens {
            Some(tokens) => tokens.keep(tx).await,
            None => Ok(()),
        }
    }
}

/// Make the answer that these grants stand behind; or say what the client is told instead.
///
/// # Errors
/// When the database cannot, or signing fails.
pub async fn prepare(
    server: &Server,
    request: &Request,
    rows: &Rows,
    codes: &Codes,
) -> Result<Result<Prepared, Refusal>> {
    let code = rows.with_code.is_some().then(|| codes.code.expose());
    let Some(grant) = &rows.at_once else {
        let response = request.recipient.accept(Given { code, ..Given::default() });
        return Ok(Ok(Prepared { response, tokens: None }));
    };
    let context = context(server, server.clock.now());
    let standing = context.grants.standing(grant.clone(), &request.ask.client, context.now).await?;
    let Standing::Alive(live) = standing else {
        let description = "what the user may give has changed at this moment";
        return Ok(Err(Refusal::new(ErrorCode::AccessDenied, description)));
    };
    let asked = Asked { response_type: request.response_type, code, state: request.recipient.state() };
    let tokens = match front_channel::tokens(context, &live, asked).await {
        Ok(tokens) => tokens,
        Err(Error::Refused(refusal)) => return Ok(Err(refusal)),
        Err(failed) => return Err(failed),
    };
    let access_token = tokens.access_token.as_deref().map(|token| (token, tokens.expires_in, &tokens.scope));
    let response = request.recipient.accept(Given { code, access_token, id_token: tokens.id_token.as_deref() });
    Ok(Ok(Prepared { response, tokens: Some(tokens) }))
}

/// Answer once more with these grants.
///
/// # Errors
/// When the database cannot, or signing fails.
pub async fn again(
    server: &Server,
    visitor: &Visitor,
    request: &Request,
    login: &Login,
    rows: &Rows,
    codes: &Codes,
) -> Result<Option<Response>, PageError> {
    let Ok(answer) = prepare(server, request, rows, codes).await? else { return Ok(None) };
    if answer.tokens.is_some() {
        let mut tx = server.store.write().await?;
        answer.keep(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(Some(session_state::deliver(server, visitor, request, login, answer.response)))
}
