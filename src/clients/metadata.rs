//! What may stand in a client's registration (RFC 7591 §2, OIDC Registration §2). Pure.

use serde_json::Value;

use super::{
    Metadata, encryption, flows,
    links::{self, WEB_ADDRESS, is_web_address},
    logout, objects,
    registration::Wanted,
    subject,
};
use crate::keys::JwkSet;
use crate::protocol::{
    Algorithm, ApplicationType, AuthMethod, ErrorCode, GrantType, RedirectUri, Refusal, Scope, Signing,
    permission::{ScopeToken, classify},
    text,
};

/// A registration; [`settle`] gives one in which everything fits.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) metadata: Metadata,
    pub(super) first_party: bool,
    pub(super) require_pkce: bool,
    /// Whether it may do without PKCE though it has no secret.
    pub(super) may_lack_pkce: bool,
}

impl Settled {
    /// What a client is of which nothing has been said yet.
    pub(super) fn nothing(may_lack_pkce: bool) -> Self {
        Self { metadata: Metadata::default(), first_party: false, require_pkce: true, may_lack_pkce }
    }
}

/// Put what is wanted over what is there, and see that it fits.
///
/// # Errors
/// `invalid_redirect_uri` or `invalid_client_metadata`, naming the value.
pub(super) fn settle(before: Settled, mut wanted: Wanted, is_new: bool) -> Result<Settled, Refusal> {
    let as_before = before.metadata.clone();
    let mut settled = before;
    settled.first_party = wanted.first_party.unwrap_or(settled.first_party);
    settled.require_pkce = wanted.require_pkce.unwrap_or(settled.require_pkce);
    let sector = wanted.sector.take();
    if is_new {
        settled.metadata.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        settled.metadata.scope = Scope::parse(DEFAULT_SCOPE)?;
    }
    apply(&mut settled.metadata, wanted)?;
    for check in CHECKS {
        check(&settled)?;
    }
    subject::check(&settled.metadata, &as_before, sector.as_ref())?;
    Ok(settled)
}

type Check = fn(&Settled) -> Result<(), Refusal>;

/// What has to be true of every registration, one by one.
const CHECKS: &[Check] = &[
    name,
    flows::grants,
    redirect_uris,
    flows::response_types,
    flows::secretless,
    keys,
    encryption::check,
    certificate,
    scope,
    links::of_pages,
    links::initiate_login_uri,
    contacts,
    max_age,
    acr_values,
    objects::unsigned_id_tokens,
    objects::request_uris,
    objects::request_object_signing_alg,
    sign_outs,
];

/// Whatever OpenID Connect tells of a user, and refresh tokens that outlive the session.
pub(super) const DEFAULT_SCOPE: &str = "openid profile email address phone offline_access";

