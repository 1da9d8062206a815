//! Many at once: of one code and of one refresh token, on one node and on two.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::http::StatusCode;
use latchkey::{
    protocol::Lifetime,
    store::{self, login_failures},
};
use serde_json::Value;
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    approval::approve,
    world::{Answer, App, World},
};

/// Ask `count` times at once, on the nodes in turn.
async fn at_once<F>(nodes: &[Arc<World>], count: usize, ask: impl Fn(Arc<World>) -> F) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let mut all = JoinSet::new();
    for node in nodes.iter().cycle().take(count) {
        all.spawn(ask(node.clone()));
    }
    all.join_all().await
}

/// As many refreshes of one token.
async fn refreshes_at_once(nodes: &[Arc<World>], count: usize, app: &App, token: &Value) -> Vec<Answer> {
    let token = token.as_str().expect("a token").to_owned();
    at_once(nodes, count, |node| {
        let (app, token) = (app.clone(), token.clone());
        async move { app.refreshes(&node, &token).await }
    })
    .await
}

fn successors(answers: &[Answer]) -> HashSet<String> {
    answers.iter().map(|answer| answer.ok()["refresh_token"].as_str().expect("a token").to_owned()).collect()
}

async fn is_active(world: &World, app: &App, token: &Value) -> bool {
    let token = token.as_str().expect("a token");
    app.post(world, "/introspect", &[("token", token)]).await.ok()["active"] == true
}

/// Two nodes on one database.
async fn two_nodes() -> [Arc<World>; 2] {
    let world = World::new().await;
    let other = world.another_node().await;
    [Arc::new(world), Arc::new(other)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_redemptions_of_one_code_one_wins_at_most_and_nothing_lives_on() {
    let nodes = two_nodes().await;
    let world = &nodes[0];
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let code = approve(world, &app, &alice, "openid offline_access").await.code;
    let answers = at_once(&nodes, 200, |node| {
        let (app, code) = (app.clone(), code.clone());
        async move { app.redeems(&node, &code).await }
    })
    .await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert!(won.len() <= 1, "{} winners", won.len());
    for answer in lost {
        answer.refused("invalid_grant");
    }
    for winner in won {
        let tokens = winner.json();
        assert!(!is_active(world, &app, &tokens["access_token"]).await);
        assert!(!is_active(world, &app, &tokens["refresh_token"]).await);
        app.refreshes(world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_refreshes_of_one_token_leave_one_lineage() {
    let nodes = two_nodes().await;
    let [world, other_node] = &nodes;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let code = approve(world, &app, &alice, "openid offline_access").await.code;
    let tokens = app.redeems(world, &code).await.ok();

    let successors = successors(&refreshes_at_once(&nodes, 50, &app, &tokens["refresh_token"]).await);
    assert_eq!(successors.len(), 1, "{successors:?}");
    let next = app.refreshes(other_node, successors.iter().next().unwrap()).await.ok();
    assert!(is_active(world, &app, &next["access_token"]).await);
    app.refreshes(world, next["refresh_token"].as_str().unwrap()).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_recover_a_lost_answer_at_once_all_get_the_same() {
    let nodes = two_nodes().await;
    let world = &nodes[0];
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let code = approve(world, &app, &alice, "openid offline_access").await.code;
    let tokens = app.redeems(world, &code).await.ok();
    let lost = app.refreshes(world, tokens["refresh_token"].as_str().unwrap()).await.ok();
    world.advance(Lifetime::minutes(5));
    let successors = successors(&refreshes_at_once(&nodes, 20, &app, &tokens["refresh_token"]).await);
    assert_eq!(successors.len(), 1, "{successors:?}");
    assert!(!successors.contains(lost["refresh_token"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_once_do_not_outrun_the_count() {
    let nodes = two_nodes().await;
    let world = &nodes[0];
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let code = approve(world, &app, &alice, "openid").await.code;
    let answers = at_once(&nodes, 20, |node| {
        let (app, code) = (app.clone(), code.clone());
        async move {
            let guess = "z".repeat(43);
            let form = [
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", &app.redirect_uri),
                ("code_verifier", &guess),
            ];
            app.token(&node, &form).await
        }
    })
    .await;
    for answer in answers {
        answer.refused("invalid_grant");
    }
    app.redeems(world, &code).await.refused("invalid_grant");
}

/// Two transactions that take two rows in opposite order, and wait for each other until PostgreSQL gives one up. SQLite
/// lets nobody begin to write while another does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn work_that_the_database_gives_up_for_anothers_sake_is_done_again() {
    let world = World::new().await;
    let store = &world.server.store;
    if !store.is_postgres() {
        return;
    }
    let (both_hold_one, tries) = (Barrier::new(2), AtomicUsize::new(0));
    let takes = async |first: &str, second: &str| {
        let is_first_try = AtomicBool::new(true);
        store::retried(|| async {
            tries.fetch_add(1, Ordering::SeqCst);
            let mut tx = store.write().await?;
            login_failures::count(&mut tx, first, 0, i64::MAX).await?;
            if is_first_try.swap(false, Ordering::SeqCst) {
                both_hold_one.wait().await;
            }
            login_failures::count(&mut tx, second, 0, i64::MAX).await?;
            tx.commit().await
        })
        .await
    };
    let (one, other) = tokio::join!(takes("a", "b"), takes("b", "a"));
    one.expect("it is done");
    other.expect("it is done, too");
    assert!(tries.into_inner() > 2, "one of them was given up");
    let mut db = store.read().await.unwrap();
    for key in ["a", "b"] {
        assert_eq!(login_failures::find(&mut db, key, 0).await.unwrap().unwrap().failures, 2, "nothing counts twice");
    }
}
