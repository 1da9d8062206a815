//! What can be said of a client on the command line.

use clap::Args;
use serde_json::Value;

use crate::{
    cli::{Desk, Failure},
    clients::{ApplicationType, CertificateName, Encryption, Logout, Metadata, registration::Wanted, subject::Sector},
    outgoing::Outgoing,
    protocol::{
        Algorithm, AuthMethod, ContentEncryption, GrantType, KeyManagement, Refusal, ResponseType, Signing,
        SubjectType, UnknownAlgorithm, with_causes,
    },
};

/// What can be said of a client.
#[derive(Debug, Default, Args)]
pub(super) struct About {
    /// Where its answers may go, to the letter; once for each
    #[arg(long, value_name = "URI")]
    redirect_uri: Option<Vec<String>>,
    /// Where browsers may be sent after a sign-out; once for each
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Option<Vec<String>>,
    /// Where this server tells it that a session has ended
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// It needs the session's id there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    backchannel_logout_session_required: Option<bool>,
    /// What browsers that sign out load in a frame, to tell it that a session has ended
    #[arg(long, value_name = "URI")]
    frontchannel_logout_uri: Option<String>,
    /// It needs issuer and session there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    frontchannel_logout_session_required: Option<bool>,
    /// What it may exchange for tokens [default: authorization_code, refresh_token]
    #[arg(long, value_parser = read::<GrantType>, value_name = "GRANT")]
    grant: Option<Vec<GrantType>>,
    /// What it may ask the authorization endpoint for, as far as `registration.response_types` has it [default: code]
    #[arg(long, value_parser = read::<ResponseType>, value_name = "TYPE")]
    response_type: Option<Vec<ResponseType>>,
    /// An API it may ask tokens for, beside those whose scopes it has; once for each
    #[arg(long, value_name = "URI")]
    resource: Option<Vec<String>>,
    /// What it may ask for: `org` for any organisation, patterns such as `kb:*` for users' permissions
    /// [default: openid profile email address phone offline_access]
    #[arg(long)]
    scope: Option<Vec<String>>,
    /// Its logo, for the pages people see
    #[arg(long, value_name = "URI")]
    logo_uri: Option<String>,
    /// Its home page
    #[arg(long, value_name = "URI")]
    client_uri: Option<String>,
    /// What it does with data
    #[arg(long, value_name = "URI")]
    policy_uri: Option<String>,
    /// Its terms of service
    #[arg(long, value_name = "URI")]
    tos_uri: Option<String>,
    /// Whom to write to about it; once for each
    #[arg(long, value_name = "MAIL")]
    contact: Option<Vec<String>>,
    /// How it proves itself: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth,
    /// self_signed_tls_client_auth or none [default: client_secret_basic]
    #[arg(long, value_parser = read::<AuthMethod>, value_name = "METHOD")]
    auth_method: Option<AuthMethod>,
    #[command(flatten)]
    certificate: CertificateArgs,
    /// Its public keys, for private_key_jwt, or with its certificates (x5c), for self_signed_tls_client_auth: a file that holds a JWK set; an empty name takes them away
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<String>,
    /// Where its public keys are: a JWK set that is read again when it has changed
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// As whom it knows users: public, by one name everywhere; pairwise, by a name of its sector alone. Changed later, it
    /// takes all its users for new ones, and all it was given ends [default: public]
    #[arg(long, value_parser = read::<SubjectType>, value_name = "TYPE")]
    subject_type: Option<SubjectType>,
    /// Where a JSON array lists the redirect URIs of all clients that know users by the same names; its host is their
    /// sector [default: the host of the redirect URIs]
    #[arg(long, value_name = "URI")]
    sector_identifier_uri: Option<String>,
    /// Where its request objects may be read from; once for each
    #[arg(long, value_name = "URI")]
    request_uri: Option<Vec<String>>,
    /// How its request objects are signed, or none where `registration.allow_unsigned` is on [default: by any that is accepted]
    #[arg(long, value_parser = or_nothing(signing), value_name = "ALG")]
    request_object_algorithm: Option<OrNothing<Signing>>,
    /// How its tokens are signed; one of `keys.algorithms` [default: RS256]
    #[arg(long, value_name = "ALG")]
    signing_algorithm: Option<Algorithm>,
    /// How its ID tokens are encrypted for the keys of --jwks or --jwks-uri: RSA-OAEP-256, ECDH-ES or ECDH-ES+A256KW
    /// [default: not at all]
    #[arg(long, value_parser = or_nothing(word(KeyManagement::of, KeyManagement::listed)), value_name = "ALG")]
    id_token_encrypted_response_alg: Option<OrNothing<KeyManagement>>,
    /// How their content is encrypted [default: A128CBC-HS256]
    #[arg(long, value_parser = or_nothing(word(ContentEncryption::of, ContentEncryption::listed)), value_name = "ENC")]
    id_token_encrypted_response_enc: Option<OrNothing<ContentEncryption>>,
    /// How what userinfo tells it is encrypted [default: not at all]
    #[arg(long, value_parser = or_nothing(word(KeyManagement::of, KeyManagement::listed)), value_name = "ALG")]
    userinfo_encrypted_response_alg: Option<OrNothing<KeyManagement>>,
    /// How the content of that is encrypted [default: A128CBC-HS256]
    #[arg(long, value_parser = or_nothing(word(ContentEncryption::of, ContentEncryption::listed)), value_name = "ENC")]
    userinfo_encrypted_response_enc: Option<OrNothing<ContentEncryption>>,
    /// How its ID tokens are signed, or none where `registration.allow_unsigned` is on [default: as its other tokens]
    #[arg(long, value_parser = or_nothing(signing), value_name = "ALG")]
    id_token_algorithm: Option<OrNothing<Signing>>,
    /// How old a login may be where a request does not say
    #[arg(long, value_parser = or_nothing(seconds), value_name = "SECONDS")]
    default_max_age: Option<OrNothing<i64>>,
    /// How well its users shall sign in where a request does not say, by acr; once for each
    #[arg(long, value_name = "ACR")]
    default_acr_value: Option<Vec<String>>,
    /// It is one of our own: users are not asked for consent
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    first_party: Option<bool>,
    /// It may do without PKCE; for confidential clients that cannot
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_pkce: Option<bool>,
    /// It is installed on people's devices, and may have a URI scheme of its own [default: told by its redirect URIs]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    native: Option<bool>,
}

