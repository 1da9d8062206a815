//! What a page's address and its form bring.

use std::sync::{Arc, OnceLock};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{header::CONTENT_TYPE, request::Parts},
};

use crate::{
    protocol::{ErrorCode, Params, Refusal},
    web::page::PageError,
};

/// The parameters in a page's address, each at most once.
#[derive(Clone, Debug)]
pub struct Query(pub Params);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Ok(Self(Params::parse(parts.uri.query().unwrap_or_default().as_bytes())?))
    }
}

/// The fields of a form, each at most once.
#[derive(Clone, Debug)]
pub struct Form(pub Params);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let FormBody(body) = FormBody::from_request(request, state).await?;
        Ok(Self(Params::parse(&body)?))
    }
}

/// A form as it was sent; empty if nothing was.
#[derive(Clone, Debug)]
pub struct FormBody(pub Bytes);

/// The form of a request, left for whoever has to say that it came to nothing: what cannot be taken as a whole still says in
/// which language to answer.
#[derive(Clone, Default)]
pub struct SentForm(Arc<OnceLock<Bytes>>);

impl SentForm {
    /// As it was sent; empty if nothing was, or nobody has read it.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.0.get().map(AsRef::as_ref).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        // Another site can send text/plain without being asked, and make it look like anything.
        let content_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let sent = request.extensions().get::<SentForm>().cloned();
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            Refusal::new(ErrorCode::InvalidRequest, "the body cannot be read").hint(rejection.body_text())
        })?;
        if !is_form && !body.is_empty() {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "the content type is not application/x-www-form-urlencoded",
            )
            .into());
        }
        if let Some(SentForm(sent)) = sent {
            // Nobody has read it before: a body is read once.
            sent.get_or_init(|| body.clone());
        }
        Ok(Self(body))
    }
}
