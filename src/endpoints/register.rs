//! Where clients register themselves (RFC 7591 §3) and look after what they registered (RFC 7592 §2).

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use serde::Serialize;

use super::{dialect, request::Call};
use crate::{
    accounts::throttle,
    clients::{
        dynamic::{self, Context},
        registration::Information,
    },
    config::RegistrationMode,
    protocol::{Error, ErrorCode, PlainSecret, Refusal, Result, Timestamp},
    server::Server,
};

/// Where clients register themselves.
pub const REGISTER: &str = "/register";

/// Where a client looks after its registration.
pub const REGISTERED: &str = "/register/{client_id}";

/// `POST /register`.
pub async fn post(State(server): State<Arc<Server>>, call: Call) -> Response {
    let is_open = server.settings.registration.mode == RegistrationMode::Open;
    answer(&server, &call, register(&server, &call), is_open).await
}

/// `GET /register/{client_id}`.
pub async fn get(State(server): State<Arc<Server>>, Path(id): Path<String>, call: Call) -> Response {
    let outcome = async {
        let token = token(&call)?;
        let client = dynamic::find(context(&server), &id, &token).await?;
        told(&server, StatusCode::OK, Information::of(&client, None), &token)
    };
    answer(&server, &call, outcome, false).await
}

/// `PUT /register/{client_id}`.
pub async fn put(State(server): State<Arc<Server>>, Path(id): Path<String>, call: Call) -> Response {
    let outcome = async {
        let token = token(&call)?;
        let (client, secret) = dynamic::replace(context(&server), &id, &token, call.json()?).await?;
        let address = from(&call);
        tracing::info!(event = "client_changed", client = id, address, "a client has changed what it registered");
        told(&server, StatusCode::OK, Information::of(&client, secret.as_ref()), &token)
    };
    answer(&server, &call, outcome, true).await
}

/// `DELETE /register/{client_id}`.
pub async fn delete(State(server): State<Arc<Server>>, Path(id): Path<String>, call: Call) -> Response {
    let outcome = async {
        dynamic::delete(context(&server), &id, &token(&call)?).await?;
        let address = from(&call);
        tracing::info!(event = "client_deleted", client = id, address, "a client has deleted itself");
        Ok(dialect::empty(StatusCode::NO_CONTENT))
    };
    answer(&server, &call, outcome, false).await
}

/// Where a call comes from, for the log.
fn from(call: &Call) -> String {
    call.address.map(|address| address.to_string()).unwrap_or_default()
}

async fn register(server: &Server, call: &Call) -> Result<Response> {
    let initial = match server.settings.registration.mode {
        RegistrationMode::Token => Some(token(call)?),
        // Who shows one without need may have been given it for another server.
        RegistrationMode::Open | RegistrationMode::Off => None,
    };
    let registered = dynamic::register(context(server), initial.as_ref(), call.json()?).await?;
    let (id, address) = (registered.client.id.as_str(), from(call));
    tracing::info!(event = "client_registered", client = id, address, "a client has registered itself");
    let information = Information::of(&registered.client, registered.secret.as_ref());
    told(server, StatusCode::CREATED, information, &registered.token)
}

fn context(server: &Server) -> Context<'_> {
    Context {
        registry: &server.registry,
        settings: &server.settings.registration,
        tls: &server.settings.tls,
        outgoing: &server.for_strangers,
        algorithms: &server.settings.keys.algorithms,
        encryption_algorithms: &server.settings.keys.encryption_algorithms,
        random: &server.random,
        now: server.clock.now(),
    }
}

/// The token that opens a registration, or the door to a new one.
fn token(call: &Call) -> Result<PlainSecret, Refusal> {
    call.access_token()?.ok_or_else(|| {
        Refusal::new(ErrorCode::InvalidToken, "this needs an access token for registrations, sent as Bearer")
    })
}

/// What a client is told of its registration (RFC 7592 §3).
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    information: Information<'a>,
    registration_client_uri: String,
    registration_access_token: &'a str,
}

fn told(server: &Server, status: StatusCode, information: Information<'_>, token: &PlainSecret) -> Result<Response> {
    let registration_client_uri = format!("{}{REGISTER}/{}", server.settings.issuer, information.client_id());
    let told = Told { information, registration_client_uri, registration_access_token: token.expose() };
    Ok(dialect::json(status, serde_json::to_vec(&told)?))
}

/// Answer in the dialect that fits: what is wrong with the token is said as to any bearer, what is wrong with the
/// registration as to a client. What writes is counted first, if strangers can do it without end.
async fn answer(
    server: &Server,
    call: &Call,
    outcome: impl Future<Output = Result<Response>>,
    is_counted: bool,
) -> Response {
    let issuer = &server.settings.issuer;
    match if is_counted { wait(server, call).await } else { Ok(None) } {
        Ok(None) => {}
        Ok(Some(until)) => return too_many(server, call, until),
        Err(error) => return dialect::token(&call.id, issuer, Err(error)),
    }
    let outcome = outcome.await;
    let is_of_token = matches!(&outcome, Err(Error::Refused(refusal)) if refusal.code == ErrorCode::InvalidToken);
    match (is_of_token, call.access_token()) {
        (true, Ok(None)) => dialect::ask_for_bearer(issuer),
        (true, _) => dialect::bearer(&call.id, issuer, outcome),
        (false, _) => dialect::token(&call.id, issuer, outcome),
    }
}

/// Until when nobody from that network registers or changes a client: neither rows nor forgotten caches are to be had
/// for nothing.
async fn wait(server: &Server, call: &Call) -> Result<Option<Timestamp>> {
    match call.address {
        Some(address) => throttle::count_registration(&server.store, address, server.clock.now()).await,
        None => Ok(None),
    }
}

fn too_many(server: &Server, call: &Call, until: Timestamp) -> Response {
    let refusal = Refusal::new(
        ErrorCode::TemporarilyUnavailable,
        "too many clients have been registered or changed from this network; try again later",
    );
    let mut answer = dialect::token(&call.id, &server.settings.issuer, Err(refusal.into()));
    *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from((until - server.clock.now()).0));
    answer
}