/// By which name in its certificate a client is known.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
struct CertificateArgs {
    /// The subject of its certificate, for tls_client_auth, such as `CN=app,O=Example`
    #[arg(long, value_name = "NAME")]
    tls_client_auth_subject_dn: Option<String>,
    /// A DNS name in its certificate, for tls_client_auth
    #[arg(long, value_name = "NAME")]
    tls_client_auth_san_dns: Option<String>,
    /// A URI in its certificate
    #[arg(long, value_name = "URI")]
    tls_client_auth_san_uri: Option<String>,
    /// An IP address in its certificate
    #[arg(long, value_name = "ADDRESS")]
    tls_client_auth_san_ip: Option<String>,
    /// An e-mail address in its certificate
    #[arg(long, value_name = "MAIL")]
    tls_client_auth_san_email: Option<String>,
}

impl CertificateArgs {
    fn name(self) -> Option<CertificateName> {
        let subject = self.tls_client_auth_subject_dn.map(CertificateName::SubjectDn);
        subject
            .or(self.tls_client_auth_san_dns.map(CertificateName::SanDns))
            .or(self.tls_client_auth_san_uri.map(CertificateName::SanUri))
            .or(self.tls_client_auth_san_ip.map(CertificateName::SanIp))
            .or(self.tls_client_auth_san_email.map(CertificateName::SanEmail))
    }
}

