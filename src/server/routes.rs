//! The one route table, grouped by who calls.

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware};

use super::{Server, front};

/// Every route of the main listener, under the path of the issuer.
pub fn router(server: Arc<Server>) -> Router {
    let all: Router<Arc<Server>> = Router::new();
    finish(under(server.settings.base_path(), all), server)
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
