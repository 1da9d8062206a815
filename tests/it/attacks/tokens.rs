//! M, cases 77 to 80: what tokens are good for, and for whom. JWT introspection answers do not exist.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    clients::Gate,
    protocol::{AuthMethod, Lifetime, SubjectType},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{is_alive, member, site, site_of_another, told};
use crate::{
    authorize::asks,
    world::{Answer, App, ISSUER, VERIFIER, World, basic, claims},
};

const KB: &str = "https://kb.example";
const WIKI: &str = "https://api.wiki.example";

async fn introspects(world: &World, app: &App, token: &str) -> Answer {
    app.post(world, "/introspect", &[("token", token)]).await
}

/// A site with two APIs whose scopes need no role, and a server of one of them.
async fn site_of_apis() -> (World, App, App) {
    let (world, app) = site().await;
    let server = world.app("kb-server").await;
    for (uri, scope) in [(KB, "kb:read kb:write"), (WIKI, "wiki:read")] {
        let by = (uri == KB).then(|| vec![server.id.clone()]);
        world
            .resource(uri, scope, |api| {
                api.introspected_by = by;
                api.gate = Some(Gate::Consent);
            })
            .await;
    }
    (world, app, server)
}

#[tokio::test]
async fn case_77_only_those_whom_a_token_concerns_learn_that_it_lives() {
    let (world, app, server) = site_of_apis().await;
    let (there, app_there) = site_of_another().await;
    let stranger = world.app("stranger").await;
    let spa = world.app_with("spa", |wanted| wanted.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let (access, refresh) = (member(&tokens, "access_token"), member(&tokens, "refresh_token"));
    let foreign = there.browser().code(&app_there, "openid offline_access", "alice").await;
    let foreign = app_there.redeems(&there, &foreign).await.ok();

    // Who does not prove who they are learns nothing at all.
    let secret = app.secret.clone().unwrap();
    for (headers, more) in [
        (vec![], vec![]),
        (vec![], vec![("client_id", "wiki")]),
        (vec![], vec![("client_id", "wiki"), ("client_secret", "wrong")]),
        (vec![], vec![("client_id", "spa")]),
        (vec![("authorization", format!("Bearer {access}"))], vec![]),
        (vec![("authorization", basic("wiki", "wrong"))], vec![]),
        (vec![("authorization", basic("wiki", ""))], vec![]),
        (vec![("authorization", basic("", &secret))], vec![]),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for token in [&access, &refresh, &"x".to_owned()] {
            let answer = world.post("/introspect", &headers, &[&[("token", token.as_str())], &more[..]].concat()).await;
            assert_eq!(answer.status, 401, "{headers:?} {more:?}: {answer:?}");
            answer.refused("invalid_client");
            assert!(answer.header("www-authenticate").starts_with("Basic "), "{answer:?}");
        }
    }
    introspects(&world, &spa, &access).await.refused("invalid_client");

    // To whom it is nothing, and what is nothing to anybody: the same bytes and the same headers.
    let seen = |answer: &Answer| {
        let headers = answer.headers.iter().filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
        let headers: Vec<_> = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
        (answer.status, headers, answer.body.clone())
    };
    let nothing = seen(&introspects(&world, &stranger, "nothing").await);
    assert_eq!(nothing.2, r#"{"active":false}"#);
    assert_eq!(introspects(&world, &app, &access).await.ok()["active"], true);
    assert_eq!(introspects(&world, &app, &refresh).await.ok()["active"], true);
    let own = |name: &str| member(&tokens, name);
    for (what, asker, token) in [
        ("another client's", &stranger, access.clone()),
        ("another client's refresh token", &stranger, refresh.clone()),
        ("one for another API", &server, access.clone()),
        ("a refresh token at an API", &server, refresh.clone()),
        ("an ID token", &app, own("id_token")),
        ("a spent code", &app, code.clone()),
        ("a secret", &app, secret.clone()),
        ("another server's", &app, member(&foreign, "access_token")),
        ("another server's refresh token", &app, member(&foreign, "refresh_token")),
        ("a cut one", &app, access[..access.len() - 1].to_owned()),
        ("an unsigned one", &app, format!("{}.", &access[..access.rfind('.').unwrap()])),
        ("one with a space", &app, format!(" {access}")),
        ("a long one", &app, "x".repeat(60_000)),
        ("one of dots", &app, ".".repeat(60_000)),
        ("an opaque one", &app, format!("lko_{}", "A".repeat(43))),
    ] {
        assert_eq!(seen(&introspects(&world, asker, &token).await), nothing, "{what}");
    }
    // Hints change nothing.
    for hint in ["refresh_token", "access_token", "unheard_of", ""] {
        let answer = app.post(&world, "/introspect", &[("token", &access), ("token_type_hint", hint)]).await;
        assert_eq!(answer.ok()["active"], true, "{hint}");
    }
    app.post(&world, "/revoke", &[("token", &access)]).await;
    assert_eq!(seen(&introspects(&world, &app, &access).await), nothing, "a revoked one");
    let next = app.refreshes(&world, &refresh).await.ok();
    world.advance(Lifetime::minutes(15));
    assert_eq!(seen(&introspects(&world, &app, &member(&next, "access_token")).await), nothing, "an expired one");
}

#[tokio::test]
async fn case_78_a_token_is_given_back_by_its_own_client_alone() {
    let (world, app) = site().await;
    let other = world.app("other").await;
    let spa = world.app_with("spa", |wanted| wanted.token_endpoint_auth_method = Some(AuthMethod::None)).await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid offline_access", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let (access, refresh) = (member(&tokens, "access_token"), member(&tokens, "refresh_token"));
    for token in [&access, &refresh] {
        for asker in [&other, &spa] {
            for hint in ["access_token", "refresh_token", "x"] {
                let answer = asker.post(&world, "/revoke", &[("token", token), ("token_type_hint", hint)]).await;
                assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "{answer:?}");
            }
        }
        let unproven = world.post("/revoke", &[], &[("token", token), ("client_id", "wiki")]).await;
        unproven.refused("invalid_client");
        assert_eq!(world.gets(&format!("/revoke?token={token}")).await.status, 405);
    }
    assert!(is_alive(&world, &app, &access).await);
    for unknown in ["x", "lkr_x.0.y", "lko_x", "a.b.c", "\u{1f511}", &"x".repeat(60_000)] {
        let answer = app.post(&world, "/revoke", &[("token", unknown)]).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "{unknown:.20}: {answer:?}");
    }
    // With the refresh token everything goes: every access token of the grant, and its successors.
    let next = app.refreshes(&world, &refresh).await.ok();
    let answer = app.post(&world, "/revoke", &[("token", &refresh), ("token_type_hint", "access_token")]).await;
    assert_eq!(answer.status, 200);
    for token in [&access, &member(&next, "access_token")] {
        assert!(!is_alive(&world, &app, token).await);
    }
    for token in [&refresh, &member(&next, "refresh_token")] {
        app.refreshes(&world, token).await.refused("invalid_grant");
        assert_eq!(introspects(&world, &app, token).await.ok(), json!({ "active": false }));
    }
}

