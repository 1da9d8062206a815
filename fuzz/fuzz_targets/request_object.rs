//! What an unsigned request object says: whatever it is, the app alone is told, at an address of its own, and no object is
//! left in what is kept.
#![no_main]

use std::sync::{Arc, LazyLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    authorization::response::Rejection,
    clients::registration::{self, New, Wanted},
    clock::Clock,
    config::Settings,
    protocol::{Params, PlainSecret},
    random::Random,
    server::Server,
    web::authorize,
};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

const ISSUER: &str = "http://localhost:8080";
const REDIRECT_URI: &str = "https://wiki.example/cb";

struct Site {
    runtime: Runtime,
    server: Arc<Server>,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(open());
    Site { runtime, server }
});

fuzz_target!(|input: (&str, &[u8], bool)| {
    let (text, payload, is_taken_as_it_is) = input;
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let unsigned = format!("{}.{}.", part(br#"{"alg":"none"}"#), part(payload));
    let object = if is_taken_as_it_is { text } else { &unsigned };
    let params: Params = [("client_id", "wiki"), ("request", object)].into_iter().collect();
    let Site { runtime, server } = &*SITE;
    match runtime.block_on(authorize::read(server, params)) {
        Ok(request) => {
            assert_eq!(request.recipient.redirect_uri(), REDIRECT_URI);
            assert!(request.params.get("request").is_none() && request.params.get("request_uri").is_none());
        }
        Err(Rejection::Redirect(recipient, _)) => assert_eq!(recipient.redirect_uri(), REDIRECT_URI),
        Err(Rejection::Page(_)) => {}
    }
});

/// A server with an app, in a folder of its own.
async fn open() -> Arc<Server> {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let database_url = format!("sqlite:{}", folder.join("latchkey.db").display());
    let mut settings = Settings { issuer: ISSUER.to_owned(), database_url, ..Settings::default() };
    settings.registration.allow_unsigned = true;
    settings.keys.master_key = Some(PlainSecret::new(URL_SAFE_NO_PAD.encode([7; 32])));
    let server = Server::open(settings, Clock::System, Random::System).await.expect("the server opens");
    let wanted = Wanted { redirect_uris: Some(vec![REDIRECT_URI.to_owned()]), ..Wanted::default() };
    let wiki = New { id: Some("wiki".to_owned()), wanted, ..New::default() };
    registration::create(&server.registry, wiki, server.clock.now(), &server.random).await.expect("a client");
    server
}
