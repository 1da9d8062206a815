//! The end of an authorization request: its app is told yes, with what it asked for, or no.

use axum::response::Response;

use crate::{
    authorization::{
        offer::Offer,
        request::Request,
        response::{Recipient, Rejection},
        situation::Moment,
        waiting::Waiting,
    },
    endpoints::dialect,
    protocol::{Error, ErrorCode, Params, Refusal},
    server::Server,
    store::{
        authorization_requests,
        consents::{self, Consent},
        grants,
    },
    web::{
        authorize,
        given::{Codes, again, prepare},
        page::{self, PageError},
        resume, second_press, session_state,
        visitor::Visitor,
    },
};

/// What a request is answered with a yes for.
#[derive(Clone, Copy, Debug)]
pub struct Approval<'a> {
    /// What is given.
    pub offer: &'a Offer,
    /// The user's yes of just now, to be remembered; `None` when an earlier one says it all.
    pub consent: Option<&'a Consent>,
}

/// Answer with a yes: what was kept is spent in the same transaction, so that one approval gives one answer.
///
/// # Errors
/// When the database cannot.
pub async fn grant(
    server: &Server,
    visitor: &Visitor,
    request: &Request,
    moment: &Moment,
    waiting: Option<&Waiting>,
    Approval { offer, consent }: Approval<'_>,
) -> Result<Response, PageError> {
    let Moment { login: Some(login), issuer_epoch, now, .. } = moment else {
        return Err(Error::broken("a grant without anybody signed in").into());
    };
    let (issuer_epoch, now) = (*issuer_epoch, *now);
    let codes = Codes::of(server, waiting.map(|waiting| waiting.id.as_str()));
    let rows = codes.grants(server, request, login, offer, issuer_epoch, now)?;
    // Signed before anything is written: nobody waits for a signature to get at the database.
    let answer = match prepare(server, request, &rows, &codes).await? {
        Ok(answer) => answer,
        Err(refusal) => return tell_once(server, visitor, request, waiting, refusal).await,
    };
    let mut tx = server.store.write().await?;
    if let Some(waiting) = waiting
        && !authorization_requests::spend(&mut tx, &waiting.id, now.0).await?
    {
        // Pressed twice at once: one answer for both, as soon as the disk has what the first has done. Else another tab
        // answered it a moment ago: go round again, as after a reload.
        let given = match consent {
            Some(_) => second_press::allowed(server, &mut tx, request, &codes, login, offer.org_id()).await?,
            None => None,
        };
        tx.commit().await?;
        let repeated = match given {
            Some(rows) => again(server, visitor, request, login, &rows, &codes).await?,
            None => None,
        };
        return Ok(repeated.unwrap_or_else(|| resume::go_on(server, &waiting.id)));
    }
    if let Some(consent) = consent {
        consents::remember(&mut tx, consent).await?;
    }
    for row in rows.all() {
        grants::insert(&mut tx, row).await?;
    }
    answer.keep(&mut tx).await?;
    tx.commit().await?;
    Ok(session_state::deliver(server, visitor, request, login, answer.response))
}

/// Tell whoever may be told.
///
/// # Errors
/// A page, unless the client is known and the redirect URI its own.
pub fn refuse(visitor: &Visitor, rejection: Rejection) -> Result<Response, PageError> {
    match rejection {
        Rejection::Page(error) => Err(PageError::Authorization(error)),
        Rejection::Redirect(recipient, refusal) => tell(visitor, &recipient, refusal),
    }
}

/// Tell the client no, unless it has been told something already: a request is answered once.
async fn tell_once(
    server: &Server,
    visitor: &Visitor,
    request: &Request,
    waiting: Option<&Waiting>,
    refusal: Refusal,
) -> Result<Response, PageError> {
    if let Some(waiting) = waiting {
        let mut tx = server.store.write().await?;
        let is_first = authorization_requests::spend(&mut tx, &waiting.id, server.clock.now().0).await?;
        tx.commit().await?;
        if !is_first {
            return Ok(resume::go_on(server, &waiting.id));
        }
    }
    tell(visitor, &request.recipient, refusal)
}

/// Tell the client no.
///
/// # Errors
/// None; the signature is that of the other answers.
pub fn tell(visitor: &Visitor, recipient: &Recipient, refusal: Refusal) -> Result<Response, PageError> {
    let mut answer = page::deliver(visitor, &recipient.refuse(&refusal));
    dialect::note(&mut answer, refusal.into());
    Ok(answer)
}

/// The user said no: the request is answered, once.
///
/// # Errors
/// When the database cannot.
pub async fn deny(server: &Server, visitor: &Visitor, waiting: Waiting) -> Result<Response, PageError> {
    let mut tx = server.store.write().await?;
    if !authorization_requests::spend(&mut tx, &waiting.id, server.clock.now().0).await? {
        let go_on = resume::go_on(server, &waiting.id);
        // Said twice at once; or another tab has answered it, and the app is told one thing, not two.
        let was_denied = second_press::was_denied(server, &mut tx, &waiting.id).await?;
        tx.commit().await?;
        return if was_denied { tell_no(server, visitor, waiting.params).await } else { Ok(go_on) };
    }
    tx.commit().await?;
    tell_no(server, visitor, waiting.params).await
}

/// Tell the client that its user said no.
///
/// # Errors
/// A page, when the client or its redirect URI is not what it was.
pub async fn tell_no(server: &Server, visitor: &Visitor, params: Params) -> Result<Response, PageError> {
    match authorize::read(server, params).await {
        Ok(request) => {
            let refusal = Refusal::new(ErrorCode::AccessDenied, "the user said no");
            tell(visitor, &request.recipient, refusal)
        }
        Err(rejection) => refuse(visitor, rejection),
    }
}
