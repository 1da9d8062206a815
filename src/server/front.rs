//! What happens to every request before and after its handler: it gets an id and a [`Peer`], its body a deadline; its
//! answer gets the headers that every answer has, a line in the log, and is counted.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::HttpBody,
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

use axum_server::tls::TlsInfo;

use super::{LARGEST_BODY, Peer, Server, incoming, panic::Caught, peer};
use crate::{
    clients::ClientCertificate,
    config::ClientCertificates,
    endpoints::{
        dialect::{self, Logged},
        health, metrics,
    },
    protocol::Error,
    store::StoreError,
    telemetry::{self, log::REQUEST_ID},
    web::headers,
};

/// Under what id the log knows a request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Stand in front of every route.
pub(super) async fn front(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = server.random.id();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let peer = whose(&server, &request);
    if let Some(certificate) = certificate(&server, &request) {
        request.extensions_mut().insert(certificate);
    }
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut too_large = None;
    if !request.body().is_end_stream() {
        let most = u64::try_from(LARGEST_BODY).unwrap_or(u64::MAX);
        request = request.map(|body| {
            let (body, told) = incoming::bounded(body, most, LONGEST_BODY);
            too_large = Some(told);
            body
        });
    }
    let answer = async {
        let mut answer = Caught::new(next.run(request)).await.unwrap_or_else(|error| failed(&id, error));
        // The endpoint has said so in its own dialect; RFC 9110 §15.5.14 has the status for it.
        if too_large.is_some_and(|told| told.is_so()) && answer.status().is_client_error() {
            *answer.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        }
        headers::defaults(answer.headers_mut(), &server.settings.issuer);
        let route = route.as_ref().map_or(UNKNOWN, MatchedPath::as_str);
        log(&server, route, &method, &answer, began.elapsed());
        answer
    };
    let mut answer = REQUEST_ID.scope(id.clone(), answer).await;
    if let Ok(id) = HeaderValue::try_from(id) {
        answer.headers_mut().insert(HEADER, id);
    }
    answer
}

fn failed(id: &str, error: Error) -> Response {
    let told = format!("this server failed; its operator finds the cause under the request id {id}\n");
    let mut answer = (StatusCode::INTERNAL_SERVER_ERROR, told).into_response();
    dialect::note(&mut answer, error);
    answer
}

fn connection(request: &Request) -> IpAddr {
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
    connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}

/// The certificate that was shown, where the settings let clients show any.
fn certificate(server: &Server, request: &Request) -> Option<ClientCertificate> {
    let settings = &server.settings;
    if settings.tls.client_certificates == ClientCertificates::Off {
        return None;
    }
    let handshake = request.extensions().get::<Arc<TlsInfo>>();
    let shown = handshake.map(|info| info.peer_certificates.as_slice()).unwrap_or_default();
    peer::certificate(connection(request), shown, request.headers(), &settings.proxy.trusted)
}

fn whose(server: &Server, request: &Request) -> Peer {
    let connection = connection(request);
    let settings = &server.settings;
    peer::warn_of_unnamed_proxy(connection, request.headers(), &settings.proxy.trusted);
    Peer::of(connection, settings.tls.certificate.is_some(), request.headers(), &settings.proxy.trusted)
}

/// One line, whatever came of it. Never the URL itself: its query may hold what must not be kept.
fn log(server: &Server, route: &str, method: &Method, answer: &Response, took: Duration) {
    let status = answer.status().as_u16();
    let error = answer.extensions().get::<Logged>().map(|logged| &*logged.0);
    let code = error.map(code);
    server.metrics.answered(telemetry::Request { route, status, error: code, took });
    let method = method.as_str();
    // To the microsecond: more digits would be noise.
    let duration_ms = f64::from(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)) / 1_000.0;
    match error {
        // Whether it is ready is said when that changes, not whenever somebody asks.
        None if QUIET.contains(&route)
            && matches!(answer.status(), StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE) =>
        {
            tracing::debug!(method, route, status, duration_ms, "answered");
        }
        None => tracing::info!(method, route, status, duration_ms, "answered"),
        Some(Error::Refused(refusal)) => tracing::info!(
            method,
            route,
            status,
            duration_ms,
            error = code,
            description = &*refusal.description,
            hint = refusal.hint,
            "refused"
        ),
        Some(error @ Error::Failed(fault)) => {
            let (cause, hint) = (fault.to_string(), StoreError::hint_of(error));
            tracing::error!(method, route, status, duration_ms, error = code, cause, hint, "failed");
        }
    }
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::Refused(refusal) => refusal.code.as_str(),
        Error::Failed(_) if StoreError::is_behind(error) => "temporarily_unavailable",
        Error::Failed(_) => "server_error",
    }
}

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// What a request that no route knows is called in log and metrics, so that nobody can fill them with names.
const UNKNOWN: &str = "unknown";

/// Routes that machines ask every few seconds.
const QUIET: &[&str] = &[health::HEALTHZ, health::READYZ, metrics::METRICS];

/// A body has to have come by then.
const LONGEST_BODY: Duration = Duration::from_secs(15);
