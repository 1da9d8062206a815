//! Signing out, by an app's wish or one's own (OIDC RP-Initiated Logout 1.0, product decision 12).

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};

use crate::{
    accounts,
    clients::{Client, Subjects},
    protocol::{ErrorCode, Params, Readable, RedirectUri, Refusal, Timestamp},
    server::Server,
    store::{self, StoreError, session_clients},
    tokens::id_token::{self, HintClaims},
    web::{
        csrf,
        form::{Form, FormBody},
        headers::{self, PagePolicy},
        locale::Locale,
        page::{self, Behind, PageError},
        parties,
        session::{BrowserSession, SignedIn},
        views::{self, SignOutView, SignedOutView, SigningOutView},
        visitor::Visitor,
    },
};

/// Where apps send their users to sign out, and people go themselves.
pub const LOGOUT: &str = "/logout";

/// Where the page that asks sends its answer.
pub const CONFIRM: &str = "/logout/confirm";

/// Where one ends up when no app is waiting.
pub const SIGNED_OUT: &str = "/logout/done";

/// `GET /logout`.
///
/// # Errors
/// A page, for a hint that is not ours or a URI that is not registered; then nothing has happened.
pub async fn get(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let params = Params::parse(query.unwrap_or_default().as_bytes()).map_err(PageError::sign_out)?;
    let wish = Wish::read(&server, params).await?;
    match browser.signed_in(&server, now).await? {
        // Nothing to ask, and nothing to end.
        None => Ok(wish.done(&server)),
        Some(signed_in) if wish.is_from(&server, &signed_in) => {
            let frames = end(&server, &browser, &signed_in, "signed out", now).await?;
            Ok(wish.carried_out(&server, &visitor, &frames))
        }
        Some(signed_in) => ask(&server, &visitor, &browser, &wish, &signed_in).await,
    }
}

/// `POST /logout`: a GET with the same parameters, since a POST from another site brings no `Lax` cookie.
///
/// # Errors
/// A page, for parameters that cannot be read.
pub async fn post(
    State(server): State<Arc<Server>>,
    RawQuery(query): RawQuery,
    body: Result<FormBody, PageError>,
) -> Result<Response, PageError> {
    let FormBody(body) = body.map_err(PageError::of_sign_out)?;
    let params = Readable::of_post(query.as_deref(), &body).whole().map_err(PageError::sign_out)?;
    Ok(page::see_other(&server, &with_query(LOGOUT, &params)))
}

/// `POST /logout/confirm`: the user's own yes or no.
///
/// # Errors
/// A page, when the form comes from elsewhere.
pub async fn confirm(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Form(form): Form,
) -> Result<Response, PageError> {
    let now = server.clock.now();
    let wanted: Params = WISH.iter().filter_map(|name| Some((*name, form.get(name)?.to_owned()))).collect();
    if !csrf::is_current(&server, &visitor, &browser, &form).await? {
        // An old tab: ask again, or say that it is done.
        return Ok(page::see_other(&server, &format!("{LOGOUT}?{}", wanted.to_query())));
    }
    let wish = Wish::read(&server, wanted).await?;
    if form.get("action") == Some("cancel") {
        return Ok(page::see_other(&server, super::account::ACCOUNT));
    }
    let frames = match browser.signed_in(&server, now).await? {
        Some(signed_in) => end(&server, &browser, &signed_in, "signed out", now).await?,
        None => Vec::new(),
    };
    Ok(wish.carried_out(&server, &visitor, &frames))
}

/// `GET /logout/done`.
///
/// # Errors
/// When the database cannot.
pub async fn signed_out(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let Behind { back, ui_locales } = Behind::find(&server, &query.unwrap_or_default()).await?;
    let locale = visitor.locale(ui_locales.as_deref());
    let html = views::signed_out(&visitor.frame(locale), &SignedOutView { back });
    Ok(headers::page(html, PagePolicy { has_form: false, ..PagePolicy::default() }))
}

/// The parameters of a sign-out.
const WISH: &[&str] = &["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"];

/// A sign-out that may be carried out.
struct Wish {
    params: Params,
    hint: Option<HintClaims>,
    /// As whom the client of the hint knows its users.
    subjects: Option<Subjects>,
    client: Option<Arc<Client>>,
    /// Where to go afterwards: registered by that client.
    redirect_uri: Option<String>,
}

impl Wish {
    async fn read(server: &Server, params: Params) -> Result<Self, PageError> {
        let refuse = |why: &'static str| Err(PageError::sign_out(Refusal::new(ErrorCode::InvalidRequest, why)));
        let hint = match params.get("id_token_hint") {
            None => None,
            // OIDC RP-Initiated Logout §2: an expired hint is as good as another.
            Some(text) => match id_token::read_hint(&server.keyring, &server.settings.issuer, text) {
                Some(hint) => Some(hint),
                None => return refuse("`id_token_hint` is not an ID token of this server"),
            },
        };
        let named = params.get("client_id");
        if let (Some(hint), Some(named)) = (&hint, named)
            && hint.aud != named
        {
            return refuse("`client_id` is not the client that `id_token_hint` was issued to");
        }
        let client = match hint.as_ref().map(|hint| hint.aud.as_str()).or(named) {
            None => None,
            Some(id) => server.registry.find(id).await?,
        };
        let subjects = client.as_deref().map(Subjects::of);
        let client = client.filter(|client| client.enabled);
        let redirect_uri = match (params.get("post_logout_redirect_uri"), &client) {
            (None, _) => None,
            (Some(uri), Some(client)) if client.metadata.post_logout_redirect_uris.iter().any(|own| own == uri) => {
                Some(uri.to_owned())
            }
            (Some(_), None) if hint.is_none() && named.is_none() => {
                return refuse("`post_logout_redirect_uri` needs `id_token_hint` or `client_id` beside it");
            }
            (Some(_), _) => {
                return refuse("`post_logout_redirect_uri` is not one that this client has registered");
            }
        };
        Ok(Self { hint, subjects, client, redirect_uri, params })
    }

