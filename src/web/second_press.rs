//! A button that was pressed before: a double click, or a way back and once more. The browser shows what the last press
//! is answered with, so the answer of the first is repeated: the same redirect with the same code, since one approval never
//! gives two.

use axum::response::Response;

use crate::{
    authorization::{
        login::Login,
        request::Request,
        waiting::{self, Found},
    },
    protocol::{Params, ResponseType},
    server::Server,
    store::{Access, grants::Grant},
    web::{
        answer, authorize,
        given::{self, Codes, Rows},
        page::PageError,
        session::BrowserSession,
        visitor::Visitor,
    },
};

/// The answer that the request of that reference has got already, if the form says once more what it was answered for;
/// `None` when it says something else, or the answer counts no more: then the request begins anew.
///
/// # Errors
/// When the database cannot.
pub async fn repeat(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    id: &str,
    form: &Params,
) -> Result<Option<Response>, PageError> {
    let now = server.clock.now();
    let own = browser.browser().await?;
    let found = waiting::find(&mut server.store.read().await?, id, own.as_deref(), now).await?;
    let Found::Mine(waiting) = found else { return Ok(None) };
    if !waiting.is_spent {
        return Ok(None);
    }
    match form.get("action") {
        Some("deny" | "cancel") => {
            let is_denied = was_denied(server, &mut server.store.read().await?, id).await?;
            if is_denied { answer::tell_no(server, visitor, waiting.params).await.map(Some) } else { Ok(None) }
        }
        Some("allow") => {
            let Some(signed_in) = browser.signed_in(server, now).await? else { return Ok(None) };
            let Ok(request) = authorize::read(server, waiting.params).await else { return Ok(None) };
            let (login, org) = (&signed_in.login, form.get("org"));
            let mut db = server.store.read().await?;
            let codes = Codes::of(server, Some(id));
            let given = allowed(server, &mut db, &request, &codes, login, org).await?;
            drop(db);
            match given {
                Some(rows) => given::again(server, visitor, &request, login, &rows, &codes).await,
                None => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

/// The grants that this login's yes to the request has given, for that organisation, as long as nobody has redeemed the
/// code: a code that comes twice to who has redeemed it ends what it gave.
///
/// # Errors
/// When the database cannot.
pub async fn allowed(
    server: &Server,
    db: &mut impl Access,
    request: &Request,
    codes: &Codes,
    login: &Login,
    org_id: Option<&str>,
) -> Result<Option<Rows>, PageError> {
    let now = server.clock.now().0;
    let rows = codes.find(db).await?;
    let is_that = |grant: &Grant| {
        grant.user_id == login.sub
            && grant.sid == login.sid
            && grant.org_id.as_deref() == org_id
            && grant.redirect_uri == request.recipient.redirect_uri()
    };
    let is_open = |grant: &Grant| grant.ended_at.is_none() && grant.code_expires_at > now;
    let is_unspent = rows.with_code.as_ref().is_none_or(|grant| grant.code_spent_at.is_none());
    let is_whole = rows.with_code.is_some() == request.response_type.has_code()
        && rows.at_once.is_some() == (request.response_type != ResponseType::Code);
    let counts = is_whole && is_unspent && rows.all().all(|grant| is_that(grant) && is_open(grant));
    Ok(counts.then_some(rows))
}

/// Whether the request of that reference was answered with a no, once it is known to be answered.
///
/// # Errors
/// When the database cannot.
pub async fn was_denied(server: &Server, db: &mut impl Access, id: &str) -> Result<bool, PageError> {
    Ok(Codes::of(server, Some(id)).find(db).await?.all().next().is_none())
}
