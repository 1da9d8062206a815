//! What happens to every request before and after its handler.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

use super::{Peer, Server};
use crate::web::headers;

/// Under what id the log knows a request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Give the request its id and its [`Peer`], and the answer what every answer says.
pub(super) async fn front(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let id = server.random.id();
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let connection = connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    let settings = &server.settings;
    let peer = Peer::of(connection, settings.tls.certificate.is_some(), request.headers(), &settings.proxy.trusted);
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    headers::defaults(response.headers_mut(), &settings.issuer);
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
