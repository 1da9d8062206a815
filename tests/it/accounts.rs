//! Accounts and signing in: what survives a restart, what strangers can do, and what ends with what.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use latchkey::{
    accounts::{self, Account, Attempt, Changes, Credentials, NewAccount, Passwords, devices},
    clock::Clock,
    orgs,
    protocol::{Code, Error, Lifetime, PlainSecret, Timestamp},
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
            assert_eq!(refusal.code, Code::InvalidRequest);
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

#[tokio::test]
async fn a_user_signs_in_by_name_or_by_address_in_any_spelling() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    assert!(alice.sub.starts_with("usr_"));
    for name in ["alice", " Alice ", "ALICE@example.com"] {
        assert_eq!(welcomed(ground.tries(name, PASSWORD).await), alice);
    }
}

#[tokio::test]
async fn an_account_is_found_as_it_was_made() {
    let ground = Ground::new().await;
    let claims = json!({"name": "Zoë", "address": {"country": "CH"}, "department": "Research"});
    let new = NewAccount {
        username: "Zoë".into(),
        email: Some("Zoe@Example.com".into()),
        email_verified: true,
        claims: claims.as_object().cloned().unwrap(),
        password: None,
    };
    let zoe = ground.creates(new).await.unwrap();
    assert_eq!((zoe.username.as_str(), zoe.email.as_deref()), ("zoë", Some("zoe@example.com")));
    assert!(zoe.email_verified && zoe.enabled && !zoe.has_password);
    assert_eq!(ground.finds(&zoe.sub).await, Some(zoe.clone()));
    let mut db = ground.store.read().await.unwrap();
    assert_eq!(accounts::find_by_username(&mut db, "ZOE\u{308}").await.unwrap(), Some(zoe.clone()));
    assert_eq!(accounts::find_by_username(&mut db, "no such @ name").await.unwrap(), None);
    assert_eq!(accounts::list(&mut db, "", 10).await.unwrap(), std::slice::from_ref(&zoe));
    assert_eq!(accounts::list(&mut db, &zoe.username, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_new_user_belongs_to_no_organisation() {
    let ground = Ground::new().await;
    let org = orgs::NewOrg { slug: "acme", name: "Acme" };
    orgs::create(&ground.store, org, NOW, &ground.random).await.unwrap();
    let alice = ground.has("alice").await;
    let mut db = ground.store.read().await.unwrap();
    assert_eq!(orgs::memberships_of(&mut db, &alice.sub).await.unwrap(), []);
}

#[tokio::test]
async fn a_name_or_an_address_belongs_to_one_account() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let bob = ground.has("bob").await;
    let new = |username: &str, email: &str| NewAccount {
        username: username.into(),
        email: Some(email.into()),
        ..NewAccount::default()
    };
    refused(ground.creates(new("Alice", "other@example.com")).await, "username is taken");
    refused(ground.creates(new("other", "Alice@Example.com")).await, "e-mail address is taken");
    let changes = Changes { email: Some(Some("alice@example.com".into())), ..Changes::default() };
    refused(accounts::update(&ground.store, &bob.sub, changes, NOW).await, "e-mail address is taken");
    // One's own is free, and so are no addresses at all.
    let changes = Changes { email: Some(Some("ALICE@example.com".into())), ..Changes::default() };
    accounts::update(&ground.store, &alice.sub, changes, NOW).await.unwrap();
    for sub in [&alice.sub, &bob.sub] {
        let changes = Changes { email: Some(None), ..Changes::default() };
        assert_eq!(accounts::update(&ground.store, sub, changes, NOW).await.unwrap().email, None);
    }
}

#[tokio::test]
async fn of_two_who_take_a_name_at_once_one_gets_it() {
    let ground = Ground::new().await;
    let new = || NewAccount { username: "alice".into(), ..NewAccount::default() };
    let (one, other) = tokio::join!(ground.creates(new()), ground.creates(new()));
    let (winner, loser) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(winner.is_ok());
    refused(loser, "username is taken");
}

#[tokio::test]
async fn accounts_that_cannot_be_are_refused() {
    let ground = Ground::new().await;
    let new = || NewAccount { username: "alice".into(), ..NewAccount::default() };
    refused(ground.creates(NewAccount { username: "a b".into(), ..new() }).await, "letters, digits");
    refused(ground.creates(NewAccount { email: Some("nowhere".into()), ..new() }).await, "`@`");
    refused(ground.creates(NewAccount { email_verified: true, ..new() }).await, "no e-mail address");
    refused(ground.creates(NewAccount { password: Some(PlainSecret::new("short")), ..new() }).await, "at least 8");
    let claims = json!({"role": "owner"}).as_object().cloned().unwrap();
    refused(ground.creates(NewAccount { claims, ..new() }).await, "claim `role`");
    let changes = Changes { email_verified: Some(true), ..Changes::default() };
    let alice = ground.creates(new()).await.unwrap();
    refused(accounts::update(&ground.store, &alice.sub, changes, NOW).await, "no e-mail address");
    refused(accounts::update(&ground.store, "usr_gone", Changes::default(), NOW).await, "does not exist");
}

#[tokio::test]
async fn another_address_has_to_be_verified_anew() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let changes = Changes { email_verified: Some(true), ..Changes::default() };
    assert!(accounts::update(&ground.store, &alice.sub, changes, NOW).await.unwrap().email_verified);
    let changes = Changes { email: Some(Some("alice@elsewhere.example".into())), ..Changes::default() };
    let after = accounts::update(&ground.store, &alice.sub, changes, NOW + Lifetime(9)).await.unwrap();
    assert!(!after.email_verified);
    assert_eq!((after.updated_at, after.epoch), (NOW + Lifetime(9), alice.epoch), "no session ends for an address");
}

#[tokio::test]
async fn unknown_wrong_without_password_and_disabled_look_the_same_and_cost_the_same() {
    let ground = Ground::new().await;
    ground.has("alice").await;
    let dora = ground.has("dora").await;
    accounts::disable(&ground.store, &dora.sub, NOW).await.unwrap();
    ground.creates(NewAccount { username: "ben".into(), ..NewAccount::default() }).await.unwrap();
    for (name, password) in [
        ("alice", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("dora", PASSWORD),
        ("ben", PASSWORD),
        ("ben", ""),
        ("alice", "nul\0nul\0nul"),
        ("", PASSWORD),
        ("no such @ name", PASSWORD),
    ] {
        let before = ground.passwords.runs();
        assert_eq!(ground.tries(name, password).await, Attempt::Wrong, "{name:?} {password:?}");
        assert_eq!(ground.passwords.runs() - before, 1, "{name:?} {password:?}");
    }
}

#[tokio::test]
async fn guessing_at_one_name_is_slowed_down_whether_anybody_has_it() {
    let ground = Ground::new().await;
    ground.has("alice").await;
    for name in ["alice", "nobody"] {
        for address in ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "2001:db8:1::1"] {
            assert_eq!(ground.tries_from(address, name, "wrong horse battery", None).await, Attempt::Wrong);
        }
        // Blocked, wherever it comes from, though the password is right: nothing is hashed any more.
        let before = ground.passwords.runs();
        assert_eq!(throttled(ground.tries_from("192.0.2.77", name, PASSWORD, None).await), Lifetime(30));
        assert_eq!(ground.passwords.runs(), before);
    }
    // Another spelling is the same name.
    throttled(ground.tries(" ALICE ", PASSWORD).await);
}

#[tokio::test]
async fn each_further_wrong_guess_waits_twice_as_long_and_a_right_one_begins_anew() {
    let ground = Ground::new().await;
    ground.has("alice").await;
    for _ in 0..4 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    let mut at = Lifetime(0);
    for wait in [30, 60, 120] {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
        at = Lifetime(at.0 + wait);
        assert_eq!(throttled(ground.tries("alice", PASSWORD).await), at);
        ground.clock.advance(Lifetime(wait));
    }
    welcomed(ground.tries("alice", PASSWORD).await);
    for _ in 0..5 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    throttled(ground.tries("alice", PASSWORD).await);
}

#[tokio::test]
async fn what_was_guessed_yesterday_is_forgotten() {
    let ground = Ground::new().await;
    for _ in 0..4 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    ground.clock.advance(Lifetime::days(1));
    for _ in 0..5 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    throttled(ground.tries("alice", "wrong horse battery").await);
}

#[tokio::test]
async fn a_restart_forgets_no_guess() {
    let url = crate::world::database_url().await;
    let opened = async || Ground::on(Store::open(&url).await.unwrap());
    let ground = opened().await;
    for _ in 0..5 {
        assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    }
    ground.store.close().await;
    throttled(opened().await.tries("alice", "wrong horse battery").await);
}

#[tokio::test]
async fn parallel_guesses_do_not_slip_through_together() {
    let ground = Arc::new(Ground::new().await);
    ground.has("alice").await;
    let before = ground.passwords.runs();
    let mut guesses = JoinSet::new();
    for _ in 0..40 {
        let ground = ground.clone();
        guesses.spawn(async move { ground.tries("alice", "wrong horse battery").await });
    }
    let attempts = guesses.join_all().await;
    assert_eq!(attempts.iter().filter(|attempt| **attempt == Attempt::Wrong).count(), 5);
    assert_eq!(ground.passwords.runs() - before, 5);
}

#[tokio::test]
async fn one_address_block_cannot_spray_over_many_names() {
    let ground = Ground::new().await;
    ground.has("alice").await;
    for count in 0..50 {
        let address = format!("192.0.2.{count}");
        let name = format!("victim{count}");
        assert_eq!(ground.tries_from(&address, &name, "wrong horse battery", None).await, Attempt::Wrong);
    }
    assert_eq!(throttled(ground.tries_from("192.0.2.200", "alice", PASSWORD, None).await), Lifetime(30));
    welcomed(ground.tries_from("192.0.3.1", "alice", PASSWORD, None).await);
}

#[tokio::test]
async fn a_right_password_gives_an_address_block_only_its_own_try_back() {
    let ground = Ground::new().await;
    ground.has("mallory").await;
    for count in 0..49 {
        assert_eq!(ground.tries(&format!("victim{count}"), "wrong horse battery").await, Attempt::Wrong);
    }
    // The fiftieth try is right: neither does it block, nor does it win a try for another guess.
    welcomed(ground.tries("mallory", PASSWORD).await);
    welcomed(ground.tries("mallory", PASSWORD).await);
    assert_eq!(ground.tries("victim", "wrong horse battery").await, Attempt::Wrong);
    throttled(ground.tries("mallory", PASSWORD).await);
}

#[tokio::test]
async fn nobody_can_lock_a_user_out_of_a_browser_they_have_used() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let laptop = ground.remembers(&alice, None).await;
    for _ in 0..5 {
        ground.tries("alice", "wrong horse battery").await;
    }
    throttled(ground.tries("alice", PASSWORD).await);
    welcomed(ground.tries_from("192.0.2.1", "alice", PASSWORD, Some(&laptop)).await);
    // It helps with no other account, and the block for strangers stands.
    let made_up = PlainSecret::new("lkd_made_up");
    throttled(ground.tries_from("192.0.2.1", "alice", PASSWORD, Some(&made_up)).await);
    ground.has("bob").await;
    for _ in 0..5 {
        ground.tries("bob", "wrong horse battery").await;
    }
    throttled(ground.tries_from("192.0.2.1", "bob", PASSWORD, Some(&laptop)).await);
}

