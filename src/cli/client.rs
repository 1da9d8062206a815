//! `latchkey client …`: the apps that sign users in, and the programs that act for themselves.

use clap::Args;
use serde_json::Value;

use super::{Desk, Failure, output};
use crate::{
    clients::{
        ApplicationType, CertificateName, Client, Encryption, Logout, Metadata, SecretRow,
        registration::{self, GRACE, Information, New, OldSecret, Wanted},
        subject::Sector,
    },
    outgoing::Outgoing,
    protocol::{
        Algorithm, AuthMethod, ContentEncryption, GrantType, KeyManagement, PlainSecret, Refusal, ResponseType,
        Signing, SubjectType, Timestamp, basic,
        permission::{ScopeToken, classify},
        with_causes,
    },
};

/// The verbs of `latchkey client`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register a client
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<CreateArgs>),
    /// List the clients
    #[command(after_help = "Example:\n  latchkey client list --json | jq -r '.[].client_id'")]
    List,
    /// Show a client
    #[command(after_help = "Example:\n  latchkey client show wiki")]
    Show(IdArgs),
    /// Change a client: what is not named stays; an empty value takes away
    #[command(
        after_help = "Example:\n  latchkey client update wiki --redirect-uri https://wiki.example/callback --logo-uri ''"
    )]
    Update(Box<UpdateArgs>),
    /// Give a client a new secret; the old one still counts for 24 hours
    #[command(
        after_help = "Example:\n  latchkey client rotate-secret wiki\n  latchkey client rotate-secret wiki --lost"
    )]
    RotateSecret(RotateArgs),
    /// Stop a client, and end everything it was given
    #[command(after_help = "Example:\n  latchkey client disable wiki")]
    Disable(IdArgs),
    /// Let a disabled client ask again
    #[command(after_help = "Example:\n  latchkey client enable wiki")]
    Enable(IdArgs),
    /// Delete a client, and end everything it was given
    #[command(after_help = "Example:\n  latchkey client delete wiki")]
    Delete(IdArgs),
}

const CREATE_EXAMPLES: &str = "Examples:
  latchkey client create --name Wiki --redirect-uri https://wiki.example/callback
  latchkey client create --name Phone --public --redirect-uri com.example.phone:/callback
  latchkey client create --name Reports --grant client_credentials --scope 'kb:read'";

/// Which client.
#[derive(Debug, Args)]
pub struct IdArgs {
    /// Its client id
    id: String,
}

/// What `client create` takes.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// What people know it by
    #[arg(long)]
    name: String,
    /// Its client id [default: one is made]
    #[arg(long)]
    id: Option<String>,
    /// Read its secret from standard input (at least 32 characters) [default: one is made]
    #[arg(long)]
    secret_stdin: bool,
    /// It has no secret: an app on a device, or in a browser
    #[arg(long, conflicts_with_all = ["auth_method", "secret_stdin"])]
    public: bool,
    #[command(flatten)]
    about: About,
}

/// What `client update` takes.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Its client id
    id: String,
    /// What people know it by
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    about: About,
}

/// What `client rotate-secret` takes.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// Its client id
    id: String,
    /// Read the new secret from standard input (at least 32 characters) [default: one is made]
    #[arg(long)]
    secret_stdin: bool,
    /// End the old secret at once
    #[arg(long)]
    now: bool,
    /// Somebody else may have the old secret: end it at once, and everything the client was given
    #[arg(long)]
    lost: bool,
}

