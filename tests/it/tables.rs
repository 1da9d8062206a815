//! Every table, known today or added tomorrow: its rows end with what they belong to, and with their time.

use latchkey::{
    accounts,
    clients::{
        Logout,
        registration::{self, OldSecret},
    },
    jobs, orgs,
    protocol::Lifetime,
    store::{Access, Conn, access_tokens, client_assertions, login_failures, registration_tokens, snapshot},
};

use crate::world::World;

/// A world in which everything has happened that leaves a row behind; alice, the organisation she is in, and her app.
async fn lived_in() -> (World, String, String) {
    let world = World::new().await;
    let alice = world.user("alice").await;
    let owner = world.user("olga").await;
    let acme = world.org("acme", &[(&alice, "editor"), (&owner, "owner")]).await;
    let logout = Logout { back_channel_uri: Some("https://wiki.example/out".into()), ..Logout::default() };
    let app = world.app_with("wiki", |wanted| wanted.logout = logout).await;
    let mut gone = world.browser();
    gone.goes_through(&app.asks("openid"), "alice").await;
    let page = gone.get("/logout").await;
    gone.submits(&page, &[("action", "sign_out")]).await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid org:acme"), "alice").await;
    browser.authorizes(&crate::authorize::asks(&app, "openid", &[("prompt", "login")])).await;
    let secret = OldSecret::EndsIn(Lifetime::hours(1));
    registration::rotate_secret(&world.server.registry, "wiki", None, secret, world.now(), &world.server.random)
        .await
        .expect("another secret");
    let soon = (world.now() + Lifetime::minutes(15)).0;
    let mut tx = world.server.store.write().await.expect("a transaction");
    access_tokens::insert_opaque(&mut tx, "hash", "{}", soon).await.expect("an opaque token");
    access_tokens::deny(&mut tx, "jti", soon).await.expect("a denied token");
    assert!(client_assertions::spend(&mut tx, "hash", soon).await.expect("an assertion"));
    let initial = registration_tokens::Row { id: "id".into(), uses: Some(2), created_at: 0, expires_at: Some(soon) };
    registration_tokens::insert(&mut tx, &initial, "initial").await.expect("an initial access token");
    registration_tokens::insert_of_client(&mut tx, "wiki", "own").await.expect("a registration access token");
    login_failures::count(&mut tx, "key", world.now().0, soon).await.expect("a failure");
    tx.commit().await.expect("committed");
    (world, alice, acme)
}

/// The tables that have a column of that name; all of them without one.
async fn tables(world: &World, column: Option<&str>) -> Vec<String> {
    let mut db = world.server.store.read().await.expect("a connection");
    let columns: Vec<(String, String)> = match db.conn() {
        Conn::Sqlite(own) => {
            sqlx::query_as(
                "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'",
            )
            .fetch_all(own)
            .await
        }
        Conn::Postgres(own) => {
            sqlx::query_as(
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
             WHERE table_schema = current_schema()",
            )
            .fetch_all(own)
            .await
        }
    }
    .expect("the tables are listed");
    let is_wanted = |own: &str| column.is_none_or(|column| column == own);
    let mut tables: Vec<String> =
        columns.into_iter().filter(|(_, own)| is_wanted(own)).map(|(table, _)| table).collect();
    tables.retain(|table| !table.starts_with("_sqlx") && !table.starts_with("sqlite_"));
    tables.sort_unstable();
    tables.dedup();
    assert!(!tables.is_empty(), "no table has {column:?}");
    tables
}

async fn count(world: &World, table: &str, condition: &str) -> i64 {
    let question = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE {condition}"));
    let mut db = world.server.store.read().await.expect("a connection");
    match db.conn() {
        Conn::Sqlite(own) => sqlx::query_scalar(question).fetch_one(own).await,
        Conn::Postgres(own) => sqlx::query_scalar(question).fetch_one(own).await,
    }
    .unwrap_or_else(|error| panic!("{table}: {error}"))
}

/// The tables that hold something of `value`.
async fn holding(world: &World, column: &str, value: &str) -> Vec<String> {
    let mut holding = Vec::new();
    for table in tables(world, Some(column)).await {
        if count(world, &table, &format!("{column} = '{value}'")).await > 0 {
            holding.push(table);
        }
    }
    holding
}