#[tokio::test]
async fn a_known_browser_has_tries_of_its_own_and_not_endlessly_many() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let laptop = ground.remembers(&alice, None).await;
    for _ in 0..10 {
        let attempt = ground.tries_from("192.0.2.1", "alice", "wrong horse battery", Some(&laptop)).await;
        assert_eq!(attempt, Attempt::Wrong);
    }
    assert_eq!(
        throttled(ground.tries_from("192.0.2.1", "alice", PASSWORD, Some(&laptop)).await),
        Lifetime(30),
        "a stolen laptop does not guess for ever"
    );
    welcomed(ground.tries("alice", PASSWORD).await);
}

#[tokio::test]
async fn a_known_browser_gets_a_new_cookie_at_each_login_and_keeps_the_people_it_knows() {
    let ground = Ground::new().await;
    let (alice, bob) = (ground.has("alice").await, ground.has("bob").await);
    let first = ground.remembers(&alice, None).await;
    let second = ground.remembers(&bob, Some(&first)).await;
    assert!(ground.knows(&alice, &second).await && ground.knows(&bob, &second).await);
    assert!(!ground.knows(&alice, &first).await, "a planted cookie is worth nothing once it has been used");
    ground.clock.advance(devices::KNOWN_FOR);
    assert!(!ground.knows(&alice, &second).await);
}

