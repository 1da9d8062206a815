//! The client credentials grant (RFC 6749 §4.4): a client acts for itself. No user, no ID token, no refresh token.

use std::{borrow::Cow, sync::LazyLock};

use oxide_auth::{
    code_grant::client_credentials::{ClientCredentials, Input, Output, Request},
    primitives::{
        grant::Extensions,
        registrar::{BoundClient, PreGrant, RegisteredUrl},
        scope::Scope as MachineScope,
    },
};
use url::Url;

use super::{Context, Granted, issue};
use crate::{
    clients::{AuthenticatedClient, audience},
    protocol::{Error, ErrorCode, Params, Refusal, Result, Scope},
};

/// Exchange a client's own credentials for an access token.
///
/// # Errors
/// `unauthorized_client` for a client that has no credentials; `invalid_scope`, `invalid_target`.
pub async fn exchange(context: Context<'_>, client: &AuthenticatedClient, params: &Params) -> Result<Granted> {
    // RFC 6749 §4.4: "MUST only be used by confidential clients."
    if client.client().is_public() {
        return Err(
            Refusal::new(ErrorCode::UnauthorizedClient, "a public client has no credentials to act with").into()
        );
    }
    let resources = context.registry.resources().await?;
    let asked = audience::asked(params, client.client(), &resources)?;
    let (scope, audience) =
        audience::client_scope(client.client(), params.get("scope"), &asked, &resources, context.issuer)?;
    run(client, params, &scope)?;
    let issued = issue::client_token(context, client.client(), scope, &audience).await?;
    if !issued.is_kept_nowhere() {
        let mut tx = context.store.write().await?;
        issued.keep(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(issued.granted)
}

/// RFC 6749 §4.4.2 by the machine: what has to be there is there, and well formed.
fn run(client: &AuthenticatedClient, params: &Params, scope: &Scope) -> Result<()> {
    let mut machine = ClientCredentials::new(&CredentialsRequest { client, params });
    step!(machine, Input::None => Output::Authenticate { .. } => ());
    step!(machine, Input::Authenticated => Output::Binding { .. } => ());
    let client_id = client.id().to_owned();
    let bound_client = BoundClient { client_id: Cow::Owned(client_id.clone()), redirect_uri: Cow::Owned(nowhere()) };
    step!(machine, Input::Bound { bound_client } => Output::Extend => ());
    step!(machine, Input::Extended { extensions: Extensions::new() } => Output::Negotiate { .. } => ());
    let scope: MachineScope =
        scope.to_string().parse().map_err(|_| Error::broken("a negotiated scope is malformed"))?;
    let pre_grant = PreGrant { client_id, redirect_uri: nowhere(), scope };
    step!(machine, Input::Negotiated { pre_grant } => Output::Ok { .. } => ());
    Ok(())
}

/// The machine insists on a redirect URI for a grant that has none; nobody follows this one.
fn nowhere() -> RegisteredUrl {
    static NOWHERE: LazyLock<Url> = LazyLock::new(|| Url::parse("urn:latchkey:no-redirect").expect("a URN is a URL"));
    NOWHERE.clone().into()
}

/// What the machine may see of a token request.
struct CredentialsRequest<'a> {
    client: &'a AuthenticatedClient,
    params: &'a Params,
}

impl Request for CredentialsRequest<'_> {
    /// Repeated parameters were refused when `Params` was read.
    fn valid(&self) -> bool {
        true
    }

    /// As with a password: the machine takes no client without.
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client.id()), Cow::Borrowed(b"")))
    }

    fn scope(&self) -> Option<Cow<'_, str>> {
        self.params.get("scope").map(Cow::Borrowed)
    }

    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.params.get("grant_type").map(Cow::Borrowed)
    }

    /// Asked only for `client_id` and `client_secret`: answering would count as a second credential.
    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
