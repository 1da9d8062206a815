//! The program on a database that was prepared beforehand: a client, a person, and approvals whose codes wait.

use std::{collections::VecDeque, net::SocketAddr, sync::Mutex};

use crate::{
    approval::{Approval, approve_with},
    program::{Place, Reply, post},
    world::{App, MASTER_KEY, VERIFIER, World, basic, encode},
};

/// Everything before the curtain rises.
pub(crate) struct Stage {
    pub(crate) place: Place,
    pub(crate) app: App,
    waiting: Mutex<VecDeque<Approval>>,
}

impl Stage {
    /// So many approvals by one person for one client, with codes that can wait an hour. The tokens of those end with
    /// the browser session.
    pub(crate) async fn new(place: Place, database_url: &str, approvals: usize) -> Self {
        let world = World::of_today(database_url).await;
        let (app, alice) = (world.app("app").await, world.user("alice").await);
        let mut waiting = VecDeque::new();
        for _ in 0..approvals {
            let late = world.now().0 + 3_600;
            let approval = approve_with(&world, &app, &alice, "openid", |grant| {
                (grant.code_expires_at, grant.expires_at) = (late, late);
            });
            waiting.push_back(approval.await);
        }
        world.server.store.close().await;
        let place = place.env("LATCHKEY_DATABASE_URL", database_url).env("LATCHKEY_KEYS_MASTER_KEY", MASTER_KEY);
        Self { place, app, waiting: Mutex::new(waiting) }
    }

    /// The next approval that nobody has taken.
    pub(crate) fn approval(&self) -> Approval {
        self.waiting.lock().unwrap().pop_front().expect("enough approvals were prepared")
    }

    /// The client's program, which asks the server at that address.
    pub(crate) fn caller(&self, address: SocketAddr) -> Caller<'_> {
        Caller::of(&self.app, address)
    }
}

/// A client's program. What it gets is whole, or nothing.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    app: &'a App,
    address: SocketAddr,
}

impl<'a> Caller<'a> {
    /// A client's program that asks the server at that address.
    pub(crate) fn of(app: &'a App, address: SocketAddr) -> Self {
        Self { app, address }
    }

    pub(crate) fn redeems(&self, code: &str) -> Option<Reply> {
        self.asks(
            "/token",
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.app.redirect_uri),
                ("code_verifier", VERIFIER),
            ],
        )
    }

    pub(crate) fn refreshes(&self, token: &str) -> Option<Reply> {
        self.asks("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    pub(crate) fn asks(&self, path: &str, fields: &[(&str, &str)]) -> Option<Reply> {
        let secret = self.app.secret.as_deref().expect("a confidential client");
        post(self.address, path, &format!("Authorization: {}\r\n", basic(&self.app.id, secret)), &encode(fields))
    }
}
