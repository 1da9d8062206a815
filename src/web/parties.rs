//! Those whom a page speaks of, as it presents them: the app, and whoever is signed in.

use crate::{
    accounts::Account,
    clients::Client,
    web::views::{ClientView, Person, Place},
};

/// How a page presents a client: its name, and the place that really gets the answer.
#[must_use]
pub fn client(client: &Client, redirect_uri: &str) -> ClientView {
    ClientView {
        name: client.name().into(),
        place: Place::of(redirect_uri),
        logo_uri: client.metadata.logo_uri.clone(),
        policy_uri: client.metadata.policy_uri.clone(),
        tos_uri: client.metadata.tos_uri.clone(),
        client_uri: client.metadata.client_uri.clone(),
        // Unless the operator has said since that it is one of their own.
        verified: !client.self_registered || client.first_party,
    }
}

/// How a page names somebody.
#[must_use]
pub fn person(account: &Account) -> Person {
    Person { name: name(account).into(), detail: Some(account.email.as_deref().unwrap_or(&account.username).into()) }
}

/// What somebody is called: their name, else what they sign in with.
fn name(account: &Account) -> &str {
    account.claims.get("name").and_then(|name| name.as_str()).unwrap_or(&account.username)
}
