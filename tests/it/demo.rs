//! The demo over real sockets: a stock client library signs people in, and a resource server judges their tokens.

use std::path::Path;

use latchkey::demo::{self, Options, Ports, Running};
use openidconnect::reqwest;
use serde_json::Value;

use crate::surfer::{Page, Surfer};

async fn start(data: &Path) -> Running {
    let options = Options { data: data.to_owned(), fresh: false, ports: Ports::ANY };
    demo::start(options).await.unwrap_or_else(|failure| panic!("{failure}"))
}

/// Sign somebody in through the app, in the name of an organisation if they have to choose one.
async fn sign_in(demo: &Running, surfer: &mut Surfer, username: &str, org: Option<&str>) -> Page {
    let home = surfer.open(&demo.memory.app).await;
    let login = surfer.press(&home, "sign-in", &[]).await;
    assert!(login.url.as_str().starts_with(&demo.memory.issuer), "the password is asked for by the server: {login}");
    let password = &demo.memory.users[username];
    let consent = surfer.press(&login, "login-submit", &[("username", username), ("password", password)]).await;
    allow(demo, surfer, &consent, org).await
}

/// Say yes on the consent page.
async fn allow(demo: &Running, surfer: &mut Surfer, consent: &Page, org: Option<&str>) -> Page {
    assert!(consent.has("consent-allow"), "a third-party app needs consent: {consent}");
    let org_id = org.map(|org| choice(consent, org));
    let fields: Vec<(&str, &str)> = org_id.iter().map(|id| ("org", id.as_str())).collect();
    let page = surfer.press(consent, "consent-allow", &fields).await;
    assert_eq!(page.url.as_str(), format!("{}/", demo.memory.app), "{page}");
    page
}

/// The value of the radio button that stands beside the organisation's name.
fn choice(consent: &Page, org: &str) -> String {
    let inputs = consent.html.split("<input").skip(1).filter(|input| input.contains("name=\"org\""));
    for input in inputs {
        let value = input.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        if input.split("</label>").next().unwrap_or_default().to_lowercase().contains(org) {
            return value.to_owned();
        }
    }
    panic!("{org} is not offered on {consent}")
}