impl About {
    /// It, as a registration or a change of one.
    ///
    /// # Errors
    /// When the settings do not allow it, or a file cannot be read.
    pub(super) async fn wanted(self, desk: &Desk) -> Result<Wanted, Failure> {
        let mut named =
            self.signing_algorithm.into_iter().chain(self.id_token_algorithm.flatten().and_then(Signing::algorithm));
        if let Some(algorithm) = named.find(|own| !desk.settings.keys.algorithms.contains(own)) {
            return Err(Failure::new(format!("no keys are kept for {algorithm}, so nothing could be signed with it"))
                .hint(format!("add {algorithm} to the setting `keys.algorithms`")));
        }
        let given = &desk.settings.registration.response_types;
        if let Some(other) = self.response_type.iter().flatten().find(|own| !given.contains(own)) {
            return Err(Failure::new(format!("this server gives nobody the response type `{other}`"))
                .hint(format!("add \"{other}\" to the setting `registration.response_types`")));
        }
        let is_unsigned =
            [self.request_object_algorithm, self.id_token_algorithm].contains(&Some(Some(Signing::Unsigned)));
        if is_unsigned && !desk.settings.registration.allow_unsigned {
            return Err(Failure::new("this server neither takes nor gives what is not signed")
                .hint("turn on the setting `registration.allow_unsigned`, if there is no other way"));
        }
        if self.auth_method == Some(AuthMethod::ClientSecretJwt) {
            desk.registry.seal_with(desk.keyring().await?);
        }
        Ok(Wanted {
            client_name: None,
            redirect_uris: self.redirect_uri,
            post_logout_redirect_uris: self.post_logout_redirect_uri,
            grant_types: self.grant,
            response_types: self.response_type,
            scope: self.scope.map(|parts| parts.join(" ")),
            resources: self.resource,
            application_type: self.native.map(|own| if own { ApplicationType::Native } else { ApplicationType::Web }),
            token_endpoint_auth_method: self.auth_method,
            token_endpoint_auth_signing_alg: None,
            certificate_name: self.certificate.name(),
            jwks: self.jwks.as_deref().map(read_keys).transpose()?,
            jwks_uri: self.jwks_uri,
            logo_uri: self.logo_uri,
            client_uri: self.client_uri,
            policy_uri: self.policy_uri,
            tos_uri: self.tos_uri,
            initiate_login_uri: None,
            contacts: self.contact,
            subject_type: self.subject_type,
            sector_identifier_uri: self.sector_identifier_uri,
            sector: None,
            signing_algorithm: self.signing_algorithm,
            id_token_signing: self.id_token_algorithm,
            userinfo_signed_response_alg: None,
            id_token_encryption: Encryption {
                alg: self.id_token_encrypted_response_alg,
                enc: self.id_token_encrypted_response_enc,
            },
            userinfo_encryption: Encryption {
                alg: self.userinfo_encrypted_response_alg,
                enc: self.userinfo_encrypted_response_enc,
            },
            request_uris: self.request_uri,
            request_object_signing_alg: self.request_object_algorithm,
            request_object_encryption: Encryption::default(),
            default_max_age: self.default_max_age,
            default_acr_values: self.default_acr_value,
            require_auth_time: None,
            logout: Logout {
                back_channel_uri: self.backchannel_logout_uri,
                back_channel_needs_session: self.backchannel_logout_session_required,
                front_channel_uri: self.frontchannel_logout_uri,
                front_channel_needs_session: self.frontchannel_logout_session_required,
            },
            first_party: self.first_party,
            require_pkce: self.no_pkce.map(|without| !without),
        })
    }
}

/// What is at the `sector_identifier_uri`, where it has to be looked at.
pub(super) async fn read_sector(
    wanted: &Wanted,
    before: Option<&Metadata>,
    desk: &Desk,
) -> Result<Option<Sector>, Failure> {
    let has_one = before.is_some_and(|before| before.sector_identifier_uri.is_some());
    if wanted.sector_identifier_uri.is_none() && !has_one {
        return Ok(None);
    }
    let outgoing = Outgoing::open(&desk.settings.outgoing).map_err(|error| Failure::new(with_causes(&error)))?;
    Sector::read(&outgoing, wanted, before).await.map_err(|refusal| {
        let why = refusal.hint.unwrap_or_default();
        Failure::new(refusal.description).hint(why)
    })
}

/// The JWK set in a file; nothing where no file is named.
fn read_keys(file: &str) -> Result<Value, Failure> {
    if file.is_empty() {
        return Ok(Value::Null);
    }
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::new(format!("{file} cannot be read: {error}")))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{file} holds no JWK set: {error}")).hint("--jwks takes JSON, not PEM"))
}

/// A value, or that there be none: clap would take an `Option` by its name for a flag that needs no value.
type OrNothing<T> = Option<T>;

/// Reads an empty text as nothing, as everywhere on the command line, and another as `read` does.
fn or_nothing<T>(
    read: impl Fn(&str) -> Result<T, String> + Clone,
) -> impl Fn(&str) -> Result<Option<T>, String> + Clone {
    move |text| if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

fn signing(text: &str) -> Result<Signing, String> {
    text.parse().map_err(|unknown: UnknownAlgorithm| unknown.to_string())
}

fn seconds(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "expected a whole number of seconds".to_owned())
}

/// Reads one of the words that there are.
fn word<T>(of: fn(&str) -> Option<T>, listed: fn() -> String) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| of(text).ok_or_else(|| format!("expected one of {}", listed()))
}

/// Read one of the protocol's words on the command line.
fn read<T: std::str::FromStr<Err = Refusal>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|refusal: Refusal| refusal.description.into_owned())
}
