//! The sample app's side of OpenID Connect, written as any app would write it: with a stock client library.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndSessionUrl, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    SignatureVerificationError, TokenResponse, UserInfoError,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
        CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreIdToken, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode,
        CoreResponseType, CoreSubjectIdentifierType, CoreTokenResponse,
    },
    reqwest,
    url::Url,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An app that lets people sign in with an OpenID provider. All it is told are the issuer, its credentials,
/// its own addresses and the scopes it wants; the rest comes by discovery.
pub(super) struct RelyingParty {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    redirect_uri: RedirectUrl,
    after_logout: PostLogoutRedirectUrl,
    scopes: Vec<Scope>,
    http: reqwest::Client,
    provider: Mutex<Option<Arc<Provider>>>,
}

/// What the app is told by whoever sets it up.
pub(super) struct Registration<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a str,
    pub(super) redirect_uri: String,
    pub(super) after_logout: String,
    pub(super) scope: &'a str,
}

/// A provider as discovery describes it, and the client library set up for it.
struct Provider {
    metadata: Metadata,
    client: Client,
}

type Metadata = ProviderMetadata<
    Extra,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// What the library's own metadata leaves out: RP-initiated logout, and RFC 9207.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Extra {
    end_session_endpoint: Option<EndSessionUrl>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Extra {}

/// The claims of userinfo that the library has no names for: organisations and roles.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

/// A sign-in that has begun and not come back.
pub(super) struct Begun {
    /// Where the browser goes.
    pub(super) url: Url,
    /// What the answer is recognised by.
    pub(super) state: String,
    /// What the app alone knows of it.
    pub(super) proof: Proof,
}

/// What the app keeps while the browser is away; it is used once.
pub(super) struct Proof {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// What the provider gave, checked.
#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) id_token: CoreIdToken,
    pub(super) access_token: AccessToken,
    pub(super) refresh_token: Option<RefreshToken>,
    subject: String,
}

/// What goes wrong between an app and its provider.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// The provider said no, in OAuth's words.
    Refused { code: String, description: Option<String>, uri: Option<String> },
    /// The provider does not answer, or not in a way that can be read.
    NoAnswer(String),
    /// The answer cannot be trusted, or does not belong here.
    Untrusted(String),
}

impl RelyingParty {
    /// Set the app up; nothing is fetched yet.
    pub(super) fn new(
        registration: Registration<'_>,
        http: reqwest::Client,
    ) -> Result<Self, openidconnect::url::ParseError> {
        Ok(Self {
            issuer: IssuerUrl::new(registration.issuer.to_owned())?,
            client_id: ClientId::new(registration.client_id.to_owned()),
            client_secret: ClientSecret::new(registration.client_secret.to_owned()),
            redirect_uri: RedirectUrl::new(registration.redirect_uri)?,
            after_logout: PostLogoutRedirectUrl::new(registration.after_logout)?,
            scopes: registration
                .scope
                .split(' ')
                // The library adds `openid` itself.
                .filter(|token| *token != "openid")
                .map(|token| Scope::new(token.to_owned()))
                .collect(),
            http,
            provider: Mutex::default(),
        })
    }

    /// The issuer's URL.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Begin a sign-in: a fresh state, nonce and PKCE verifier.
    pub(super) async fn begin(&self, prompt: Option<CoreAuthPrompt>) -> Result<Begun, Trouble> {
        let provider = self.provider().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = provider
            .client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(challenge);
        if let Some(prompt) = prompt {
            request = request.add_prompt(prompt);
        }
        let (url, state, nonce) = request.url();
        Ok(Begun { url, state: state.into_secret(), proof: Proof { nonce, verifier } })
    }

    /// RFC 9207 §2.4: an answer of another issuer is not ours to redeem (the mix-up attack).
    pub(super) async fn check_issuer(&self, iss: Option<&str>) -> Result<(), Trouble> {
        let promised =
            self.provider().await?.metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match iss {
            Some(iss) if iss == self.issuer() => Ok(()),
            None if !promised => Ok(()),
            Some(other) => {
                Err(Trouble::Untrusted(format!("The answer names {other} as its issuer, not {}.", self.issuer())))
            }
            None => Err(Trouble::Untrusted("The answer does not say which issuer it comes from.".to_owned())),
        }
    }

