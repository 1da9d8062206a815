//! What the sample app shows to somebody who is signed in, and what its buttons do.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use openidconnect::reqwest;
use serde_json::{Map, Value};

use super::{
    app::{App, Form, see_other},
    pages::{self, DashboardPage, RefreshView, TroubleView},
    relying_party::{Tokens, Trouble},
    resource_server::ARTICLES,
    verifier::part,
    visits::{Call, Person, Refreshed, Verdict},
    words::{self, Place},
};
use crate::protocol::Timestamp;

/// The page.
pub(super) fn show(app: &App, csrf: &str, person: &Person) -> Response {
    let now = app.clock.now();
    let raw = person.tokens.access_token.secret();
    let claims: Map<String, Value> = part(&person.tokens.id_token.to_string(), 1).unwrap_or_default();
    let access: Map<String, Value> = part(raw, 1).unwrap_or_default();
    let text = |from: &'_ Map<String, Value>, name: &str| from.get(name).and_then(Value::as_str).map(str::to_owned);
    let told = person.userinfo.as_ref().ok();
    let name = ["name", "preferred_username", "sub"].iter().find_map(|name| told.and_then(|told| text(told, name)));
    let name = name.or_else(|| text(&claims, "sub")).unwrap_or_default();
    let (org, role) = (text(&claims, "org_slug"), text(&claims, "role"));
    let issuer = app.place.issuer.as_str();
    let page = DashboardPage {
        place: &app.place,
        csrf,
        name: &name,
        membership: org.as_deref().zip(role.as_deref()),
        scope: &text(&access, "scope").unwrap_or_default(),
        id_token: words::decode(&person.tokens.id_token.to_string(), Place::IdToken, now),
        access_token: words::decode(raw, Place::AccessToken, now),
        has_refresh_token: person.tokens.refresh_token.is_some(),
        userinfo: told.map(|told| words::lines(told, Place::Userinfo, now)).unwrap_or_default(),
        userinfo_trouble: person.userinfo.as_ref().err().map(|trouble| TroubleView::new(trouble, issuer)),
        call: person.call.as_ref(),
        refreshed: person.refresh.as_ref().and_then(|done| done.as_ref().ok()).map(|done| compare(done, now)),
        refresh_trouble: person
            .refresh
            .as_ref()
            .and_then(|done| done.as_ref().err())
            .map(|trouble| TroubleView::new(trouble, issuer)),
    };
    pages::show(StatusCode::OK, issuer, &page)
}

/// Call the resource server with what the button says.
pub(super) async fn call(State(app): State<Arc<App>>, form: Form) -> Response {
    let Some(person) = app.visits.with(&form.id, |visit| visit.person.clone()).flatten() else { return see_other("/") };
    let wish = match form.field("do") {
        Some("delete") => Wish::Delete,
        Some("mistake") => Wish::ReadWithIdToken,
        _ => Wish::Read,
    };
    let call = ask(&app, &person.tokens, wish).await;
    app.visits.with(&form.id, |visit| {
        if let Some(person) = &mut visit.person {
            person.call = Some(call);
        }
    });
    see_other("/#answer")
}

/// What somebody may want of the resource server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Read,
    Delete,
    /// What a careless app might do: send the token that was meant for itself.
    ReadWithIdToken,
}