#[tokio::test]
async fn only_the_newest_browsers_of_a_user_are_known() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let first = ground.remembers(&alice, None).await;
    for _ in 0..20 {
        ground.clock.advance(Lifetime(1));
        ground.remembers(&alice, None).await;
    }
    assert!(!ground.knows(&alice, &first).await);
}

#[tokio::test]
async fn an_operator_lets_a_throttled_user_in() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    for name in ["alice", "alice@example.com"] {
        for _ in 0..5 {
            ground.tries(name, "wrong horse battery").await;
        }
        throttled(ground.tries(name, PASSWORD).await);
    }
    accounts::unlock(&ground.store, &alice).await.unwrap();
    welcomed(ground.tries("alice", PASSWORD).await);
    welcomed(ground.tries("alice@example.com", PASSWORD).await);
}

#[tokio::test]
async fn a_flood_of_logins_is_told_to_come_back_while_a_known_browser_signs_in() {
    let mut ground = Ground::new().await;
    ground.passwords = Passwords::sized(1, 1, 2);
    let alice = ground.has("alice").await;
    let laptop = ground.remembers(&alice, None).await;
    let held = ground.passwords.turn(accounts::Queue::Strangers).await.unwrap();
    let waiting = [(); 2].map(|()| {
        let passwords = ground.passwords.clone();
        tokio::spawn(async move { passwords.turn(accounts::Queue::Strangers).await.map(drop) })
    });
    tokio::task::yield_now().await;
    let password = PlainSecret::new(PASSWORD);
    let credentials =
        Credentials { username: "alice", password: &password, address: "192.0.2.1".parse().unwrap(), device: None };
    let refused = accounts::sign_in(&ground.store, &ground.passwords, credentials, NOW, &ground.random).await;
    assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.code == Code::TemporarilyUnavailable));
    welcomed(ground.tries_from("192.0.2.1", "alice", PASSWORD, Some(&laptop)).await);
    drop(held);
    for waiting in waiting {
        waiting.await.unwrap().unwrap();
    }
    welcomed(ground.tries("alice", PASSWORD).await);
}

