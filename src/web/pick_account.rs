//! The page to pick an account (OIDC Core §3.1.2.1, `prompt=select_account`).

use std::sync::Arc;

use axum::{extract::State, response::Response};

use crate::{
    endpoints::authorize,
    server::Server,
    store::authorization_requests,
    web::{
        csrf,
        form::{Form, Query},
        headers,
        login::{self, LOGIN},
        page::{self, PageError},
        session::BrowserSession,
        views::{self, PickAccountView},
        visitor::Visitor,
    },
};

/// Where people pick an account.
pub const PICK_ACCOUNT: &str = "/login/account";

/// `GET /login/account`.
///
/// # Errors
/// A page, when the request that waits is past its time.
pub async fn get(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let id = query.get("request").ok_or(PageError::Expired)?;
    let resume = || page::see_other(&server, &authorize::resume_path(id));
    let Some(waiting) = authorize::find_waiting(&server, &browser, id).await? else { return Ok(resume()) };
    let Some(signed_in) = browser.signed_in(&server, now).await? else { return Ok(resume()) };
    let Ok(request) = authorize::read(&server, waiting.params.clone()).await else { return Ok(resume()) };
    let locale = visitor.locale(request.ui_locales.as_deref());
    let csrf = browser.csrf().await?;
    let html = views::pick_account(
        &visitor.frame(locale),
        &PickAccountView {
            action: &format!("{}{PICK_ACCOUNT}?request={}", server.settings.base_path(), waiting.id),
            csrf: &csrf,
            client: login::client_view(&request.client, request.recipient.redirect_uri()),
            person: login::person(&signed_in.account),
            has_expired: false,
        },
    );
    Ok(headers::page(html, login::policy(Some(&request))))
}

/// `POST /login/account`.
///
/// # Errors
/// A page, when the form comes from elsewhere or the request that waits is past its time.
pub async fn post(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
    Form(form): Form,
) -> Result<Response, PageError> {
    let id = query.get("request").ok_or(PageError::Expired)?;
    let resume = || page::see_other(&server, &authorize::resume_path(id));
    if !csrf::is_current(&server, &visitor, &browser, &form).await? {
        return Ok(resume());
    }
    let Some(waiting) = authorize::find_waiting(&server, &browser, id).await? else { return Ok(resume()) };
    match form.get("action") {
        Some("continue") => {}
        Some("cancel") => return authorize::deny(&server, &visitor, waiting).await,
        _ => return Ok(page::see_other(&server, &format!("{LOGIN}?request={}", waiting.id))),
    }
    if let Some(signed_in) = browser.signed_in(&server, server.clock.now()).await? {
        let mut tx = server.store.write().await?;
        authorization_requests::authenticated(&mut tx, &waiting.id, &signed_in.login.sid).await?;
        tx.commit().await?;
    }
    Ok(resume())
}
