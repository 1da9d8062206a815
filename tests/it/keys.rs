//! The life of signing keys, on the database under test.

use std::collections::BTreeSet;

use josekit::jwk::{
    KeyPair,
    alg::{ec::EcCurve, ec::EcKeyPair, rsa::RsaKeyPair},
};
use latchkey::{
    keys::{self, KeyError, KeySettings, Keyring, MasterKey, Mode},
    protocol::{Algorithm, KeyAlgorithm, Lifetime},
    random::Random,
    store::{instance, signing_keys},
};
use serde_json::{Value, json};

use crate::key_place::{ISSUER, Place, RS256, START, sign};

fn published(node: &Keyring) -> Vec<Value> {
    let set: Value = serde_json::from_slice(&node.published().body).unwrap();
    set["keys"].as_array().unwrap().clone()
}

fn kids(node: &Keyring) -> Vec<String> {
    published(node).iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_first_start_publishes_the_key_that_signs_and_the_one_that_will() {
    let place = Place::keeping(Algorithm::ALL).await;
    let node = place.node(START).await;
    assert_eq!(node.algorithms(), Algorithm::ALL);
    let keys = published(&node);
    assert_eq!(keys.len(), 8);
    for (alg, own) in Algorithm::ALL.iter().zip(keys.chunks(2)) {
        let token = node.sign(*alg, "JWT", &json!({ "sub": "usr_1" })).unwrap();
        let verified = node.verify(&token).expect("what we sign, we verify");
        assert_eq!((verified.alg, verified.typ.as_deref()), (*alg, Some("JWT")));
        // The active one stands first, for those who take the first they find.
        assert_eq!(own[0]["kid"], verified.kid);
        for key in own {
            assert_eq!((&key["alg"], &key["use"]), (&json!(alg.as_str()), &json!("sig")));
        }
    }
}

#[tokio::test]
async fn the_jwk_set_has_no_private_member_and_neither_has_a_gone_key() {
    let place = Place::keeping(Algorithm::ALL).await;
    let node = place.node(START).await;
    for key in published(&node) {
        let members: BTreeSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let known = BTreeSet::from(["kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"]);
        assert!(members.is_subset(&known), "{members:?}");
    }
    node.rotate(&place.store, RS256, Mode::Now, START).await.unwrap();
    node.rotate_if_due(&place.store, START + Lifetime::hours(1)).await.unwrap();
    let gone = place.row("gone").await;
    let sealed =
        place.master().await.unwrap().open(&format!("signing_key/RS256/gone/{}", gone.kid), &gone.sealed).unwrap();
    let sealed: Value = serde_json::from_slice(&sealed).unwrap();
    assert_eq!(sealed["kid"], gone.kid);
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        assert!(sealed.get(private).is_none(), "{private}");
    }
}

#[tokio::test]
async fn a_key_is_next_then_active_then_retired_then_gone_then_forgotten() {
    let place = Place::new().await;
    let node = place.node(START).await;
    let (first, second) = (place.kid("active").await, place.kid("next").await);
    let token = sign(&node);

    // A day is not yet time, and the due day is.
    assert_eq!(node.rotate_if_due(&place.store, START + Lifetime::days(1)).await.unwrap(), []);
    let due = START + Lifetime::days(30);
    let done = node.rotate_if_due(&place.store, due).await.unwrap();
    assert_eq!((done.len(), done[0].won, done[0].was.as_deref()), (1, true, Some(first.as_str())));
    assert_eq!(place.kid("active").await, second);
    assert_eq!(place.kid("retired").await, first);
    let third = place.kid("next").await;
    assert_eq!(kids(&node), [second.clone(), third, first.clone()]);
    assert_eq!(node.verify(&sign(&node)).unwrap().kid, second);
    assert_eq!(node.verify(&token).unwrap().kid, first);

    // The last token it can have signed ends after a quarter of an hour.
    node.rotate_if_due(&place.store, due + Lifetime::minutes(15)).await.unwrap();
    assert!(node.verify(&token).is_some());
    node.rotate_if_due(&place.store, due + Lifetime::minutes(17)).await.unwrap();
    assert_eq!(place.kid("gone").await, first);
    assert!(!kids(&node).contains(&first));
    assert_eq!(node.verify(&token), None);
    assert_eq!(node.verify_hint(&token).unwrap().kid, first);

    // No session that began under it can be alive.
    node.rotate_if_due(&place.store, due + Lifetime::days(31)).await.unwrap();
    assert!(place.keys().await.iter().all(|key| key.kid != first));
    assert_eq!(node.verify_hint(&token), None);
}