fn apply(metadata: &mut Metadata, wanted: Wanted) -> Result<(), Refusal> {
    set_text(&mut metadata.client_name, wanted.client_name);
    set_text(&mut metadata.logo_uri, wanted.logo_uri);
    set_text(&mut metadata.client_uri, wanted.client_uri);
    set_text(&mut metadata.policy_uri, wanted.policy_uri);
    set_text(&mut metadata.tos_uri, wanted.tos_uri);
    set_text(&mut metadata.initiate_login_uri, wanted.initiate_login_uri);
    set_texts(&mut metadata.post_logout_redirect_uris, wanted.post_logout_redirect_uris);
    metadata.logout.apply(wanted.logout);
    set_texts(&mut metadata.resources, wanted.resources);
    set_texts(&mut metadata.contacts, wanted.contacts);
    if let Some(subject_type) = wanted.subject_type {
        metadata.subject_type = subject_type;
    }
    set_text(&mut metadata.sector_identifier_uri, wanted.sector_identifier_uri);
    set_texts(&mut metadata.request_uris, wanted.request_uris);
    if let Some(signing) = wanted.request_object_signing_alg {
        metadata.request_object_signing_alg = signing;
    }
    if let Some(method) = wanted.token_endpoint_auth_method {
        metadata.token_endpoint_auth_method = method;
        // Another method has no use for it.
        metadata.certificate_name.take_if(|_| method != AuthMethod::TlsClientAuth);
    }
    metadata.certificate_name = wanted.certificate_name.or(metadata.certificate_name.take());
    if metadata.token_endpoint_auth_method == AuthMethod::ClientSecretJwt {
        // There is one by which it can sign with a secret; those that can be named are for keys.
        metadata.token_endpoint_auth_signing_alg = None;
    }
    set_keys(metadata, wanted.jwks, wanted.jwks_uri);
    if let Some(algorithm) = wanted.token_endpoint_auth_signing_alg {
        metadata.token_endpoint_auth_signing_alg = Some(algorithm);
    }
    if let Some(algorithm) = wanted.userinfo_signed_response_alg {
        metadata.userinfo_signed_response_alg = Some(algorithm);
    }
    let Metadata { id_token_encrypted_response_alg: alg, id_token_encrypted_response_enc: enc, .. } = metadata;
    wanted.id_token_encryption.apply(alg, enc);
    let Metadata { userinfo_encrypted_response_alg: alg, userinfo_encrypted_response_enc: enc, .. } = metadata;
    wanted.userinfo_encryption.apply(alg, enc);
    let Metadata { request_object_encryption_alg: alg, request_object_encryption_enc: enc, .. } = metadata;
    wanted.request_object_encryption.apply(alg, enc);
    if let Some(algorithm) = wanted.signing_algorithm {
        metadata.id_token_signed_response_alg = Signing::By(algorithm);
        metadata.access_token_signing_alg = algorithm;
    }
    if let Some(signing) = wanted.id_token_signing {
        metadata.id_token_signed_response_alg = signing.unwrap_or(Signing::By(metadata.access_token_signing_alg));
    }
    if let Some(scope) = wanted.scope {
        metadata.scope = Scope::parse(&scope).map_err(|refusal| wrong(refusal.description))?;
    }
    set_texts(&mut metadata.default_acr_values, wanted.default_acr_values);
    metadata.require_auth_time = wanted.require_auth_time.or(metadata.require_auth_time);
    if let Some(seconds) = wanted.default_max_age {
        metadata.default_max_age = seconds;
    }
    flows::set(metadata, wanted.grant_types, wanted.response_types);
    set_redirect_uris(metadata, wanted.redirect_uris, wanted.application_type)
}

/// Who names only one of the two places has moved the keys there.
fn set_keys(metadata: &mut Metadata, jwks: Option<Value>, jwks_uri: Option<String>) {
    match (&jwks, &jwks_uri) {
        (Some(jwks), None) if !jwks.is_null() => metadata.jwks_uri = None,
        (None, Some(uri)) if !uri.is_empty() => metadata.jwks = None,
        _ => {}
    }
    set_text(&mut metadata.jwks_uri, jwks_uri);
    if let Some(jwks) = jwks {
        metadata.jwks = Some(jwks).filter(|jwks| !jwks.is_null());
    }
}

/// An empty text takes away.
pub(super) fn set_text(own: &mut Option<String>, wanted: Option<String>) {
    if let Some(text) = wanted {
        *own = Some(text).filter(|text| !text.is_empty());
    }
}

fn set_texts(own: &mut Vec<String>, wanted: Option<Vec<String>>) {
    if let Some(texts) = wanted {
        *own = each_once(texts.into_iter().filter(|text| !text.is_empty()));
    }
}

pub(super) fn each_once<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

