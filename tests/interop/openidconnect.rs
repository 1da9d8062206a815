//! cargo add axum openidconnect serde_json && cargo add tokio --features full

use std::{collections::HashMap, env, error::Error, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect},
    routing::get,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims},
    reqwest,
    url::Url,
};

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;
type App = Arc<(Client, reqwest::Client)>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = env::var("ISSUER").unwrap_or("http://localhost:8080".into());
    let port = env::var("PORT").unwrap_or("3000".into());
    let secret = ClientSecret::new(env::var("CLIENT_SECRET")?);

    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let provider = CoreProviderMetadata::discover_async(IssuerUrl::new(issuer)?, &http).await?;
    let client = CoreClient::from_provider_metadata(provider, ClientId::new("wiki".into()), Some(secret))
        .set_redirect_uri(RedirectUrl::new(format!("http://localhost:{port}/callback"))?);

    let routes = Router::new().route("/", get(sign_in)).route("/callback", get(callback));
    let listener = tokio::net::TcpListener::bind(format!("localhost:{port}")).await?;
    Ok(axum::serve(listener, routes.with_state(Arc::new((client, http)))).await?)
}

async fn sign_in(State(app): State<App>) -> impl IntoResponse {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let (to, state, nonce) = (app.0.authorize_url(flow, CsrfToken::new_random, Nonce::new_random))
        .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.into())))
        .set_pkce_challenge(challenge)
        .url();
    let begun = format!("begun={}.{}.{}", state.secret(), verifier.secret(), nonce.secret());
    ([("set-cookie", begun + "; HttpOnly; SameSite=Lax; Path=/")], Redirect::to(to.as_str()))
}

async fn callback(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Result<String, (StatusCode, String)> {
    who_came_back(&app, &headers, &uri).await.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

async fn who_came_back(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<String, Box<dyn Error + Send + Sync>> {
    let (client, http) = &**app;
    let cookies = headers.get("cookie").ok_or("no sign-in was begun here")?.to_str()?;
    let begun = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("begun=")).unwrap_or_default();
    let begun: Vec<String> = begun.split('.').map(str::to_owned).collect();
    let Ok([state, verifier, nonce]) = <[String; 3]>::try_from(begun) else {
        return Err("no sign-in was begun here".into());
    };
    let mut answer: HashMap<String, String> =
        Url::parse("http://localhost")?.join(&uri.to_string())?.query_pairs().into_owned().collect();
    if answer.get("state") != Some(&state) {
        return Err("this answer belongs to another sign-in".into());
    }
    let code = answer.remove("code").ok_or_else(|| format!("{answer:?}"))?;

    let exchange = client.exchange_code(AuthorizationCode::new(code))?;
    let tokens = exchange.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(http).await?;
    let id_token = tokens.id_token().ok_or("no ID token came")?;
    let claims = id_token.claims(&client.id_token_verifier(), &Nonce::new(nonce))?;
    let userinfo = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))?;
    let user: CoreUserInfoClaims = userinfo.request_async(http).await?;
    Ok(serde_json::to_string(&user)?)
}
