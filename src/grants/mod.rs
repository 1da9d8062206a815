//! What a client may exchange for tokens.
//!
//! Each grant drives one of oxide-auth's machines: they know the order of RFC 6749's checks and compare client,
//! redirect URI and scope; the rows, the clock and the signatures are ours, between two steps.

use oxide_auth::primitives::grant::{Extensions, Grant as View};
use serde::Serialize;

use crate::{
    clients::{AuthenticatedClient, ClientKeys, Registry},
    config::Tokens,
    keys::Keyring,
    protocol::{Error, ErrorCode, GrantType, Params, Refusal, Result, Scope, Timestamp},
    random::Random,
    store::{self, Store, grants::Grant},
};

/// Take one step of a machine. It answers with the question that has to come next, or refuses (RFC 6749 §5.2).
macro_rules! step {
    ($machine:ident, $input:expr => $output:pat => $fact:expr) => {
        match $machine.advance($input) {
            $output => $fact,
            Output::Err(refused) => return Err($crate::grants::Refused::kind(refused).into()),
            // A question out of turn is a bug of ours, found by the first test.
            _ => return Err($crate::protocol::Error::broken("the grant machine is out of step")),
        }
    };
}

pub mod authorization_code;
pub mod client_credentials;
pub mod front_channel;
pub mod issue;
pub mod live;
pub mod presented;
pub mod refresh_token;

pub use live::{LiveGrant, LiveGrants};

/// What an exchange stands on.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where the grants are.
    pub store: &'a Store,
    /// Which of them are alive.
    pub grants: &'a LiveGrants,
    /// The registered clients and resources.
    pub registry: &'a Registry,
    /// The keys of clients, for what is encrypted for them.
    pub client_keys: &'a ClientKeys,
    /// What signs.
    pub keyring: &'a Keyring,
    /// Chance, for token ids.
    pub random: &'a Random,
    /// The issuer identifier.
    pub issuer: &'a str,
    /// How long tokens live.
    pub lifetimes: &'a Tokens,
    /// Whether ID tokens may go without a signature (product decision 15).
    pub allow_unsigned: bool,
    /// The time.
    pub now: Timestamp,
}

/// A successful answer of the token endpoint (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Serialize)]
pub struct Granted {
    /// The access token.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// How long the access token lives, in seconds.
    pub expires_in: i64,
    /// What replaces the refresh token that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Who the user is, for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted, which may be less than what was asked for.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
}

/// Exchange whatever the request says it brings.
///
/// # Errors
/// `unsupported_grant_type`, and those of the grants.
pub async fn exchange(context: Context<'_>, client: &AuthenticatedClient, params: &Params) -> Result<Granted> {
    let grant_type: GrantType = GrantType::of_token_request(params.need("grant_type")?)?;
    if !client.client().may_use(grant_type) {
        let description = format!("this client is not registered for the grant {grant_type}");
        return Err(Refusal::new(ErrorCode::UnauthorizedClient, description).into());
    }
    store::retried(|| async move {
        match grant_type {
            GrantType::AuthorizationCode => authorization_code::exchange(context, client, params).await,
            GrantType::RefreshToken => refresh_token::exchange(context, client, params).await,
            GrantType::ClientCredentials => client_credentials::exchange(context, client, params).await,
            GrantType::Implicit => Err(Error::broken("the grant implicit at the token endpoint")),
        }
    })
    .await
}

/// A grant as the machines see it. Our clock judges, not theirs: they see one that never ends.
fn view(grant: &Grant) -> Result<View> {
    Ok(View {
        owner_id: grant.user_id.clone(),
        client_id: grant.client_id.clone(),
        scope: grant
            .scope
            .parse()
            .map_err(|_| Error::broken(format!("the scope of grant {} is malformed", grant.id)))?,
        redirect_uri: grant.redirect_uri.parse()?,
        until: "9999-12-31T23:59:59Z".parse()?,
        extensions: Extensions::new(),
    })
}

/// What a machine refused, as we say it.
trait Refused {
    fn kind(self) -> Refusal;
}

mod refused {
    //! Only the kind of a machine's error is used: the sentence is ours, and so is the JSON.

    use oxide_auth::code_grant::{accesstoken, client_credentials, error::AccessTokenErrorType, refresh};

    use super::Refused;
    use crate::protocol::{ErrorCode, Refusal};

    impl Refused for Box<accesstoken::Error> {
        fn kind(mut self) -> Refusal {
            refusal(self.description().map(|description| description.kind()))
        }
    }

    impl Refused for refresh::Error {
        fn kind(mut self) -> Refusal {
            refusal(self.description().map(|description| description.kind()))
        }
    }

    impl Refused for Box<client_credentials::Error> {
        fn kind(mut self) -> Refusal {
            refusal(self.description().map(|description| description.kind()))
        }
    }

    fn refusal(kind: Option<AccessTokenErrorType>) -> Refusal {
        match kind {
            Some(AccessTokenErrorType::InvalidGrant) => Refusal::new(
                ErrorCode::InvalidGrant,
                "what was presented was issued to another client or for another redirect URI",
            ),
            Some(AccessTokenErrorType::InvalidScope) => {
                Refusal::new(ErrorCode::InvalidScope, "`scope` asks for more than was granted")
            }
            _ => Refusal::new(
                ErrorCode::InvalidRequest,
                "the token request lacks a parameter, or one of them is malformed",
            ),
        }
    }
}
