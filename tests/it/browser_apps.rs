//! What our scripts do in a real browser for apps of other origins: the frame that watches a session, and the page that
//! tells apps of a sign-out.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::clients::Logout;
use openidconnect::url::Url;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

use crate::{
    certificate::under_tls,
    chrome::Chrome,
    program::Place,
    world::{App, PASSWORD, World, encode},
};

/// A server behind TLS, as cookies for the frames of other sites want it. Alice has an account there.
struct House {
    world: World,
    issuer: String,
    _files: Place,
}

impl House {
    async fn new() -> Self {
        let (world, files) = under_tls(|_, _| {}).await;
        world.user("alice").await;
        Self { issuer: world.server.settings.issuer.clone(), world, _files: files }
    }

    /// A client whose pages are at that site, and which is told of sign-outs there if it says where.
    async fn app(&self, id: &str, site: &Site, told_at: Option<&str>) -> App {
        let told = self.world.app_with(id, |wanted| {
            wanted.redirect_uris = Some(vec![site.at("/cb")]);
            wanted.post_logout_redirect_uris = Some(vec![site.at("/bye")]);
            wanted.logout = Logout { front_channel_uri: told_at.map(|path| site.at(path)), ..Logout::default() };
        });
        told.await
    }

    /// Alice lets the app in, and arrives there; what it is told of her session.
    async fn lets_in(&self, chrome: &Chrome, app: &App) -> String {
        chrome.go(&format!("{}/authorize?{}", self.issuer, encode(&app.asks("openid")))).await;
        if chrome.url().await.contains("/login") {
            chrome.fill("#username", "alice").await;
            chrome.fill("#password", PASSWORD).await;
            chrome.click("#login-submit").await;
        }
        chrome.click("#consent-allow").await;
        chrome.find("#here").await;
        let url: Url = chrome.url().await.parse().expect("a URL");
        let told = url.query_pairs().find(|(name, _)| name == "session_state");
        told.unwrap_or_else(|| panic!("no session_state in {url}")).1.into_owned()
    }

    /// Alice signs out, as an app has asked her to.
    async fn signs_out_for(&self, chrome: &Chrome, app: &App, site: &Site) {
        let bye = site.at("/bye");
        let wish = [("client_id", app.id.as_str()), ("post_logout_redirect_uri", &bye), ("state", "s&1")];
        chrome.go(&format!("{}/logout?{}", self.issuer, encode(&wish))).await;
        chrome.click("#logout-confirm").await;
    }
}

/// An app's pages. It notes what it is asked for, and whoever asks for `/hang` waits for ever.
struct Site {
    port: u16,
    asked: mpsc::UnboundedReceiver<String>,
}

impl Site {
    /// Pages that watch the sessions of that issuer.
    async fn new(house: &House) -> Self {
        let metadata = house.world.get("/.well-known/openid-configuration").await.ok();
        let watched = metadata["check_session_iframe"].as_str().expect("it is named").to_owned();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (tell, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(show(stream, watched.clone(), tell.clone()));
            }
        });
        Self { port, asked }
    }

    fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What has been asked for by now, the paths that begin like this.
    fn asked_for(&mut self, beginning: &str) -> Vec<String> {
        let all = std::iter::from_fn(|| self.asked.try_recv().ok());
        all.filter(|target| target.starts_with(beginning)).collect()
    }
}

