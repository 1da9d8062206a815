//! The authorization endpoint: what is answered, to whom, and how (RFC 6749 §4.1, OIDC Core §3.1.2).

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use latchkey::{clients::registration, protocol::Lifetime};

use crate::world::{Answer, App, CHALLENGE, World, claims, encode};

async fn world() -> (World, App) {
    let world = World::new().await;
    world.user("alice").await;
    let app = world.app("wiki").await;
    (world, app)
}

/// The parameters of a good request with some replaced, added or (by an empty value) left out.
pub(crate) fn asks<'a>(app: &'a App, scope: &'a str, change: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params = app.asks(scope);
    params.retain(|(name, _)| change.iter().all(|(changed, _)| changed != name));
    params.extend(change.iter().filter(|(_, value)| !value.is_empty()));
    params
}

/// The code of the refusal that the client is told.
#[track_caller]
fn told(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(answer.location().starts_with("https://wiki.example/cb"), "{}", answer.location());
    assert_eq!(answer.param("state").as_deref(), Some("s-t-a-t-e"));
    assert_eq!(answer.param("iss").as_deref(), Some(crate::world::ISSUER));
    let error = answer.param("error").unwrap_or_else(|| panic!("no error in {}", answer.location()));
    assert_eq!(answer.param("error_uri"), Some(format!("{}/errors/{error}", crate::world::ISSUER)));
    error
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_to_the_client() {
    let (world, app) = world().await;
    for (change, expected) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unsupported_response_type"),
        (("response_mode", "letter"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("scope", ""), "invalid_scope"),
        (("scope", "op\"en"), "invalid_scope"),
        (("scope", "unheard_of"), "invalid_scope"),
        (("scope", "openid org:acme org:globex"), "invalid_scope"),
        (("prompt", "none login"), "invalid_request"),
        (("prompt", "whatever"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("display", "hologram"), "invalid_request"),
        (("claims", "{"), "invalid_request"),
        (
            ("claims", r#"{"id_token":{"acr":{"essential":true,"values":["gold"]}}}"#),
            "unmet_authentication_requirements",
        ),
        (("id_token_hint", "a.b.c"), "invalid_request"),
        (("request", "e30.e30.e30"), "request_not_supported"),
        (("request_uri", "https://a.example/r"), "request_uri_not_supported"),
        (("registration", "{}"), "registration_not_supported"),
        (("resource", "https://unknown.example"), "invalid_target"),
    ] {
        let mut browser = world.browser();
        let answer = browser.authorizes(&asks(&app, "openid", &[change])).await;
        assert_eq!(told(&answer), expected, "{change:?}");
    }
}

#[tokio::test]
async fn a_client_or_redirect_uri_in_doubt_becomes_a_page_and_never_a_redirect() {
    let (world, app) = world().await;
    for change in [
        ("client_id", ""),
        ("client_id", "nobody"),
        ("redirect_uri", ""),
        ("redirect_uri", "https://wiki.example/cb/"),
        ("redirect_uri", "https://wiki.example/CB"),
        ("redirect_uri", "https://wiki.example/cb?x=1"),
        ("redirect_uri", "https://wiki.example:443/cb"),
        ("redirect_uri", "https://wiki.example/cb/../evil"),
        ("redirect_uri", "https://wiki.example.evil.test/cb"),
        ("redirect_uri", "https://wiki.example@evil.test/cb"),
        ("redirect_uri", "https://evil.test/cb"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", "//wiki.example/cb"),
    ] {
        let mut browser = world.browser();
        let answer = browser.authorizes(&asks(&app, "openid", &[change])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change:?}");
        assert!(answer.headers.get("location").is_none(), "{change:?}");
        assert!(answer.body.contains("Authorization error"), "{change:?}: {}", answer.body);
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_told_to_a_client_that_is_beyond_doubt() {
    let (world, app) = world().await;
    let good = encode(&app.asks("openid"));
    for (more, expected) in [
        ("&scope=openid", "`scope` is given more than once"),
        ("&x=%ff", "not UTF-8"),
        ("&%C3%28=x", "not UTF-8"),
        ("&x=a%00b", "NUL"),
    ] {
        for answer in [
            world.get(&format!("/authorize?{good}{more}")).await,
            world.send(posted(FORM, format!("{good}{more}"))).await,
        ] {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{more}: {answer:?}");
            assert!(answer.location().starts_with(&app.redirect_uri), "{more}: {}", answer.location());
            assert_eq!(answer.param("error").as_deref(), Some("invalid_request"), "{more}");
            assert!(
                answer.param("error_description").is_some_and(|text| text.contains(expected)),
                "{more}: {answer:?}"
            );
            assert_eq!(answer.param("state").as_deref(), Some("s-t-a-t-e"), "{more}");
            assert_eq!(answer.param("code"), None);
        }
    }
    // The answer travels as asked, and brings no state back where two were given.
    let answer = world.get(&format!("/authorize?{good}&state=other&response_mode=fragment")).await;
    assert!(answer.location().starts_with(&format!("{}#error=invalid_request", app.redirect_uri)), "{answer:?}");
    assert!(!answer.location().contains("state="), "{}", answer.location());
}

#[tokio::test]
async fn what_no_authorization_request_says_is_neither_sent_on_nor_kept() {
    let (world, app) = world().await;
    let secret = app.secret.clone().unwrap();
    let fields = [&app.asks("openid")[..], &[("client_secret", secret.as_str()), ("x", "y")]].concat();
    let answer = world.post("/authorize", &[], &fields).await;
    assert!(answer.location().contains("client_id=wiki"), "{answer:?}");
    assert!(!answer.location().contains(&secret) && !answer.location().contains("x=y"), "{}", answer.location());
    let mut browser = world.browser();
    let page = browser.authorizes(&fields).await;
    let request = crate::world::attribute(&page.body, "<form", "action").expect("a form");
    world.advance(Lifetime::hours(2));
    let late = browser.get(&request).await;
    assert!(late.status == StatusCode::GONE && late.body.contains("client_id=wiki"), "{}", late.body);
    assert!(!late.body.contains(&secret), "{}", late.body);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_on_a_page_where_the_client_is_in_doubt() {
    let (world, app) = world().await;
    let good = encode(&app.asks("openid"));
    let many: String = (0..1_000).map(|n| format!("&p{n}=1")).collect();
    let elsewhere = encode(&asks(&app, "openid", &[("redirect_uri", "https://evil.test/cb")]));
    for (query, expected) in [
        (format!("{good}&client_id={}", app.id), "is given more than once"),
        (format!("{good}&redirect_uri=https://evil.test/cb"), "is given more than once"),
        (format!("{elsewhere}&x=%ff"), "not UTF-8"),
        (format!("{good}{many}"), "more than 100 parameters"),
    ] {
        for answer in [world.get(&format!("/authorize?{query}")).await, world.send(posted(FORM, query)).await] {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{expected}");
            assert!(answer.header("content-type").starts_with("text/html"), "{expected}");
            assert!(answer.headers.get("location").is_none() && answer.body.contains(expected), "{}", answer.body);
        }
    }
    for other in ["text/plain", "application/json", "multipart/form-data; boundary=x", ""] {
        let answer = world.send(posted(other, good.clone())).await;
        assert!(answer.status.is_client_error(), "{other}: {}", answer.status);
        assert!(answer.headers.get("location").is_none(), "{other}");
    }
}

fn posted(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/authorize").header("content-type", content_type).body(body.into()).expect("a request")
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn an_unknown_parameter_is_ignored() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let answer = browser.goes_through(&asks(&app, "openid", &[("extra", "foobar")]), "alice").await;
    assert!(answer.param("code").is_some());
}

#[tokio::test]
async fn a_disabled_client_is_unknown_at_once() {
    let (world, app) = world().await;
    registration::disable(&world.server.registry, &app.id, world.now()).await.unwrap();
    let answer = world.browser().authorizes(&app.asks("openid")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_posted_request_is_the_same_as_one_in_the_url_and_sets_no_cookie() {
    let (world, app) = world().await;
    for state in ["short".to_owned(), "é".repeat(2_500)] {
        let params = asks(&app, "openid", &[("state", &state)]);
        let posted = world.post("/authorize", &[("origin", "https://wiki.example")], &params).await;
        assert_eq!(posted.status, StatusCode::SEE_OTHER);
        assert!(posted.headers.get("set-cookie").is_none());
        assert!(posted.location().len() < 2_500, "{}", posted.location().len());
        let mut browser = world.browser();
        let page = browser.follow(posted).await;
        let page = browser.signs_in(&page, "alice").await;
        let answer = if page.body.contains("consent-allow") { browser.allows(&page).await } else { page };
        assert_eq!(answer.param("state"), Some(state));
    }
}

#[tokio::test]
async fn an_8_kb_state_comes_back_unchanged() {
    let (world, app) = world().await;
    let state = "x&=+ é\"<".repeat(1_000);
    let answer = world.browser().goes_through(&asks(&app, "openid", &[("state", &state)]), "alice").await;
    assert_eq!(answer.param("state"), Some(state));
}

#[tokio::test]
async fn the_answer_travels_as_the_response_mode_says() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    let answer = browser.goes_through(&asks(&app, "openid", &[("response_mode", "fragment")]), "alice").await;
    assert!(answer.location().starts_with("https://wiki.example/cb#code="), "{}", answer.location());
    let answer = browser
        .goes_through(&asks(&app, "openid", &[("response_mode", "form_post"), ("state", "\"><script>")]), "alice")
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("action=\"https://wiki.example/cb\""), "{}", answer.body);
    assert!(!answer.body.contains("\"><script>"), "{}", answer.body);
    assert!(crate::world::field(&answer.body, "code").is_some());
    assert_eq!(crate::world::field(&answer.body, "state").as_deref(), Some("\"><script>"));
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("content-security-policy").contains("form-action 'self' https://wiki.example;"));
}

#[tokio::test]
async fn prompt_none_answers_without_a_page() {
    let (world, app) = world().await;
    let silent = asks(&app, "openid", &[("prompt", "none")]);
    let mut browser = world.browser();
    assert_eq!(told(&browser.authorizes(&silent).await), "login_required");
    browser.goes_through(&app.asks("openid"), "alice").await;
    assert!(browser.authorizes(&silent).await.param("code").is_some());
    let more = asks(&app, "openid email", &[("prompt", "none")]);
    assert_eq!(told(&browser.authorizes(&more).await), "consent_required");
}

#[tokio::test]
async fn prompt_login_and_max_age_authenticate_again() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    assert!(browser.authorizes(&app.asks("openid")).await.param("code").is_some());
    let page = browser.authorizes(&asks(&app, "openid", &[("prompt", "login")])).await;
    assert!(page.body.contains("login-submit"), "{}", page.body);
    assert!(browser.signs_in(&page, "alice").await.param("code").is_some());
    world.advance(Lifetime::minutes(10));
    assert!(browser.authorizes(&asks(&app, "openid", &[("max_age", "601")])).await.param("code").is_some());
    let page = browser.authorizes(&asks(&app, "openid", &[("max_age", "599")])).await;
    assert!(page.body.contains("login-submit"), "{}", page.body);
    let page = browser.authorizes(&asks(&app, "openid", &[("max_age", "0")])).await;
    assert!(page.body.contains("login-submit"), "{}", page.body);
}

#[tokio::test]
async fn prompt_select_account_offers_the_present_account_or_another() {
    let (world, app) = world().await;
    world.user("bob").await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let params = asks(&app, "openid", &[("prompt", "select_account")]);
    let page = browser.authorizes(&params).await;
    assert!(page.body.contains("alice@example.com"), "{}", page.body);
    assert!(browser.submits(&page, &[("action", "continue")]).await.param("code").is_some());
    let page = browser.authorizes(&params).await;
    let page = browser.submits(&page, &[("action", "switch")]).await;
    let page = browser.signs_in(&page, "bob").await;
    assert!(page.body.contains("bob@example.com"), "{}", page.body);
}

#[tokio::test]
async fn who_picks_an_account_has_not_signed_in_by_that() {
    let (world, app) = world().await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let params = asks(&app, "openid email", &[("prompt", "select_account"), ("max_age", "60")]);
    let picker = browser.authorizes(&params).await;
    let consent = browser.submits(&picker, &[("action", "continue")]).await;
    assert!(consent.body.contains("consent-allow"), "{consent:?}");
    // While the question stands there the login grows older than the app wants it.
    world.advance(Lifetime::seconds(61));
    let login = browser.submits(&consent, &[("action", "allow")]).await;
    assert!(login.body.contains("login-submit"), "{login:?}");
    let consent = browser.signs_in(&login, "alice").await;
    assert!(consent.body.contains("consent-allow"), "the account is picked once: {consent:?}");
    let code = browser.allows(&consent).await.param("code").expect("a code");
    let told = claims(app.redeems(&world, &code).await.ok()["id_token"].as_str().unwrap());
    assert_eq!(told["auth_time"], world.now().0);
}

#[tokio::test]
async fn an_organisation_that_is_named_binds_the_request_or_ends_it() {
    let (world, app) = world().await;
    let alice = world.user("alia").await;
    world.org("acme", &[(&alice, "owner")]).await;
    let mut browser = world.browser();
    let answer = browser.goes_through(&asks(&app, "openid org:globex", &[]), "alia").await;
    assert_eq!(told(&answer), "access_denied");
    let page = browser.authorizes(&app.asks("openid org:acme")).await;
    assert!(page.body.contains("acme"), "{}", page.body);
    assert!(browser.allows(&page).await.param("code").is_some());
}

#[tokio::test]
async fn permissions_that_the_role_does_not_give_are_not_offered() {
    let (world, app) = world().await;
    world.resource("https://kb.example", "kb:read kb:delete", |_| {}).await;
    let editor = world.user("edith").await;
    world.org("acme", &[(&editor, "editor")]).await;
    let mut browser = world.browser();
    let page = browser.authorizes(&app.asks("openid kb:read kb:delete")).await;
    let page = browser.signs_in(&page, "edith").await;
    assert!(page.body.contains("acme"), "{}", page.body);
    let nobody = asks(&app, "kb:delete", &[]);
    assert_eq!(told(&browser.authorizes(&nobody).await), "access_denied");
}

#[tokio::test]
async fn a_native_public_client_may_vary_the_port_and_is_never_waved_through() {
    let (world, _) = world().await;
    let native = world
        .app_with("cli", |wanted| {
            wanted.redirect_uris = Some(vec!["http://127.0.0.1/cb".to_owned()]);
            wanted.token_endpoint_auth_method = Some(latchkey::protocol::AuthMethod::None);
            wanted.post_logout_redirect_uris = None;
        })
        .await;
    let params: Vec<(&str, &str)> = vec![
        ("client_id", &native.id),
        ("redirect_uri", "http://127.0.0.1:53123/cb"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let mut browser = world.browser();
    let answer = browser.goes_through(&params, "alice").await;
    assert!(answer.location().starts_with("http://127.0.0.1:53123/cb?code="), "{}", answer.location());
    let again = browser.authorizes(&params).await;
    assert!(again.body.contains("consent-allow"), "{} {}", again.status, again.body);
}

#[tokio::test]
async fn a_public_web_client_is_asked_for_every_time_on_its_loopback_uri_alone() {
    let (world, _) = world().await;
    let app = world
        .app_with("spa", |wanted| {
            wanted.redirect_uris = Some(vec!["https://spa.example/cb".to_owned(), "http://127.0.0.1/cb".to_owned()]);
            wanted.token_endpoint_auth_method = Some(latchkey::protocol::AuthMethod::None);
            wanted.application_type = Some(latchkey::protocol::ApplicationType::Web);
        })
        .await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    assert!(browser.authorizes(&app.asks("openid")).await.param("code").is_some());
    let on_the_device = asks(&app, "openid", &[("redirect_uri", "http://127.0.0.1:4711/cb")]);
    assert!(browser.authorizes(&on_the_device).await.body.contains("consent-allow"));
}

#[tokio::test]
async fn the_app_is_answered_in_the_language_it_asked_for_to_the_end() {
    let (world, app) = world().await;
    let german = |page: &Answer| assert!(page.body.contains("<html lang=\"de\""), "{} {}", page.status, page.body);
    let mut browser = world.browser();
    let params = asks(&app, "openid", &[("ui_locales", "xx de"), ("response_mode", "form_post")]);
    let page = browser.authorizes(&params).await;
    german(&page);
    let request = crate::world::attribute(&page.body, "<form", "action").expect("a form");
    world.advance(Lifetime::hours(2));
    let late = browser.get(&request).await;
    assert_eq!(late.status, StatusCode::GONE);
    german(&late);
    let answer = browser.goes_through(&params, "alice").await;
    assert!(crate::world::field(&answer.body, "code").is_some(), "{}", answer.body);
    german(&answer);

    let wrong = asks(&app, "openid", &[("ui_locales", "de"), ("redirect_uri", "https://evil.test/cb")]);
    german(&browser.authorizes(&wrong).await);
    let twice = format!("/authorize?{}&client_id=x&ui_locales=de", encode(&app.asks("openid")));
    german(&browser.get(&twice).await);
    german(&browser.get("/logout?id_token_hint=rubbish&ui_locales=de").await);
}

#[tokio::test]
async fn an_error_page_leads_back_to_an_app_that_is_known() {
    let (world, app) = world().await;
    let home = world.app_with("desk", |wanted| wanted.client_uri = Some("https://desk.example/start".into())).await;
    let back = "href=\"https://desk.example/start\">Back to The desk</a>";
    let mut browser = world.browser();
    let page = browser.authorizes(&asks(&home, "openid", &[("redirect_uri", "https://evil.test/cb")])).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.contains(back) && !page.body.contains("evil.test"), "{}", page.body);
    let waits = browser.authorizes(&home.asks("openid")).await;
    let waits = crate::world::attribute(&waits.body, "<form", "action").expect("a form");
    world.advance(Lifetime::hours(2));
    let late = browser.get(&waits).await;
    assert!(late.body.contains(back), "{}", late.body);

    for change in [("client_id", "nobody"), ("client_id", app.id.as_str())] {
        let page = browser.authorizes(&asks(&home, "openid", &[change])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{change:?}");
        assert!(!page.body.contains("Back to"), "{change:?}: {}", page.body);
    }
    registration::disable(&world.server.registry, &home.id, world.now()).await.unwrap();
    let page = browser.authorizes(&home.asks("openid")).await;
    assert!(!page.body.contains("Back to"), "a disabled app is no place to go: {}", page.body);
}

#[tokio::test]
async fn asking_what_a_request_would_give_gives_nothing() {
    let world = World::new().await;
    let app = world.app("app").await;
    world.user("alice").await;
    let mut browser = world.browser();
    browser.goes_through(&app.asks("openid"), "alice").await;
    let query = encode(&app.asks("openid"));
    for path in [format!("/authorize?{query}"), "/authorize/resume?request=x".into(), "/logout?client_id=app".into()] {
        let answer = browser.send(Method::HEAD, &path, Body::empty(), &[]).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(answer.headers.get("location").is_none(), "{path}");
    }
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_refused_in_words() {
    let world = World::new().await;
    let send = async |method: &str, path: &str, accept: &str| {
        let request = Request::builder().method(method).uri(path).header("accept", accept);
        world.send(request.body(Body::empty()).unwrap()).await
    };
    let token = send("GET", "/token", "*/*").await;
    assert_eq!((token.status, token.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert_eq!(token.header("access-control-allow-origin"), "*", "a script learns it, too");
    assert!(token.body.contains("Allow"), "{}", token.body);
    let page = send("DELETE", "/consent", "text/html").await;
    assert!(page.status == StatusCode::METHOD_NOT_ALLOWED && page.body.contains("<h1"), "{}", page.body);
    assert_eq!(send("GET", "/logout/confirm", "text/html").await.location(), "http://localhost:8080/logout");
}
