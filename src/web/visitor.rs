//! Who looks at a page: what language they read, where they sit, and under which id the log knows this request.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap,
        header::{ACCEPT_LANGUAGE, COOKIE},
        request::Parts,
    },
};
use tower_sessions::cookie::Cookie;

use crate::{
    protocol::Error,
    server::{Peer, RequestId, Server},
    web::{locale::Locale, page::PageError, views::Frame},
};

/// The visitor of a page.
#[derive(Clone)]
pub struct Visitor {
    server: Arc<Server>,
    headers: HeaderMap,
    request_id: String,
    address: IpAddr,
}

impl FromRequestParts<Arc<Server>> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, PageError> {
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        let peer = parts.extensions.get::<Peer>();
        let (Some(request_id), Some(peer)) = (request_id, peer) else {
            return Err(Error::broken("the request has no id or no peer").into());
        };
        Ok(Self { server: server.clone(), headers: parts.headers.clone(), request_id, address: peer.address })
    }
}

impl Visitor {
    /// The language of a page: what the request asks for, else what the browser does.
    #[must_use]
    pub fn locale(&self, ui_locales: Option<&str>) -> Locale {
        let accepted = self.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Locale::negotiate(ui_locales, accepted)
    }

    /// What every page is framed by.
    #[must_use]
    pub fn frame(&self, locale: Locale) -> Frame<'_> {
        Frame {
            locale,
            brand: &self.server.brand,
            base: self.server.settings.base_path(),
            request_id: &self.request_id,
        }
    }

    /// Where the visitor's machine is, by the connection or a trusted proxy's word.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The request's headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The cookie of that name, if the browser has sent it.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let sent = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let found = sent.flat_map(Cookie::split_parse).flatten().find(|cookie| cookie.name() == name);
        found.map(|cookie| cookie.value().to_owned())
    }

    /// What the browser calls itself, cut to what a list can show.
    #[must_use]
    pub fn agent(&self) -> String {
        let agent = self.headers.get(axum::http::header::USER_AGENT).and_then(|value| value.to_str().ok());
        agent.unwrap_or_default().chars().take(200).collect()
    }
}