#[tokio::test]
async fn case_79_a_token_is_for_what_was_asked_and_never_for_more() {
    let (world, ..) = site_of_apis().await;
    let app = world.app_with("reader", |wanted| {
        wanted.scope = Some("openid email offline_access kb:* wiki:*".to_owned());
        wanted.resources = Some(vec![KB.to_owned(), WIKI.to_owned()]);
    });
    let app = &app.await;
    let mut browser = world.browser();
    browser.goes_through(&asks(app, "openid", &[]), "alice").await;
    for resource in [
        "https://nobody.example",
        "https://kb.example/",
        "https://KB.example",
        "https://kb.example#x",
        "https://kb.example?x=1",
        "https://kb.example.evil.example",
        "kb",
        "/kb",
        "//kb.example",
        "javascript:x",
        "urn:x",
        "https://kb.example https://api.wiki.example",
        "https://kb.example\n",
        "*",
        "x",
    ] {
        let answer = browser.authorizes(&asks(app, "kb:read", &[("resource", resource)])).await;
        assert_eq!(told(&answer, app, resource), "invalid_target", "{resource}");
    }
    let code_for = async |scope: &str, resources: &[&str]| {
        let mut params = asks(app, scope, &[]);
        params.extend(resources.iter().map(|resource| ("resource", *resource)));
        let mut browser = browser.clone();
        let answer = browser.authorizes(&params).await;
        let answer = if answer.body.contains("consent-allow") { browser.allows(&answer).await } else { answer };
        answer.param("code").unwrap_or_else(|| panic!("no code: {answer:?}"))
    };
    let redeems = async |code: &str, resources: &[&str]| {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", app.redirect_uri.as_str()),
            ("code_verifier", VERIFIER),
        ];
        fields.extend(resources.iter().map(|resource| ("resource", *resource)));
        app.token(&world, &fields).await
    };
    let aud = |answer: &Value| claims(&member(answer, "access_token"))["aud"].clone();
    // One was asked for: another one, one more, or our own API is too much, at the code and at every refresh.
    let code = code_for("kb:read kb:write", &[KB]).await;
    for more in [&[WIKI][..], &[KB, WIKI], &["https://nobody.example"], &[ISSUER], &["http://localhost:8080/api/v1"]] {
        redeems(&code, more).await.refused("invalid_target");
    }
    let tokens = redeems(&code, &[KB]).await.ok();
    assert_eq!(aud(&tokens), KB);
    let mut refresh = member(&tokens, "refresh_token");
    for more in [WIKI, ISSUER, "https://nobody.example"] {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("resource", more)];
        app.token(&world, &fields).await.refused("invalid_target");
    }
    let tokens = app.refreshes(&world, &refresh).await.ok();
    assert_eq!((aud(&tokens), &tokens["scope"]), (json!(KB), &json!("kb:read kb:write")));
    refresh = member(&tokens, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("scope", "kb:read wiki:read")];
    app.token(&world, &fields).await.refused("invalid_scope");
    // It opens nothing of ours.
    let bearer = format!("Bearer {}", member(&tokens, "access_token"));
    let answer = world.post("/userinfo", &[("authorization", &bearer)], &[]).await;
    assert!([401, 403].contains(&answer.status.as_u16()), "{answer:?}");
    // Two were asked for: one of them is less, and its token carries the scopes of that one alone.
    let code = code_for("kb:read wiki:read", &[KB, WIKI]).await;
    let tokens = redeems(&code, &[WIKI]).await.ok();
    assert_eq!(
        (aud(&tokens), claims(&member(&tokens, "access_token"))["scope"].clone()),
        (json!(WIKI), json!("wiki:read"))
    );
}

