//! The one route table, grouped by who calls.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{LARGEST_BODY, Server, cors, front};
use crate::{
    config::RegistrationMode,
    endpoints::{discovery, health, introspect, jwks, metrics, register, revoke, token, userinfo},
    web::{
        account, assets, authorize, consent, errors,
        headers::{self, PagePolicy},
        login, logout, page, pick_account, resume, session, session_state,
        views::{self, ProblemKind, ProblemView},
        visitor::Visitor,
    },
};

/// Every route of the main listener, under the path of the issuer.
pub fn router(server: Arc<Server>) -> Router {
    let routes = pages(&server).merge(framed()).merge(programs()).merge(registration(&server));
    let routes = match server.settings.base_path() {
        "" => routes,
        base => Router::new().nest(base, routes).route(&format!("{base}/"), get(home)),
    };
    // Unless they have a listener of their own.
    let watch = match server.settings.ops.listen {
        None => health_routes().route(metrics::METRICS, get(metrics::get_on_loopback)),
        Some(_) => Router::new(),
    };
    finish(routes.merge(metadata(&server)).merge(watch), server)
}

/// What those who look after the server ask, on a listener of its own.
pub fn ops_router(server: Arc<Server>) -> Router {
    finish(health_routes().route(metrics::METRICS, get(metrics::get)), server)
}

/// Apps and resource servers call these. None reads a cookie, so scripts of any site may.
fn programs() -> Router<Arc<Server>> {
    Router::new()
        .route(token::TOKEN, post(token::post))
        .route(userinfo::USERINFO, get(userinfo::userinfo).post(userinfo::userinfo))
        .route(introspect::INTROSPECT, post(introspect::post))
        .route(revoke::REVOKE, post(revoke::post))
        .route(jwks::JWKS, get(jwks::get))
        .route(jwks::JWKS_ALIAS, get(jwks::get))
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn(cors::any_site))
}

/// Programs register clients here, if the operator lets them. No page's script has to, so none of another site may: what
/// is open to everybody inside a network would else be open to every site that somebody inside looks at.
fn registration(server: &Server) -> Router<Arc<Server>> {
    match server.settings.registration.mode {
        RegistrationMode::Off => Router::new(),
        RegistrationMode::Token | RegistrationMode::Open => Router::new()
            .route(register::REGISTER, post(register::post))
            .route(register::REGISTERED, get(register::get).put(register::put).delete(register::delete))
            .method_not_allowed_fallback(not_so),
    }
}

/// And these, where the specifications look for them: inside the issuer's path and before it.
fn metadata(server: &Arc<Server>) -> Router<Arc<Server>> {
    discovery::paths(&server.settings.issuer)
        .into_iter()
        .fold(Router::new(), |routes, path| routes.route(&path, get(discovery::get)))
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn(cors::any_site))
}

/// Browsers show these.
fn pages(server: &Arc<Server>) -> Router<Arc<Server>> {
    Router::new()
        .route(authorize::AUTHORIZE, get(authorize::get).head(not_so).post(authorize::post))
        .route(resume::RESUME, get(resume::get).head(not_so))
        .route(login::LOGIN, get(login::get).post(login::post))
        .route(pick_account::PICK_ACCOUNT, get(pick_account::get).post(pick_account::post))
        .route(consent::CONSENT, get(consent::get).post(consent::post))
        .route(account::ACCOUNT, get(account::get).post(account::post))
        .route(logout::LOGOUT, get(logout::get).head(not_so).post(logout::post))
        .route(logout::CONFIRM, get(again).post(logout::confirm))
        .route(logout::SIGNED_OUT, get(logout::signed_out))
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn_with_state(server.clone(), session_state::follow))
        .layer(session::layer(server))
        .layer(middleware::from_fn_with_state(server.clone(), session::remove_in_full))
        .layer(middleware::from_fn_with_state(server.clone(), page::show_problems))
        .route(errors::ERROR, get(errors::one))
        .route(errors::ERRORS, get(errors::all))
        .route(assets::ASSETS, get(asset))
        .route("/", get(home))
}

/// Apps frame this, to watch a session. It reads no session, and no cookie but the one that is there for it.
fn framed() -> Router<Arc<Server>> {
    Router::new()
        .route(session_state::CHECK_SESSION, get(session_state::check))
        .route(session_state::STATE, get(session_state::judge))
        .method_not_allowed_fallback(not_so)
}

/// The style sheet, the scripts and the marks, under names that change with what is in them.
async fn asset(State(server): State<Arc<Server>>, Path(file): Path<String>) -> Response {
    server.brand.serve(&file)
}

/// Whatever starts the server and watches over it asks these.
fn health_routes() -> Router<Arc<Server>> {
    Router::new().route(health::HEALTHZ, get(health::live)).route(health::READYZ, get(health::ready))
}

fn finish(routes: Router<Arc<Server>>, server: Arc<Server>) -> Router {
    routes
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(server.clone(), front::front))
        .with_state(server)
}

/// What no route knows.
async fn nothing_here(visitor: Visitor) -> Response {
    refuse(&visitor, StatusCode::NOT_FOUND, "there is nothing here\n")
}

/// What a route does not do: `Allow` tells what it does (RFC 9110 §15.5.6). Nor does it do for HEAD, which asks what GET
/// would answer, what GET does.
async fn not_so(visitor: Visitor) -> Response {
    refuse(&visitor, StatusCode::METHOD_NOT_ALLOWED, "this address takes other methods, as the header Allow says\n")
}

/// A page for people, a line for programs.
fn refuse(visitor: &Visitor, status: StatusCode, told: &'static str) -> Response {
    let accepted = visitor.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/html") {
        return (status, [(header::CACHE_CONTROL, "no-store")], told).into_response();
    }
    let view = ProblemView { kind: ProblemKind::NotFound, go_on: None, back: None, developer: None };
    let html = views::problem(&visitor.frame(visitor.locale(None)), &view);
    headers::page(html, PagePolicy { status, has_form: false, ..PagePolicy::default() })
}

/// Whoever reloads the page that a form has led to is asked again.
async fn again(State(server): State<Arc<Server>>) -> Response {
    page::see_other(&server, logout::LOGOUT)
}

/// Who comes to the server itself wants to see their account.
async fn home(State(server): State<Arc<Server>>) -> Response {
    page::see_other(&server, account::ACCOUNT)
}
