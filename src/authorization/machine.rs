//! oxide-auth's machine for the authorization endpoint: it asks the questions of RFC 6749 in their order, and the
//! sentences of the answers are ours.

use std::borrow::Cow;

use oxide_auth::{
    code_grant::{
        authorization::{Authorization, Error as MachineError, Input, Output, Request as MachineRequest},
        error::AuthorizationErrorType,
    },
    primitives::{
        grant::Extensions,
        registrar::{BoundClient, PreGrant, RegisteredUrl},
    },
};

use crate::protocol::{ErrorCode, Params, Refusal, ResponseType};

/// RFC 6749 §4.1.1 by oxide-auth's machine: presence and form of what OAuth 2.0 itself asks for. It knows `code` alone, and
/// so is shown that for every response type that is offered.
///
/// # Errors
/// `invalid_request`, `unsupported_response_type` or `invalid_scope`, naming the parameter.
pub(super) fn ask(
    params: &Params,
    response_type: Option<ResponseType>,
    offered: &[ResponseType],
    redirect_uri: &str,
) -> Result<(), Refusal> {
    let request = View { params, response_type };
    let mut machine = Authorization::new(&request);
    let registered = || {
        redirect_uri
            .parse()
            .map(RegisteredUrl::Exact)
            .map_err(|_| Refusal::new(ErrorCode::InvalidRequest, "`redirect_uri` is not an absolute URI"))
    };
    macro_rules! step {
        ($input:expr => $output:pat => $fact:expr) => {
            match machine.advance($input) {
                $output => $fact,
                Output::Err(refused) => return Err(refusal_of(refused, params, offered)),
                _ => return Err(Refusal::new(ErrorCode::ServerError, "the grant machine is out of step")),
            }
        };
    }
    let client_id = step!(Input::None => Output::Bind { client_id, .. } => client_id);
    let bound_client =
        BoundClient { client_id: Cow::Owned(client_id.clone()), redirect_uri: Cow::Owned(registered()?) };
    step!(Input::Bound { request: &request, bound_client } => Output::Extend => ());
    let scope = step!(Input::Extended(Extensions::new()) => Output::Negotiate { scope, .. } => scope);
    let Some(scope) = scope else {
        return Err(Refusal::new(ErrorCode::InvalidScope, "`scope` is missing; to sign a user in, ask for `openid`"));
    };
    let pre_grant = PreGrant { client_id, redirect_uri: registered()?, scope };
    step!(Input::Negotiated { pre_grant, state: None } => Output::Ok { .. } => ());
    Ok(())
}

/// What oxide-auth's machine may see of a request.
struct View<'a> {
    params: &'a Params,
    response_type: Option<ResponseType>,
}

impl View<'_> {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.get(name).map(Cow::Borrowed)
    }
}

impl MachineRequest for View<'_> {
    /// Repeated parameters were refused when `Params` was read.
    fn valid(&self) -> bool {
        true
    }

    fn client_id(&self) -> Option<Cow<'_, str>> {
        self.get("client_id")
    }

    fn scope(&self) -> Option<Cow<'_, str>> {
        self.get("scope")
    }

    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.get("redirect_uri")
    }

    fn state(&self) -> Option<Cow<'_, str>> {
        self.get("state")
    }

    fn response_type(&self) -> Option<Cow<'_, str>> {
        match self.response_type {
            Some(_) => Some(Cow::Borrowed(ResponseType::Code.as_str())),
            // Never `code`: what is not offered is refused by the machine.
            None => self.get("response_type"),
        }
    }

    fn extension(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name)
    }
}

/// The machine knows which question failed; the sentence is ours.
fn refusal_of(error: MachineError, params: &Params, offered: &[ResponseType]) -> Refusal {
    let taken = || offered.iter().map(|own| format!("`{own}`")).collect::<Vec<_>>().join(", ");
    let MachineError::Redirect(mut url) = error else {
        return Refusal::new(ErrorCode::InvalidRequest, "the authorization request is malformed");
    };
    match url.description().kind() {
        AuthorizationErrorType::UnsupportedResponseType => match params.get("response_type") {
            None => Refusal::new(
                ErrorCode::InvalidRequest,
                format!("`response_type` is missing; this server takes {}", taken()),
            ),
            Some(other) => Refusal::new(
                ErrorCode::UnsupportedResponseType,
                format!("`response_type` is `{other}`; this server takes {}", taken()),
            ),
        },
        AuthorizationErrorType::InvalidScope => Refusal::new(
            ErrorCode::InvalidScope,
            "`scope` holds a character that no scope may have (RFC 6749 section 3.3)",
        ),
        _ => Refusal::new(ErrorCode::InvalidRequest, "the authorization request is malformed"),
    }
}
