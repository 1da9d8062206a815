//! The token endpoint and the authorization code grant.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use latchkey::{
    accounts,
    clients::registration,
    protocol::{AuthMethod, GrantType, Lifetime},
    store::{browser_sessions, grants},
};

use crate::{
    approval::{approve, approve_in, approve_with},
    world::{Answer, App, CHALLENGE, ISSUER, VERIFIER, World, basic, claims, encode},
};

const KB: &str = "https://kb.example";

async fn userinfo(world: &World, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let request = Request::get("/userinfo").header("authorization", bearer);
    world.send(request.body(Body::empty()).expect("a request")).await
}

fn code_form<'a>(app: &'a App, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", VERIFIER),
    ]
}

#[tokio::test]
async fn a_code_becomes_tokens_that_say_what_was_granted() {
    let world = World::new().await;
    world.resource(KB, "kb:read kb:write kb:delete", |_| {}).await;
    let app = world.app("app").await;
    let alice = world.user("alice").await;
    let acme = world.org("acme", &[(&alice, "owner")]).await;
    let approval =
        approve_in(&world, &app, &alice, "openid profile org:acme kb:read kb:write offline_access", &acme, KB).await;

    let answer = app.redeems(&world, &approval.code).await;
    let tokens = answer.ok();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 900);
    assert!(tokens["refresh_token"].as_str().unwrap().starts_with("lkr_"));
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert!(access["jti"].as_str().unwrap().starts_with(&format!("{}.", approval.grant_id)));
    insta::assert_json_snapshot!("access_token_of_a_user", access, {
        ".sub" => "[sub]", ".jti" => "[jti]", ".sid" => "[sid]", ".org_id" => "[org]", ".role_id" => "[role]",
    });
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["sub"], access["sub"]);
    assert_eq!(id_token["sid"], approval.sid.as_str());
    insta::assert_json_snapshot!("id_token", id_token, {
        ".sub" => "[sub]", ".sid" => "[sid]", ".at_hash" => "[at_hash]", ".org_id" => "[org]", ".role_id" => "[role]",
    });
    assert_eq!(tokens["scope"], access["scope"]);
}

#[tokio::test]
async fn the_code_of_a_real_sign_in_opens_userinfo_and_refreshes() {
    let world = World::new().await;
    world.resource(KB, "kb:read kb:delete", |_| {}).await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    world.org("acme", &[(&alice, "owner")]).await;
    let scope = "openid email offline_access org:acme kb:*";
    let code = world.browser().code(&app, scope, "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    assert_eq!(tokens["scope"], "openid email offline_access org:acme kb:read kb:delete");
    let told = userinfo(&world, tokens["access_token"].as_str().unwrap()).await.ok();
    assert_eq!((&told["sub"], &told["org_slug"]), (&alice.as_str().into(), &"acme".into()));
    let next = app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.ok();
    assert_eq!(next["scope"], tokens["scope"]);
    let (access, aud) = (claims(next["access_token"].as_str().unwrap()), serde_json::json!([ISSUER, KB]));
    assert_eq!((&access["aud"], &access["permissions"]), (&aud, &serde_json::json!(["kb:read", "kb:delete"])));
}

#[tokio::test]
async fn a_sign_in_without_offline_access_gives_tokens_that_end_with_it() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let code = world.browser().code(&app, "openid", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let tokens = app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.ok();
    accounts::sign_out_everywhere(&world.server.store, &alice, world.now()).await.unwrap();
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_hash_in_the_id_token_binds_the_access_token() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use sha2::{Digest, Sha256};
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let tokens = app.redeems(&world, &approve(&world, &app, &alice, "openid").await.code).await.ok();
    let hash = Sha256::digest(tokens["access_token"].as_str().unwrap().as_bytes());
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["at_hash"], URL_SAFE_NO_PAD.encode(&hash[..16]));
}

