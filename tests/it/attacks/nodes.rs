//! Two nodes on one database: what one of them ends, the other does not go on answering for, beyond its next look.

use std::sync::Arc;

use latchkey::{
    accounts,
    clients::registration,
    keys::Mode,
    protocol::Algorithm,
    store::{browser_sessions, grants},
};

use super::{is_alive, member, site};
use crate::{
    authorize::asks,
    world::{App, Browser, World},
};

/// All that a node remembers is read anew.
async fn looks(node: &World) {
    node.server.store.look_for_changes().await.expect("the database answers");
    node.server.keyring.reload(&node.server.store).await.expect("the keys open");
}

/// A browser, what an app holds of its user, and two nodes that have both just answered for it.
struct Scene {
    here: World,
    there: World,
    app: App,
    sub: String,
    cookies: Vec<(String, String)>,
    access: String,
    refresh: String,
}

impl Scene {
    async fn new() -> Self {
        let (here, app) = site().await;
        let there = here.another_node().await.listening();
        let mut browser = here.browser();
        let code = browser.code(&app, "openid offline_access", "alice").await;
        let tokens = app.redeems(&here, &code).await.ok();
        let cookies = browser.cookies.clone();
        let sub = crate::world::claims(&member(&tokens, "id_token"))["sub"].as_str().unwrap().to_owned();
        let (access, refresh) = (member(&tokens, "access_token"), member(&tokens, "refresh_token"));
        let scene = Self { here, there, app, sub, cookies, access, refresh };
        for node in [&scene.here, &scene.there] {
            looks(node).await;
            // Twice, so that it is remembered.
            for _ in 0..2 {
                assert!(is_alive(node, &scene.app, &scene.access).await);
                assert!(scene.is_signed_in(node).await);
            }
        }
        scene
    }

    async fn is_signed_in(&self, node: &World) -> bool {
        let mut browser = Browser { world: node, cookies: self.cookies.clone(), headers: Vec::new() };
        let answer = browser.authorizes(&asks(&self.app, "openid", &[("prompt", "none")])).await;
        answer.headers.get("location").is_some() && answer.param("code").is_some()
    }

    /// That the other node has nothing more to say than this one.
    async fn is_over(&self, what: &str, is_session_over: bool, are_tokens_over: bool) {
        looks(&self.there).await;
        for node in [&self.here, &self.there] {
            assert_eq!(self.is_signed_in(node).await, !is_session_over, "{what}");
            let bearer = format!("Bearer {}", self.access);
            let answer = node.post("/userinfo", &[("authorization", &bearer)], &[]).await;
            assert_eq!(answer.status == 401, are_tokens_over, "{what}: {answer:?}");
            if are_tokens_over {
                let refused = self.app.refreshes(node, &self.refresh).await;
                assert!(refused.status.is_client_error(), "{what}: {refused:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_one_node_ends_no_other_goes_on_with() {
    for what in ["the client", "the user", "the password", "the session", "the grant", "the token", "everything"] {
        let scene = Scene::new().await;
        let (store, registry, now) = (&scene.here.server.store, &scene.here.server.registry, scene.here.now());
        let (session_over, tokens_over) = match what {
            "the client" => {
                registration::disable(registry, &scene.app.id, now).await.unwrap();
                (true, true)
            }
            "the user" => {
                accounts::disable(store, &scene.sub, now).await.unwrap();
                (true, true)
            }
            "the password" | "everything" => {
                accounts::sign_out_everywhere(store, &scene.sub, now).await.unwrap();
                (true, true)
            }
            "the session" => {
                let sid = crate::world::claims(&scene.access)["sid"].as_str().unwrap().to_owned();
                let mut tx = store.write().await.unwrap();
                browser_sessions::end(&mut tx, &sid, now.0).await.unwrap();
                grants::end_of_session(&mut tx, &sid, "signed out", now.0).await.unwrap();
                tx.commit().await.unwrap();
                // It was given for longer than the session.
                (true, false)
            }
            "the grant" => {
                scene.app.post(&scene.here, "/revoke", &[("token", &scene.refresh)]).await;
                (false, true)
            }
            _ => {
                scene.app.post(&scene.here, "/revoke", &[("token", &scene.access)]).await;
                looks(&scene.there).await;
                for node in [&scene.here, &scene.there] {
                    assert!(!is_alive(node, &scene.app, &scene.access).await, "{what}");
                }
                continue;
            }
        };
        scene.is_over(what, session_over, tokens_over).await;
    }
}

#[tokio::test]
async fn a_key_that_one_node_drops_no_other_believes_or_publishes() {
    let scene = Scene::new().await;
    let store = &scene.here.server.store;
    let keyring = &scene.here.server.keyring;
    keyring.rotate(store, Algorithm::RS256, Mode::Emergency, scene.here.now()).await.unwrap();
    looks(&scene.there).await;
    for node in [&scene.here, &scene.there] {
        assert!(!is_alive(node, &scene.app, &scene.access).await);
        let tokens = scene.app.token(node, &[("grant_type", "refresh_token"), ("refresh_token", &scene.refresh)]).await;
        // What the user has given is as it was; only what the key has signed is worth nothing.
        let tokens = tokens.ok();
        assert!(is_alive(node, &scene.app, &member(&tokens, "access_token")).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_is_not_redeemed_on_one_node_while_its_user_signs_out_on_another() {
    let (here, app) = site().await;
    let there = Arc::new(here.another_node().await.listening());
    for round in 0..6 {
        let mut browser = here.browser();
        let code = browser.code(&app, "openid", "alice").await;
        let page = browser.get("/logout").await;
        let redeems = {
            let (there, app, code) = (there.clone(), app.clone(), code.clone());
            tokio::spawn(async move { app.redeems(&there, &code).await })
        };
        let signed_out = browser.submits_only(&page, &[("action", "sign_out")]).await;
        assert_eq!(signed_out.status, 303, "{signed_out:?}");
        let redeemed = redeems.await.unwrap();
        // Whichever came first: once both are answered, nothing of it is alive.
        looks(&there).await;
        if redeemed.status == 200 {
            let tokens = redeemed.json();
            for node in [&here, &*there] {
                assert!(!is_alive(node, &app, &member(&tokens, "access_token")).await, "round {round}");
                app.refreshes(node, &member(&tokens, "refresh_token")).await.refused("invalid_grant");
            }
        } else {
            redeemed.refused("invalid_grant");
        }
    }
}
