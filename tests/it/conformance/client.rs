//! A client as the suite has one: registered by the operator or by itself, and proving itself in one of several ways.

use std::sync::LazyLock;

use axum::http::StatusCode;
use latchkey::{
    clients::registration::{self, New, Wanted},
    protocol::{AuthMethod, GrantType, ResponseType},
};
use serde_json::{Value, json};

use super::{
    browser, checks,
    plans::{Registration, Variant},
    site::Site,
};
use crate::{
    client_keys::{JWT_BEARER, OwnKey},
    world::{Answer, basic, encode},
};

/// Where answers come to.
pub(super) const CALLBACK: &str = "https://app.example/test/a/latchkey/callback";

/// Where a user comes to who has signed out.
pub(super) const SIGNED_OUT: &str = "https://app.example/test/a/latchkey/post_logout_redirect";

/// Keys take long to make; what they sign is told apart by the client's id.
pub(super) static KEY: LazyLock<OwnKey> = LazyLock::new(|| OwnKey::rsa("first"));
pub(super) static OTHER_KEY: LazyLock<OwnKey> = LazyLock::new(|| OwnKey::rsa("second"));

/// A client, as its own program knows it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<String>,
    pub(super) auth: String,
    /// What the server said of it, if it has registered itself.
    pub(super) registered: Option<Value>,
}

/// What the suite registers for a variant (OIDC Registration §2).
pub(super) fn metadata(variant: Variant) -> Value {
    let mut grants = Vec::new();
    if variant.gives("code") {
        grants.push("authorization_code");
    }
    if variant.response_type != "code" {
        grants.push("implicit");
    }
    json!({
        "client_name": "First app",
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [SIGNED_OUT],
        "grant_types": grants,
        "response_types": [variant.response_type],
        "token_endpoint_auth_method": variant.auth,
        "jwks": KEY.set(),
        "contacts": ["certification@oidf.org"],
    })
}

/// Have a client register itself; what the server says of it is whole.
pub(super) async fn register(site: &Site, metadata: &Value) -> Client {
    let answer = asks_to_register(site, metadata).await;
    let registered = checks::json(&answer, StatusCode::CREATED);
    assert!(registered.get("error").is_none(), "{registered}");
    let secret = registered.get("client_secret").map(|secret| secret.as_str().expect("a text").to_owned());
    assert!(secret.is_none() || registered["client_secret_expires_at"].is_i64(), "{registered}");
    let needs_secret = checks::text(&registered, "token_endpoint_auth_method").starts_with("client_secret_");
    // The keys of HMAC are made of it (OIDC Core §16.19).
    assert!(!needs_secret || secret.as_ref().is_some_and(|secret| secret.len() >= 32), "{registered}");
    checks::https(checks::text(&registered, "registration_client_uri"));
    checks::bearer(checks::text(&registered, "registration_access_token"));
    Client {
        id: checks::text(&registered, "client_id").to_owned(),
        secret,
        auth: checks::text(&registered, "token_endpoint_auth_method").to_owned(),
        registered: Some(registered),
    }
}

pub(super) async fn asks_to_register(site: &Site, metadata: &Value) -> Answer {
    let request = site.http.post(site.at("registration_endpoint"));
    browser::answer(request.header("content-type", "application/json").body(metadata.to_string())).await
}

/// Have the operator register a client, who does not know of the metadata that only the client itself could tell.
pub(super) async fn create(site: &Site, variant: Variant, change: impl FnOnce(&mut Wanted)) -> Client {
    let auth = AuthMethod::of(variant.auth).expect("a way that the server has");
    let response_type = ResponseType::read(variant.response_type).expect("a type that the server has");
    let mut grants = response_type.grants();
    if response_type.has_code() {
        grants.push(GrantType::RefreshToken);
    }
    let mut wanted = Wanted {
        client_name: Some("First app".to_owned()),
        redirect_uris: Some(vec![CALLBACK.to_owned()]),
        post_logout_redirect_uris: Some(vec![SIGNED_OUT.to_owned()]),
        grant_types: Some(grants),
        response_types: Some(vec![response_type]),
        token_endpoint_auth_method: Some(auth),
        require_pkce: Some(false),
        ..Wanted::default()
    };
    if auth == AuthMethod::PrivateKeyJwt {
        wanted.jwks = Some(KEY.set());
    }
    change(&mut wanted);
    let server = &site.world.server;
    let new = New { wanted, ..New::default() };
    let (client, secret) = registration::create(&server.registry, new, site.world.now(), &server.random)
        .await
        .expect("the operator registers it");
    let secret = secret.map(|secret| secret.expose().to_owned());
    Client { id: client.id, secret, auth: variant.auth.to_owned(), registered: None }
}

impl Client {
    /// The client of a variant.
    pub(super) async fn of(site: &Site, variant: Variant) -> Self {
        match variant.registration {
            Registration::Dynamic => register(site, &metadata(variant)).await,
            _ => create(site, variant, |_| {}).await,
        }
    }

    /// Ask an endpoint that clients prove themselves at.
    pub(super) async fn asks(&self, site: &Site, endpoint: &str, fields: &[(&str, &str)]) -> Answer {
        self.asks_with(site, endpoint, fields, &KEY, json!(site.at("token_endpoint"))).await
    }

    /// The same; if by what it signs, then by that key and for that audience.
    pub(super) async fn asks_with(
        &self,
        site: &Site,
        endpoint: &str,
        fields: &[(&str, &str)],
        key: &OwnKey,
        audience: Value,
    ) -> Answer {
        let url = site.at(endpoint);
        assert!(site.has("token_endpoint_auth_methods_supported", &self.auth), "{} is not listed", self.auth);
        let mut request = site.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        let mut fields = fields.to_vec();
        let secret = self.secret.clone().unwrap_or_default();
        let assertion = self.assertion(site, key, audience);
        match self.auth.as_str() {
            "client_secret_basic" => request = request.header("authorization", basic(&self.id, &secret)),
            "client_secret_post" => fields.extend([("client_id", self.id.as_str()), ("client_secret", &secret)]),
            "none" => fields.push(("client_id", &self.id)),
            _ => fields.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)]),
        }
        browser::answer(request.body(encode(&fields))).await
    }

    /// What it proves itself with, if by what it signs.
    fn assertion(&self, site: &Site, key: &OwnKey, audience: Value) -> String {
        let now = site.world.now().0;
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": audience, "exp": now + 60, "iat": now, "jti": site.random(43),
        });
        match self.auth.as_str() {
            "private_key_jwt" => key.signs(&claims),
            _ => String::new(),
        }
    }

    /// Ask its registration something, by its own token.
    pub(super) async fn looks_after(&self, site: &Site, method: reqwest::Method) -> Answer {
        let registered = self.registered.as_ref().expect("it has registered itself");
        let request = site.http.request(method, checks::text(registered, "registration_client_uri"));
        browser::answer(request.bearer_auth(checks::text(registered, "registration_access_token"))).await
    }

    /// Take back its registration, as the suite does at the end of each module.
    pub(super) async fn leaves(&self, site: &Site) {
        if self.registered.is_some() {
            let answer = self.looks_after(site, reqwest::Method::DELETE).await;
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
        }
    }
}
