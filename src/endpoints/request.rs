//! Requests as the endpoints for programs see them: the parts, a bounded body, and what can be read from both.

use std::{convert::Infallible, net::IpAddr};

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderName, Method, header},
};

use super::token::TOKEN;
use crate::{
    clients::{AuthenticatedClient, ClientCertificate, authentication},
    grants::Context,
    protocol::{ErrorCode, Params, PlainSecret, Refusal, Result, Timestamp},
    server::{LARGEST_BODY, Peer, RequestId, Server},
};

/// A call of an endpoint for programs. Reading it never fails; what it lacks is said by who needs it, in the
/// endpoint's own dialect.
pub struct Call {
    /// The request id, as the answer and the log carry it.
    pub id: String,
    /// Where it comes from, as far as that is known.
    pub address: Option<IpAddr>,
    /// The certificate that was shown.
    certificate: Option<ClientCertificate>,
    method: Method,
    headers: HeaderMap,
    query: Option<String>,
    body: Option<Bytes>,
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> std::result::Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        let id = parts.extensions.get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
        let query = parts.uri.query().filter(|query| !query.is_empty()).map(str::to_owned);
        Ok(Self {
            id,
            address: parts.extensions.get::<Peer>().map(|peer| peer.address),
            certificate: parts.extensions.get::<ClientCertificate>().cloned(),
            method: parts.method,
            headers: parts.headers,
            query,
            body: to_bytes(body, LARGEST_BODY).await.ok(),
        })
    }
}

impl Call {
    /// The form that was posted.
    ///
    /// # Errors
    /// `invalid_request` for parameters in the URL, another content type, a body over 64 KiB, or what [`Params`] refuses.
    pub fn form(&self) -> Result<Params, Refusal> {
        // RFC 6749 §2.3.1: "The parameters can only be transmitted in the request-body and MUST NOT be included in the
        // request URI", where they would end up in logs.
        if self.query.is_some() {
            return Err(refuse("parameters belong into the body of the request, not into its URL"));
        }
        if !self.is_form() {
            return Err(refuse("the body has to be application/x-www-form-urlencoded, and Content-Type has to say so"));
        }
        Params::parse(self.body()?)
    }

    /// The JSON that was posted.
    ///
    /// # Errors
    /// `invalid_client_metadata` for another content type; `invalid_request` for a body over 64 KiB.
    pub fn json(&self) -> Result<&[u8], Refusal> {
        if self.media_type().eq_ignore_ascii_case("application/json") {
            return self.body();
        }
        Err(Refusal::new(
            ErrorCode::InvalidClientMetadata,
            "the body has to be application/json, and Content-Type has to say so",
        ))
    }

    /// The `Authorization` header.
    ///
    /// # Errors
    /// `invalid_request` when there are two, or one that is no text.
    pub fn authorization(&self) -> Result<Option<&str>, Refusal> {
        let mut all = self.headers.get_all(header::AUTHORIZATION).iter();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(one), None) => one
                .to_str()
                .map(Some)
                .map_err(|_| refuse("the Authorization header holds characters that are not ASCII")),
            (Some(_), Some(_)) => Err(refuse("there are two Authorization headers")),
        }
    }

    /// The client that asks, once it has proved itself by the one method it used.
    ///
    /// # Errors
    /// `invalid_client`, or `invalid_request` for two methods at once.
    pub async fn client(&self, server: &Server, params: &Params, now: Timestamp) -> Result<AuthenticatedClient> {
        let context = authentication::Context {
            registry: &server.registry,
            keys: &server.client_keys,
            certificate: self.certificate.as_ref(),
            authorities: &server.authorities,
            issuer: &server.settings.issuer,
            token_endpoint: TOKEN,
            now,
        };
        authentication::authenticate(context, self.authorization()?, params).await
    }

    /// The access token, by one of the two ways of RFC 6750 §2 that leave it out of the URL; `None` when none was sent.
    ///
    /// # Errors
    /// `invalid_request` for two at once, one in the URL, or a form that cannot be read.
    pub fn access_token(&self) -> Result<Option<PlainSecret>, Refusal> {
        let query = self.query.as_deref().unwrap_or_default();
        if url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token") {
            return Err(refuse("the access token is in the URL, where logs keep it; send it as a Bearer header"));
        }
        let form = if self.method == Method::POST && self.is_form() {
            Params::parse(self.body()?)?
        } else {
            Params::default()
        };
        let header = self.authorization()?.and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
        });
        match (header, form.get("access_token")) {
            // RFC 6750 §2: "Clients MUST NOT use more than one method to transmit the token in each request."
            (Some(_), Some(_)) => Err(refuse("the access token is in the Authorization header and in the body")),
            (Some(token), None) | (None, Some(token)) => Ok(Some(PlainSecret::new(token))),
            (None, None) => Ok(None),
        }
    }

    /// A header that is text.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn is_form(&self) -> bool {
        self.media_type().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// What the body says it is, without parameters.
    fn media_type(&self) -> &str {
        let text = self.header(header::CONTENT_TYPE).unwrap_or_default();
        text.split(';').next().unwrap_or_default().trim()
    }

    fn body(&self) -> Result<&[u8], Refusal> {
        self.body.as_deref().ok_or_else(|| refuse("the body is larger than 64 KiB, or broke off"))
    }
}

fn refuse(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, description)
}

/// What an exchange or a look at a token stands on.
#[must_use]
pub fn context(server: &Server, now: Timestamp) -> Context<'_> {
    Context {
        store: &server.store,
        grants: &server.grants,
        registry: &server.registry,
        client_keys: &server.client_keys,
        keyring: &server.keyring,
        random: &server.random,
        issuer: &server.settings.issuer,
        lifetimes: &server.settings.tokens,
        allow_unsigned: server.settings.registration.allow_unsigned,
        now,
    }
}