#[tokio::test]
async fn case_79_userinfo_takes_a_token_of_a_user_for_itself_and_not_from_the_url() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let code = browser.code(&app, "openid email", "alice").await;
    let tokens = app.redeems(&world, &code).await.ok();
    let access = member(&tokens, "access_token");
    let in_the_url = world.gets(&format!("/userinfo?access_token={access}")).await;
    assert_eq!(in_the_url.status, 400, "{in_the_url:?}");
    assert!(!in_the_url.body.contains("alice") && !in_the_url.body.contains(&access), "{in_the_url:?}");
    let bearer = format!("Bearer {access}");
    let twice = world.post("/userinfo", &[("authorization", &bearer)], &[("access_token", &access)]).await;
    assert_eq!(twice.status, 400, "{twice:?}");
    let two = world.post("/userinfo", &[("authorization", &bearer), ("authorization", &bearer)], &[]).await;
    assert_eq!(two.status, 400, "{two:?}");
    for (scheme, expected) in [
        (format!("Bearer {}", member(&tokens, "id_token")), 401),
        (format!("Bearer {}", member(&tokens, "refresh_token")), 401),
        (format!("Bearer {access}x"), 401),
        (format!("Bearer \"{access}\""), 401),
        (format!("Bearer {access},{access}"), 401),
        (format!("Basic {access}"), 401),
        (format!("DPoP {access}"), 401),
        (format!("Token {access}"), 401),
        (access.clone(), 401),
        ("Bearer".to_owned(), 401),
        ("Bearer ".to_owned(), 401),
        (basic("wiki", app.secret.as_deref().unwrap()), 401),
        (bearer.clone(), 200),
        (bearer.replace("Bearer", "bearer"), 200),
    ] {
        let answer = world.post("/userinfo", &[("authorization", &scheme)], &[]).await;
        assert_eq!(answer.status, expected, "{scheme:.30}: {answer:?}");
        assert_eq!(answer.body.contains("alice"), expected == 200, "{scheme:.30}: {answer:?}");
    }
    // A token that the client has for itself, and one without openid.
    let code = browser.code(&app, "email", "alice").await;
    let without = member(&app.redeems(&world, &code).await.ok(), "access_token");
    let server = world.app_with("machine", |wanted| wanted.scope = Some("openid email kb:read".to_owned())).await;
    let own = server.token(&world, &[("grant_type", "client_credentials"), ("scope", "kb:read")]).await.ok();
    for token in [without, member(&own, "access_token")] {
        let answer = world.post("/userinfo", &[("authorization", &format!("Bearer {token}"))], &[]).await;
        assert!([401, 403].contains(&answer.status.as_u16()), "{answer:?}");
        assert!(!answer.body.contains("alice"), "{answer:?}");
    }
}

