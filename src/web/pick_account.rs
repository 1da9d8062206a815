//! The page to pick an account (OIDC Core §3.1.2.1, `prompt=select_account`).

use std::sync::Arc;

use axum::{extract::State, response::Response};

use crate::{
    authorization::{interaction::Step, waiting},
    endpoints::authorize::{self, Pending},
    server::Server,
    web::{
        csrf,
        form::{Form, Query},
        headers,
        login::{self, LOGIN},
        page::{self, PageError},
        second_press,
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
    let id = query.get("request").ok_or(PageError::NoReference)?;
    match authorize::find_at(&server, &browser, id, &Step::PickAccount, server.clock.now()).await? {
        Some(choice) => show(&server, &visitor, &browser, &choice, false).await,
        None => Ok(page::see_other(&server, &authorize::resume_path(id))),
    }
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
    let id = query.get("request").ok_or(PageError::NoReference)?;
    let resume = || page::see_other(&server, &authorize::resume_path(id));
    let is_current = csrf::is_current(&server, &visitor, &browser, &form).await?;
    // A choice counts where it is asked for: it is no login, and must not pass for the one that another request needs.
    let now = server.clock.now();
    let Some(choice) = authorize::find_at(&server, &browser, id, &Step::PickAccount, now).await? else {
        let again = if is_current { second_press::repeat(&server, &visitor, &browser, id, &form).await? } else { None };
        return Ok(again.unwrap_or_else(resume));
    };
    if !is_current {
        return show(&server, &visitor, &browser, &choice, true).await;
    }
    let Pending { waiting: request, signed_in, .. } = choice;
    match form.get("action") {
        Some("continue") => {}
        Some("cancel") => return authorize::deny(&server, &visitor, request).await,
        _ => return Ok(page::see_other(&server, &format!("{LOGIN}?request={}", request.id))),
    }
    let mut tx = server.store.write().await?;
    waiting::picked(&mut tx, &request.id, &signed_in.login.sid).await?;
    tx.commit().await?;
    Ok(resume())
}

async fn show(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    choice: &Pending,
    has_expired: bool,
) -> Result<Response, PageError> {
    let Pending { waiting, request, signed_in, .. } = choice;
    let locale = visitor.locale(request.ask.ui_locales.as_deref());
    let csrf = browser.csrf().await?;
    let html = views::pick_account(
        &visitor.frame(locale),
        &PickAccountView {
            action: &format!("{}{PICK_ACCOUNT}?request={}", server.settings.base_path(), waiting.id),
            csrf: &csrf,
            client: login::client_view(&request.ask.client, request.recipient.redirect_uri()),
            person: login::person(&signed_in.account),
            has_expired,
        },
    );
    Ok(headers::page(html, login::policy(Some(request))))
}