#[tokio::test]
async fn a_password_kept_under_older_parameters_is_renewed_at_the_next_login() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
    let old = weak.hash_password_with_salt(PASSWORD.as_bytes(), b"0123456789abcdef").unwrap().to_string();
    let stored = async || {
        let mut db = ground.store.read().await.unwrap();
        users::find(&mut db, &alice.sub).await.unwrap().unwrap().password_hash.unwrap()
    };
    let mut tx = ground.store.write().await.unwrap();
    users::set_password(&mut tx, &alice.sub, Some(&old), NOW.0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ground.tries("alice", "wrong horse battery").await, Attempt::Wrong);
    assert_eq!(stored().await, old);
    let welcome = welcomed(ground.tries("alice", PASSWORD).await);
    assert_eq!(welcome.epoch, alice.epoch, "no session ends for it");
    assert!(stored().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    welcomed(ground.tries("alice", PASSWORD).await);
}

#[tokio::test]
async fn a_new_password_ends_every_session_grant_and_known_browser() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let laptop = ground.remembers(&alice, None).await;
    ground.allows_an_app(&alice, "g1").await;
    let new = PlainSecret::new("another horse battery");
    let after =
        accounts::set_password(&ground.store, &ground.passwords, &alice.sub, &new, NOW, &ground.random).await.unwrap();
    assert_eq!(after.epoch, alice.epoch + 1);
    assert_eq!(ground.why_it_ended("g1").await.as_deref(), Some("password changed"));
    assert!(!ground.knows(&alice, &laptop).await);
    assert_eq!(ground.tries("alice", PASSWORD).await, Attempt::Wrong);
    welcomed(ground.tries("alice", "another horse battery").await);
    let short = PlainSecret::new("short");
    let refusal =
        accounts::set_password(&ground.store, &ground.passwords, &alice.sub, &short, NOW, &ground.random).await;
    refused(refusal, "at least 8");
    let gone = accounts::set_password(&ground.store, &ground.passwords, "usr_gone", &new, NOW, &ground.random).await;
    refused(gone, "does not exist");
}

#[tokio::test]
async fn signing_out_everywhere_ends_offline_grants_too() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    ground.allows_an_app(&alice, "g1").await;
    let after = accounts::sign_out_everywhere(&ground.store, &alice.sub, NOW).await.unwrap();
    assert_eq!(after.epoch, alice.epoch + 1);
    assert_eq!(ground.why_it_ended("g1").await.as_deref(), Some("signed out everywhere"));
    welcomed(ground.tries("alice", PASSWORD).await);
    refused(accounts::sign_out_everywhere(&ground.store, "usr_gone", NOW).await, "does not exist");
}

#[tokio::test]
async fn a_disabled_user_is_out_until_enabled_and_what_ended_stays_ended() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    ground.allows_an_app(&alice, "g1").await;
    let disabled = accounts::disable(&ground.store, &alice.sub, NOW).await.unwrap();
    assert!(!disabled.enabled && disabled.epoch > alice.epoch);
    assert_eq!(ground.tries("alice", PASSWORD).await, Attempt::Wrong);
    assert!(accounts::enable(&ground.store, &alice.sub, NOW).await.unwrap().enabled);
    welcomed(ground.tries("alice", PASSWORD).await);
    assert_eq!(ground.why_it_ended("g1").await.as_deref(), Some("user disabled"));
    refused(accounts::disable(&ground.store, "usr_gone", NOW).await, "does not exist");
    refused(accounts::enable(&ground.store, "usr_gone", NOW).await, "does not exist");
}