#[tokio::test]
async fn a_dropped_key_is_remembered_until_nobody_can_have_kept_it() {
    let place = Place::new().await;
    let node = place.node(START).await;
    let lost = place.kid("active").await;
    node.rotate(&place.store, RS256, Mode::Emergency, START).await.unwrap();
    node.rotate_if_due(&place.store, START + Lifetime::days(364)).await.unwrap();
    assert_eq!(place.kid("dropped").await, lost);
    node.rotate_if_due(&place.store, START + Lifetime::days(366)).await.unwrap();
    assert!(place.keys().await.iter().all(|key| key.kid != lost));
}

#[tokio::test]
async fn the_entity_tag_changes_with_the_keys_and_with_nothing_else() {
    let place = Place::new().await;
    let node = place.node(START).await;
    let tag = node.published().etag.clone();
    assert!(tag.starts_with('"') && tag.ends_with('"'));
    node.reload(&place.store).await.unwrap();
    assert_eq!(node.published().etag, tag);
    assert_eq!(place.node(START).await.published(), node.published());
    node.rotate(&place.store, RS256, Mode::Now, START).await.unwrap();
    assert_ne!(node.published().etag, tag);
}

#[tokio::test]
async fn a_next_key_that_not_everybody_can_have_is_promoted_only_on_demand() {
    let place = Place::new().await;
    let node = place.node(START).await;
    let early = START + Lifetime::hours(23);
    let error = node.rotate(&place.store, RS256, Mode::Scheduled, early).await.unwrap_err();
    assert!(matches!(error, KeyError::TooYoung { ready_at, .. } if ready_at == START.0 + 86_400), "{error}");
    assert!(error.hint().unwrap().contains("--now"));
    assert_eq!(place.keys().await.len(), 2);
    assert!(node.rotate(&place.store, RS256, Mode::Now, early).await.unwrap().won);
    // The one made then is young again.
    assert!(node.rotate(&place.store, RS256, Mode::Scheduled, early + Lifetime::hours(23)).await.is_err());
    assert!(node.rotate(&place.store, RS256, Mode::Scheduled, early + Lifetime::hours(24)).await.unwrap().won);
    let unknown = node.rotate(&place.store, Algorithm::ES256, Mode::Now, early).await.unwrap_err();
    assert!(matches!(unknown, KeyError::NoRing(KeyAlgorithm::Signature(Algorithm::ES256))));
}

#[tokio::test]
async fn an_emergency_ends_what_the_key_signed_and_nothing_else() {
    let place = Place::new().await;
    let (node, other) = (place.node(START).await, place.node(START).await);
    node.rotate(&place.store, RS256, Mode::Now, START).await.unwrap();
    let retired = place.kid("retired").await;
    let token = sign(&node);
    let lost = place.kid("active").await;
    let heir = place.kid("next").await;
    let refresh_mac = node.refresh_key().mac(b"token");

    let outcome = node.rotate(&place.store, RS256, Mode::Emergency, START).await.unwrap();
    assert_eq!((outcome.active, outcome.was), (heir.clone(), Some(lost.clone())));
    assert_eq!(place.kid("dropped").await, lost);
    assert!(place.row("dropped").await.sealed.is_empty());
    other.reload(&place.store).await.unwrap();
    for node in [&node, &other] {
        assert_eq!(node.verify(&token), None);
        assert_eq!(node.verify_hint(&token), None);
        assert_eq!(kids(node), [heir.clone(), place.kid("next").await, retired.clone()]);
        assert_eq!(node.verify(&sign(node)).unwrap().kid, heir);
        assert_eq!(node.refresh_key().mac(b"token"), refresh_mac);
    }
    assert_eq!(instance::issuer_epoch(&mut place.store.read().await.unwrap()).await.unwrap(), 0);
}

