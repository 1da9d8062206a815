//! The life of one grant in any order that anybody may bring about: its code, its tokens, their refreshes, revocations,
//! sign-outs and the passing of time, by the client, by whoever stole from it, and by the user.

use std::collections::BTreeSet;

use latchkey::{
    protocol::Lifetime,
    store::grants::{self, Grant},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::member;
use crate::{
    approval::{Approval, approve_with},
    world::{App, ISSUER, World, claims},
};

const SCOPE: &[&str] = &["openid", "profile", "email", "offline_access"];

/// What somebody does. Tokens are chosen among all that were ever given, by a number that wraps around.
#[derive(Clone, Debug)]
enum Step {
    Redeem,
    RedeemAsAnother,
    RedeemWithWrongVerifier,
    Refresh(usize),
    RefreshNarrowly(usize),
    RefreshAsAnother(usize),
    RevokeRefresh(usize),
    RevokeAccess(usize),
    RevokeAsAnother(usize),
    SignOut,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Redeem),
        1 => Just(Step::RedeemAsAnother),
        1 => Just(Step::RedeemWithWrongVerifier),
        8 => any::<usize>().prop_map(Step::Refresh),
        2 => any::<usize>().prop_map(Step::RefreshNarrowly),
        1 => any::<usize>().prop_map(Step::RefreshAsAnother),
        1 => any::<usize>().prop_map(Step::RevokeRefresh),
        1 => any::<usize>().prop_map(Step::RevokeAccess),
        1 => any::<usize>().prop_map(Step::RevokeAsAnother),
        1 => Just(Step::SignOut),
        4 => prop_oneof![Just(1), Just(5), Just(11), Just(61), Just(901), Just(86_400)].prop_map(Step::Wait),
    ]
}

/// Everything that the attacker and the client have ever been given.
struct Life<'a> {
    world: &'a World,
    app: &'a App,
    thief: &'a App,
    approval: Approval,
    offline: bool,
    refresh: Vec<String>,
    access: Vec<String>,
    /// What was found dead once, which has to stay dead.
    dead: BTreeSet<String>,
    before: Option<Grant>,
    redeemed: usize,
}