#[tokio::test]
async fn claims_go_to_the_id_token_only_when_they_were_asked_for_there() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let plain = app.redeems(&world, &approve(&world, &app, &alice, "openid profile email").await.code).await.ok();
    let id_token = claims(plain["id_token"].as_str().unwrap());
    assert!(id_token.get("name").is_none() && id_token.get("email").is_none(), "{id_token}");
    let asked = approve_with(&world, &app, &alice, "openid", |grant| {
        grant.claims = Some(r#"{"id_token":{"name":null,"nickname":null}}"#.to_owned());
    })
    .await;
    let tokens = app.redeems(&world, &asked.code).await.ok();
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["name"], "alice Example");
}

#[tokio::test]
async fn without_openid_there_is_no_id_token_and_without_the_grant_no_refresh_token() {
    let world = World::new().await;
    world.resource(KB, "kb:read", |api| api.gate = Some(latchkey::clients::Gate::Consent)).await;
    let app = world.app_with("app", |app| app.grant_types = Some(vec![GrantType::AuthorizationCode])).await;
    let alice = world.user("alice").await;
    let approval = approve_with(&world, &app, &alice, "kb:read", |grant| grant.resources = format!("[\"{KB}\"]")).await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none(), "{tokens}");
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], KB);
}

#[tokio::test]
async fn a_code_comes_once_and_a_replay_ends_all_it_gave() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let approval = approve(&world, &app, &alice, "openid offline_access").await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert_eq!(userinfo(&world, access).await.status, StatusCode::OK);

    let replay = app.redeems(&world, &approval.code).await;
    assert_eq!(replay.status, StatusCode::BAD_REQUEST);
    replay.refused("invalid_grant");
    assert_eq!(userinfo(&world, access).await.status, StatusCode::UNAUTHORIZED);
    app.refreshes(&world, refresh).await.refused("invalid_grant");
    let told = app.post(&world, "/introspect", &[("token", access)]).await;
    assert_eq!(told.body, r#"{"active":false}"#);
}

#[tokio::test]
async fn a_replay_is_known_for_as_long_as_the_grant_lives() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let approval = approve(&world, &app, &alice, "openid offline_access").await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    world.advance(Lifetime::days(3));
    app.redeems(&world, &approval.code).await.refused("invalid_grant");
    app.refreshes(&world, tokens["refresh_token"].as_str().unwrap()).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_replay_with_the_wrong_verifier_ends_nothing() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let approval = approve(&world, &app, &alice, "openid").await;
    let tokens = app.redeems(&world, &approval.code).await.ok();
    let mut form = code_form(&app, &approval.code);
    let other = "x".repeat(43);
    form[3].1 = &other;
    app.token(&world, &form).await.refused("invalid_grant");
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_is_of_no_use_to_another_client_and_still_good_for_its_own() {
    let world = World::new().await;
    let (app, thief, alice) = (world.app("app").await, world.app("thief").await, world.user("alice").await);
    let approval = approve(&world, &app, &alice, "openid").await;
    thief.token(&world, &code_form(&app, &approval.code)).await.refused("invalid_grant");
    app.redeems(&world, &approval.code).await.ok();
}

#[tokio::test]
async fn a_code_is_bound_to_the_redirect_uri_to_the_letter() {
    let world = World::new().await;
    let app = world
        .app_with("app", |app| {
            app.redirect_uris = Some(vec!["https://app.example/cb".into(), "https://app.example/other".into()]);
        })
        .await;
    let alice = world.user("alice").await;
    let approval = approve(&world, &app, &alice, "openid").await;
    for other in ["https://app.example/other", "https://app.example:443/cb", "https://APP.example/cb"] {
        let mut form = code_form(&app, &approval.code);
        form[2].1 = other;
        app.token(&world, &form).await.refused("invalid_grant");
    }
    app.token(&world, &code_form(&app, &approval.code)[..2]).await.refused("invalid_request");
    app.redeems(&world, &approval.code).await.ok();
}