async fn show(mut stream: TcpStream, watched: String, tell: mpsc::UnboundedSender<String>) {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8_lossy(&bytes);
    let target = head.split(' ').nth(1).expect("a target").to_owned();
    drop(tell.send(target.clone()));
    let body = match target.split(['?', '/']).nth(1) {
        Some("hang") => std::future::pending().await,
        Some("bye" | "out") => "<!doctype html><p id=there>there</p>".to_owned(),
        _ => format!("<!doctype html><p id=here>here</p><iframe src=\"{watched}\"></iframe>"),
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
    drop(stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await);
}

/// What the frame of the app's page answers to a message.
async fn answered(chrome: &Chrome, message: impl Into<Value>) -> Value {
    let script = "const [message, done] = arguments;
        const frame = document.querySelector('iframe');
        addEventListener('message', event => {
            done(event.source === frame.contentWindow && event.origin === new URL(frame.src).origin ? event.data : 'whose?');
        }, { once: true });
        frame.contentWindow.postMessage(message, new URL(frame.src).origin);";
    chrome.runs(script, vec![message.into()]).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and its driver: tests/run brings them and runs it"]
async fn an_apps_page_hears_from_the_frame_whether_the_session_it_knows_goes_on() {
    let house = House::new().await;
    let (wiki, desk) = (Site::new(&house).await, Site::new(&house).await);
    let app = house.app("wiki", &wiki, None).await;
    let chrome = Chrome::start(true).await;
    let state = house.lets_in(&chrome, &app).await;
    let of_wiki = format!("wiki {state}");
    assert_eq!(answered(&chrome, of_wiki.as_str()).await, "unchanged");
    assert_eq!(answered(&chrome, format!("desk {state}")).await, "changed", "it was told to another client");
    for nonsense in
        [json!(""), json!("wiki"), json!(format!("wiki desk {state}")), json!({ "wiki": state }), json!(null)]
    {
        assert_eq!(answered(&chrome, nonsense.clone()).await, "error", "{nonsense}");
    }
    // A page of another origin learns nothing by what it has got hold of.
    chrome.go(&desk.at("/")).await;
    assert_eq!(answered(&chrome, of_wiki.as_str()).await, "changed");
    chrome.go(&wiki.at("/")).await;
    assert_eq!(answered(&chrome, of_wiki.as_str()).await, "unchanged");
    // The page stays where it is while its user signs out elsewhere.
    let page = chrome.opens_a_window().await;
    chrome.go(&format!("{}/logout", house.issuer)).await;
    chrome.click("#logout-confirm").await;
    assert_eq!(chrome.text("h1").await, "You are signed out");
    chrome.turns_to(page).await;
    assert_eq!(answered(&chrome, of_wiki.as_str()).await, "changed");
    chrome.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and its driver: tests/run brings them and runs it"]
async fn in_a_page_where_browsers_do_not_hash_the_server_does() {
    let house = House::new().await;
    let site = Site::new(&house).await;
    let app = house.app("wiki", &site, None).await;
    let chrome = Chrome::start(true).await;
    house.lets_in(&chrome, &app).await;
    chrome.go(&format!("{}/account", house.issuer)).await;
    let browser_state = chrome.cookie("__Host-latchkey-state").await;
    // Of a page that came in the clear from another machine browsers make no secure context, nor of what it frames.
    let origin = format!("http://wiki.example:{}", site.port);
    chrome.go(&origin).await;
    assert_eq!(chrome.runs("arguments[0](isSecureContext)", vec![]).await, false);
    let state = |origin: &str| {
        let hash = Sha256::digest(format!("wiki {origin} {browser_state} salt"));
        format!("wiki {}.salt", URL_SAFE_NO_PAD.encode(hash))
    };
    assert_eq!(answered(&chrome, state(&origin)).await, "unchanged");
    assert_eq!(answered(&chrome, state("http://desk.example")).await, "changed");
    assert_eq!(answered(&chrome, "nonsense").await, "error");
    chrome.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and its driver: tests/run brings them and runs it"]
async fn apps_are_told_of_a_sign_out_before_the_browser_goes_on() {
    for runs_scripts in [true, false] {
        let house = House::new().await;
        let (mut wiki, mut desk) = (Site::new(&house).await, Site::new(&house).await);
        let (app, other) = (house.app("wiki", &wiki, Some("/out")).await, house.app("desk", &desk, Some("/out")).await);
        let chrome = Chrome::start(runs_scripts).await;
        house.lets_in(&chrome, &app).await;
        house.lets_in(&chrome, &other).await;
        house.signs_out_for(&chrome, &app, &wiki).await;
        chrome.find("#there").await;
        assert_eq!(chrome.url().await, wiki.at("/bye?state=s%261"));
        let told = |asked: &str| {
            let url: Url = format!("http://app{asked}").parse().expect("a URL");
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let [(iss, own), (sid, session)] = pairs.as_slice() else { panic!("two parameters, not {asked}") };
            assert_eq!((iss.as_str(), own, sid.as_str()), ("iss", &house.issuer, "sid"), "{asked}");
            session.clone()
        };
        let (of_wiki, of_desk) = (wiki.asked_for("/"), desk.asked_for("/out"));
        let at = |beginning: &str| of_wiki.iter().position(|target| target.starts_with(beginning));
        assert!(at("/out").expect("it is told") < at("/bye").expect("the browser comes back"), "{of_wiki:?}");
        assert_eq!(of_desk.len(), 1, "{of_desk:?}");
        assert_eq!(
            told(&of_wiki[at("/out").expect("it is told")]),
            told(&of_desk[0]),
            "both were let in by one session"
        );
        chrome.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium and its driver: tests/run brings them and runs it"]
async fn an_app_that_does_not_answer_does_not_keep_anybody_on_the_way_out() {
    let house = House::new().await;
    let (mut wiki, mut desk) = (Site::new(&house).await, Site::new(&house).await);
    let (app, other) = (house.app("wiki", &wiki, Some("/out")).await, house.app("desk", &desk, Some("/hang")).await);
    let chrome = Chrome::start(true).await;
    house.lets_in(&chrome, &app).await;
    house.lets_in(&chrome, &other).await;
    house.signs_out_for(&chrome, &app, &wiki).await;
    chrome.find("#there").await;
    assert_eq!(chrome.url().await, wiki.at("/bye?state=s%261"));
    assert_eq!((wiki.asked_for("/out").len(), desk.asked_for("/hang").len()), (1, 1));
    chrome.close().await;
}