#[tokio::test]
async fn an_emergency_of_all_keys_ends_every_grant_too() {
    let place = Place::keeping(&[RS256, Algorithm::ES256]).await;
    let (node, other) = (place.node(START).await, place.node(START).await);
    node.rotate(&place.store, RS256, Mode::Now, START).await.unwrap();
    other.reload(&place.store).await.unwrap();
    let (token, before, mac) = (sign(&node), kids(&node), node.refresh_key().mac(b"token"));
    let alias = |node: &Keyring| node.pairwise_key().name("sub", "wiki.example", "usr_1");
    let alias_before = alias(&node);
    let done = node.drop_all(&place.store, START).await.unwrap();
    assert_eq!(done.len(), 2);
    assert!(node.rotate_if_due(&place.store, START).await.unwrap().is_empty());
    other.reload(&place.store).await.unwrap();
    for node in [&node, &other] {
        assert_eq!(node.verify_hint(&token), None);
        assert_eq!(kids(node).len(), 4);
        assert!(kids(node).iter().all(|kid| !before.contains(kid)));
        assert_ne!(node.refresh_key().mac(b"token"), mac);
        assert_eq!(alias(node), alias_before, "no app takes its users for new ones");
        assert!(node.verify(&sign(node)).is_some());
    }
    let epoch = async || instance::issuer_epoch(&mut place.store.read().await.unwrap()).await.unwrap();
    assert_eq!(epoch().await, 1);
    node.drop_all(&place.store, START).await.unwrap();
    assert_eq!(epoch().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_nodes_that_rotate_at_once_one_does() {
    let place = Place::new().await;
    let nodes = [place.node(START).await, place.node(START).await, place.node(START).await, place.node(START).await];
    let due = START + Lifetime::days(30);
    let tasks: Vec<_> = nodes
        .iter()
        .map(|node| {
            let (node, store) = (node.clone(), place.store.clone());
            tokio::spawn(async move { node.rotate_if_due(&store, due).await.unwrap() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += task.await.unwrap().iter().filter(|outcome| outcome.won).count();
    }
    assert_eq!(won, 1);
    assert_eq!(place.keys().await.len(), 3);
    for node in &nodes {
        node.reload(&place.store).await.unwrap();
        assert_eq!(node.published(), nodes[0].published());
        assert_eq!(nodes[0].verify(&sign(node)).unwrap().kid, place.kid("active").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_who_rotate_at_once_one_is_told_that_the_other_did() {
    let place = Place::new().await;
    let (one, two) = (place.node(START).await, place.node(START).await);
    let now = START + Lifetime::days(2);
    let (first, second) =
        tokio::join!(one.rotate(&place.store, RS256, Mode::Now, now), two.rotate(&place.store, RS256, Mode::Now, now));
    let (first, second) = (first.unwrap(), second.unwrap());
    // Either they met and one lost, or the second came when the first had already ended, and rotated again.
    let keys = place.keys().await;
    assert_eq!(keys.len(), 2 + usize::from(first.won) + usize::from(second.won));
    assert!(first.won || second.won);
    one.reload(&place.store).await.unwrap();
    two.reload(&place.store).await.unwrap();
    assert_eq!(one.published(), two.published());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_on_an_empty_database_share_its_keys() {
    let place = Place::new().await;
    let (one, two) = tokio::join!(place.try_node(START), place.try_node(START));
    let (one, two) = (one.unwrap(), two.unwrap());
    one.reload(&place.store).await.unwrap();
    two.reload(&place.store).await.unwrap();
    assert_eq!(place.keys().await.len(), 2);
    assert_eq!(one.published(), two.published());
    assert_eq!(one.refresh_key().mac(b"token"), two.refresh_key().mac(b"token"));
    let alias = |node: &Keyring| node.pairwise_key().name("sub", "wiki.example", "usr_1");
    assert_eq!(alias(&one), alias(&two));
    assert!(two.verify(&sign(&one)).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_refused_and_none_is_signed_by_an_unpublished_key_while_keys_rotate() {
    let place = Place::new().await;
    let (signing, checking) = (place.node(START).await, place.node(START).await);
    let rotations = {
        let (node, store) = (signing.clone(), place.store.clone());
        tokio::spawn(async move {
            for day in 1..=4 {
                let outcome = node.rotate(&store, RS256, Mode::Scheduled, START + Lifetime::days(day)).await.unwrap();
                assert!(outcome.won);
            }
        })
    };
    let mut signers = BTreeSet::new();
    while !rotations.is_finished() {
        // What the checking node (or anybody) has fetched before the token was signed is enough to check it.
        let before = kids(&checking);
        let verified = checking.verify(&sign(&signing)).expect("every token is good");
        assert!(before.contains(&verified.kid));
        signers.insert(verified.kid);
        checking.reload(&place.store).await.unwrap();
        tokio::task::yield_now().await;
    }
    rotations.await.unwrap();
    assert!(signers.len() > 1, "the keys rotated while tokens were signed");
}

#[tokio::test]
async fn a_writer_to_the_database_can_neither_add_a_key_nor_change_what_one_is() {
    let place = Place::new().await;
    let node = place.node(START).await;
    node.rotate(&place.store, RS256, Mode::Now, START).await.unwrap();
    let (active, next, retired) = (place.row("active").await, place.row("next").await, place.row("retired").await);
    let before = node.published();

    let flipped = {
        let mut text = next.sealed.clone();
        let last = if text.pop() == Some('A') { 'Q' } else { 'A' };
        text.push(last);
        text
    };
    let changes = [
        (
            "another key's value",
            next.clone(),
            signing_keys::SigningKey { sealed: active.sealed.clone(), ..next.clone() },
        ),
        ("a changed value", next.clone(), signing_keys::SigningKey { sealed: flipped, ..next.clone() }),
        ("an empty value", next.clone(), signing_keys::SigningKey { sealed: String::new(), ..next.clone() }),
        ("another state", retired.clone(), signing_keys::SigningKey { state: "gone".into(), ..retired.clone() }),
        ("an unknown state", retired.clone(), signing_keys::SigningKey { state: "eternal".into(), ..retired.clone() }),
    ];
    for (what, from, to) in &changes {
        place.tamper(from, to).await;
        assert!(matches!(place.try_node(START).await, Err(KeyError::Tampered(_))), "{what}");
        assert!(matches!(node.reload(&place.store).await, Err(KeyError::Tampered(_))), "{what}");
        assert_eq!(node.published(), before, "a running node goes on with what it knows: {what}");
        place.tamper(to, from).await;
        node.reload(&place.store).await.unwrap();
    }

    // A key of the attacker's own, sealed under the attacker's own master key.
    let foreign = MasterKey::generate(ISSUER, None, &Random::System).unwrap();
    let own = RsaKeyPair::generate(2048).unwrap().to_jwk_key_pair().to_string();
    let kid = "attackers-key";
    let sealed = foreign.seal(&format!("signing_key/RS256/retired/{kid}"), own.as_bytes()).unwrap();
    let added = signing_keys::SigningKey { kid: kid.into(), sealed, ..retired };
    let mut tx = place.store.write().await.unwrap();
    signing_keys::insert(&mut tx, &added).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(place.try_node(START).await, Err(KeyError::MasterKeyWrong)));
    assert!(node.reload(&place.store).await.is_err());
    assert_eq!(node.published(), before);
}

#[tokio::test]
async fn a_key_brought_to_an_empty_server_signs_at_once_and_the_next_is_made_beside_it() {
    let place = Place::new().await;
    let pem = String::from_utf8(RsaKeyPair::generate(2048).unwrap().to_pem_private_key()).unwrap();
    let master = place.master().await.unwrap();
    let imported = keys::rotation::import(&place.store, &master, &place.settings, &pem, None, START).await.unwrap();
    assert_eq!(imported.state, "active");
    let node = place.node(START).await;
    assert_eq!(node.verify(&sign(&node)).unwrap().kid, imported.kid);
    assert_eq!(place.kid("active").await, imported.kid);
    assert_eq!(kids(&node).len(), 2);
}

#[tokio::test]
async fn a_key_brought_to_a_living_server_becomes_the_next_one_once() {
    let place = Place::new().await;
    let node = place.node(START).await;
    let replaced = place.kid("next").await;
    let pem = String::from_utf8(RsaKeyPair::generate(3072).unwrap().to_traditional_pem_private_key()).unwrap();
    let imported = node.import(&place.store, &pem, None, START).await.unwrap();
    assert_eq!((imported.state.as_str(), place.kid("next").await), ("next", imported.kid.clone()));
    assert_eq!(place.kid("gone").await, replaced);
    assert!(kids(&node).contains(&imported.kid) && !kids(&node).contains(&replaced));
    let again = node.import(&place.store, &pem, None, START).await.unwrap_err();
    assert!(matches!(again, KeyError::AlreadyThere(kid, state) if kid == imported.kid && state == "next"));
    let announced = START + Lifetime::hours(24);
    assert!(node.rotate(&place.store, RS256, Mode::Scheduled, announced).await.unwrap().won);
    assert_eq!(node.verify(&sign(&node)).unwrap().kid, imported.kid);
    // A key that was lost cannot come back by import.
    node.rotate(&place.store, RS256, Mode::Emergency, announced).await.unwrap();
    let lost = node.import(&place.store, &pem, None, announced).await.unwrap_err();
    assert!(matches!(lost, KeyError::AlreadyThere(_, state) if state == "dropped"));
    let ec = EcKeyPair::generate(EcCurve::P256).unwrap().to_jwk_key_pair().to_string();
    assert!(matches!(
        node.import(&place.store, &ec, None, START).await,
        Err(KeyError::NoRing(KeyAlgorithm::Signature(Algorithm::ES256)))
    ));
}

#[tokio::test]
async fn the_ring_of_an_algorithm_that_is_no_longer_kept_ends_by_itself() {
    let place = Place::keeping(&[RS256, Algorithm::ES256]).await;
    let token = place.node(START).await.sign(Algorithm::ES256, "at+jwt", &json!({})).unwrap();
    let settings = place.settings.clone();
    let smaller = KeySettings { algorithms: vec![RS256], ..settings };
    let node =
        Keyring::open(&place.store, place.master().await.unwrap(), &smaller, &Random::System, START).await.unwrap();
    assert_eq!(node.algorithms(), [RS256]);
    assert!(node.verify(&token).is_some());
    let due = START + Lifetime::days(30);
    node.rotate_if_due(&place.store, due).await.unwrap();
    node.rotate_if_due(&place.store, due + Lifetime::hours(1)).await.unwrap();
    assert!(published(&node).iter().all(|key| key["alg"] == "RS256"));
    assert!(node.sign(Algorithm::ES256, "at+jwt", &json!({})).is_err());
}