/// What can be said of a client.
#[derive(Debug, Default, Args)]
struct About {
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
    #[arg(long, value_name = "ALG")]
    request_object_algorithm: Option<Signing>,
    /// How its tokens are signed; one of `keys.algorithms` [default: RS256]
    #[arg(long, value_name = "ALG")]
    signing_algorithm: Option<Algorithm>,
    /// How its ID tokens are encrypted for the keys of --jwks or --jwks-uri: RSA-OAEP-256, ECDH-ES or ECDH-ES+A256KW
    /// [default: not at all]
    #[arg(long, value_parser = word(KeyManagement::of, KeyManagement::listed), value_name = "ALG")]
    id_token_encrypted_response_alg: Option<KeyManagement>,
    /// How their content is encrypted [default: A128CBC-HS256]
    #[arg(long, value_parser = word(ContentEncryption::of, ContentEncryption::listed), value_name = "ENC")]
    id_token_encrypted_response_enc: Option<ContentEncryption>,
    /// How what userinfo tells it is encrypted [default: not at all]
    #[arg(long, value_parser = word(KeyManagement::of, KeyManagement::listed), value_name = "ALG")]
    userinfo_encrypted_response_alg: Option<KeyManagement>,
    /// How the content of that is encrypted [default: A128CBC-HS256]
    #[arg(long, value_parser = word(ContentEncryption::of, ContentEncryption::listed), value_name = "ENC")]
    userinfo_encrypted_response_enc: Option<ContentEncryption>,
    /// How its ID tokens are signed, or none where `registration.allow_unsigned` is on [default: as its other tokens]
    #[arg(long, value_name = "ALG")]
    id_token_algorithm: Option<Signing>,
    /// How old a login may be where a request does not say
    #[arg(long, value_name = "SECONDS")]
    default_max_age: Option<i64>,
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

/// Do it.
///
/// # Errors
/// When it is refused.
pub async fn run(command: Command, desk: &Desk) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(*args, desk).await,
        Command::List => list(desk).await,
        Command::Show(IdArgs { id }) => show(&id, desk).await,
        Command::Update(args) => update(*args, desk).await,
        Command::RotateSecret(args) => rotate_secret(args, desk).await,
        Command::Disable(IdArgs { id }) => {
            let done = registration::disable(&desk.registry, &id, desk.now()).await?;
            changed(&id, done, "is disabled; everything it was given has ended", desk).await
        }
        Command::Enable(IdArgs { id }) => {
            let done = registration::enable(&desk.registry, &id, desk.now()).await?;
            changed(&id, done, "is enabled; its users sign in anew", desk).await
        }
        Command::Delete(IdArgs { id }) => delete(&id, desk).await,
    }
}

async fn create(args: CreateArgs, desk: &Desk) -> Result<(), Failure> {
    let secret = if args.secret_stdin { Some(desk.secret_from_stdin()?) } else { None };
    let mut wanted = args.about.wanted(desk).await?;
    wanted.sector = read_sector(&wanted, None, desk).await?;
    wanted.client_name = Some(args.name);
    if args.public {
        wanted.token_endpoint_auth_method = Some(AuthMethod::None);
    }
    let new = New { id: args.id, secret, wanted, is_by_itself: false };
    let (client, secret) = registration::create(&desk.registry, new, desk.now(), &desk.random).await?;
    note_idle_scopes(&client, desk).await?;
    note_idle_method(&client, desk);
    note_unusual_secret(secret.as_ref());
    show_one(&client, secret.as_ref(), &[], desk);
    Ok(())
}

async fn update(args: UpdateArgs, desk: &Desk) -> Result<(), Failure> {
    let mut wanted = args.about.wanted(desk).await?;
    let before = desk.registry.find(&args.id).await?.ok_or_else(|| unknown(&args.id))?;
    wanted.sector = read_sector(&wanted, Some(&before.metadata), desk).await?;
    wanted.client_name = args.name;
    let done = registration::update(&desk.registry, &args.id, wanted, desk.now(), &desk.random).await?;
    let (client, secret) = done.ok_or_else(|| unknown(&args.id))?;
    note_idle_scopes(&client, desk).await?;
    note_idle_method(&client, desk);
    show_one(&client, secret.as_ref(), &desk.registry.secrets(&client.id).await?, desk);
    Ok(())
}

async fn rotate_secret(args: RotateArgs, desk: &Desk) -> Result<(), Failure> {
    let brought = if args.secret_stdin { Some(desk.secret_from_stdin()?) } else { None };
    let old = match args {
        RotateArgs { lost: true, .. } => OldSecret::IsLost,
        RotateArgs { now: true, .. } => OldSecret::EndsNow,
        _ => OldSecret::EndsIn(GRACE),
    };
    if desk.registry.find(&args.id).await?.is_some_and(|client| client.signs_with_secret()) {
        desk.registry.seal_with(desk.keyring().await?);
    }
    let secret = registration::rotate_secret(&desk.registry, &args.id, brought, old, desk.now(), &desk.random).await?;
    let secret = secret.ok_or_else(|| unknown(&args.id))?;
    let client = desk.registry.find(&args.id).await?.ok_or_else(|| unknown(&args.id))?;
    note_unusual_secret(Some(&secret));
    show_one(&client, Some(&secret), &desk.registry.secrets(&args.id).await?, desk);
    Ok(())
}

