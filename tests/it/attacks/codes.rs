//! B: authorization codes and PKCE.

use latchkey::{accounts, protocol::Lifetime};

use super::{at_once, is_alive, member, site, site_with, told, written};
use crate::{
    authorize::asks,
    program::{Place, Reply},
    stage::Stage,
    world::{App, Browser, CHALLENGE, VERIFIER, World, basic, database_url, encode},
};

/// The form of a good redemption with some parts replaced or (by an empty value) left out.
fn redemption<'a>(app: &'a App, code: &'a str, change: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", app.redirect_uri.as_str()),
        ("code_verifier", VERIFIER),
    ];
    form.retain(|(name, _)| change.iter().all(|(changed, _)| changed != name));
    form.extend(change.iter().filter(|(_, value)| !value.is_empty()));
    form
}

/// A code for a request that differs.
async fn code_for(browser: &mut Browser<'_>, app: &App, change: &[(&str, &str)]) -> String {
    let answer = browser.goes_through(&asks(app, "openid offline_access", change), "alice").await;
    answer.param("code").unwrap_or_else(|| panic!("no code in {}", answer.location()))
}

#[tokio::test]
async fn case_12_a_code_redeemed_twice_ends_all_that_the_first_redemption_gave() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let (access, refresh) = (member(&tokens, "access_token"), member(&tokens, "refresh_token"));
    let newer = app.refreshes(&world, &refresh).await.ok();
    assert!(is_alive(&world, &app, &access).await && is_alive(&world, &app, &member(&newer, "access_token")).await);
    app.redeems(&world, &code).await.refused("invalid_grant");
    for token in [&access, &member(&newer, "access_token")] {
        assert!(!is_alive(&world, &app, token).await);
    }
    for token in [&refresh, &member(&newer, "refresh_token")] {
        app.refreshes(&world, token).await.refused("invalid_grant");
        assert_eq!(app.post(&world, "/introspect", &[("token", token)]).await.body, r#"{"active":false}"#);
    }
    // Even long after the code's own life.
    let code = browser.code(&app, "openid offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    world.advance(Lifetime::minutes(14));
    assert!(is_alive(&world, &app, &member(&tokens, "access_token")).await);
    app.redeems(&world, &code).await.refused("invalid_grant");
    assert!(!is_alive(&world, &app, &member(&tokens, "access_token")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_13_of_a_hundred_redemptions_at_once_one_succeeds_on_one_node_and_on_two() {
    let (world, app) = site().await;
    let other = world.another_node().await.listening();
    let mut browser = world.browser();
    for nodes in [&[&world][..], &[&world, &other]] {
        let code = browser.code(&app, "openid offline_access", "alice").await;
        let answers = at_once(nodes, 100, written(&app, &redemption(&app, &code, &[])).await).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 99), "{answers:?}");
        for answer in lost {
            answer.refused("invalid_grant");
        }
        // They were replays: what the one got is dead by now.
        app.refreshes(&world, &member(&won[0].json(), "refresh_token")).await.refused("invalid_grant");
    }
}

#[tokio::test]
async fn case_14_another_clients_code_is_refused_and_told_of_and_still_good_for_its_own() {
    let stage = Stage::new(Place::new(), &database_url().await, 1).await;
    let serving = stage.place.serve(&[]);
    let thief =
        ["client", "create", "--id", "thief", "--name", "Thief", "--redirect-uri", &stage.app.redirect_uri, "--json"];
    let thief = App {
        secret: Some(member(&stage.place.run(&thief).json(), "client_secret")),
        id: "thief".into(),
        ..stage.app.clone()
    };
    let code = stage.approval().code;
    let steals = |change: &[(&str, &str)]| -> Reply {
        let basic = format!("Authorization: {}\r\n", basic(&thief.id, thief.secret.as_deref().unwrap()));
        crate::program::post(serving.main, "/token", &basic, &encode(&redemption(&thief, &code, change))).unwrap()
    };
    let unknown = steals(&[("code", "lkc_unknown")]);
    for change in [&[][..], &[("redirect_uri", "https://thief.example/cb")], &[("code_verifier", &"x".repeat(43))]] {
        let answer = steals(change);
        assert_eq!((answer.status, &answer.body), (400, &unknown.body), "{change:?}");
        assert_eq!(answer.json()["error"], "invalid_grant");
    }
    let redeemed = stage.caller(serving.main).redeems(&code).expect("an answer");
    assert_eq!(redeemed.status, 200, "{redeemed:?}");
    let log = serving.stop();
    let events =
        log.lines().filter(|line| line.contains("\"event\":\"code_refused\"") && line.contains("\"client\":\"thief\""));
    assert_eq!(events.count(), 3, "{log}");
    assert!(!log.contains(&code), "{log}");
}

#[tokio::test]
async fn case_15_a_code_is_redeemed_with_the_very_redirect_uri_of_its_request() {
    let (world, _) = site().await;
    let app = world
        .app_with("two", |wanted| {
            wanted.redirect_uris = Some(vec!["https://two.example/a".into(), "https://two.example/b".into()]);
        })
        .await;
    let mut browser = world.browser();
    let code = code_for(&mut browser, &app, &[]).await;
    for other in [
        "https://two.example/b",
        "https://two.example/a/",
        "https://two.example/A",
        "https://two.example:443/a",
        "https://TWO.example/a",
        "https://two.example/%61",
        "https://two.example/x/../a",
        "https://two.example/a?",
        "https://two.example/a#",
        " https://two.example/a",
        "https://evil.test/a",
        "javascript:alert(1)",
    ] {
        let code = code_for(&mut browser, &app, &[]).await;
        let answer = app.token(&world, &redemption(&app, &code, &[("redirect_uri", other)])).await;
        answer.refused("invalid_grant");
        app.redeems(&world, &code).await.ok();
    }
    app.token(&world, &redemption(&app, &code, &[("redirect_uri", "")])).await.refused("invalid_request");
    app.redeems(&world, &code).await.ok();
}

#[tokio::test]
async fn case_16_a_challenge_is_met_by_its_own_verifier_alone() {
    let (world, strict) = site().await;
    let lax = world.app_with("lax", |wanted| wanted.require_pkce = Some(false)).await;
    let public = world
        .app_with("spa", |wanted| wanted.token_endpoint_auth_method = Some(latchkey::protocol::AuthMethod::None))
        .await;
    let mut browser = world.browser();
    let (short, long, wrong) = ("a".repeat(42), "a".repeat(129), "x".repeat(43));
    let (cut, more) = (&VERIFIER[..42], format!("{VERIFIER}A"));
    for app in [&strict, &lax, &public] {
        for (verifier, expected) in [
            ("", if app.id == "lax" { "invalid_grant" } else { "invalid_request" }),
            (&wrong, "invalid_grant"),
            (CHALLENGE, "invalid_grant"),
            (&more, "invalid_grant"),
            (&VERIFIER.to_uppercase(), "invalid_grant"),
            (&short, "invalid_request"),
            (cut, "invalid_request"),
            (&long, "invalid_request"),
            (" dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "invalid_request"),
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r/wW1gFWFOEjXk=", "invalid_request"),
        ] {
            let code = code_for(&mut browser, app, &[]).await;
            let form = redemption(app, &code, &[("code_verifier", verifier)]);
            app.token(&world, &form).await.refused(expected);
            // Nor does it help to say that it was meant plainly.
            let plain = [form, vec![("code_challenge_method", "plain"), ("code_challenge", verifier)]].concat();
            app.token(&world, &plain).await.refused(expected);
            app.redeems(&world, &code).await.ok();
        }
    }
}

#[tokio::test]
async fn case_17_leaving_the_challenge_out_gains_nothing() {
    let (world, strict) = site().await;
    let lax = world.app_with("lax", |wanted| wanted.require_pkce = Some(false)).await;
    let mut browser = world.browser();
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    // Somebody took it out on the way: the app's verifier tells.
    let code = code_for(&mut browser, &lax, &without).await;
    for verifier in [VERIFIER, CHALLENGE] {
        lax.token(&world, &redemption(&lax, &code, &[("code_verifier", verifier)])).await.refused("invalid_grant");
    }
    lax.token(&world, &redemption(&lax, &code, &[("code_verifier", "")])).await.ok();
    // Who has to use PKCE hears so before anybody signs in.
    let answer = world.browser().authorizes(&asks(&strict, "openid", &without)).await;
    assert_eq!(told(&answer, &strict, "no challenge"), "invalid_request");
    let answer = world.browser().authorizes(&asks(&strict, "openid", &without[..1])).await;
    assert_eq!(told(&answer, &strict, "a method without a challenge"), "invalid_request");
}

#[tokio::test]
async fn case_18_the_challenge_is_s256_or_none() {
    let (world, strict) = site().await;
    let lax = world.app_with("lax", |wanted| wanted.require_pkce = Some(false)).await;
    let long = "a".repeat(44);
    for app in [&strict, &lax] {
        for change in [
            &[("code_challenge_method", "plain")][..],
            &[("code_challenge_method", "plain"), ("code_challenge", VERIFIER)],
            &[("code_challenge_method", "")],
            &[("code_challenge_method", "s256")],
            &[("code_challenge_method", "S256 ")],
            &[("code_challenge_method", "S512")],
            &[("code_challenge_method", "none")],
            &[("code_challenge", "short")],
            &[("code_challenge", &long)],
            &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=")],
            &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")],
        ] {
            let answer = world.browser().authorizes(&asks(app, "openid", change)).await;
            assert_eq!(told(&answer, app, &format!("{change:?}")), "invalid_request");
        }
    }
    let twice = format!("{}&code_challenge={CHALLENGE}", encode(&strict.asks("openid")));
    let answer = world.get(&format!("/authorize?{twice}")).await;
    assert_eq!(told(&answer, &strict, "two challenges"), "invalid_request");
}

#[tokio::test]
async fn case_19_a_code_dies_with_its_minute_its_session_its_user_and_its_consent() {
    let (world, app) = site_with(World::with(|settings| settings.tokens.code = Lifetime::seconds(40)).await).await;
    let mut browser = world.browser();
    let late = code_for(&mut browser, &app, &[]).await;
    let in_time = code_for(&mut browser, &app, &[]).await;
    world.advance(Lifetime::seconds(39));
    app.redeems(&world, &in_time).await.ok();
    world.advance(Lifetime::seconds(1));
    app.redeems(&world, &late).await.refused("invalid_grant");

    let code = code_for(&mut browser, &app, &[]).await;
    let account = browser.get("/account").await;
    let csrf = crate::world::field(&account.body, "csrf").unwrap();
    let back = browser.post("/account", &[("csrf", &csrf), ("action", "end_access"), ("id", &app.id)]).await;
    assert_eq!(browser.follow(back).await.status, 200);
    app.redeems(&world, &code).await.refused("invalid_grant");

    let code = code_for(&mut browser, &app, &[]).await;
    let page = browser.get("/logout").await;
    let page = browser.submits(&page, &[("action", "sign_out")]).await;
    assert!(page.body.contains("You are signed out"), "{page:?}");
    app.redeems(&world, &code).await.refused("invalid_grant");

    let sub = latchkey::accounts::find_by_username(&mut world.server.store.read().await.unwrap(), "alice").await;
    let sub = sub.unwrap().unwrap().sub;
    let code = code_for(&mut browser, &app, &[]).await;
    accounts::disable(&world.server.store, &sub, world.now()).await.unwrap();
    app.redeems(&world, &code).await.refused("invalid_grant");
    accounts::enable(&world.server.store, &sub, world.now()).await.unwrap();
    app.redeems(&world, &code).await.refused("invalid_grant");

    let code = code_for(&mut browser, &app, &[]).await;
    accounts::sign_out_everywhere(&world.server.store, &sub, world.now()).await.unwrap();
    app.redeems(&world, &code).await.refused("invalid_grant");
}

#[tokio::test]
async fn case_20_five_wrong_verifiers_burn_a_code_and_tell_nothing_on_the_way() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let wrong = "y".repeat(43);
    let seen = |answer: &crate::world::Answer| {
        let mut headers = answer.headers.clone();
        for varying in ["date", "x-request-id"] {
            headers.remove(varying);
        }
        (answer.status, headers, answer.body.clone())
    };
    let tries =
        async |code: &str| seen(&app.token(&world, &redemption(&app, code, &[("code_verifier", &wrong)])).await);
    let unknown = tries("lkc_nobody-has-this-code").await;
    assert_eq!(unknown.0, 400);
    let (four, five) = (code_for(&mut browser, &app, &[]).await, code_for(&mut browser, &app, &[]).await);
    for _ in 0..4 {
        assert_eq!(tries(&four).await, unknown);
        assert_eq!(tries(&five).await, unknown);
    }
    app.redeems(&world, &four).await.ok();
    assert_eq!(tries(&five).await, unknown);
    assert_eq!(seen(&app.redeems(&world, &five).await), unknown, "it is burnt");
    // One that has been used, is late, or is hardly a code at all looks the same.
    assert_eq!(tries(&four).await, unknown);
    let late = code_for(&mut browser, &app, &[]).await;
    world.advance(Lifetime::minutes(2));
    assert_eq!(tries(&late).await, unknown);
    for code in ["x", "lkc_", " ", "\u{e9}", "' OR 1=1 --", &"x".repeat(30_000)] {
        assert_eq!(tries(code).await, unknown, "{code:.20}");
    }
}
