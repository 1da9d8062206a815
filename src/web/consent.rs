//! The consent page: who asks for what, in which organisation's name, yes or no.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    accounts::claims,
    authorization::{
        interaction::Step,
        offer::{Offer, Offers},
    },
    clients::Resource,
    protocol::{
        Error, Scope,
        permission::{ScopeToken, classify},
    },
    server::Server,
    store,
    web::{
        answer::{self, Approval},
        form::{Form, Query},
        headers::{self, PagePolicy},
        login,
        page::{self, PageError},
        parties,
        resume::{self, Pending},
        session::BrowserSession,
        views::{self, ConsentLine, ConsentProblem, ConsentView, OrgChoice, PermissionLine, Told},
        visitor::Visitor,
    },
};

/// Where people are asked.
pub const CONSENT: &str = "/consent";

/// `GET /consent`.
///
/// # Errors
/// A page, when the request that waits is past its time.
pub async fn get(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
) -> Result<Response, PageError> {
    match resume::at_page(&server, &browser, &query, &Step::Consent).await? {
        Ok(pending) => show(&server, &visitor, &browser, &Question::of(&server, pending).await?, None).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// `POST /consent`.
///
/// # Errors
/// A page, when the form comes from elsewhere or the request that waits is past its time.
pub async fn post(
    State(server): State<Arc<Server>>,
    visitor: Visitor,
    browser: BrowserSession,
    Query(query): Query,
    Form(form): Form,
) -> Result<Response, PageError> {
    let (pending, is_current) =
        match resume::at_form(&server, &visitor, &browser, &query, &form, &Step::Consent).await? {
            Ok(found) => found,
            Err(elsewhere) => return Ok(elsewhere),
        };
    let question = Question::of(&server, pending).await?;
    if !is_current {
        return show(&server, &visitor, &browser, &question, Some(ConsentProblem::Expired)).await;
    }
    match form.get("action") {
        Some("allow") => {}
        Some("switch") => return Ok(page::see_other(&server, &question.login_again())),
        Some("deny") => return answer::deny(&server, &visitor, question.pending.waiting).await,
        _ => return show(&server, &visitor, &browser, &question, None).await,
    }
    // What was shown has to be what is granted: a role or a registration may have changed under the open page.
    if query.get("content") != Some(question.content().as_str()) {
        return show(&server, &visitor, &browser, &question, Some(ConsentProblem::Changed)).await;
    }
    match question.offers.choose(form.get("org")) {
        Some(offer) => question.allow(&server, &visitor, offer).await,
        None => show(&server, &visitor, &browser, &question, Some(ConsentProblem::NoChoice)).await,
    }
}

/// A request whose next step is the user's yes or no.
struct Question {
    pending: Pending,
    offers: Offers,
    /// The claim `organizations`, where it is asked for.
    organizations: Option<Arc<Value>>,
}

impl Question {
    /// The question as it stands now.
    async fn of(server: &Server, pending: Pending) -> Result<Self, PageError> {
        let Some(Ok(offers)) = pending.situation.offers.clone() else {
            return Err(Error::broken("a user is to be asked for what cannot be given").into());
        };
        let asks_for_orgs = offers.all().iter().any(|offer| offer.scope.contains("orgs"));
        let organizations =
            if asks_for_orgs { Some(server.grants.organizations(&pending.signed_in.login.sub).await?) } else { None };
        Ok(Self { pending, offers, organizations })
    }

    /// Where another account is signed in to.
    fn login_again(&self) -> String {
        format!("{}?request={}", login::LOGIN, self.pending.waiting.id)
    }

    /// A fingerprint of what is asked, of whom, by whom: request, user, session and exact content (product decision 10).
    fn content(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text.as_bytes());
        };
        let Pending { waiting, request, signed_in, .. } = &self.pending;
        add(&waiting.id);
        add(&request.ask.client.id);
        add(&signed_in.login.sub);
        add(&signed_in.login.sid);
        for offer in self.offers.all() {
            add(offer.org_id().unwrap_or_default());
            add(&offer.scope.to_string());
            add(&offer.claims.join(" "));
            add(&offer.audience.join(" "));
        }
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }

    /// What the app will know, scope by scope, with what exactly it will be told.
    fn lines(&self, offer: &Offer) -> Vec<ConsentLine> {
        let is_protocol = |token: &&str| matches!(classify(token), ScopeToken::Protocol);
        let told = |token: &str| {
            let one: Scope = std::iter::once(token).collect();
            let mut told = claims::released(&self.pending.signed_in.account, &one, &[]);
            // No claim of the account, but of the memberships: the very value that userinfo tells.
            let organizations = self.organizations.as_deref().filter(|_| token == "orgs");
            told.extend(organizations.map(|listing| ("organizations".to_owned(), listing.clone())));
            Told::all(&told)
        };
        offer
            .scope
            .iter()
            .filter(is_protocol)
            .map(|token| ConsentLine { scope: token.to_owned(), told: told(token) })
            .collect()
    }

    /// The claims that are asked for one by one. Those that nothing is known for are among them: they are allowed too, for
    /// the day when something is.
    fn claims(&self) -> Vec<Told> {
        let names = self.pending.request.ask.claims.names();
        let known = claims::released(&self.pending.signed_in.account, &Scope::default(), &names);
        names.into_iter().map(|claim| Told { value: known.get(&claim).cloned().unwrap_or_default(), claim }).collect()
    }

    /// The organisations to choose from; one alone is shown, not asked.
    fn choices(&self, resources: &[Resource]) -> Vec<OrgChoice> {
        let last = self.pending.situation.remembered.iter().max_by_key(|consent| consent.updated_at);
        let chosen = last.map(|consent| consent.org_id.as_str());
        let known = |id: Option<&str>| self.offers.all().iter().any(|offer| offer.org_id() == id);
        self.offers
            .all()
            .iter()
            .enumerate()
            .filter_map(|(index, offer)| Some((index, offer, offer.membership.as_ref()?)))
            .map(|(index, offer, membership)| OrgChoice {
                org_id: membership.org_id.clone(),
                name: membership.org_name.as_str().into(),
                role: membership.role.as_str().into(),
                is_selected: if known(chosen) { offer.org_id() == chosen } else { index == 0 },
                permissions: permissions(offer, resources),
            })
            .collect()
    }

    async fn allow(&self, server: &Server, visitor: &Visitor, offer: &Offer) -> Result<Response, PageError> {
        let Pending { waiting, request, situation, signed_in } = &self.pending;
        let (client_id, moment) = (&request.ask.client.id, &situation.moment);
        let consent = offer.consent(&signed_in.login, client_id, &situation.remembered, moment.now.0);
        let approval = Approval { offer, consent: Some(&consent) };
        store::retried(|| answer::grant(server, visitor, request, moment, Some(waiting), approval)).await
    }
}