async fn show(id: &str, desk: &Desk) -> Result<(), Failure> {
    let client = desk.registry.find(id).await?.ok_or_else(|| unknown(id))?;
    show_one(&client, None, &desk.registry.secrets(id).await?, desk);
    Ok(())
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let clients = registration::list(&desk.registry).await?;
    let told: Vec<_> = clients.iter().map(|client| Information::of(client, None)).collect();
    desk.show(&told, || {
        let rows: Vec<Vec<String>> = clients
            .iter()
            .map(|client| {
                vec![
                    client.id.clone(),
                    client.name().to_owned(),
                    kind(client).to_owned(),
                    client.metadata.grant_types.iter().map(GrantType::to_string).collect::<Vec<_>>().join(" "),
                    if client.enabled { "enabled" } else { "disabled" }.to_owned(),
                    output::relative(client.created_at, desk.now()),
                ]
            })
            .collect();
        output::table(&["client id", "name", "kind", "grants", "state", "registered"], &rows)
    });
    Ok(())
}

async fn changed(id: &str, was_there: bool, what: &str, desk: &Desk) -> Result<(), Failure> {
    let client = desk.registry.find(id).await?.filter(|_| was_there).ok_or_else(|| unknown(id))?;
    desk.show(&Information::of(&client, None), || format!("{} {what}", output::printable(id)));
    Ok(())
}

async fn delete(id: &str, desk: &Desk) -> Result<(), Failure> {
    if !registration::delete(&desk.registry, id, desk.now()).await? {
        return Err(unknown(id));
    }
    desk.show(&serde_json::json!({ "client_id": id, "deleted": true }), || {
        format!("{} is deleted; everything it was given has ended", output::printable(id))
    });
    Ok(())
}

