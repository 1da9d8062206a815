//! The page to pick an account (OIDC Core §3.1.2.1, `prompt=select_account`).

use std::sync::Arc;

use axum::{extract::State, response::Response};

use crate::{
    authorization::{interaction::Step, waiting},
    server::Server,
    web::{
        answer,
        form::{Form, Query},
        headers::{self, PagePolicy},
        login::LOGIN,
        page::{self, PageError},
        parties,
        resume::{self, Pending},
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
    match resume::at_page(&server, &browser, &query, &Step::PickAccount).await? {
        Ok(choice) => show(&server, &visitor, &browser, &choice, false).await,
        Err(elsewhere) => Ok(elsewhere),
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
    // A choice counts where it is asked for: it is no login, and must not pass for the one that another request needs.
    let step = Step::PickAccount;
    let (choice, is_current) = match resume::at_form(&server, &visitor, &browser, &query, &form, &step).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if !is_current {
        return show(&server, &visitor, &browser, &choice, true).await;
    }
    let Pending { waiting, signed_in, .. } = choice;
    match form.get("action") {
        Some("continue") => {}
        Some("cancel") => return answer::deny(&server, &visitor, waiting).await,
        _ => return Ok(page::see_other(&server, &format!("{LOGIN}?request={}", waiting.id))),
    }
    let mut tx = server.store.write().await?;
    waiting::picked(&mut tx, &waiting.id, &signed_in.login.sid).await?;
    tx.commit().await?;
    Ok(resume::go_on(&server, &waiting.id))
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
            client: parties::client(&request.ask.client, request.recipient.redirect_uri()),
            person: parties::person(&signed_in.account),
            has_expired,
        },
    );
    Ok(headers::page(html, PagePolicy::of(request)))
}