#[tokio::test]
async fn rows_of_every_table_are_deleted_once_they_have_expired() {
    let (world, ..) = lived_in().await;
    let expiring = tables(&world, Some("expires_at")).await;
    for table in &expiring {
        assert!(count(&world, table, "expires_at IS NOT NULL").await > 0, "{table}: nothing has lived here");
    }
    world.advance(Lifetime::days(2 * 365));
    jobs::tidy(&world.server.store, &world.server.settings.tokens, world.now()).await.expect("tidied");
    for table in &expiring {
        assert_eq!(count(&world, table, "expires_at IS NOT NULL").await, 0, "{table}: housekeeping does not know it");
    }
}

#[tokio::test]
async fn of_a_deleted_account_no_table_holds_more_than_ended_grants_and_what_apps_are_still_to_be_told() {
    let (world, alice, _) = lived_in().await;
    assert_eq!(holding(&world, "user_id", &alice).await, tables(&world, Some("user_id")).await);
    accounts::delete(&world.server.store, &alice, world.now()).await.expect("deleted");
    assert_eq!(holding(&world, "user_id", &alice).await, ["grants", "logout_notices"]);
    assert_eq!(count(&world, "grants", "ended_at IS NULL").await, 0);
}

#[tokio::test]
async fn of_a_deleted_organisation_no_table_holds_more_than_dead_grants() {
    let (world, _, acme) = lived_in().await;
    assert_eq!(holding(&world, "org_id", &acme).await, tables(&world, Some("org_id")).await);
    orgs::delete(&world.server.store, &acme, world.now()).await.expect("deleted");
    assert_eq!(holding(&world, "org_id", &acme).await, ["grants"]);
}

#[tokio::test]
async fn of_a_deleted_client_no_table_holds_more_than_dead_grants() {
    let (world, ..) = lived_in().await;
    assert_eq!(holding(&world, "client_id", "wiki").await, tables(&world, Some("client_id")).await);
    registration::delete(&world.server.registry, "wiki", world.now()).await.expect("deleted");
    assert_eq!(holding(&world, "client_id", "wiki").await, ["grants"]);
}

#[tokio::test]
async fn a_restored_copy_brings_back_nothing_that_ends() {
    /// What must not come back to life is deleted, or counts for nothing under another epoch of the issuer; what stays is
    /// what operators and users have set up, and what keeps strangers out.
    const AFTERWARDS: &[(&str, &str)] = &[
        ("authorization_requests", "empty"),
        ("browser_sessions", "empty"),
        ("client_assertions", "stays"),
        ("client_registrations", "stays"),
        ("client_secrets", "stays"),
        ("clients", "stays"),
        ("consents", "stays"),
        ("denied_tokens", "stays"),
        ("generation", "stays"),
        ("grants", "of another epoch"),
        ("instance", "stays"),
        ("known_devices", "stays"),
        ("login_failures", "stays"),
        ("logout_notices", "stays"),
        ("memberships", "stays"),
        ("opaque_tokens", "of another epoch"),
        ("orgs", "stays"),
        ("registration_tokens", "empty"),
        ("resources", "stays"),
        ("roles", "stays"),
        ("session_clients", "empty"),
        ("signing_keys", "stays"),
        ("users", "stays"),
    ];
    let (world, ..) = lived_in().await;
    let thought_of: Vec<&str> = AFTERWARDS.iter().map(|(table, _)| *table).collect();
    assert_eq!(tables(&world, None).await, thought_of, "what becomes of each table in a restored copy");
    let mut tx = world.server.store.write().await.expect("a transaction");
    snapshot::end_everything(&mut tx, 0).await.expect("ended");
    tx.commit().await.expect("committed");
    for (table, becomes) in AFTERWARDS {
        let left = count(&world, table, "TRUE").await;
        assert_eq!(left == 0, *becomes == "empty" || *table == "resources", "{table}: {left} rows");
    }
    assert_eq!(count(&world, "grants", "issuer_epoch > 0").await, 0);
}
