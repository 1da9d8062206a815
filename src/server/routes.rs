//! The one route table, grouped by who calls.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    middleware,
    response::Response,
    routing::{get, post},
};

use super::{Server, front};
use crate::{
    endpoints::authorize,
    web::{account, assets, consent, login, logout, page, pick_account, session},
};

/// Every route of the main listener, under the path of the issuer.
pub fn router(server: Arc<Server>) -> Router {
    finish(under(server.settings.base_path(), pages(&server)), server)
}

/// Browsers show these.
fn pages(server: &Arc<Server>) -> Router<Arc<Server>> {
    Router::new()
        .route(authorize::AUTHORIZE, get(authorize::get).post(authorize::post))
        .route(authorize::RESUME, get(authorize::resume))
        .route(login::LOGIN, get(login::get).post(login::post))
        .route(pick_account::PICK_ACCOUNT, get(pick_account::get).post(pick_account::post))
        .route(consent::CONSENT, get(consent::get).post(consent::post))
        .route(account::ACCOUNT, get(account::get).post(account::post))
        .route(logout::LOGOUT, get(logout::get).post(logout::post))
        .route(logout::CONFIRM, post(logout::confirm))
        .route(logout::SIGNED_OUT, get(logout::signed_out))
        .layer(session::layer(server))
        .layer(middleware::from_fn_with_state(server.clone(), page::show_problems))
        .route(assets::ASSETS, get(asset))
}

/// The style sheet, the scripts and the marks, under names that change with what is in them.
async fn asset(State(server): State<Arc<Server>>, Path(file): Path<String>) -> Response {
    server.brand.serve(&file)
}

/// What those who look after the server ask, on a listener of its own.
pub fn ops_router(server: Arc<Server>) -> Router {
    finish(Router::new(), server)
}

fn under(base: &str, routes: Router<Arc<Server>>) -> Router<Arc<Server>> {
    if base.is_empty() { routes } else { Router::new().nest(base, routes) }
}

fn finish(routes: Router<Arc<Server>>, server: Arc<Server>) -> Router {
    routes
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(server.clone(), front::front))
        .with_state(server)
}

/// No request of any endpoint is larger.
const LARGEST_BODY: usize = 64 * 1024;
