//! Organisations, roles and memberships: what counts, what is unique, and what is never left without an owner.

use latchkey::{
    accounts::{self, NewAccount, Passwords},
    orgs::{self, Membership, NewOrg, NewRole, Org, RoleChanges},
    protocol::{Error, ErrorCode, Result, Timestamp, permission::Permission},
    random::Random,
    store::{
        Store,
        consents::{self, Consent},
        orgs as org_rows, roles,
    },
};

const NOW: Timestamp = Timestamp(1_000_000_000);
const LATER: Timestamp = Timestamp(1_000_000_009);

/// A database with an organisation in it.
struct Ground {
    store: Store,
    random: Random,
    acme: Org,
}

impl Ground {
    async fn new() -> Self {
        let (store, random) = (crate::world::store().await, Random::System);
        let acme = orgs::create(&store, NewOrg { slug: "acme", name: "Acme" }, NOW, &random).await.unwrap();
        Self { store, random, acme }
    }

    async fn user(&self, username: &str) -> String {
        let new = NewAccount { username: username.into(), ..NewAccount::default() };
        accounts::create(&self.store, &Passwords::sized(1, 1, 1), new, NOW, &self.random).await.unwrap().sub
    }

    async fn member(&self, username: &str, role: &str) -> String {
        let sub = self.user(username).await;
        orgs::add_member(&self.store, &self.acme.id, &sub, role, NOW).await.unwrap();
        sub
    }

    async fn memberships(&self, sub: &str) -> Vec<Membership> {
        orgs::memberships_of(&mut self.store.read().await.unwrap(), sub).await.unwrap()
    }

    async fn counts(&self, sub: &str) -> bool {
        let mut db = self.store.read().await.unwrap();
        let one = orgs::membership(&mut db, sub, &self.acme.id).await.unwrap();
        drop(db);
        let all = self.memberships(sub).await;
        assert_eq!(one.as_ref(), all.first(), "one question, two ways to ask it");
        one.is_some()
    }

    async fn creates_role(&self, name: &str, hierarchy_level: i64, permissions: &[&str]) -> Result<orgs::Role> {
        let permissions: Vec<String> = permissions.iter().map(|text| (*text).to_owned()).collect();
        let new = NewRole { name, hierarchy_level, permissions: &permissions };
        orgs::create_role(&self.store, &self.acme.id, new, NOW, &self.random).await
    }

    async fn sets_role(&self, sub: &str, role: &str) -> Result<orgs::Member> {
        orgs::set_member_role(&self.store, &self.acme.id, sub, role, LATER).await
    }

