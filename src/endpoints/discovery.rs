//! The server's metadata (OIDC Discovery §3, RFC 8414 §2): derived from what the code supports and the settings say.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use serde::Serialize;
use url::Url;

use super::{
    document, introspect::INTROSPECT, jwks::JWKS, register::REGISTER, revoke::REVOKE, token::TOKEN, userinfo::USERINFO,
};
use crate::{
    authorization::login::ACR_VALUES,
    config::{RegistrationMode, Settings},
    keys::{Published, shared_secret::HS256},
    protocol::{
        Algorithm, AuthMethod, ContentEncryption, GrantType, KeyManagement, Prompt, ResponseMode, SubjectType,
        UNSIGNED, claims,
        permission::{ORG, PROTOCOL_SCOPES},
    },
    server::Server,
    web::{authorize::AUTHORIZE, locale::Locale, logout::LOGOUT, session_state::CHECK_SESSION},
};

/// Where OpenID Connect Discovery looks, below the issuer.
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";

/// Where RFC 8414 looks, before the issuer's path.
pub const OAUTH_AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";

/// Every path, from the root of the host, at which the metadata is found: each document appended to the issuer's path
/// (OIDC Discovery §4) and inserted before it (RFC 8414 §3.1).
#[must_use]
pub fn paths(issuer: &str) -> Vec<String> {
    let path = Url::parse(issuer).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
    let mut paths = Vec::new();
    for document in [OPENID_CONFIGURATION, OAUTH_AUTHORIZATION_SERVER] {
        paths.push(format!("{path}{document}"));
        if !path.is_empty() {
            paths.push(format!("{document}{path}"));
        }
    }
    paths
}

/// `GET /.well-known/openid-configuration` and its like.
pub async fn get(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let document = server.discovery.document(&server.settings, server.keyring.algorithms());
    document::answer(headers.get(header::IF_NONE_MATCH), &document.published)
}

/// The document, made when it is first asked for and again when the algorithms have changed.
#[derive(Default)]
pub struct Discovery(Mutex<Option<Arc<Document>>>);

/// The bytes, and what they were made from.
pub struct Document {
    algorithms: Vec<Algorithm>,
    published: Published,
}

impl Discovery {
    fn document(&self, settings: &Settings, algorithms: Vec<Algorithm>) -> Arc<Document> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some(document) if document.algorithms == algorithms => document.clone(),
            _ => {
                let document = Arc::new(Document::new(settings, algorithms));
                *made = Some(document.clone());
                document
            }
        }
    }
}

impl Document {
    fn new(settings: &Settings, algorithms: Vec<Algorithm>) -> Self {
        let published = Published::new(&Metadata::new(settings, &algorithms));
        Self { algorithms, published }
    }
}

/// What is published.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    end_session_endpoint: String,
    check_session_iframe: String,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    frontchannel_logout_supported: bool,
    frontchannel_logout_session_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    scopes_supported: Vec<&'static str>,
    response_types_supported: Vec<&'static str>,
    response_modes_supported: Vec<&'static str>,
    grant_types_supported: Vec<&'static str>,
    prompt_values_supported: &'static [&'static str],
    acr_values_supported: &'static [&'static str],
    subject_types_supported: Vec<&'static str>,
    id_token_signing_alg_values_supported: Vec<&'static str>,
    userinfo_signing_alg_values_supported: Vec<&'static str>,
    id_token_encryption_alg_values_supported: Vec<&'static str>,
    id_token_encryption_enc_values_supported: Vec<&'static str>,
    userinfo_encryption_alg_values_supported: Vec<&'static str>,
    userinfo_encryption_enc_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    display_values_supported: &'static [&'static str],
    claim_types_supported: &'static [&'static str],
    claims_supported: Vec<&'static str>,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    require_request_uri_registration: bool,
    request_object_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    request_object_encryption_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    request_object_encryption_enc_values_supported: Vec<&'static str>,
    ui_locales_supported: Vec<&'static str>,
    code_challenge_methods_supported: &'static [&'static str],
    authorization_response_iss_parameter_supported: bool,
}