async fn ask(app: &App, tokens: &Tokens, wish: Wish) -> Call {
    let (method, path, scope) = match wish {
        Wish::Read | Wish::ReadWithIdToken => (reqwest::Method::GET, ARTICLES.to_owned(), "kb:read"),
        Wish::Delete => (reqwest::Method::DELETE, format!("{ARTICLES}/1"), "kb:delete"),
    };
    let token = match wish {
        Wish::ReadWithIdToken => tokens.id_token.to_string(),
        Wish::Read | Wish::Delete => tokens.access_token.secret().clone(),
    };
    let host = app.place.api.trim_start_matches("http://");
    let request = format!("{method} {path} HTTP/1.1\nHost: {host}\nAuthorization: Bearer {}", shortened(&token));
    let sent = app.http.request(method, format!("{}{path}", app.place.api)).bearer_auth(&token).send().await;
    let answer = match sent {
        Ok(answer) => answer,
        Err(_) => {
            let text = "The resource server does not answer.".to_owned();
            return Call { request, answer: String::new(), verdict: Verdict { is_allowed: false, text } };
        }
    };
    let status = answer.status();
    let mut text = format!("HTTP/1.1 {status}");
    for name in [reqwest::header::WWW_AUTHENTICATE, reqwest::header::CONTENT_TYPE] {
        if let Some(value) = answer.headers().get(&name).and_then(|value| value.to_str().ok()) {
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    let body = answer.text().await.unwrap_or_default();
    let body: Value = serde_json::from_str(&body).unwrap_or(Value::String(body));
    text.push_str(&format!("\n\n{body:#}"));
    Call { request, answer: text, verdict: verdict(status, scope, &body, tokens) }
}

/// What came of it, in words that the answer and the token bear out.
fn verdict(status: reqwest::StatusCode, scope: &str, body: &Value, tokens: &Tokens) -> Verdict {
    let is_allowed = status.is_success();
    let claims: Map<String, Value> = part(tokens.access_token.secret(), 1).unwrap_or_default();
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    let text = match body.get("error").and_then(Value::as_str) {
        _ if is_allowed => format!("Allowed: the access token carries {scope}."),
        Some("insufficient_scope") => match claim("role").zip(claim("org_slug")) {
            Some((role, org)) => format!(
                "Refused: the access token does not carry {scope}. You are bound to {org} as {role}; Latchkey puts a permission into a token only as far as that role allows and you agreed."
            ),
            None => format!(
                "Refused: the access token does not carry {scope}. It is bound to no organisation, so no role allows anything."
            ),
        },
        Some("invalid_token") => {
            let why = body.get("error_description").and_then(Value::as_str).unwrap_or("it does not say why");
            format!("Refused: the resource server does not accept this token: {why}.")
        }
        _ => format!("The resource server answers {status}."),
    };
    Verdict { is_allowed, text }
}

/// A token as one may look at it over somebody's shoulder.
fn shortened(token: &str) -> String {
    let head: String = token.chars().take(16).collect();
    format!("{head}… ({} characters)", token.len())
}

/// Exchange the refresh token, and show what that changed.
pub(super) async fn refresh(State(app): State<Arc<App>>, form: Form) -> Response {
    let Some(person) = app.visits.with(&form.id, |visit| visit.person.clone()).flatten() else { return see_other("/") };
    let refreshed = app.provider.refresh(&person.tokens).await;
    let done = match refreshed {
        Ok(tokens) => {
            let userinfo = app.provider.userinfo(&tokens).await;
            let done = Refreshed { before: person.tokens.clone(), after: tokens.clone() };
            app.visits.with(&form.id, |visit| {
                visit.person = visit.person.take().map(|person| Person { tokens, userinfo, ..person });
            });
            Ok(done)
        }
        Err(trouble) => Err(trouble),
    };
    keep(&app, &form.id, done);
    see_other("/#refresh")
}

fn keep(app: &App, id: &str, done: Result<Refreshed, Trouble>) {
    app.visits.with(id, |visit| {
        if let Some(person) = &mut visit.person {
            person.refresh = Some(done);
        }
    });
}

fn compare(done: &Refreshed, now: Timestamp) -> RefreshView {
    let (old, new) = (&done.before, &done.after);
    let differ = |old: &str, new: &str| {
        words::changes(&part(old, 1).unwrap_or_default(), &part(new, 1).unwrap_or_default(), now)
    };
    RefreshView {
        id_token: differ(&old.id_token.to_string(), &new.id_token.to_string()),
        access_token: differ(old.access_token.secret(), new.access_token.secret()),
        is_refresh_token_new: old.refresh_token.as_ref().map(|own| own.secret())
            != new.refresh_token.as_ref().map(|own| own.secret()),
    }
}

/// Ask userinfo again.
pub(super) async fn userinfo(State(app): State<Arc<App>>, form: Form) -> Response {
    let Some(person) = app.visits.with(&form.id, |visit| visit.person.clone()).flatten() else { return see_other("/") };
    let userinfo = app.provider.userinfo(&person.tokens).await;
    app.visits.with(&form.id, |visit| {
        if let Some(person) = &mut visit.person {
            person.userinfo = userinfo;
        }
    });
    see_other("/#userinfo")
}