impl Life<'_> {
    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let pick = |all: &[String], n: usize| all.get(n % all.len().max(1)).cloned();
        let form = |token: &str| [("token".to_owned(), token.to_owned())];
        match step {
            Step::Redeem => {
                let answer = self.app.redeems(self.world, &self.approval.code).await;
                if answer.status == 200 {
                    self.redeemed += 1;
                    self.keep(&answer.json(), None)?;
                }
            }
            Step::RedeemAsAnother => {
                self.thief.redeems(self.world, &self.approval.code).await.refused("invalid_grant");
            }
            Step::RedeemWithWrongVerifier => {
                let fields = [
                    ("grant_type", "authorization_code"),
                    ("code", &self.approval.code),
                    ("redirect_uri", &self.app.redirect_uri),
                    ("code_verifier", "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong"),
                ];
                self.app.token(self.world, &fields).await.refused("invalid_grant");
            }
            Step::Refresh(n) | Step::RefreshNarrowly(n) => {
                let Some(token) = pick(&self.refresh, *n) else { return Ok(()) };
                let narrow = matches!(step, Step::RefreshNarrowly(_)).then_some("openid email");
                let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                fields.extend(narrow.map(|scope| ("scope", scope)));
                let answer = self.app.token(self.world, &fields).await;
                prop_assert!(answer.status == 200 || answer.json()["error"] == "invalid_grant", "{answer:?}");
                if answer.status == 200 {
                    prop_assert!(!self.dead.contains(&token), "a dead refresh token was exchanged");
                    self.keep(&answer.json(), narrow)?;
                }
            }
            Step::RefreshAsAnother(n) => {
                let Some(token) = pick(&self.refresh, *n) else { return Ok(()) };
                self.thief.refreshes(self.world, &token).await.refused("invalid_grant");
            }
            Step::RevokeRefresh(n) => {
                let Some(token) = pick(&self.refresh, *n) else { return Ok(()) };
                self.app.post(self.world, "/revoke", &[("token", &token)]).await;
                let grant = self.grant().await;
                prop_assert!(grant.ended_at.is_some(), "a revoked grant has ended");
            }
            Step::RevokeAccess(n) => {
                let Some(token) = pick(&self.access, *n) else { return Ok(()) };
                self.app.post(self.world, "/revoke", &[("token", &token)]).await;
                prop_assert!(!self.is_active(&token).await);
            }
            Step::RevokeAsAnother(n) => {
                for token in [pick(&self.refresh, *n), pick(&self.access, *n)].into_iter().flatten() {
                    let [(name, value)] = form(&token);
                    let before = self.is_active(&token).await;
                    self.thief.post(self.world, "/revoke", &[(name.as_str(), value.as_str())]).await;
                    prop_assert_eq!(self.is_active(&token).await, before, "another's revocation changes nothing");
                }
            }
            Step::SignOut => {
                let store = &self.world.server.store;
                let mut tx = store.write().await.unwrap();
                latchkey::store::browser_sessions::end(&mut tx, &self.approval.sid, self.world.now().0).await.unwrap();
                grants::end_of_session(&mut tx, &self.approval.sid, "signed out", self.world.now().0).await.unwrap();
                tx.commit().await.unwrap();
            }
            Step::Wait(seconds) => self.world.advance(Lifetime(*seconds)),
        }
        Ok(())
    }

    /// Keep what was given, once it is seen to be no more than was granted.
    fn keep(&mut self, tokens: &serde_json::Value, narrow: Option<&str>) -> Result<(), TestCaseError> {
        let access = member(tokens, "access_token");
        let own = claims(&access);
        let granted: BTreeSet<&str> =
            narrow.map_or_else(|| SCOPE.iter().copied().collect(), |text| text.split(' ').collect());
        for scope in [own["scope"].as_str().unwrap(), tokens["scope"].as_str().unwrap_or_default()] {
            prop_assert!(scope.split(' ').all(|token| granted.contains(token) || token.is_empty()), "{scope}");
        }
        prop_assert_eq!(&own["aud"], ISSUER);
        prop_assert_eq!(&own["client_id"], &self.app.id);
        // Every token tells which consent it hangs on.
        prop_assert!(own["jti"].as_str().unwrap().starts_with(&self.approval.grant_id), "{}", own["jti"]);
        prop_assert_eq!(own["sid"].as_str(), Some(self.approval.sid.as_str()));
        self.access.push(access);
        let refresh = member(tokens, "refresh_token");
        if !self.refresh.contains(&refresh) {
            self.refresh.push(refresh);
        }
        Ok(())
    }

    async fn grant(&self) -> Grant {
        let mut db = self.world.server.store.read().await.unwrap();
        grants::find(&mut db, &self.approval.grant_id).await.unwrap().expect("the row outlives its code")
    }

    async fn is_active(&self, token: &str) -> bool {
        self.app.post(self.world, "/introspect", &[("token", token)]).await.ok()["active"] == true
    }

    /// What holds whatever has happened.
    async fn check(&mut self) -> Result<(), TestCaseError> {
        let grant = self.grant().await;
        prop_assert!(self.redeemed <= 1, "a code is redeemed once");
        prop_assert!(grant.refresh_generation >= 0 && grant.refresh_predecessor >= 0 && grant.code_failures >= 0);
        prop_assert!(grant.refresh_predecessor <= grant.refresh_generation);
        if let Some(before) = &self.before {
            prop_assert!(grant.refresh_generation >= before.refresh_generation, "generations only grow");
            prop_assert!(grant.code_spent_at == before.code_spent_at || before.code_spent_at.is_none());
            prop_assert!(grant.ended_at == before.ended_at || before.ended_at.is_none(), "what has ended stays so");
            prop_assert_eq!((&grant.scope, &grant.resources), (&before.scope, &before.resources));
        }
        let mut live = Vec::new();
        for token in self.refresh.clone() {
            let active = self.is_active(&token).await;
            prop_assert!(!(active && self.dead.contains(&token)), "a refresh token has come back to life");
            if active {
                live.push(token);
            } else {
                self.dead.insert(token);
            }
        }
        // The newest, and the one it was given for, while that one may still ask again.
        prop_assert!(live.len() <= 2, "one lineage: {live:?}");
        for token in self.access.clone() {
            let active = self.is_active(&token).await;
            prop_assert!(!(active && self.dead.contains(&token)), "an access token has come back to life");
            prop_assert!(!(active && grant.ended_at.is_some()), "no token outlives its grant");
            if !active {
                self.dead.insert(token);
            }
        }
        if !self.offline && !self.has_session().await {
            prop_assert!(live.is_empty(), "without offline_access it ends with the session");
        }
        self.before = Some(grant);
        Ok(())
    }

    async fn has_session(&self) -> bool {
        let mut db = self.world.server.store.read().await.unwrap();
        let now = self.world.now().0;
        latchkey::store::browser_sessions::find(&mut db, &self.approval.sid, now).await.unwrap().is_some()
    }

    /// Two parties hold tokens of one lineage and both go on: after both have been exchanged for something new, neither
    /// is of any use.
    async fn ends_when_both_go_on(mut self) -> Result<(), TestCaseError> {
        let Some(stolen) = self.refresh.last().cloned() else { return Ok(()) };
        let first = self.app.refreshes(self.world, &stolen).await;
        if first.status != 200 {
            return Ok(());
        }
        let one = member(&first.json(), "refresh_token");
        let second = self.app.refreshes(self.world, &one).await;
        prop_assert_eq!(second.status, 200);
        let two = member(&second.json(), "refresh_token");
        self.app.refreshes(self.world, &stolen).await.refused("invalid_grant");
        self.app.refreshes(self.world, &two).await.refused("invalid_grant");
        self.refresh.push(one);
        self.refresh.push(two);
        self.check().await?;
        let all: BTreeSet<String> = self.refresh.iter().chain(&self.access).cloned().collect();
        prop_assert!(all.is_subset(&self.dead));
        Ok(())
    }
}

#[test]
fn whatever_happens_in_whatever_order_one_lineage_lives_and_nothing_comes_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (world, app, thief, alice) = runtime.block_on(async {
        let world = World::new().await;
        let (app, thief, alice) = (world.app("app").await, world.app("thief").await, world.user("alice").await);
        (world, app, thief, alice)
    });
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let lives = (prop::collection::vec(step(), 1..24), any::<bool>());
    let outcome = TestRunner::new(config).run(&lives, |(steps, offline)| {
        runtime.block_on(async {
            let scope = SCOPE.iter().filter(|token| offline || **token != "offline_access").copied();
            let scope = scope.collect::<Vec<_>>().join(" ");
            let approval = approve_with(&world, &app, &alice, &scope, |_| {}).await;
            let mut life = Life {
                world: &world,
                app: &app,
                thief: &thief,
                approval,
                offline,
                refresh: Vec::new(),
                access: Vec::new(),
                dead: BTreeSet::new(),
                before: None,
                redeemed: 0,
            };
            for step in &steps {
                life.take(step).await?;
                life.check().await?;
            }
            life.ends_when_both_go_on().await
        })
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
