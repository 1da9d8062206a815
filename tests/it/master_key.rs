//! The key that seals the others: made once, never lost to a crash, bound to its issuer.

use std::path::PathBuf;

use latchkey::{
    keys::{self, KeyError, Keyring, MasterKey, Mode},
    protocol::PlainSecret,
    random::Random,
};

use crate::key_place::{ISSUER, Place, RS256, START, sign};

#[tokio::test]
async fn the_master_key_is_made_once_for_its_owner_alone() {
    let place = Place::new().await;
    let master = place.master().await.unwrap();
    let text = std::fs::read_to_string(place.file()).unwrap();
    assert_eq!(text.trim(), master.text().expose());
    assert_eq!(text.trim().len(), 43);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(place.file()).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(place.file().parent().unwrap()).unwrap().count(), 1, "no draft is left behind");
    assert_eq!(place.master().await.unwrap().text().expose(), text.trim());
    // The same key may come from the settings.
    let given = PlainSecret::new(text.clone());
    MasterKey::load(&place.store, ISSUER, Some(&given), &place.file(), &Random::System).await.unwrap();
}

#[tokio::test]
async fn a_node_without_the_master_key_refuses_and_makes_none() {
    let place = Place::new().await;
    place.node(START).await;
    let elsewhere = place.folder.path().join("other-node").join("master.key");
    let error = MasterKey::load(&place.store, ISSUER, None, &elsewhere, &Random::System).await.err().unwrap();
    assert!(matches!(&error, KeyError::MasterKeyMissing(file) if *file == elsewhere));
    assert!(error.hint().unwrap().contains("copy the file"));
    assert!(!elsewhere.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_that_make_a_master_key_at_once_one_is_told_to_fetch_the_others() {
    let place = Place::new().await;
    let files = [place.folder.path().join("one.key"), place.folder.path().join("two.key")];
    let load = async |file: &PathBuf| MasterKey::load(&place.store, ISSUER, None, file, &Random::System).await;
    let (one, two) = tokio::join!(load(&files[0]), load(&files[1]));
    assert_ne!(one.is_ok(), two.is_ok());
    assert!(matches!(one.err().or(two.err()), Some(KeyError::MasterKeyMissing(_))));
    assert_eq!(files.iter().filter(|file| file.exists()).count(), 1, "the key that sealed nothing is gone");
}

#[tokio::test]
async fn a_wrong_or_malformed_master_key_refuses_to_open() {
    let place = Place::new().await;
    place.node(START).await;
    let load = async |text: &str| {
        let given = PlainSecret::new(text);
        MasterKey::load(&place.store, ISSUER, Some(&given), &place.file(), &Random::System).await.err().unwrap()
    };
    let wrong = Random::seeded(1).token();
    assert!(matches!(load(&wrong).await, KeyError::MasterKeyWrong));
    for malformed in ["", "secret", &wrong[..42], &format!("{wrong}A"), &"=".repeat(43), &format!("{}+", &wrong[..42])]
    {
        assert!(matches!(load(malformed).await, KeyError::MasterKeyMalformed), "{malformed}");
    }
    std::fs::write(place.file(), &wrong).unwrap();
    assert!(matches!(place.try_node(START).await.err().unwrap(), KeyError::MasterKeyWrong));
}

#[tokio::test]
async fn keys_of_another_issuer_are_refused_until_they_are_bound_to_this_one() {
    let place = Place::new().await;
    let token = sign(&place.node(START).await);
    let moved = "https://new.example";
    let error = MasterKey::load(&place.store, moved, None, &place.file(), &Random::System).await.err().unwrap();
    assert!(matches!(&error, KeyError::OtherIssuer { sealed, ours } if sealed == ISSUER && ours == moved), "{error}");
    let master = keys::load_and_rebind(&place.store, moved, None, &place.file(), &Random::System).await.unwrap();
    assert_eq!(master.issuer(), moved);
    let master = MasterKey::load(&place.store, moved, None, &place.file(), &Random::System).await.unwrap();
    let node = Keyring::open(&place.store, master, &place.settings, &Random::System, START).await.unwrap();
    assert!(node.verify(&token).is_some());
    assert!(matches!(place.master().await, Err(KeyError::OtherIssuer { .. })));
}

#[tokio::test]
async fn resealing_changes_the_master_key_under_running_nodes() {
    let place = Place::new().await;
    let node = place.node(START).await;
    let alias = node.pairwise_key().name("sub", "wiki.example", "usr_1");
    let (token, mac, tag) = (sign(&node), node.refresh_key().mac(b"token"), node.published());
    let old = place.master().await.unwrap();
    let new = MasterKey::generate(ISSUER, old.file(), &Random::System).unwrap();
    assert_eq!(keys::reseal(&place.store, &old, &new).await.unwrap(), 4);
    assert_eq!(std::fs::read_to_string(place.file()).unwrap().trim(), new.text().expose());
    assert_eq!(std::fs::read_dir(place.file().parent().unwrap()).unwrap().count(), 1);

    // The running node reads the file again; a new one starts; whoever has only the old key does not.
    node.reload(&place.store).await.unwrap();
    assert!(node.rotate(&place.store, RS256, Mode::Now, START).await.unwrap().won);
    let fresh = place.node(START).await;
    assert_eq!(fresh.refresh_key().mac(b"token"), mac);
    assert_eq!(fresh.pairwise_key().name("sub", "wiki.example", "usr_1"), alias);
    assert!(fresh.verify(&token).is_some());
    assert_ne!(fresh.published(), tag);
    let given = PlainSecret::new(old.text().expose());
    let refused = MasterKey::load(&place.store, ISSUER, Some(&given), &place.file(), &Random::System).await;
    assert!(matches!(refused, Err(KeyError::MasterKeyWrong)));
    assert!(matches!(keys::reseal(&place.store, &old, &new).await, Err(KeyError::MasterKeyWrong)));
}

#[tokio::test]
async fn a_reseal_that_was_killed_before_the_file_had_its_name_is_finished_by_the_next_start() {
    let place = Place::new().await;
    let token = sign(&place.node(START).await);
    let old = place.master().await.unwrap();
    let new = MasterKey::generate(ISSUER, old.file(), &Random::System).unwrap();
    keys::reseal(&place.store, &old, &new).await.unwrap();
    // As it was after the commit and before the rename.
    std::fs::rename(place.file(), place.file().with_extension("key.new")).unwrap();
    std::fs::write(place.file(), old.text().expose()).unwrap();
    assert!(place.node(START).await.verify(&token).is_some());
    assert_eq!(std::fs::read_to_string(place.file()).unwrap().trim(), new.text().expose());
    assert!(!place.file().with_extension("key.new").exists());
}
