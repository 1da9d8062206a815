//! The life of an account: how it begins and changes, and what ends with what.

use super::*;

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
async fn a_claim_is_changed_alone_and_another_phone_number_has_to_be_verified_anew() {
    let ground = Ground::new().await;
    let alice = ground.has("alice").await;
    let changes = async |claims: serde_json::Value| {
        let changes = Changes { claims: claims.as_object().cloned().unwrap(), ..Changes::default() };
        accounts::update(&ground.store, &alice.sub, changes, NOW).await.map(|account| account.claims)
    };
    let number = json!({"phone_number": "+1 555 0100", "phone_number_verified": true, "department": {"id": 7}});
    changes(number.clone()).await.unwrap();
    let mut expected = number.as_object().cloned().unwrap();
    assert_eq!(changes(json!({"nickname": "al", "phone_number": "+1 555 0100"})).await.unwrap()["nickname"], "al");
    assert_eq!(changes(json!({"nickname": null})).await.unwrap(), expected);
    expected.extend([("phone_number".into(), json!("+1 555 0199")), ("phone_number_verified".into(), json!(false))]);
    assert_eq!(changes(json!({"phone_number": "+1 555 0199"})).await.unwrap(), expected);
    let both = json!({"phone_number": "+1 555 0100", "phone_number_verified": true});
    assert_eq!(changes(both).await.unwrap(), number.as_object().cloned().unwrap());
    assert_eq!(
        changes(json!({"phone_number": null})).await.unwrap(),
        *json!({"department": {"id": 7}}).as_object().unwrap()
    );
    refused(changes(json!({"name": "a\nb"})).await, "claim `name`");
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