    /// Whether the app speaks of this very session: then its user has asked in the app, and need not be asked again.
    fn is_from(&self, server: &Server, signed_in: &SignedIn) -> bool {
        let (Some(hint), Some(subjects)) = (&self.hint, &self.subjects) else { return false };
        let (key, login) = (server.keyring.pairwise_key(), &signed_in.login);
        hint.sub == subjects.sub(&key, &login.sub) && hint.sid == Some(subjects.sid(&key, &login.sid))
    }

    fn done(&self, server: &Server) -> Response {
        page::redirect(&self.next(server))
    }

    /// Nobody is signed in any more.
    fn carried_out(&self, server: &Server, visitor: &Visitor, frames: &[String]) -> Response {
        go_on(visitor, visitor.locale(self.params.get("ui_locales")), frames, &self.next(server))
    }

    /// Where the browser goes in the end.
    fn next(&self, server: &Server) -> String {
        let Some(uri) = &self.redirect_uri else {
            return format!("{}{}", server.settings.issuer, self.signed_out_path());
        };
        match self.params.get("state") {
            None => uri.clone(),
            Some(state) => {
                let state = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
                format!("{uri}{}{state}", if uri.contains('?') { '&' } else { '?' })
            }
        }
    }

    /// Where one ends up here: the page knows from its address which app has asked.
    fn signed_out_path(&self) -> String {
        let client_id = self.client.as_ref().map(|client| client.id.as_str());
        let told = [("client_id", client_id), ("ui_locales", self.params.get("ui_locales"))];
        let told: Params = told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        with_query(SIGNED_OUT, &told)
    }
}

/// End the session and what was given in it for its time alone; what the clients that it has let in want to be loaded.
///
/// # Errors
/// When the database cannot.
pub async fn end(
    server: &Server,
    browser: &BrowserSession,
    signed_in: &SignedIn,
    why: &str,
    now: Timestamp,
) -> Result<Vec<String>, PageError> {
    let sid = &signed_in.login.sid;
    let let_in = store::retried(|| async {
        let mut tx = server.store.write().await?;
        let let_in = session_clients::list(&mut tx, sid).await?;
        accounts::end_session(&mut tx, sid, why, now).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(let_in)
    })
    .await?;
    browser.sign_out().await?;
    frames(server, sid, &let_in).await
}

/// What these clients, which a session has let in, want to be loaded when it has ended.
///
/// # Errors
/// When the database cannot.
pub async fn frames(server: &Server, sid: &str, let_in: &[String]) -> Result<Vec<String>, PageError> {
    let mut frames = Vec::new();
    for id in let_in {
        let client = server.registry.find(id).await?.filter(|client| client.enabled);
        let Some(client) = client else { continue };
        let sid = Subjects::of(&client).sid(&server.keyring.pairwise_key(), sid);
        frames.extend(client.metadata.logout.frame(&server.settings.issuer, &sid));
    }
    Ok(frames)
}

/// Go on after a session has ended. Where apps want to hear that from the browser, a page comes first that loads what they
/// have registered (OIDC Front-Channel Logout 1.0 §3).
#[must_use]
pub fn go_on(visitor: &Visitor, locale: Locale, frames: &[String], next: &str) -> Response {
    if frames.is_empty() {
        return page::redirect(next);
    }
    let html = views::signing_out(&visitor.frame(locale), &SigningOutView { frames, next });
    headers::page(html, PagePolicy { frames, has_form: false, ..PagePolicy::default() })
}

async fn ask(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    wish: &Wish,
    signed_in: &SignedIn,
) -> Result<Response, PageError> {
    let csrf = browser.csrf().await?;
    let locale = visitor.locale(wish.params.get("ui_locales"));
    let hidden: Vec<(&str, &str)> = WISH.iter().filter_map(|name| Some((*name, wish.params.get(name)?))).collect();
    let html = views::sign_out(
        &visitor.frame(locale),
        &SignOutView {
            action: &format!("{}{CONFIRM}", server.settings.base_path()),
            csrf: &csrf,
            client: wish
                .client
                .as_ref()
                .map(|client| parties::client(client, wish.redirect_uri.as_deref().unwrap_or_else(|| home(client)))),
            person: Some(parties::person(&signed_in.account)),
            hidden: &hidden,
        },
    );
    Ok(headers::page(html, PagePolicy { leads_to: wish.redirect_uri.as_deref(), ..PagePolicy::default() }))
}

fn with_query(path: &str, params: &Params) -> String {
    format!("{path}?{}", params.to_query()).trim_end_matches('?').to_owned()
}

/// Where a client is at home, as far as its registration tells.
fn home(client: &Client) -> &str {
    client.metadata.redirect_uris.first().map(RedirectUri::as_str).unwrap_or_default()
}