/// What a redirect URI may be depends on where the client runs.
fn set_redirect_uris(
    metadata: &mut Metadata,
    wanted: Option<Vec<String>>,
    told: Option<ApplicationType>,
) -> Result<(), Refusal> {
    let mut uris: Vec<String> = metadata.redirect_uris.iter().map(RedirectUri::to_string).collect();
    set_texts(&mut uris, wanted);
    metadata.application_type = match told {
        Some(told) => told,
        None if metadata.application_type == ApplicationType::Native => ApplicationType::Native,
        None => application_type(&uris, metadata.token_endpoint_auth_method),
    };
    let uris: Result<Vec<_>, _> = uris.iter().map(|uri| RedirectUri::parse(uri, metadata.application_type)).collect();
    metadata.redirect_uris = uris?;
    Ok(())
}

/// A public client all of whose answers go to the user's own device runs there.
fn application_type(uris: &[String], method: AuthMethod) -> ApplicationType {
    let is_native = method == AuthMethod::None && !uris.is_empty() && uris.iter().all(|uri| !uri.starts_with("https:"));
    if is_native { ApplicationType::Native } else { ApplicationType::Web }
}

fn name(settled: &Settled) -> Result<(), Refusal> {
    let Some(name) = &settled.metadata.client_name else { return Ok(()) };
    // People decide by it.
    if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(text::is_active) {
        return Err(wrong(
            "`client_name` is blank, longer than 100 characters, or has characters that control or hide text",
        ));
    }
    Ok(())
}

fn redirect_uris(settled: &Settled) -> Result<(), Refusal> {
    let metadata = &settled.metadata;
    if !metadata.response_types.is_empty() && metadata.redirect_uris.is_empty() {
        return Err(Refusal::new(
            ErrorCode::InvalidRedirectUri,
            "`redirect_uris` is empty; the answers to authorization requests have to go somewhere",
        ));
    }
    // OIDC Registration §2, `application_type`: tokens themselves travel to it.
    let is_web = metadata.application_type == ApplicationType::Web;
    if is_web
        && metadata.grant_types.contains(&GrantType::Implicit)
        && let Some(other) = metadata.redirect_uris.iter().find(|uri| !uri.is_on_the_web())
    {
        return Err(Refusal::new(
            ErrorCode::InvalidRedirectUri,
            format!(
                "`redirect_uris` has `{other}`; with the grant implicit a web app needs https, and another host than localhost"
            ),
        ));
    }
    if metadata.redirect_uris.len() > MOST_URIS || metadata.post_logout_redirect_uris.len() > MOST_URIS {
        return Err(Refusal::new(ErrorCode::InvalidRedirectUri, "there are more than 100 redirect URIs"));
    }
    for uri in &metadata.post_logout_redirect_uris {
        RedirectUri::parse(uri, metadata.application_type)
            .map_err(|refusal| wrong(format!("in `post_logout_redirect_uris`, {}", refusal.description)))?;
    }
    Ok(())
}

/// RFC 7591 §2: "The jwks_uri and jwks parameters MUST NOT both be present in the same request or response."
fn keys(settled: &Settled) -> Result<(), Refusal> {
    let Metadata { token_endpoint_auth_method: method, jwks, jwks_uri, .. } = &settled.metadata;
    if *method == AuthMethod::ClientSecretJwt && settled.metadata.token_endpoint_auth_signing_alg.is_some() {
        return Err(wrong("`token_endpoint_auth_signing_alg` is for keys, and client_secret_jwt is signed by HS256"));
    }
    match (jwks, jwks_uri) {
        (Some(_), Some(_)) => {
            return Err(wrong("there are both `jwks` and `jwks_uri`; the keys are to be in one place (RFC 7591)"));
        }
        (Some(jwks), None) => {
            let set = JwkSet::read(jwks.to_string().as_bytes());
            let set = set.map_err(|bad| wrong(format!("`jwks` cannot be used: {bad}")))?;
            if set.has_namesakes() {
                return Err(wrong("`jwks` has two keys of one kind under one `kid`"));
            }
            let named = settled.metadata.token_endpoint_auth_signing_alg.as_slice();
            let accepted = if named.is_empty() { Algorithm::ALL } else { named };
            if *method == AuthMethod::PrivateKeyJwt && !set.can_verify(accepted) {
                return Err(wrong("`jwks` has no key for signatures by the algorithm that the client signs with"));
            }
            if *method == AuthMethod::SelfSignedTlsClientAuth && !set.has_certificates() {
                return Err(wrong(
                    "`jwks` has no key with its certificate (`x5c`), by which the client is to be known",
                ));
            }
        }
        (None, Some(uri)) if !is_web_address(uri) => {
            return Err(wrong(format!("`jwks_uri` is `{uri}`; expected {WEB_ADDRESS}")));
        }
        (None, None) if *method == AuthMethod::PrivateKeyJwt => {
            return Err(wrong("private_key_jwt needs the public keys of the client, as `jwks` or `jwks_uri`"));
        }
        (None, None) if *method == AuthMethod::SelfSignedTlsClientAuth => {
            return Err(wrong(
                "self_signed_tls_client_auth needs the certificates of the client, as the `x5c` of keys in `jwks` or `jwks_uri`",
            ));
        }
        _ => {}
    }
    Ok(())
}