#[tokio::test]
async fn a_code_asked_for_with_a_challenge_needs_its_verifier() {
    let world = World::new().await;
    let app = world.app_with("app", |app| app.require_pkce = Some(false)).await;
    let alice = world.user("alice").await;
    let approval = approve(&world, &app, &alice, "openid").await;
    let form = code_form(&app, &approval.code);
    app.token(&world, &form[..3]).await.refused("invalid_grant");
    let with = |verifier| [&form[..3], &[("code_verifier", verifier)]].concat();
    app.token(&world, &with("")).await.refused("invalid_grant");
    app.token(&world, &with(CHALLENGE)).await.refused("invalid_grant");
    let (short, long) = (&VERIFIER[..42], "a".repeat(129));
    app.token(&world, &with(short)).await.refused("invalid_request");
    app.token(&world, &with(&long)).await.refused("invalid_request");
    app.redeems(&world, &approval.code).await.ok();
    let strict = world.app("strict").await;
    let approval = approve(&world, &strict, &alice, "openid").await;
    strict.token(&world, &code_form(&strict, &approval.code)[..3]).await.refused("invalid_request");
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_a_downgrade() {
    let world = World::new().await;
    let app = world.app_with("app", |app| app.require_pkce = Some(false)).await;
    let alice = world.user("alice").await;
    let without = |grant: &mut grants::Grant| grant.code_challenge = None;
    let approval = approve_with(&world, &app, &alice, "openid", without).await;
    app.redeems(&world, &approval.code).await.refused("invalid_grant");
    app.token(&world, &code_form(&app, &approval.code)[..3]).await.ok();
}

#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let late = approve(&world, &app, &alice, "openid").await;
    let in_time = approve(&world, &app, &alice, "openid").await;
    world.advance(Lifetime::seconds(59));
    app.redeems(&world, &in_time.code).await.ok();
    world.advance(Lifetime::seconds(1));
    app.redeems(&world, &late.code).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_code_dies_with_the_session_the_user_the_consent_and_the_client() {
    let world = World::new().await;
    let app = world.app("app").await;
    let server = &world.server;
    let kill_session = async |approval: &crate::approval::Approval| {
        let mut tx = server.store.write().await.unwrap();
        browser_sessions::end(&mut tx, &approval.sid, world.now().0).await.unwrap();
        tx.commit().await.unwrap();
    };
    let (bob, carol, dave) = (world.user("bob").await, world.user("carol").await, world.user("dave").await);
    let approval = approve(&world, &app, &bob, "openid offline_access").await;
    kill_session(&approval).await;
    app.redeems(&world, &approval.code).await.refused("invalid_grant");

    let approval = approve(&world, &app, &carol, "openid offline_access").await;
    accounts::disable(&server.store, &carol, world.now()).await.unwrap();
    app.redeems(&world, &approval.code).await.refused("invalid_grant");

    let approval = approve(&world, &app, &dave, "openid offline_access").await;
    let mut tx = server.store.write().await.unwrap();
    grants::end_of_client(&mut tx, &dave, &app.id, "consent withdrawn", world.now().0).await.unwrap();
    tx.commit().await.unwrap();
    app.redeems(&world, &approval.code).await.refused("invalid_grant");

    let approval = approve(&world, &app, &dave, "openid offline_access").await;
    registration::disable(&server.registry, &app.id, world.now()).await.unwrap();
    app.redeems(&world, &approval.code).await.refused("invalid_client");
    registration::enable(&server.registry, &app.id, world.now()).await.unwrap();
    app.redeems(&world, &approval.code).await.refused("invalid_grant");
}

#[tokio::test]
async fn a_guessed_at_code_burns_at_the_fifth_try_and_nobody_learns_how_near_they_were() {
    let world = World::new().await;
    let (app, alice) = (world.app("app").await, world.user("alice").await);
    let approval = approve(&world, &app, &alice, "openid").await;
    let other = "y".repeat(43);
    let mut form = code_form(&app, &approval.code);
    form[3].1 = &other;
    let unknown = app.redeems(&world, "lkc_nobody-has-this-code").await;
    for _ in 0..5 {
        let wrong = app.token(&world, &form).await;
        assert_eq!((wrong.status, &wrong.body), (unknown.status, &unknown.body));
    }
    let burnt = app.redeems(&world, &approval.code).await;
    assert_eq!((burnt.status, &burnt.body), (unknown.status, &unknown.body));
}

#[tokio::test]
async fn a_role_that_was_lost_between_consent_and_exchange_gives_nothing() {
    let world = World::new().await;
    world.resource(KB, "kb:read kb:delete", |_| {}).await;
    let (app, alice, bob) = (world.app("app").await, world.user("alice").await, world.user("bob").await);
    let acme = world.org("acme", &[(&alice, "owner"), (&bob, "owner")]).await;
    let approval = approve_in(&world, &app, &alice, "openid org:acme kb:read kb:delete", &acme, KB).await;
    latchkey::orgs::set_member_role(&world.server.store, &acme, &alice, "viewer", world.now()).await.unwrap();
    let tokens = app.redeems(&world, &approval.code).await.ok();
    assert_eq!(tokens["scope"], "openid org:acme kb:read");
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!((&access["role"], &access["permissions"]), (&"viewer".into(), &serde_json::json!(["kb:read"])));
}

#[tokio::test]
async fn a_client_proves_itself_by_exactly_one_method() {
    let world = World::new().await;
    let app = world.app("app").await;
    let secret = app.secret.clone().unwrap();
    let header = basic(&app.id, &secret);
    let form = [("grant_type", "client_credentials")];
    let with = |more: &[(&'static str, &'static str)]| [&form[..], more].concat();

    let posted = [&form[..], &[("client_id", app.id.as_str()), ("client_secret", secret.as_str())]].concat();
    world.post("/token", &[], &posted).await.ok();
    let both = world.post("/token", &[("authorization", &header)], &posted).await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
    both.refused("invalid_request");
    world
        .post("/token", &[("authorization", &header)], &with(&[("client_id", "other")]))
        .await
        .refused("invalid_request");

    for wrong in [basic(&app.id, "not the secret of this app"), basic("nobody", &secret), "Basic %%%".to_owned()] {
        let answer = world.post("/token", &[("authorization", &wrong)], &form).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
        answer.refused("invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic realm=\""), "{:?}", answer.headers);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    for none in [with(&[("client_id", "app")]), with(&[])] {
        let answer = world.post("/token", &[], &none).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        answer.refused("invalid_client");
        assert!(!answer.header("www-authenticate").is_empty());
    }
    let public = world.app_with("spa", |app| app.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    let spoofed = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_id", &public.id),
        ("client_secret", &secret),
    ];
    world.post("/token", &[], &spoofed).await.refused("invalid_client");
}

#[tokio::test]
async fn a_public_client_redeems_its_code_by_its_verifier() {
    let world = World::new().await;
    let app = world.app_with("spa", |app| app.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    let alice = world.user("alice").await;
    let approval = approve(&world, &app, &alice, "openid").await;
    app.redeems(&world, &approval.code).await.ok();
}

#[tokio::test]
async fn a_request_that_is_no_proper_form_is_refused_as_such() {
    let world = World::new().await;
    let app = world.app("app").await;
    let header = basic(&app.id, app.secret.as_deref().unwrap());
    let send = async |path: &str, content_type: &str, body: Vec<u8>| {
        let request = Request::post(path).header("authorization", &header).header("content-type", content_type);
        world.send(request.body(Body::from(body)).expect("a request")).await
    };
    let form = "application/x-www-form-urlencoded";
    let good = encode(&[("grant_type", "client_credentials")]).into_bytes();
    send("/token", "application/x-www-form-urlencoded; charset=UTF-8", good.clone()).await.ok();
    send("/token", form, b"grant_type=client_credentials&grant_type=client_credentials".to_vec())
        .await
        .refused("invalid_request");
    send("/token?grant_type=client_credentials", form, b"".to_vec()).await.refused("invalid_request");
    send("/token?x=1", form, good.clone()).await.refused("invalid_request");
    send("/token", "application/json", b"{\"grant_type\":\"client_credentials\"}".to_vec())
        .await
        .refused("invalid_request");
    send("/token", "text/plain", good.clone()).await.refused("invalid_request");
    send("/token", form, b"grant_type=client_credentials&x=%ff".to_vec()).await.refused("invalid_request");
    send("/token", form, b"grant_type=client_credentials&x=%00".to_vec()).await.refused("invalid_request");
    let many: String = (0..1_000).map(|n| format!("&p{n}=1")).collect();
    send("/token", form, [good.as_slice(), many.as_bytes()].concat()).await.refused("invalid_request");
    let large = send("/token", form, [good.as_slice(), b"&x=".as_slice(), &vec![b'a'; 1 << 20]].concat()).await;
    assert!(large.status.is_client_error(), "{}", large.status);
    for path in ["/introspect", "/revoke"] {
        send(path, "application/json", b"{\"token\":\"x\"}".to_vec()).await.refused("invalid_request");
        send(path, "", b"token=x".to_vec()).await.refused("invalid_request");
        send(path, form, b"token=x%ff".to_vec()).await.refused("invalid_request");
        send(path, form, b"token=x%00".to_vec()).await.refused("invalid_request");
        send(path, form, [b"token=x".as_slice(), many.as_bytes()].concat()).await.refused("invalid_request");
    }
    assert_eq!(world.get("/token").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_grant_type_has_to_be_known_and_registered() {
    let world = World::new().await;
    let app = world.app_with("app", |app| app.grant_types = Some(vec![GrantType::AuthorizationCode])).await;
    app.token(&world, &[]).await.refused("invalid_request");
    app.token(&world, &[("grant_type", "password")]).await.refused("unsupported_grant_type");
    app.token(&world, &[("grant_type", "client_credentials")]).await.refused("unauthorized_client");
    app.token(&world, &[("grant_type", "refresh_token"), ("refresh_token", "x")]).await.refused("unauthorized_client");
}

#[tokio::test]
async fn an_error_says_what_to_do_in_the_alphabet_of_the_rfc() {
    let world = World::new().await;
    let app = world.app("app").await;
    let answer = app.token(&world, &[("grant_type", "pass\"word\\\u{e9}")]).await;
    let body = answer.refused("unsupported_grant_type");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let description = body["error_description"].as_str().unwrap();
    assert!(description.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{description}");
    assert_eq!(body["error_uri"], format!("{ISSUER}/errors/unsupported_grant_type"));
    insta::assert_json_snapshot!("error_of_the_token_endpoint", body);
}

#[tokio::test]
async fn a_fault_of_ours_tells_the_request_id_and_nothing_else() {
    let world = World::new().await;
    let app = world.app("app").await;
    world.server.store.close().await;
    let answer = app.token(&world, &[("grant_type", "client_credentials")]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let body = answer.json();
    assert_eq!(body["error"], "server_error");
    let id = answer.header("x-request-id");
    assert!(!id.is_empty() && body["error_description"].as_str().unwrap().contains(id), "{body}");
    assert!(!answer.body.contains("pool") && !answer.body.contains("src/"), "{}", answer.body);
}

#[tokio::test]
async fn a_browser_app_may_read_the_answer_whether_it_went_well_or_not() {
    let world = World::new().await;
    let app = world.app("app").await;
    let header = basic(&app.id, app.secret.as_deref().unwrap());
    let headers = [("authorization", header.as_str()), ("origin", "https://spa.example")];
    for grant_type in ["client_credentials", "password"] {
        let answer = world.post("/token", &headers, &[("grant_type", grant_type)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{grant_type}: {:?}", answer.headers);
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}