#[tokio::test]
async fn case_80_an_id_token_is_for_one_client_one_request_and_one_access_token() {
    let (world, app) = site().await;
    let other = world.app("other").await;
    let mut browser = world.browser();
    for nonce in ["n", "\u{1f511} & \"<>'\\", " spaces around ", "%00%0d%0a", &"x".repeat(1_000), "null", "0"] {
        let answer = browser.goes_through(&asks(&app, "openid", &[("nonce", nonce)]), "alice").await;
        let tokens = app.redeems(&world, &answer.param("code").expect("a code")).await.ok();
        let (id_token, access) = (member(&tokens, "id_token"), member(&tokens, "access_token"));
        let own = claims(&id_token);
        assert_eq!(own["nonce"], nonce);
        assert_eq!((&own["iss"], &own["aud"]), (&json!(ISSUER), &json!("wiki")));
        let (iat, exp) = (own["iat"].as_i64().unwrap(), own["exp"].as_i64().unwrap());
        assert_eq!((iat, exp - iat), (world.now().0, 15 * 60));
        // OIDC Core §3.1.3.6: the left half of the hash.
        let half = &Sha256::digest(access.as_bytes())[..16];
        assert_eq!(own["at_hash"], URL_SAFE_NO_PAD.encode(half));
        assert!(own.get("c_hash").is_none() && own.get("s_hash").is_none() && own.get("azp").is_none(), "{own}");
        // A refresh makes one of the same user for the same client, about another access token.
        let next = app.refreshes(&world, &member(&tokens, "refresh_token")).await.ok();
        let renewed = claims(&member(&next, "id_token"));
        for same in ["iss", "sub", "aud", "auth_time", "sid"] {
            assert_eq!(renewed[same], own[same], "{same}");
        }
        let half = &Sha256::digest(member(&next, "access_token").as_bytes())[..16];
        assert_eq!(renewed["at_hash"], URL_SAFE_NO_PAD.encode(half));
    }
    let code = browser.code(&other, "openid", "alice").await;
    let id_token = member(&other.redeems(&world, &code).await.ok(), "id_token");
    assert_eq!(claims(&id_token)["aud"], "other");
}

#[tokio::test]
async fn case_80_a_pairwise_subject_differs_per_sector_and_leads_back_to_nobody() {
    let (world, app) = site().await;
    let mut browser = world.browser();
    let mut told = Vec::new();
    for (id, host) in [("one", "a.example"), ("two", "a.example"), ("three", "b.example")] {
        let pairwise = world
            .app_with(id, |wanted| {
                wanted.redirect_uris = Some(vec![format!("https://{host}/{id}")]);
                wanted.subject_type = Some(SubjectType::Pairwise);
            })
            .await;
        let code = browser.code(&pairwise, "openid", "alice").await;
        told.push(pairwise.redeems(&world, &code).await.ok());
    }
    let code = browser.code(&app, "openid", "alice").await;
    let public = app.redeems(&world, &code).await.ok();
    let of = |tokens: &Value, token: &str, name: &str| member(&claims(&member(tokens, token)), name);
    let sub = of(&public, "id_token", "sub");
    for name in ["sub", "sid"] {
        for token in ["id_token", "access_token"] {
            let [one, two, three] = [0, 1, 2].map(|at: usize| of(&told[at], token, name));
            assert_eq!(one, two, "{name} of the {token}");
            assert!(one != three && ![&one, &three].contains(&&of(&public, token, name)), "{name} of the {token}");
        }
    }
    // Whoever knows the user and guesses how it is made cannot make it without the key.
    for sector in ["a.example", "https://a.example"] {
        for text in [format!("{sector}{sub}"), format!("{sub}{sector}"), format!("sub\n{sector}\n{sub}")] {
            let guess = format!("usr_{}", URL_SAFE_NO_PAD.encode(Sha256::digest(text)));
            assert_ne!(of(&told[0], "id_token", "sub"), guess);
        }
    }
    // No other token of the session has anything that is the same everywhere.
    let all = |tokens: &Value| claims(&member(tokens, "access_token"));
    for name in ["sub", "sid", "jti", "client_id"] {
        assert_ne!(all(&told[0])[name], all(&told[2])[name], "{name}");
    }
}