#[tokio::test]
async fn a_deleted_user_leaves_nothing_and_whoever_gets_the_name_is_somebody_else() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    ground.allows_an_app(&alice, "g1").await;
    let org = orgs::NewOrg { slug: "acme", name: "Acme" };
    let org = orgs::create(&ground.store, org, NOW, &ground.random).await.unwrap();
    orgs::add_member(&ground.store, &org.id, &alice.sub, "viewer", NOW).await.unwrap();
    accounts::delete(&ground.store, &alice.sub, NOW).await.unwrap();
    assert_eq!(ground.finds(&alice.sub).await, None);
    assert_eq!(ground.why_it_ended("g1").await.as_deref(), Some("user deleted"));
    let mut db = ground.store.read().await.unwrap();
    assert_eq!(consents::of_user(&mut db, &alice.sub).await.unwrap(), []);
    assert_eq!(orgs::members(&mut db, &org.id, "", 10).await.unwrap(), []);
    drop(db);
    assert_eq!(ground.tries("alice", PASSWORD).await, Attempt::Wrong);
    assert_ne!(ground.has("alice").await.sub, alice.sub);
    refused(accounts::delete(&ground.store, &alice.sub, NOW).await, "does not exist");
}

#[tokio::test]
async fn the_last_owner_of_an_organisation_cannot_be_deleted_but_can_be_disabled() {
    let ground = Ground::new().await;
    let (alice, bob) = (ground.has("alice").await, ground.has("bob").await);
    let org = orgs::NewOrg { slug: "acme", name: "Acme" };
    let org = orgs::create(&ground.store, org, NOW, &ground.random).await.unwrap();
    orgs::add_member(&ground.store, &org.id, &alice.sub, "owner", NOW).await.unwrap();
    orgs::add_member(&ground.store, &org.id, &bob.sub, "owner", NOW).await.unwrap();
    // A disabled owner is none who could act.
    accounts::disable(&ground.store, &bob.sub, NOW).await.unwrap();
    refused(accounts::delete(&ground.store, &alice.sub, NOW).await, "last active owner of acme");
    accounts::disable(&ground.store, &alice.sub, NOW).await.unwrap();
    accounts::enable(&ground.store, &bob.sub, NOW).await.unwrap();
    accounts::delete(&ground.store, &alice.sub, NOW).await.unwrap();
}

#[tokio::test]
async fn sessions_of_a_user_end_together() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let lifetimes = browser_sessions::Lifetimes { idle: Lifetime::hours(12), absolute: Lifetime::days(30) };
    let sessions = browser_sessions::BrowserSessions::new(
        ground.store.clone(),
        ground.clock.clone(),
        ground.random.clone(),
        lifetimes,
    );
    let expiry_date = OffsetDateTime::from_unix_timestamp(NOW.0).unwrap();
    let mut record = Record { id: Id(1), data: HashMap::new(), expiry_date };
    record.data.insert(browser_sessions::LOGIN.into(), json!({"sub": alice.sub, "sid": "sid-1"}));
    sessions.create(&mut record).await.unwrap();
    let list = async || {
        let mut db = ground.store.read().await.unwrap();
        browser_sessions::list_of_user(&mut db, &alice.sub, NOW.0).await.unwrap().len()
    };
    assert_eq!(list().await, 1);
    accounts::sign_out_everywhere(&ground.store, &alice.sub, NOW).await.unwrap();
    assert_eq!(list().await, 0);
    assert_eq!(sessions.load(&record.id).await.unwrap(), None);
}

#[tokio::test]
async fn housekeeping_deletes_what_has_expired_and_nothing_else() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let old = ground.remembers(&alice, None).await;
    ground.tries("alice", "wrong horse battery").await;
    ground.clock.advance(devices::KNOWN_FOR);
    let new = ground.remembers(&alice, None).await;
    ground.tries("alice", "wrong horse battery").await;
    let mut tx = ground.store.write().await.unwrap();
    assert_eq!(known_devices::forget(&mut tx, ground.now().0 + 1, 100).await.unwrap(), 1);
    // The counters of that time have been begun anew; nothing is left to delete.
    assert_eq!(login_failures::forget(&mut tx, ground.now().0, 100).await.unwrap(), 0);
    assert_eq!(login_failures::forget(&mut tx, (ground.now() + Lifetime::days(2)).0, 1).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(ground.knows(&alice, &new).await && !ground.knows(&alice, &old).await);
}