fn payload(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(1).expect("a JWT has a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_decide_what_the_app_may_do() {
    let data = tempfile::tempdir().expect("a directory");
    let demo = start(data.path()).await;

    let mut alice = Surfer::new();
    let page = sign_in(&demo, &mut alice, "alice", Some("acme")).await;
    assert_eq!(page.text_of("name"), "Alice Archer");
    assert!(page.text_of("membership").contains("acme, as owner"), "{page}");
    let read = alice.press(&page, "call-read", &[]).await;
    assert!(read.text_of("response").starts_with("HTTP/1.1 200 OK"), "{read}");
    let deleted = alice.press(&read, "call-delete", &[]).await;
    assert!(deleted.text_of("response").starts_with("HTTP/1.1 200 OK"), "{deleted}");
    assert!(deleted.text_of("verdict").starts_with("Allowed"), "{deleted}");
    let read = alice.press(&deleted, "call-read", &[]).await;
    assert!(read.text_of("response").contains("\"revision\": 2"), "what was deleted has gone: {read}");

    // The same person has another role in another organisation. The choice is remembered until it is made anew.
    let consent = alice.press(&read, "sign-in-again", &[]).await;
    let page = allow(&demo, &mut alice, &consent, Some("globex")).await;
    assert!(page.text_of("membership").contains("globex, as viewer"), "{page}");
    let read = alice.press(&page, "call-read", &[]).await;
    assert!(read.text_of("response").starts_with("HTTP/1.1 200 OK"), "{read}");
    assert!(read.text_of("response").contains("\"revision\": 1"), "it is another organisation's shelf: {read}");
    let refused = alice.press(&read, "call-delete", &[]).await;
    assert!(refused.text_of("response").starts_with("HTTP/1.1 403 Forbidden"), "{refused}");
    assert!(refused.text_of("verdict").contains("globex as viewer"), "{refused}");

    let mut carol = Surfer::new();
    let page = sign_in(&demo, &mut carol, "carol", None).await;
    assert!(page.text_of("membership").contains("no organisation"), "{page}");
    let refused = carol.press(&page, "call-read", &[]).await;
    assert!(refused.text_of("response").contains("error=\"insufficient_scope\""), "{refused}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_refreshes_and_signs_out_and_tokens_open_only_what_they_are_for() {
    let data = tempfile::tempdir().expect("a directory");
    let demo = start(data.path()).await;
    let mut bob = Surfer::new();
    let page = sign_in(&demo, &mut bob, "bob", None).await;
    let refused = bob.press(&page, "call-delete", &[]).await;
    assert!(refused.text_of("response").starts_with("HTTP/1.1 403 Forbidden"), "{refused}");
    assert!(refused.text_of("verdict").contains("acme as editor"), "{refused}");
    let mistaken = bob.press(&refused, "call-mistake", &[]).await;
    assert!(mistaken.text_of("response").starts_with("HTTP/1.1 401 Unauthorized"), "{mistaken}");
    assert!(mistaken.text_of("response").contains("error=\"invalid_token\""), "{mistaken}");

    let [id_token, access_token] = &page.raw_tokens()[..] else { panic!("two tokens on {page}") };
    let claims = payload(access_token);
    let audience = claims["aud"].as_array().expect("two audiences");
    assert_eq!(audience.len(), 2);
    assert!(
        [&demo.memory.resource_server, &demo.memory.issuer]
            .iter()
            .all(|uri| audience.contains(&Value::from(uri.as_str())))
    );
    assert_eq!((claims["org_slug"].as_str(), claims["role"].as_str()), (Some("acme"), Some("editor")));
    assert_eq!(claims["permissions"], serde_json::json!(["kb:read"]));
    assert_eq!(payload(id_token)["aud"], demo.memory.client_id);

    let refreshed = bob.press(&mistaken, "refresh-now", &[]).await;
    assert!(refreshed.text_of("refreshed").contains("New tokens came, and a new refresh token"), "{refreshed}");
    let [_, newer] = &refreshed.raw_tokens()[..] else { panic!("two tokens on {refreshed}") };
    assert_ne!(claims["jti"], payload(newer)["jti"]);
    assert_eq!(claims["scope"], payload(newer)["scope"]);

    let left = bob.press(&refreshed, "sign-out", &[]).await;
    assert!(left.url.as_str().starts_with(&format!("{}/signed-out", demo.memory.app)), "{left}");
    assert!(left.text_of("signed-out").contains("ending your session there"), "{left}");
    assert!(bob.open(&demo.memory.app).await.has("sign-in"));
    let login = bob.press(&left, "sign-in", &[]).await;
    assert!(login.has("login-submit"), "the session at the server is over as well: {login}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_takes_no_answer_that_it_did_not_ask_for_and_no_button_from_elsewhere() {
    let data = tempfile::tempdir().expect("a directory");
    let demo = start(data.path()).await;
    let (app, mut surfer) = (demo.memory.app.clone(), Surfer::new());
    let home = surfer.open(&app).await;
    assert_eq!(surfer.cookie_names(), ["fieldnotes_visit"], "the app's cookie is not taken for the server's");
    let forged = surfer.open(&format!("{app}/callback?code=x&state=y&iss={}", demo.memory.issuer)).await;
    assert_eq!(forged.status, 400);
    assert!(forged.html.contains("no sign-in that this browser has begun"), "{forged}");
    let csrf =
        home.html.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
    for (body, origin) in
        [("", app.as_str()), ("csrf=x", app.as_str()), (&format!("csrf={csrf}"), "http://evil.example")]
    {
        assert_eq!(surfer.post(&format!("{app}/sign-in"), body, origin).await.status, 403, "{body} from {origin}");
    }

    let login = surfer.press(&home, "sign-in", &[]).await;
    let consent =
        surfer.press(&login, "login-submit", &[("username", "bob"), ("password", &demo.memory.users["bob"])]).await;
    let denied = surfer.press(&consent, "consent-deny", &[]).await;
    assert_eq!(denied.status, 400);
    assert!(denied.text_of("code") == "access_denied" && denied.html.contains("you said no"), "{denied}");

    // An answer counts once, and names its issuer.
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client");
    let bare = http.get(format!("{}/kb", demo.memory.resource_server)).send().await.expect("it answers");
    assert_eq!(bare.status().as_u16(), 401);
    assert_eq!(bare.headers()["www-authenticate"], "Bearer realm=\"kb\"");
    // An app of one's own can be tried without the command line.
    let own = r#"{ "client_name": "Mine", "redirect_uris": ["http://localhost:9999/cb"] }"#;
    let register = http.post(format!("{}/register", demo.memory.issuer)).header("content-type", "application/json");
    assert_eq!(register.body(own).send().await.expect("it answers").status().as_u16(), 201);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_goes_on_where_it_was_on_whatever_ports_it_finds() {
    let data = tempfile::tempdir().expect("a directory");
    let first = start(data.path()).await;
    let file = data.path().join("demo.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    }
    let mut bob = Surfer::new();
    let before = sign_in(&first, &mut bob, "bob", None).await.raw_tokens();
    let again = demo::start(Options { data: data.path().to_owned(), fresh: false, ports: Ports::ANY }).await;
    assert!(again.err().expect("one demo at a time").sentence.contains("already"));
    let earlier = first.memory.clone();
    first.stop().await;

    // Other programs have taken two of its ports.
    let port_of = |url: &str| -> u16 { url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port") };
    let take = |url: &str| std::net::TcpListener::bind(("127.0.0.1", port_of(url))).expect("the port is free again");
    let _taken = [take(&earlier.issuer), take(&earlier.resource_server)];
    let second = start(data.path()).await;
    assert_eq!(second.memory.users, earlier.users);
    assert_ne!(second.memory.issuer, earlier.issuer);
    assert_ne!(second.memory.resource_server, earlier.resource_server);
    assert_eq!(second.memory.app, earlier.app);
    assert!(second.people.iter().all(|person| person.password.is_some()));
    let mut elsewhere = Surfer::new();
    let page = sign_in(&second, &mut elsewhere, "bob", None).await;
    assert_eq!(payload(&before[0])["sub"], payload(&page.raw_tokens()[0])["sub"]);
    let read = elsewhere.press(&page, "call-read", &[]).await;
    assert!(read.text_of("response").starts_with("HTTP/1.1 200 OK"), "{read}");
    let taken = port_of(&second.memory.app);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let options =
        Options { data: elsewhere.path().to_owned(), fresh: false, ports: Ports { app: taken, ..Ports::ANY } };
    let third = demo::start(options).await.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(
        third.notices.iter().any(|notice| notice.contains(&format!("Port {taken} is taken"))),
        "{:?}",
        third.notices
    );
    third.stop().await;
    second.stop().await;

    let fresh = Options { data: data.path().to_owned(), fresh: true, ports: Ports::ANY };
    let anew = demo::start(fresh).await.unwrap_or_else(|failure| panic!("{failure}"));
    assert_ne!(anew.memory.users, earlier.users);
    anew.stop().await;
}