async fn show(
    server: &Server,
    visitor: &Visitor,
    browser: &BrowserSession,
    question: &Question,
    problem: Option<ConsentProblem>,
) -> Result<Response, PageError> {
    let Pending { waiting, request, signed_in, .. } = &question.pending;
    let locale = visitor.locale(request.ask.ui_locales.as_deref());
    let csrf = browser.csrf().await?;
    let resources: Arc<[Resource]> = server.registry.resources().await?;
    let offers = question.offers.all();
    let view = ConsentView {
        action: &format!(
            "{}{CONSENT}?request={}&content={}",
            server.settings.base_path(),
            waiting.id,
            question.content()
        ),
        csrf: &csrf,
        client: parties::client(&request.ask.client, request.recipient.redirect_uri()),
        person: parties::person(&signed_in.account),
        lines: offers.first().map(|offer| question.lines(offer)).unwrap_or_default(),
        claims: question.claims(),
        permissions: offers
            .first()
            .filter(|offer| offer.membership.is_none())
            .map(|offer| permissions(offer, &resources))
            .unwrap_or_default(),
        choices: question.choices(&resources),
        is_remembered: !request.ask.can_be_impersonated,
        problem,
    };
    let html = views::consent(&visitor.frame(locale), &view);
    Ok(headers::page(html, PagePolicy::of(request)))
}

/// What an offer lets the app do, and at which API.
fn permissions(offer: &Offer, resources: &[Resource]) -> Vec<PermissionLine> {
    let is_permission = |token: &&str| matches!(classify(token), ScopeToken::Permission(_) | ScopeToken::Unknown);
    offer
        .scope
        .iter()
        .filter(is_permission)
        .map(|token| PermissionLine {
            permission: token.to_owned(),
            api: resources
                .iter()
                .find(|resource| offer.audience.contains(&resource.uri) && resource.scope.contains(token))
                .filter(|resource| !resource.is_issuer())
                .map(|resource| resource.name.as_str().into()),
        })
        .collect()
}
