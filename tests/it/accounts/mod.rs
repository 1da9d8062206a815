//! Accounts and signing in.

mod guessing;
mod life;

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use latchkey::{
    accounts::{self, Account, Attempt, Changes, Credentials, NewAccount, Passwords, devices},
    clock::Clock,
    orgs,
    protocol::{Error, ErrorCode, Lifetime, PlainSecret, Timestamp},
    random::Random,
    store::{
        Store, browser_sessions,
        consents::{self, Consent},
        grants::{self, Grant},
        known_devices, login_failures, users,
    },
};
use serde_json::json;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

const NOW: Timestamp = Timestamp(1_000_000_000);
const PASSWORD: &str = "correct horse battery";

/// A database, and what accounts need besides.
struct Ground {
    store: Store,
    passwords: Passwords,
    random: Random,
    clock: Clock,
}

impl Ground {
    async fn new() -> Self {
        Self::on(crate::world::store().await)
    }

    fn on(store: Store) -> Self {
        Self { store, passwords: Passwords::sized(2, 1, 64), random: Random::System, clock: Clock::fixed(NOW) }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn creates(&self, new: NewAccount) -> latchkey::protocol::Result<Account> {
        accounts::create(&self.store, &self.passwords, new, self.now(), &self.random).await
    }

    async fn has(&self, username: &str) -> Account {
        let new = NewAccount {
            username: username.into(),
            email: Some(format!("{username}@example.com")),
            password: Some(PlainSecret::new(PASSWORD)),
            ..NewAccount::default()
        };
        self.creates(new).await.expect("the account can be made")
    }

    async fn tries(&self, username: &str, password: &str) -> Attempt {
        self.tries_from("192.0.2.1", username, password, None).await
    }

    async fn tries_from(&self, address: &str, username: &str, password: &str, device: Option<&PlainSecret>) -> Attempt {
        let address: IpAddr = address.parse().expect("an address");
        let password = PlainSecret::new(password);
        let device = device.map(PlainSecret::expose);
        let credentials = Credentials { username, password: &password, address, device };
        accounts::sign_in(&self.store, &self.passwords, credentials, self.now(), &self.random).await.expect("an answer")
    }

    async fn remembers(&self, account: &Account, before: Option<&PlainSecret>) -> PlainSecret {
        let before = before.map(PlainSecret::expose);
        devices::remember(&self.store, &account.sub, before, self.now(), &self.random).await.expect("a cookie")
    }

    async fn knows(&self, account: &Account, device: &PlainSecret) -> bool {
        let mut db = self.store.read().await.unwrap();
        devices::is_known(&mut db, &account.sub, device.expose(), self.now()).await.unwrap()
    }

    async fn finds(&self, sub: &str) -> Option<Account> {
        accounts::find(&mut self.store.read().await.unwrap(), sub).await.unwrap()
    }

    /// A grant for offline use, and a consent, as if an app had been allowed something.
    async fn allows_an_app(&self, account: &Account, id: &str) {
        let mut tx = self.store.write().await.unwrap();
        grants::insert(&mut tx, &grant(account, id)).await.unwrap();
        let consent = Consent {
            user_id: account.sub.clone(),
            client_id: "app".into(),
            org_id: String::new(),
            resource: String::new(),
            scope: "openid".into(),
            claims: String::new(),
            updated_at: NOW.0,
        };
        consents::remember(&mut tx, &consent).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn why_it_ended(&self, id: &str) -> Option<String> {
        grants::find(&mut self.store.read().await.unwrap(), id).await.unwrap().expect("the grant").ended_by
    }
}

fn grant(account: &Account, id: &str) -> Grant {
    Grant {
        id: id.into(),
        client_id: "app".into(),
        user_id: account.sub.clone(),
        sid: format!("sid-{id}"),
        offline: true,
        code_hash: format!("hash-{id}"),
        code_expires_at: NOW.0 + 60,
        code_spent_at: None,
        code_failures: 0,
        redirect_uri: "https://app.example/cb".into(),
        code_challenge: None,
        nonce: None,
        scope: "openid offline_access".into(),
        resources: "[]".into(),
        claims: None,
        org_id: None,
        auth_time: NOW.0,
        acr: "urn:latchkey:acr:password".into(),
        amr: "pwd".into(),
        refresh_generation: 0,
        refresh_predecessor: 0,
        refresh_recovered: false,
        refresh_rotated_at: NOW.0,
        user_epoch: account.epoch,
        client_epoch: 0,
        org_epoch: 0,
        issuer_epoch: 0,
        created_at: NOW.0,
        expires_at: NOW.0 + 1_000,
        ended_at: None,
        ended_by: None,
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: latchkey::protocol::Result<T>, description: &str) {
    match result {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.code, ErrorCode::InvalidRequest);
            assert!(refusal.description.contains(description), "{}", refusal.description);
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn welcomed(attempt: Attempt) -> Account {
    match attempt {
        Attempt::Welcome(account) => *account,
        other => panic!("not welcome: {other:?}"),
    }
}

#[track_caller]
fn throttled(attempt: Attempt) -> Lifetime {
    match attempt {
        Attempt::Throttled { until } => until - NOW,
        other => panic!("not throttled: {other:?}"),
    }
}