impl About {
    async fn wanted(self, desk: &Desk) -> Result<Wanted, Failure> {
        let mut named = self.signing_algorithm.into_iter().chain(self.id_token_algorithm.and_then(Signing::algorithm));
        if let Some(algorithm) = named.find(|own| !desk.settings.keys.algorithms.contains(own)) {
            return Err(Failure::new(format!("no keys are kept for {algorithm}, so nothing could be signed with it"))
                .hint(format!("add {algorithm} to the setting `keys.algorithms`")));
        }
        let given = &desk.settings.registration.response_types;
        if let Some(other) = self.response_type.iter().flatten().find(|own| !given.contains(own)) {
            return Err(Failure::new(format!("this server gives nobody the response type `{other}`"))
                .hint(format!("add \"{other}\" to the setting `registration.response_types`")));
        }
        let is_unsigned = [self.request_object_algorithm, self.id_token_algorithm].contains(&Some(Signing::Unsigned));
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
async fn read_sector(wanted: &Wanted, before: Option<&Metadata>, desk: &Desk) -> Result<Option<Sector>, Failure> {
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

/// Say which scopes mean nothing yet: most likely somebody mistyped.
async fn note_idle_scopes(client: &Client, desk: &Desk) -> Result<(), Failure> {
    let resources = desk.registry.resources().await?;
    for token in client.metadata.scope.iter() {
        let is_listed = resources.iter().any(|resource| resource.scope.contains(token));
        if classify(token) == ScopeToken::Unknown && !is_listed {
            let token = output::printable(token);
            eprintln!(
                "note: no API lists the scope `{token}`, and it is no word of OpenID Connect; it does nothing yet"
            );
        }
    }
    Ok(())
}

/// Say that nobody can prove to be this client as long as the settings are as they are.
fn note_idle_method(client: &Client, desk: &Desk) {
    let method = client.metadata.token_endpoint_auth_method;
    if !desk.settings.tls.allows(method) {
        let needed =
            if method == AuthMethod::TlsClientAuth { ", and `tls.client_ca` who vouches for them" } else { "" };
        eprintln!("note: {method} needs certificates: set `tls.client_certificates` to `optional`{needed}");
    }
}

/// Say that a secret only works with libraries that keep to RFC 6749 §2.3.1: several popular ones do not.
fn note_unusual_secret(secret: Option<&PlainSecret>) {
    if secret.is_some_and(|secret| !basic::needs_no_encoding(secret.expose())) {
        eprintln!(
            "note: this secret has characters that HTTP Basic wants form-encoded (RFC 6749 §2.3.1), which curl and some \
             libraries leave out; one of letters, digits, `-` and `_` works with all"
        );
    }
}

fn show_one(client: &Client, secret: Option<&PlainSecret>, secrets: &[SecretRow], desk: &Desk) {
    let now = desk.now();
    desk.show(&Information::of(client, secret), || {
        let rows = rows(client, secret, secrets, now);
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines = rows.iter().map(|(name, value)| format!("{name:<width$}  {}", output::printable(value)));
        lines.collect::<Vec<_>>().join("\n")
    });
}

/// What people are shown of a client: a name and a value a line, the name on the first of several values.
fn rows(
    client: &Client,
    secret: Option<&PlainSecret>,
    secrets: &[SecretRow],
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let metadata = &client.metadata;
    let mut rows = vec![("client id", client.id.clone())];
    if let Some(secret) = secret {
        rows.push(("client secret", format!("{}   (shown this once; keep it now)", secret.expose())));
    }
    for old in secrets.iter().filter(|own| own.is_live(now.0)) {
        if let Some(end) = old.expires_at {
            rows.push(("old secret", format!("counts until {}", output::when(Timestamp(end), now))));
        }
    }
    rows.push(("name", client.name().to_owned()));
    rows.push(("kind", kind(client).to_owned()));
    if !client.enabled {
        rows.push(("state", "disabled".to_owned()));
    }
    let several = |rows: &mut Vec<_>, name: &'static str, values: &[String]| {
        rows.extend(values.iter().enumerate().map(|(at, value)| (if at == 0 { name } else { "" }, value.clone())));
    };
    let uris: Vec<String> = metadata.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect();
    several(&mut rows, "redirect URIs", &uris);
    several(&mut rows, "after sign-out", &metadata.post_logout_redirect_uris);
    rows.extend(metadata.logout.back_channel_uri.iter().map(|uri| ("told of sign-outs", uri.clone())));
    rows.extend(metadata.logout.front_channel_uri.iter().map(|uri| ("told by browsers", uri.clone())));
    rows.push(("grants", metadata.grant_types.iter().map(GrantType::to_string).collect::<Vec<_>>().join(" ")));
    rows.push(("scope", metadata.scope.to_string()));
    several(&mut rows, "APIs", &metadata.resources);
    rows.push(("authentication", metadata.token_endpoint_auth_method.to_string()));
    rows.extend(metadata.certificate_name.iter().map(|name| ("certificate", name.to_string())));
    rows.extend(metadata.jwks.iter().map(|_| ("keys", "registered by value".to_owned())));
    rows.extend(metadata.jwks_uri.iter().map(|uri| ("keys", uri.clone())));
    several(&mut rows, "request objects", &metadata.request_uris);
    let signing = metadata.request_object_signing_alg;
    rows.extend(signing.map(|signing| ("requests signed", signing.as_str().to_owned())));
    rows.push(("PKCE", if client.require_pkce { "required (S256)" } else { "not required" }.to_owned()));
    if metadata.subject_type == SubjectType::Pairwise {
        rows.push(("users known", "by names of its sector alone (pairwise)".to_owned()));
    }
    rows.extend(metadata.sector_identifier_uri.iter().map(|uri| ("sector", uri.clone())));
    rows.push(("tokens signed", metadata.access_token_signing_alg.to_string()));
    let signing = metadata.id_token_signed_response_alg;
    if signing.algorithm() != Some(metadata.access_token_signing_alg) {
        rows.push(("ID tokens signed", signing.as_str().to_owned()));
    }
    for (name, link) in [
        ("logo", &metadata.logo_uri),
        ("home page", &metadata.client_uri),
        ("privacy policy", &metadata.policy_uri),
        ("terms of service", &metadata.tos_uri),
    ] {
        rows.extend(link.iter().map(|link| (name, link.clone())));
    }
    several(&mut rows, "contacts", &metadata.contacts);
    let by_whom = if client.self_registered { ", by itself" } else { "" };
    rows.push(("registered", format!("{}{by_whom}", output::when(client.created_at, now))));
    rows
}

fn kind(client: &Client) -> &'static str {
    match (client.is_public(), client.metadata.application_type, client.first_party) {
        (true, ApplicationType::Native, false) => "public, native",
        (true, ApplicationType::Native, true) => "public, native, first-party",
        (true, ApplicationType::Web, false) => "public",
        (true, ApplicationType::Web, true) => "public, first-party",
        (false, _, false) => "confidential",
        (false, _, true) => "confidential, first-party",
    }
}

fn unknown(id: &str) -> Failure {
    Failure::new(format!("there is no client `{id}`")).hint("`latchkey client list` shows all of them")
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

/// Reads one of the words that there are.
fn word<T>(of: fn(&str) -> Option<T>, listed: fn() -> String) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| of(text).ok_or_else(|| format!("expected one of {}", listed()))
}

/// Read one of the protocol's words on the command line.
fn read<T: std::str::FromStr<Err = Refusal>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|refusal: Refusal| refusal.description.into_owned())
}