    /// Exchange the code for tokens and check them.
    pub(super) async fn redeem(&self, code: &str, proof: Proof) -> Result<Tokens, Trouble> {
        let provider = self.provider().await?;
        let answer = provider
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| no_endpoint("token"))?
            .set_pkce_verifier(proof.verifier)
            .request_async(&self.http)
            .await
            .map_err(refused)?;
        let id_token = answer.id_token().ok_or_else(|| untrusted("The answer holds no ID token."))?.clone();
        let subject = self.check(&provider, &id_token, answer.access_token(), Some(&proof.nonce)).await?;
        Ok(Self::tokens(&answer, id_token, subject, None))
    }

    /// Exchange the refresh token for new tokens and check those.
    pub(super) async fn refresh(&self, old: &Tokens) -> Result<Tokens, Trouble> {
        let provider = self.provider().await?;
        let refresh_token = old.refresh_token.as_ref().ok_or_else(|| untrusted("Latchkey gave no refresh token."))?;
        let answer = provider
            .client
            .exchange_refresh_token(refresh_token)
            .map_err(|_| no_endpoint("token"))?
            .request_async(&self.http)
            .await
            .map_err(refused)?;
        let id_token = match answer.id_token() {
            Some(id_token) => {
                // OIDC Core §12.2: the new ID token is about the same person.
                if self.check(&provider, id_token, answer.access_token(), None).await? != old.subject {
                    return Err(untrusted("The new ID token is about somebody else."));
                }
                id_token.clone()
            }
            None => old.id_token.clone(),
        };
        Ok(Self::tokens(&answer, id_token, old.subject.clone(), old.refresh_token.as_ref()))
    }

    /// Ask who the access token is about. The library checks that `sub` is the same (OIDC Core §5.3.2).
    pub(super) async fn userinfo(&self, tokens: &Tokens) -> Result<Map<String, Value>, Trouble> {
        let provider = self.provider().await?;
        let subject = openidconnect::SubjectIdentifier::new(tokens.subject.clone());
        let claims = provider
            .client
            .user_info(tokens.access_token.clone(), Some(subject))
            .map_err(|_| no_endpoint("userinfo"))?
            .request_async::<OtherClaims, _, CoreGenderClaim>(&self.http)
            .await
            .map_err(userinfo_trouble)?;
        match serde_json::to_value(&claims) {
            Ok(Value::Object(claims)) => Ok(claims),
            _ => Err(Trouble::NoAnswer("The userinfo answer is no JSON object.".to_owned())),
        }
    }

    /// Where the browser goes to sign out of the provider as well (RP-initiated logout); none if it offers that not.
    pub(super) async fn logout_url(&self, tokens: &Tokens, state: &str) -> Result<Option<Url>, Trouble> {
        let endpoint = self.provider().await?.metadata.additional_metadata().end_session_endpoint.clone();
        Ok(endpoint.map(|endpoint| {
            LogoutRequest::from(endpoint)
                .set_id_token_hint(&tokens.id_token)
                .set_client_id(self.client_id.clone())
                .set_post_logout_redirect_uri(self.after_logout.clone())
                .set_state(CsrfToken::new(state.to_owned()))
                .http_get_url()
        }))
    }

    fn tokens(
        answer: &CoreTokenResponse,
        id_token: CoreIdToken,
        subject: String,
        old: Option<&RefreshToken>,
    ) -> Tokens {
        Tokens {
            id_token,
            access_token: answer.access_token().clone(),
            // RFC 6749 §6: if no new refresh token is issued, the old one stays.
            refresh_token: answer.refresh_token().or(old).cloned(),
            subject,
        }
    }

    /// Check an ID token (OIDC Core §3.1.3.7) and that the access token came with it; gives the `sub`.
    async fn check(
        &self,
        provider: &Provider,
        id_token: &CoreIdToken,
        access_token: &AccessToken,
        nonce: Option<&Nonce>,
    ) -> Result<String, Trouble> {
        match provider.check(id_token, access_token, nonce) {
            // The keys have been rotated since they were fetched.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                self.discover().await?.check(id_token, access_token, nonce)
            }
            done => done,
        }
        .map_err(|error| match error {
            ClaimsVerificationError::SignatureVerification(cause) => {
                Trouble::Untrusted(format!("The ID token's signature: {cause}."))
            }
            other => Trouble::Untrusted(format!("The ID token: {other}.")),
        })
    }

    /// The provider, discovered at the first use.
    async fn provider(&self) -> Result<Arc<Provider>, Trouble> {
        let known = self.provider.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(provider) => Ok(provider),
            None => self.discover().await,
        }
    }

    async fn discover(&self) -> Result<Arc<Provider>, Trouble> {
        let metadata = Metadata::discover_async(self.issuer.clone(), &self.http)
            .await
            .map_err(|error| Trouble::NoAnswer(format!("Discovery at {} failed: {}.", self.issuer(), chain(&error))))?;
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            self.client_id.clone(),
            Some(self.client_secret.clone()),
        )
        .set_redirect_uri(self.redirect_uri.clone());
        let provider = Arc::new(Provider { metadata, client });
        *self.provider.lock().unwrap_or_else(PoisonError::into_inner) = Some(provider.clone());
        Ok(provider)
    }
}

