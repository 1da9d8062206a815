//! Metrics for Prometheus. On the main listener they are shown to this machine alone.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::dialect;
use crate::{
    protocol::Error,
    server::{Server, is_forwarded},
    telemetry,
};

/// Where they are.
pub const METRICS: &str = "/metrics";

/// `GET /metrics` on the main listener.
pub async fn get_on_loopback(server: State<Arc<Server>>, request: Request) -> Response {
    // By the connection itself, not by what a proxy says of it: and a proxy on this machine is not who asks.
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_local = connection.is_some_and(|info| info.0.ip().to_canonical().is_loopback());
    if is_local && !is_forwarded(request.headers()) {
        return get(server).await;
    }
    let told = "metrics are shown to this machine alone; `ops.listen` opens a listener for others\n";
    (StatusCode::FORBIDDEN, told).into_response()
}

/// `GET /metrics` on the listener of those who look after the server.
pub async fn get(State(server): State<Arc<Server>>) -> Response {
    match server.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, telemetry::METRICS_TYPE)], text).into_response(),
        Err(error) => failed(error),
    }
}

fn failed(error: Error) -> Response {
    let mut answer = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    dialect::note(&mut answer, error);
    answer
}