/// RFC 8705 §2.1.2: by one name, which only a certificate that an authority vouches for needs.
fn certificate(settled: &Settled) -> Result<(), Refusal> {
    let is_vouched_for = settled.metadata.token_endpoint_auth_method == AuthMethod::TlsClientAuth;
    match &settled.metadata.certificate_name {
        Some(name) if is_vouched_for => name.check(),
        None if is_vouched_for => Err(wrong(
            "tls_client_auth needs the name of the client's certificate, such as `tls_client_auth_subject_dn`",
        )),
        Some(_) => Err(wrong("a name of the client's certificate (`tls_client_auth_…`) is for tls_client_auth alone")),
        None => Ok(()),
    }
}

fn scope(settled: &Settled) -> Result<(), Refusal> {
    for token in settled.metadata.scope.iter() {
        let is_unclear = token.contains('*') || token.starts_with("org:");
        if classify(token) == ScopeToken::Unknown && is_unclear {
            return Err(wrong(format!(
                "`scope` has `{token}`, which is no pattern such as kb:* or *:read, nor org:acme"
            )));
        }
    }
    Ok(())
}

fn contacts(settled: &Settled) -> Result<(), Refusal> {
    for contact in &settled.metadata.contacts {
        let is_address = contact.len() <= 254
            && !contact.chars().any(|c| c.is_control() || c.is_whitespace())
            && contact.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        if !is_address {
            return Err(wrong(format!("`contacts` has `{contact}`; expected an e-mail address")));
        }
    }
    Ok(())
}

fn sign_outs(settled: &Settled) -> Result<(), Refusal> {
    logout::check(&settled.metadata)
}

fn max_age(settled: &Settled) -> Result<(), Refusal> {
    match settled.metadata.default_max_age {
        Some(seconds) if seconds < 0 => {
            Err(wrong(format!("`default_max_age` is {seconds}; expected a number of seconds")))
        }
        _ => Ok(()),
    }
}

/// A request says the same divided by spaces.
fn acr_values(settled: &Settled) -> Result<(), Refusal> {
    let values = &settled.metadata.default_acr_values;
    let is_word = |value: &String| value.len() <= 200 && value.bytes().all(|byte| byte.is_ascii_graphic());
    match values.iter().find(|value| !is_word(value)) {
        Some(bad) => {
            Err(wrong(format!("`default_acr_values` has `{bad}`; expected words such as those of `acr_values`")))
        }
        None if values.len() > MOST_URIS => Err(wrong("`default_acr_values` has more than 100 values")),
        None => Ok(()),
    }
}

/// Of one kind.
pub(super) const MOST_URIS: usize = 100;