impl Provider {
    fn check(
        &self,
        id_token: &CoreIdToken,
        access_token: &AccessToken,
        nonce: Option<&Nonce>,
    ) -> Result<String, ClaimsVerificationError> {
        let verifier =
            self.client.id_token_verifier().set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256]);
        let claims = match nonce {
            Some(nonce) => id_token.claims(&verifier, nonce)?,
            // OIDC Core §12.2: after a refresh the nonce may be left out.
            None => id_token.claims(&verifier, |_: Option<&Nonce>| Ok(()))?,
        };
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = id_token.signing_alg().map_err(ClaimsVerificationError::SignatureVerification)?;
            let key = id_token.signing_key(&verifier).map_err(ClaimsVerificationError::SignatureVerification)?;
            let actual = AccessTokenHash::from_token(access_token, algorithm, key)
                .map_err(|error| ClaimsVerificationError::Other(error.to_string()))?;
            if actual != *expected {
                return Err(ClaimsVerificationError::Other("at_hash is that of another access token".to_owned()));
            }
        }
        Ok(claims.subject().to_string())
    }
}

/// An HTTP client for apps and resource servers: no redirects (an answer from elsewhere is no answer), no proxy
/// (everything is on this machine), and patience that ends.
pub(super) fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(15))
        .build()
}

fn untrusted(what: &str) -> Trouble {
    Trouble::Untrusted(what.to_owned())
}

fn no_endpoint(name: &str) -> Trouble {
    Trouble::NoAnswer(format!("Discovery names no {name} endpoint."))
}

type TokenError<E> = RequestTokenError<E, openidconnect::StandardErrorResponse<CoreErrorResponseType>>;

fn refused<E: std::error::Error + 'static>(error: TokenError<E>) -> Trouble {
    match error {
        RequestTokenError::ServerResponse(answer) => Trouble::Refused {
            code: answer.error().as_ref().to_owned(),
            description: answer.error_description().cloned(),
            uri: answer.error_uri().cloned(),
        },
        RequestTokenError::Request(cause) => Trouble::NoAnswer(format!("The token endpoint: {}.", chain(&cause))),
        RequestTokenError::Parse(cause, _) => {
            Trouble::NoAnswer(format!("The token endpoint's answer cannot be read: {cause}."))
        }
        RequestTokenError::Other(what) => Trouble::NoAnswer(format!("The token endpoint: {what}.")),
    }
}

fn userinfo_trouble<E: std::error::Error + 'static>(error: UserInfoError<E>) -> Trouble {
    match error {
        UserInfoError::Response(status, body, _) => {
            let answer: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
            let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
            Trouble::Refused {
                code: text("error").unwrap_or_else(|| format!("HTTP {status}")),
                description: text("error_description"),
                uri: None,
            }
        }
        UserInfoError::ClaimsVerification(cause) => Trouble::Untrusted(format!("The userinfo answer: {cause}.")),
        other => Trouble::NoAnswer(format!("The userinfo endpoint: {}.", chain(&other))),
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text: Cow<'_, str> = cause.to_string().into();
        if !text.contains(cause_text.as_ref()) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
