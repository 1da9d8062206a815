//! A registered client (RFC 7591 §2).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CertificateName, logout::Logout};
use crate::protocol::{
    Algorithm, ApplicationType, AuthMethod, ContentEncryption, GrantType, KeyManagement, RedirectUri, ResponseType,
    Scope, Signing, SubjectType, Timestamp,
};

/// What a client has registered, under the names of RFC 7591 §2 and OIDC Registration §2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// What people know it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Where its answers may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where browsers may be sent after a sign-out (OIDC RP-Initiated Logout §3.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// What it may exchange for tokens.
    pub grant_types: Vec<GrantType>,
    /// What it may ask the authorization endpoint for.
    pub response_types: Vec<ResponseType>,
    /// The scope tokens it may ask for; `org` stands for every organisation, a pattern for every permission it allows.
    pub scope: Scope,
    /// The APIs it may ask tokens for, beside those whose scopes it is registered for (RFC 8707).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Where it runs.
    pub application_type: ApplicationType,
    /// How it proves itself at the token endpoint.
    pub token_endpoint_auth_method: AuthMethod,
    /// By which name in its certificate it is known, where an authority vouches for that.
    #[serde(flatten)]
    pub certificate_name: Option<CertificateName>,
    /// By which algorithm it signs what it proves itself with; any that is accepted where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// Its public keys, as a JWK set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where its public keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Its logo, for the pages people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Its home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// What it does with data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Where others send a user who is to sign in to it (OIDC Core §4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// Whom to write to about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// As whom it knows its users.
    pub subject_type: SubjectType,
    /// Where the redirect URIs of all clients stand that know users by the same names (OIDC Core §8.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// How its ID tokens are signed.
    pub id_token_signed_response_alg: Signing,
    /// How what userinfo tells it is signed; not at all where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// How its ID tokens are encrypted, once they are signed; not at all where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<KeyManagement>,
    /// How the content of those is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<ContentEncryption>,
    /// How what userinfo tells it is encrypted; not at all where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<KeyManagement>,
    /// How the content of that is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<ContentEncryption>,
    /// How its access tokens are signed.
    pub access_token_signing_alg: Algorithm,
    /// Where its request objects may be read from (OIDC Core §6.2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    /// How its request objects are signed; by whatever is accepted where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<Signing>,
    /// How its request objects may be encrypted; it may do without, or use whatever else is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_alg: Option<KeyManagement>,
    /// How the content of those may be encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_enc: Option<ContentEncryption>,
    /// How old a login may be where a request does not say (`default_max_age`), in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<i64>,
    /// How well its users shall sign in where a request does not say (`acr_values`), the best wish first. A wish it is: the
    /// ID token says how well they did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Whether it relies on `auth_time` in its ID tokens, which all have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_auth_time: Option<bool>,
    /// Where it is told that a session has ended.
    #[serde(flatten)]
    pub logout: Logout,
    /// What operators have changed since the client registered itself, by name: it cannot change that back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set_by_operator: Vec<String>,
}

impl Metadata {
    /// Whether an operator has changed that member since the client registered itself.
    pub(super) fn is_set_by_operator(&self, name: &str) -> bool {
        self.set_by_operator.iter().any(|own| own == name)
    }

    /// How its ID tokens are encrypted.
    #[must_use]
    pub fn id_token_encryption(&self) -> Option<(KeyManagement, ContentEncryption)> {
        let alg = self.id_token_encrypted_response_alg?;
        Some((alg, self.id_token_encrypted_response_enc.unwrap_or_default()))
    }

    /// How what userinfo tells it is encrypted.
    #[must_use]
    pub fn userinfo_encryption(&self) -> Option<(KeyManagement, ContentEncryption)> {
        let alg = self.userinfo_encrypted_response_alg?;
        Some((alg, self.userinfo_encrypted_response_enc.unwrap_or_default()))
    }
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its `client_id`; never equal to a user's `sub`, so that no token's `sub` is ambiguous (product decision 1).
    pub id: String,
    /// What it registered.
    pub metadata: Metadata,
    /// Whether the operator vouches for it as one of their own: it may skip the consent page (product decision 11).
    pub first_party: bool,
    /// Whether it registered itself, so that nobody has checked who it is (RFC 7591).
    pub self_registered: bool,
    /// Whether its authorization requests need PKCE (product decision 10).
    pub require_pkce: bool,
    /// Whether it may do anything at all.
    pub enabled: bool,
    /// Raised when everything it was ever given has to end; a grant carries the one it was made under.
    pub epoch: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When that was last changed.
    pub updated_at: Timestamp,
}

impl Client {
    /// A client of the operator's that has registered this, as tests need one.
    #[cfg(test)]
    pub(crate) fn registered(id: &str, metadata: Metadata, at: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            metadata,
            first_party: false,
            self_registered: false,
            require_pkce: true,
            enabled: true,
            epoch: 0,
            created_at: at,
            updated_at: at,
        }
    }

    /// Whether it has nothing to prove itself by (RFC 6749 §2.1).
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.metadata.token_endpoint_auth_method == AuthMethod::None
    }

    /// Whether it proves itself by a secret that this server knows, too.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        match self.metadata.token_endpoint_auth_method {
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt => true,
            AuthMethod::PrivateKeyJwt
            | AuthMethod::TlsClientAuth
            | AuthMethod::SelfSignedTlsClientAuth
            | AuthMethod::None => false,
        }
    }

    /// Whether it signs with that secret, and never sends it.
    #[must_use]
    pub fn signs_with_secret(&self) -> bool {
        self.metadata.token_endpoint_auth_method == AuthMethod::ClientSecretJwt
    }

    /// What people know it by; its id where it has no name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(&self.id)
    }

    /// Whether it is registered for a grant.
    #[must_use]
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }
}