impl<'a> Metadata<'a> {
    fn new(settings: &'a Settings, algorithms: &[Algorithm]) -> Self {
        let issuer = settings.issuer.as_str();
        let at = |path: &str| format!("{issuer}{path}");
        let own_keys = || algorithms.iter().map(|algorithm| algorithm.as_str()).collect();
        // What clients sign with need not be what this server signs with.
        let signed_by = || Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).chain([HS256]).collect();
        let unsigned = settings.registration.allow_unsigned.then_some(UNSIGNED);
        let key_management = || KeyManagement::ALL.iter().map(|alg| alg.as_str()).collect();
        let content_encryption = || ContentEncryption::ALL.iter().map(|enc| enc.as_str()).collect();
        // For the keys of this server; the others are for those of clients.
        let encrypted_by = &settings.keys.encryption_algorithms;
        let response_types = || settings.registration.response_types.iter();
        let auth_methods =
            || AuthMethod::ALL.iter().filter(|own| settings.tls.allows(**own)).map(|method| method.as_str());
        let claims_of_scopes = PROTOCOL_SCOPES.iter().flat_map(|scope| claims::of_scope(scope)).copied();
        Self {
            issuer,
            authorization_endpoint: at(AUTHORIZE),
            token_endpoint: at(TOKEN),
            userinfo_endpoint: at(USERINFO),
            jwks_uri: at(JWKS),
            introspection_endpoint: at(INTROSPECT),
            revocation_endpoint: at(REVOKE),
            end_session_endpoint: at(LOGOUT),
            check_session_iframe: at(CHECK_SESSION),
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            frontchannel_logout_supported: true,
            frontchannel_logout_session_supported: true,
            registration_endpoint: (settings.registration.mode != RegistrationMode::Off).then(|| at(REGISTER)),
            scopes_supported: PROTOCOL_SCOPES.iter().copied().chain([ORG]).collect(),
            response_types_supported: response_types().map(|own| own.as_str()).collect(),
            response_modes_supported: ResponseMode::ALL.iter().map(|mode| mode.as_str()).collect(),
            grant_types_supported: GrantType::ALL
                .iter()
                .filter(|grant| {
                    **grant != GrantType::Implicit || response_types().any(|own| own.grants().contains(grant))
                })
                .map(|grant| grant.as_str())
                .collect(),
            prompt_values_supported: Prompt::VALUES,
            acr_values_supported: ACR_VALUES,
            subject_types_supported: SubjectType::ALL.iter().map(|subject_type| subject_type.as_str()).collect(),
            id_token_signing_alg_values_supported: algorithms
                .iter()
                .map(|algorithm| algorithm.as_str())
                .chain(unsigned)
                .collect(),
            userinfo_signing_alg_values_supported: own_keys(),
            id_token_encryption_alg_values_supported: key_management(),
            id_token_encryption_enc_values_supported: content_encryption(),
            userinfo_encryption_alg_values_supported: key_management(),
            userinfo_encryption_enc_values_supported: content_encryption(),
            token_endpoint_auth_methods_supported: auth_methods().collect(),
            token_endpoint_auth_signing_alg_values_supported: signed_by(),
            // A public client has nothing to authorize itself with (RFC 7662 §2.1).
            introspection_endpoint_auth_methods_supported: auth_methods()
                .filter(|method| *method != AuthMethod::None.as_str())
                .collect(),
            introspection_endpoint_auth_signing_alg_values_supported: signed_by(),
            revocation_endpoint_auth_methods_supported: auth_methods().collect(),
            revocation_endpoint_auth_signing_alg_values_supported: signed_by(),
            display_values_supported: &["page", "popup", "touch", "wap"],
            claim_types_supported: &["normal"],
            claims_supported: claims::OF_A_LOGIN
                .iter()
                .copied()
                .chain(claims_of_scopes)
                .chain(claims::OF_AN_ORGANISATION.iter().copied())
                .collect(),
            claims_parameter_supported: true,
            request_parameter_supported: true,
            request_uri_parameter_supported: true,
            require_request_uri_registration: true,
            request_object_signing_alg_values_supported: Algorithm::ALL
                .iter()
                .map(|algorithm| algorithm.as_str())
                .chain(unsigned)
                .collect(),
            request_object_encryption_alg_values_supported: encrypted_by.iter().map(|alg| alg.as_str()).collect(),
            request_object_encryption_enc_values_supported: if encrypted_by.is_empty() {
                Vec::new()
            } else {
                content_encryption()
            },
            ui_locales_supported: Locale::ALL.iter().map(|locale| locale.tag()).collect(),
            code_challenge_methods_supported: &["S256"],
            authorization_response_iss_parameter_supported: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_is_found_at_every_form_of_its_path() {
        assert_eq!(paths("https://op.example"), [OPENID_CONFIGURATION, OAUTH_AUTHORIZATION_SERVER]);
        assert_eq!(
            paths("https://op.example/tenant"),
            [
                "/tenant/.well-known/openid-configuration",
                "/.well-known/openid-configuration/tenant",
                "/tenant/.well-known/oauth-authorization-server",
                "/.well-known/oauth-authorization-server/tenant",
            ]
        );
    }

    #[test]
    fn the_document_is_made_anew_only_when_the_algorithms_change() {
        let (discovery, settings) = (Discovery::default(), Settings::default());
        let first = discovery.document(&settings, vec![Algorithm::RS256]);
        assert!(Arc::ptr_eq(&first, &discovery.document(&settings, vec![Algorithm::RS256])));
        let other = discovery.document(&settings, vec![Algorithm::RS256, Algorithm::ES256]);
        assert_ne!(first.published.etag, other.published.etag);
    }
}