    async fn epoch(&self) -> i64 {
        org_rows::find(&mut self.store.read().await.unwrap(), &self.acme.id).await.unwrap().unwrap().epoch
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, description: &str) {
    match result {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.code, ErrorCode::InvalidRequest);
            assert!(refusal.description.contains(description), "{}", refusal.description);
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_organisation_begins_with_four_roles_and_nobody_in_it() {
    let ground = Ground::new().await;
    let mut db = ground.store.read().await.unwrap();
    let roles = orgs::roles(&mut db, &ground.acme.id).await.unwrap();
    let said: Vec<_> =
        roles.iter().map(|role| (role.name.as_str(), role.hierarchy_level, role.is_system_role)).collect();
    assert_eq!(said, [("owner", 100, true), ("admin", 80, true), ("editor", 50, true), ("viewer", 10, true)]);
    assert_eq!(orgs::members(&mut db, &ground.acme.id, "", 10).await.unwrap(), []);
    assert_eq!(orgs::find(&mut db, "acme").await.unwrap(), Some(ground.acme.clone()));
    assert_eq!(orgs::list(&mut db, "", 10).await.unwrap(), std::slice::from_ref(&ground.acme));
    assert_eq!(orgs::list(&mut db, "acme", 10).await.unwrap(), []);
    assert_eq!((ground.acme.status.as_str(), ground.acme.epoch), ("active", 0));
}

#[tokio::test]
async fn a_slug_is_given_once_and_for_ever() {
    let ground = Ground::new().await;
    let create = async |slug| orgs::create(&ground.store, NewOrg { slug, name: "Other" }, NOW, &ground.random).await;
    refused(create("acme").await, "slug is taken");
    orgs::delete(&ground.store, &ground.acme.id, LATER).await.unwrap();
    refused(create("acme").await, "slug is taken");
    refused(create("Not A Slug").await, "lower-case");
    create("acme-2").await.unwrap();
}

#[tokio::test]
async fn a_name_can_change_and_ends_nothing() {
    let ground = Ground::new().await;
    let alice = ground.member("alice", "viewer").await;
    let org = orgs::rename(&ground.store, &ground.acme.id, "Acme & Söhne", LATER).await.unwrap();
    assert_eq!((org.name.as_str(), org.slug.as_str(), org.epoch), ("Acme & Söhne", "acme", 0));
    assert_eq!(ground.memberships(&alice).await[0].org_name, "Acme & Söhne");
    refused(orgs::rename(&ground.store, &ground.acme.id, " ", LATER).await, "1 to 100");
    refused(orgs::rename(&ground.store, "org_gone", "Name", LATER).await, "does not exist");
}

#[tokio::test]
async fn a_membership_says_organisation_role_and_permissions() {
    let ground = Ground::new().await;
    let bob = ground.member("bob", "editor").await;
    let memberships = ground.memberships(&bob).await;
    let [own] = memberships.as_slice() else { panic!("{memberships:?}") };
    assert_eq!(
        (own.org_id.as_str(), own.org_slug.as_str(), own.org_name.as_str()),
        (ground.acme.id.as_str(), "acme", "Acme")
    );
    assert_eq!((own.role.as_str(), own.role_level, own.org_epoch), ("editor", 50, 0));
    let may = |text| own.permissions.iter().any(|pattern| pattern.allows(&Permission::parse(text).unwrap()));
    assert!(may("kb:read") && may("kb:create") && may("kb:update") && !may("kb:delete"));
}

#[tokio::test]
async fn only_an_active_membership_in_an_active_organisation_counts() {
    let ground = Ground::new().await;
    ground.member("owner", "owner").await;
    let bob = ground.member("bob", "editor").await;
    let org = ground.acme.id.as_str();
    assert!(ground.counts(&bob).await);
    assert_eq!(orgs::suspend_member(&ground.store, org, &bob, LATER).await.unwrap().status, "suspended");
    assert!(!ground.counts(&bob).await);
    assert_eq!(orgs::activate_member(&ground.store, org, &bob, LATER).await.unwrap().status, "active");
    assert!(ground.counts(&bob).await);
    assert_eq!(ground.epoch().await, 0, "memberships end nobody else's tokens");
    assert_eq!(orgs::suspend(&ground.store, org, LATER).await.unwrap().status, "suspended");
    assert!(!ground.counts(&bob).await);
    assert_eq!(ground.epoch().await, 1, "what was granted in its name ends");
    assert_eq!(orgs::activate(&ground.store, org, LATER).await.unwrap().status, "active");
    assert!(ground.counts(&bob).await);
    assert_eq!(ground.epoch().await, 1, "and does not come back");
    orgs::remove_member(&ground.store, org, &bob).await.unwrap();
    assert!(!ground.counts(&bob).await);
    orgs::add_member(&ground.store, org, &bob, "viewer", LATER).await.unwrap();
    assert!(ground.counts(&bob).await);
    orgs::delete(&ground.store, org, LATER).await.unwrap();
    assert!(!ground.counts(&bob).await);
    assert_eq!(ground.epoch().await, 2);
}

#[tokio::test]
async fn a_deleted_organisation_leaves_no_role_and_no_consent_behind() {
    let ground = Ground::new().await;
    let other =
        orgs::create(&ground.store, NewOrg { slug: "other", name: "Other" }, NOW, &ground.random).await.unwrap();
    let mut tx = ground.store.write().await.unwrap();
    for org_id in [&ground.acme.id, &other.id, ""] {
        let (user_id, client_id) = ("usr_alice".to_owned(), "wiki".to_owned());
        let (resource, scope, claims) = (String::new(), "openid".to_owned(), String::new());
        let consent =
            Consent { user_id, client_id, org_id: org_id.to_owned(), resource, scope, claims, updated_at: NOW.0 };
        consents::remember(&mut tx, &consent).await.unwrap();
    }
    tx.commit().await.unwrap();
    orgs::delete(&ground.store, &ground.acme.id, LATER).await.unwrap();
    let mut db = ground.store.read().await.unwrap();
    assert_eq!(roles::of_org(&mut db, &ground.acme.id).await.unwrap(), []);
    assert_eq!(roles::of_org(&mut db, &other.id).await.unwrap().len(), 4);
    let left = consents::of_user(&mut db, "usr_alice").await.unwrap();
    assert_eq!(left.iter().map(|consent| consent.org_id.as_str()).collect::<Vec<_>>(), ["", &other.id]);
}

#[tokio::test]
async fn a_deleted_organisation_is_gone_whatever_is_asked_of_it() {
    let ground = Ground::new().await;
    let alice = ground.user("alice").await;
    let org = ground.acme.id.as_str();
    orgs::delete(&ground.store, org, LATER).await.unwrap();
    let mut db = ground.store.read().await.unwrap();
    assert_eq!(orgs::find(&mut db, "acme").await.unwrap(), None);
    assert_eq!(orgs::list(&mut db, "", 10).await.unwrap(), []);
    drop(db);
    refused(orgs::delete(&ground.store, org, LATER).await, "does not exist");
    refused(orgs::activate(&ground.store, org, LATER).await, "does not exist");
    refused(orgs::suspend(&ground.store, org, LATER).await, "does not exist");
    refused(orgs::rename(&ground.store, org, "Name", LATER).await, "does not exist");
    refused(orgs::add_member(&ground.store, org, &alice, "viewer", LATER).await, "does not exist");
    refused(ground.creates_role("helper", 20, &[]).await, "does not exist");
}

#[tokio::test]
async fn a_user_has_one_role_in_each_of_several_organisations() {
    let ground = Ground::new().await;
    let alice = ground.member("alice", "owner").await;
    let globex = NewOrg { slug: "globex", name: "Globex" };
    let globex = orgs::create(&ground.store, globex, NOW, &ground.random).await.unwrap();
    orgs::add_member(&ground.store, &globex.id, &alice, "viewer", NOW).await.unwrap();
    let said: Vec<_> = ground.memberships(&alice).await.into_iter().map(|own| (own.org_slug, own.role)).collect();
    assert_eq!(said, [("acme".to_owned(), "owner".to_owned()), ("globex".to_owned(), "viewer".to_owned())]);
    refused(orgs::add_member(&ground.store, &globex.id, &alice, "owner", NOW).await, "member already");
}

#[tokio::test]
async fn who_or_what_is_not_there_is_refused() {
    let ground = Ground::new().await;
    let alice = ground.user("alice").await;
    let org = ground.acme.id.as_str();
    refused(orgs::add_member(&ground.store, org, "usr_gone", "viewer", NOW).await, "does not exist");
    refused(orgs::add_member(&ground.store, org, &alice, "king", NOW).await, "no role of that name");
    refused(ground.sets_role(&alice, "viewer").await, "no member");
    refused(orgs::suspend_member(&ground.store, org, &alice, NOW).await, "no member");
    refused(orgs::activate_member(&ground.store, org, &alice, NOW).await, "no member");
    refused(orgs::remove_member(&ground.store, org, &alice).await, "no member");
    refused(orgs::delete_role(&ground.store, org, "king").await, "no role of that name");
    refused(orgs::update_role(&ground.store, org, "king", RoleChanges::default(), NOW).await, "no role of that name");
}

#[tokio::test]
async fn a_role_of_another_organisation_is_no_role_here() {
    let ground = Ground::new().await;
    let globex = NewOrg { slug: "globex", name: "Globex" };
    let globex = orgs::create(&ground.store, globex, NOW, &ground.random).await.unwrap();
    let new = NewRole { name: "king", hierarchy_level: 90, permissions: &["*".to_owned()] };
    orgs::create_role(&ground.store, &globex.id, new, NOW, &ground.random).await.unwrap();
    let alice = ground.user("alice").await;
    refused(orgs::add_member(&ground.store, &ground.acme.id, &alice, "king", NOW).await, "no role of that name");
}

#[tokio::test]
async fn an_organisation_keeps_an_active_owner() {
    let ground = Ground::new().await;
    let alice = ground.member("alice", "owner").await;
    let bob = ground.member("bob", "viewer").await;
    let org = ground.acme.id.as_str();
    let last = "last active owner";
    refused(ground.sets_role(&alice, "admin").await, last);
    refused(orgs::suspend_member(&ground.store, org, &alice, LATER).await, last);
    refused(orgs::remove_member(&ground.store, org, &alice).await, last);
    ground.sets_role(&alice, "owner").await.unwrap();
    // A suspended or disabled owner is none who could act.
    ground.sets_role(&bob, "owner").await.unwrap();
    orgs::suspend_member(&ground.store, org, &bob, LATER).await.unwrap();
    refused(ground.sets_role(&alice, "admin").await, last);
    orgs::activate_member(&ground.store, org, &bob, LATER).await.unwrap();
    accounts::disable(&ground.store, &bob, LATER).await.unwrap();
    refused(ground.sets_role(&alice, "admin").await, last);
    accounts::enable(&ground.store, &bob, LATER).await.unwrap();
    assert_eq!(ground.sets_role(&alice, "admin").await.unwrap().role, "admin");
    refused(orgs::remove_member(&ground.store, org, &bob).await, last);
}

#[tokio::test]
async fn two_owners_who_leave_at_once_do_not_both_succeed() {
    let ground = Ground::new().await;
    let (alice, bob) = (ground.member("alice", "owner").await, ground.member("bob", "owner").await);
    let org = ground.acme.id.as_str();
    let (one, other) =
        tokio::join!(orgs::remove_member(&ground.store, org, &alice), orgs::remove_member(&ground.store, org, &bob));
    assert!(one.is_ok() != other.is_ok());
    refused(one.and(other), "last active owner");
}

#[tokio::test]
async fn a_role_acts_at_once_on_those_who_have_it() {
    let ground = Ground::new().await;
    let role = ground.creates_role("helper", 20, &["kb:r*"]).await.unwrap();
    let bob = ground.member("bob", "helper").await;
    let permissions = ["kb:*".to_owned(), "wiki:read".to_owned()];
    let changes = RoleChanges { name: Some("Support"), hierarchy_level: Some(21), permissions: Some(&permissions) };
    let after = orgs::update_role(&ground.store, &ground.acme.id, "helper", changes, LATER).await.unwrap();
    assert_eq!((after.id.as_str(), after.name.as_str(), after.hierarchy_level), (role.id.as_str(), "Support", 21));
    let own = ground.memberships(&bob).await.remove(0);
    assert_eq!((own.role.as_str(), own.role_level, own.permissions), ("Support", 21, after.permissions.clone()));
    // What is not mentioned stays.
    let same =
        orgs::update_role(&ground.store, &ground.acme.id, "Support", RoleChanges::default(), LATER).await.unwrap();
    assert_eq!(same, after);
    let mut db = ground.store.read().await.unwrap();
    assert_eq!(orgs::find_role(&mut db, &ground.acme.id, "Support").await.unwrap(), Some(after));
    assert_eq!(orgs::find_role(&mut db, &ground.acme.id, "helper").await.unwrap(), None);
}

#[tokio::test]
async fn names_and_levels_are_unique_in_an_organisation() {
    let ground = Ground::new().await;
    ground.creates_role("helper", 20, &[]).await.unwrap();
    refused(ground.creates_role("Helper", 30, &[]).await, "a role of that name");
    refused(ground.creates_role("OWNER", 30, &[]).await, "a role of that name");
    refused(ground.creates_role("other", 20, &[]).await, "a role of that level");
    refused(ground.creates_role("other", 80, &[]).await, "a role of that level");
    let changes = RoleChanges { hierarchy_level: Some(50), ..RoleChanges::default() };
    refused(orgs::update_role(&ground.store, &ground.acme.id, "helper", changes, LATER).await, "a role of that level");
    refused(ground.creates_role("other", 100, &[]).await, "between 1 and 99");
    refused(ground.creates_role(" other", 30, &[]).await, "1 to 50");
    refused(ground.creates_role("other", 30, &["kb"]).await, "");
    // Another organisation has its own.
    let globex = NewOrg { slug: "globex", name: "Globex" };
    let globex = orgs::create(&ground.store, globex, NOW, &ground.random).await.unwrap();
    let new = NewRole { name: "helper", hierarchy_level: 20, permissions: &[] };
    orgs::create_role(&ground.store, &globex.id, new, NOW, &ground.random).await.unwrap();
}

#[tokio::test]
async fn system_roles_stay_as_they_are() {
    let ground = Ground::new().await;
    let permissions = ["kb:read".to_owned()];
    for name in ["owner", "admin", "editor", "viewer"] {
        let changes = RoleChanges { permissions: Some(&permissions), ..RoleChanges::default() };
        refused(orgs::update_role(&ground.store, &ground.acme.id, name, changes, LATER).await, "cannot be changed");
        refused(orgs::delete_role(&ground.store, &ground.acme.id, name).await, "cannot be changed");
    }
}

#[tokio::test]
async fn a_role_that_somebody_has_cannot_be_deleted() {
    let ground = Ground::new().await;
    let org = ground.acme.id.as_str();
    ground.creates_role("helper", 20, &["kb:read"]).await.unwrap();
    let bob = ground.member("bob", "helper").await;
    orgs::suspend_member(&ground.store, org, &bob, LATER).await.unwrap();
    refused(orgs::delete_role(&ground.store, org, "helper").await, "in use");
    ground.sets_role(&bob, "viewer").await.unwrap();
    orgs::delete_role(&ground.store, org, "helper").await.unwrap();
    refused(orgs::delete_role(&ground.store, org, "helper").await, "no role of that name");
}

#[tokio::test]
async fn members_are_listed_by_name_with_their_role_and_status() {
    let ground = Ground::new().await;
    let bob = ground.member("bob", "viewer").await;
    let alice = ground.member("alice", "owner").await;
    orgs::suspend_member(&ground.store, &ground.acme.id, &bob, LATER).await.unwrap();
    let mut db = ground.store.read().await.unwrap();
    let members = orgs::members(&mut db, &ground.acme.id, "", 10).await.unwrap();
    let said: Vec<_> =
        members.iter().map(|m| (m.username.as_str(), m.sub.as_str(), m.role.as_str(), m.status.as_str())).collect();
    assert_eq!(said, [("alice", alice.as_str(), "owner", "active"), ("bob", bob.as_str(), "viewer", "suspended")]);
    assert_eq!(orgs::members(&mut db, &ground.acme.id, "alice", 10).await.unwrap(), members[1..]);
    assert_eq!(orgs::member(&mut db, &ground.acme.id, &bob).await.unwrap().as_ref(), members.get(1));
    assert_eq!(orgs::member(&mut db, &ground.acme.id, "usr_gone").await.unwrap(), None);
}