/// What cannot be registered (RFC 7591 §3.2.2).
pub(super) fn wrong(what: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(ErrorCode::InvalidClientMetadata, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ResponseType;

    fn new(wanted: Wanted) -> Result<Settled, Refusal> {
        settle(Settled::nothing(false), wanted, true)
    }

    fn web() -> Wanted {
        Wanted { redirect_uris: Some(vec!["https://a.example/cb".into()]), ..Wanted::default() }
    }

    fn refused(wanted: Wanted, code: ErrorCode, named: &str) {
        let refusal = new(wanted).expect_err(named);
        assert_eq!(refusal.code, code, "{}", refusal.description);
        assert!(refusal.description.contains(named), "{}", refusal.description);
    }

    #[test]
    fn what_is_left_out_takes_its_default() {
        let settled = new(web()).unwrap();
        assert_eq!(settled.metadata.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
        assert_eq!(settled.metadata.response_types, [ResponseType::Code]);
        assert_eq!(settled.metadata.scope.to_string(), "openid profile email address phone offline_access");
        assert_eq!(settled.metadata.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
        assert_eq!(settled.metadata.application_type, ApplicationType::Web);
        assert!(settled.require_pkce && !settled.first_party);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let bad = ErrorCode::InvalidClientMetadata;
        refused(Wanted::default(), ErrorCode::InvalidRedirectUri, "redirect_uris");
        refused(
            Wanted { redirect_uris: Some(vec!["http://a.example/cb".into()]), ..web() },
            ErrorCode::InvalidRedirectUri,
            "http://a.example/cb",
        );
        refused(Wanted { client_name: Some(" ".into()), ..web() }, bad, "client_name");
        refused(Wanted { client_name: Some("evil\u{202e}live".into()), ..web() }, bad, "client_name");
        refused(Wanted { logo_uri: Some("javascript:alert(1)".into()), ..web() }, bad, "logo_uri");
        refused(Wanted { policy_uri: Some("http://a.example".into()), ..web() }, bad, "policy_uri");
        refused(Wanted { tos_uri: Some("https://u:p@a.example".into()), ..web() }, bad, "tos_uri");
        refused(Wanted { contacts: Some(vec!["nobody".into()]), ..web() }, bad, "nobody");
        refused(Wanted { grant_types: Some(vec![GrantType::Implicit]), ..web() }, bad, "`id_token`");
        let implicit = |uri: &str| Wanted {
            redirect_uris: Some(vec![uri.into()]),
            response_types: Some(vec![ResponseType::IdToken]),
            ..Wanted::default()
        };
        let at = ErrorCode::InvalidRedirectUri;
        refused(implicit("https://localhost/cb"), at, "https://localhost/cb");
        refused(implicit("http://127.0.0.1/cb"), at, "http://127.0.0.1/cb");
        assert_eq!(new(implicit("https://a.example/cb")).unwrap().metadata.grant_types, [GrantType::Implicit]);
        refused(Wanted { response_types: Some(vec![]), ..web() }, bad, "grant_types");
        let code = Some(vec![GrantType::AuthorizationCode]);
        refused(Wanted { response_types: Some(vec![]), grant_types: code, ..web() }, bad, "need each other");
        refused(Wanted { grant_types: Some(vec![]), ..web() }, bad, "grant_types");
        refused(Wanted { grant_types: Some(vec![GrantType::RefreshToken]), ..web() }, bad, "refresh_token");
        let keyed = || Wanted { token_endpoint_auth_method: Some(AuthMethod::PrivateKeyJwt), ..web() };
        refused(keyed(), bad, "needs the public keys");
        refused(Wanted { jwks: Some(serde_json::json!({ "keys": [] })), ..keyed() }, bad, "jwks");
        refused(Wanted { jwks_uri: Some("http://a.example/keys".into()), ..keyed() }, bad, "http://a.example/keys");
        let both = Wanted { jwks: Some(serde_json::json!({ "keys": [] })), ..keyed() };
        refused(Wanted { jwks_uri: Some("https://a.example/keys".into()), ..both }, bad, "both");
        let named = || Some(super::super::CertificateName::SanDns("a.example".into()));
        refused(Wanted { certificate_name: named(), ..web() }, bad, "alone");
        let by = |method| Wanted { token_endpoint_auth_method: Some(method), ..web() };
        refused(by(AuthMethod::TlsClientAuth), bad, "tls_client_auth_subject_dn");
        assert!(new(Wanted { certificate_name: named(), ..by(AuthMethod::TlsClientAuth) }).is_ok());
        refused(by(AuthMethod::SelfSignedTlsClientAuth), bad, "x5c");
        refused(Wanted { scope: Some("openid kb*".into()), ..web() }, bad, "kb*");
        refused(Wanted { scope: Some("openid org:*".into()), ..web() }, bad, "org:*");
        refused(Wanted { default_max_age: Some(Some(-1)), ..web() }, bad, "default_max_age");
        refused(Wanted { default_acr_values: Some(vec!["gold silver".into()]), ..web() }, bad, "gold silver");
        refused(
            Wanted { post_logout_redirect_uris: Some(vec!["javascript:alert(1)".into()]), ..web() },
            bad,
            "post_logout_redirect_uris",
        );
        let public = || Wanted { token_endpoint_auth_method: Some(AuthMethod::None), ..web() };
        refused(Wanted { require_pkce: Some(false), ..public() }, bad, "PKCE");
        refused(
            Wanted { grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::ClientCredentials]), ..public() },
            bad,
            "client_credentials",
        );
    }

    #[test]
    fn a_public_client_on_the_users_own_device_is_native() {
        let with = |uri: &str, method| Wanted {
            redirect_uris: Some(vec![uri.into()]),
            token_endpoint_auth_method: Some(method),
            ..Wanted::default()
        };
        for uri in ["http://127.0.0.1/cb", "http://localhost:3000/cb", "com.example.app:/cb"] {
            let settled = new(with(uri, AuthMethod::None)).unwrap();
            assert_eq!(settled.metadata.application_type, ApplicationType::Native, "{uri}");
        }
        let settled = new(with("https://a.example/cb", AuthMethod::None)).unwrap();
        assert_eq!(settled.metadata.application_type, ApplicationType::Web);
        let settled = new(with("http://localhost:8081/cb", AuthMethod::ClientSecretBasic)).unwrap();
        assert_eq!(settled.metadata.application_type, ApplicationType::Web);
        refused(with("com.example.app:/cb", AuthMethod::ClientSecretBasic), ErrorCode::InvalidRedirectUri, "native");
        let told = Wanted {
            application_type: Some(ApplicationType::Native),
            ..with("com.example.app:/cb", AuthMethod::ClientSecretBasic)
        };
        assert!(new(told).is_ok());
    }

    #[test]
    fn a_change_leaves_the_rest_as_it_is_and_an_empty_text_takes_away() {
        let before =
            new(Wanted { client_name: Some("Wiki".into()), logo_uri: Some("https://a.example/l".into()), ..web() })
                .unwrap();
        let change = Wanted { scope: Some("openid".into()), logo_uri: Some(String::new()), ..Wanted::default() };
        let own = Settled { metadata: before.metadata.clone(), first_party: true, ..Settled::nothing(false) };
        let after = settle(own, change, false).unwrap();
        assert_eq!(after.metadata.scope.to_string(), "openid");
        assert_eq!(after.metadata.logo_uri, None);
        assert_eq!(after.metadata.client_name.as_deref(), Some("Wiki"));
        assert_eq!(after.metadata.redirect_uris, before.metadata.redirect_uris);
        assert!(after.first_party);
    }

    #[test]
    fn what_is_kept_reads_back_to_the_same() {
        let metadata = new(Wanted { client_name: Some("Wiki".into()), ..web() }).unwrap().metadata;
        let text = serde_json::to_string(&metadata).unwrap();
        assert_eq!(serde_json::from_str::<Metadata>(&text).unwrap(), metadata);
        assert!(serde_json::from_str::<Metadata>("{}").is_ok(), "a registration of an older version still reads");
    }
}
