//! The shortest way to a code: a signed-in session and the grant row that an approval leaves behind, without the pages.

use latchkey::{
    accounts, orgs,
    store::{
        browser_sessions::{BrowserSessions, LOGIN, Lifetimes},
        grants::{self, Grant},
        instance,
    },
};
use tower_sessions::{SessionStore, session::Record};

use crate::world::{App, CHALLENGE, ISSUER, World};

/// What an approval gave.
pub(crate) struct Approval {
    pub(crate) code: String,
    pub(crate) grant_id: String,
    pub(crate) sid: String,
}

/// A user's yes to all that is asked for, at the issuer alone.
pub(crate) async fn approve(world: &World, app: &App, sub: &str, scope: &str) -> Approval {
    approve_with(world, app, sub, scope, |_| {}).await
}

/// The same in an organisation, for an API.
pub(crate) async fn approve_in(world: &World, app: &App, sub: &str, scope: &str, org_id: &str, api: &str) -> Approval {
    let mut db = world.server.store.read().await.expect("a connection");
    let membership = orgs::membership(&mut db, sub, org_id).await.expect("a row").expect("a member");
    drop(db);
    approve_with(world, app, sub, scope, |grant| {
        grant.org_id = Some(org_id.to_owned());
        grant.org_epoch = membership.org_epoch;
        let issuer = if scope.contains("openid") { format!(",\"{ISSUER}\"") } else { String::new() };
        grant.resources = format!("[\"{api}\"{issuer}]");
    })
    .await
}

/// The same, with whatever else is different.
pub(crate) async fn approve_with(
    world: &World,
    app: &App,
    sub: &str,
    scope: &str,
    change: impl FnOnce(&mut Grant),
) -> Approval {
    let server = &world.server;
    let mut db = server.store.read().await.expect("a connection");
    let user = accounts::find(&mut db, sub).await.expect("a row").expect("a user");
    let issuer_epoch = instance::issuer_epoch(&mut db).await.expect("an epoch");
    drop(db);
    let client = server.registry.find(&app.id).await.expect("a row").expect("a client");
    let code = format!("lkc_{}", server.random.token());
    let now = world.now().0;
    let mut grant = Grant {
        id: server.random.id(),
        client_id: app.id.clone(),
        user_id: sub.to_owned(),
        sid: sign_in(world, sub).await,
        offline: scope.contains("offline_access"),
        code_hash: latchkey::protocol::PlainSecret::new(code.as_str()).hash().as_str().to_owned(),
        code_expires_at: now + 60,
        code_spent_at: None,
        code_failures: 0,
        redirect_uri: app.redirect_uri.clone(),
        code_challenge: Some(CHALLENGE.to_owned()),
        nonce: Some("n-o-n-c-e".to_owned()),
        scope: scope.to_owned(),
        resources: format!("[\"{ISSUER}\"]"),
        claims: None,
        org_id: None,
        auth_time: now - 5,
        acr: "urn:latchkey:acr:password".to_owned(),
        amr: "pwd".to_owned(),
        refresh_generation: 0,
        refresh_predecessor: 0,
        refresh_recovered: false,
        refresh_rotated_at: now,
        user_epoch: user.epoch,
        client_epoch: client.epoch,
        org_epoch: 0,
        issuer_epoch,
        created_at: now,
        expires_at: now + 60,
        ended_at: None,
        ended_by: None,
    };
    change(&mut grant);
    let mut tx = server.store.write().await.expect("a transaction");
    grants::insert(&mut tx, &grant).await.expect("a grant");
    tx.commit().await.expect("a commit");
    Approval { code, grant_id: grant.id, sid: grant.sid }
}

/// A browser session with a login in it; gives its `sid`.
async fn sign_in(world: &World, sub: &str) -> String {
    let server = &world.server;
    let lifetimes = Lifetimes { idle: server.settings.sessions.idle, absolute: server.settings.sessions.absolute };
    let sessions = BrowserSessions::new(server.store.clone(), world.clock.clone(), server.random.clone(), lifetimes);
    let sid = server.random.id();
    let login = serde_json::json!({ "sid": sid, "sub": sub });
    let mut record = Record {
        id: tower_sessions::session::Id(0),
        data: [(LOGIN.to_owned(), login)].into(),
        expiry_date: time::OffsetDateTime::UNIX_EPOCH,
    };
    sessions.create(&mut record).await.expect("a session");
    sid
}
