//! Clients: how they are registered, how they prove themselves, and how they end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use latchkey::{
    clients::{
        AuthenticatedClient, Authorities, Client, ClientKeys, Registry,
        authentication::{Context, authenticate},
        registration::{self, Information, New, OldSecret, Wanted},
        resource,
    },
    config,
    outgoing::Outgoing,
    protocol::{Algorithm, ApplicationType, AuthMethod, Error, ErrorCode, GrantType, Lifetime, PlainSecret, Timestamp},
    random::Random,
    store::Store,
};

const NOW: Timestamp = Timestamp(1_000_000);
const ISSUER: &str = "https://id.example";

/// An operator at the command line, and the server they look after.
pub(crate) struct Desk {
    pub(crate) registry: Registry,
    pub(crate) random: Random,
}

impl Desk {
    async fn new() -> Self {
        Self { registry: Registry::new(crate::world::store().await, ISSUER), random: Random::seeded(1) }
    }

    async fn creates(&self, new: New) -> Result<(Client, Option<PlainSecret>), Error> {
        registration::create(&self.registry, new, NOW, &self.random).await
    }

    async fn creates_wiki(&self) -> (Client, PlainSecret) {
        let (client, secret) = self.creates(wiki()).await.expect("the wiki can be registered");
        (client, secret.expect("a confidential client is given a secret"))
    }

    async fn creates_public(&self) -> Client {
        let wanted = Wanted { token_endpoint_auth_method: Some(AuthMethod::None), ..wiki().wanted };
        self.creates(New { id: Some("phone".into()), wanted, ..New::default() }).await.unwrap().0
    }

    async fn rotates(&self, old: OldSecret) -> PlainSecret {
        registration::rotate_secret(&self.registry, "wiki", None, old, NOW, &self.random).await.unwrap().unwrap()
    }

    async fn refuses(&self, new: New, code: &str, named: &str) {
        let refusal = refusal(self.creates(new).await);
        assert_eq!(refusal.0.as_str(), code, "{}", refusal.1);
        assert!(refusal.1.contains(named), "{}", refusal.1);
    }

    async fn asks(&self, request: Request<'_>, at: Timestamp) -> Result<AuthenticatedClient, Error> {
        let outgoing = Outgoing::open(&config::Outgoing::default()).expect("it opens");
        let (registry, keys) = (&self.registry, &ClientKeys::new(outgoing));
        let (certificate, authorities) = (None, &Authorities::default());
        let context =
            Context { registry, keys, certificate, authorities, issuer: ISSUER, token_endpoint: "/token", now: at };
        authenticate(context, request.header.as_deref(), &request.body.into_iter().collect()).await
    }

    pub(crate) async fn lets_in(&self, request: Request<'_>, at: Timestamp) -> bool {
        match self.asks(request, at).await {
            Ok(_) => true,
            Err(Error::Refused(refusal)) if refusal.code == ErrorCode::InvalidClient => false,
            Err(other) => panic!("{other}"),
        }
    }

    async fn epoch(&self) -> i64 {
        self.registry.find("wiki").await.unwrap().expect("the wiki is there").epoch
    }
}

#[derive(Clone, Default)]
pub(crate) struct Request<'a> {
    header: Option<String>,
    body: Vec<(&'a str, &'a str)>,
}

pub(crate) fn basic(id: &str, secret: &str) -> Request<'static> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    Request { header: Some(format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))), body: vec![] }
}

pub(crate) fn post<'a>(id: &'a str, secret: &'a str) -> Request<'a> {
    Request { header: None, body: vec![("client_id", id), ("client_secret", secret)] }
}

fn id_alone(id: &str) -> Request<'_> {
    Request { header: None, body: vec![("client_id", id)] }
}

fn wiki() -> New {
    New {
        id: Some("wiki".into()),
        wanted: Wanted { redirect_uris: Some(vec!["https://wiki.example/cb".into()]), ..Wanted::default() },
        ..New::default()
    }
}

fn refusal<T>(result: Result<T, Error>) -> (ErrorCode, String) {
    match result {
        Err(Error::Refused(refusal)) => (refusal.code, refusal.description.into_owned()),
        Err(Error::Failed(fault)) => panic!("{fault}"),
        Ok(_) => panic!("this should have been refused"),
    }
}

#[tokio::test]
async fn a_confidential_client_may_send_its_secret_in_the_header_or_in_the_body() {
    let desk = Desk::new().await;
    let (client, secret) = desk.creates_wiki().await;
    assert!(secret.expose().starts_with("lks_"));
    let by_header = desk.asks(basic("wiki", secret.expose()), NOW).await.unwrap();
    assert_eq!(by_header.id(), "wiki");
    assert_eq!(**by_header.client(), client);
    let by_body = desk.asks(post("wiki", secret.expose()), NOW).await.unwrap();
    assert_eq!(by_body.id(), "wiki");
    let mut both_ids = basic("wiki", secret.expose());
    both_ids.body = vec![("client_id", "wiki")];
    assert!(desk.lets_in(both_ids, NOW).await, "the same client_id in the body contradicts nothing");
}

#[tokio::test]
async fn whoever_fails_hears_the_same_sentence() {
    let desk = Desk::new().await;
    let (_, secret) = desk.creates_wiki().await;
    let mut heard = Vec::new();
    for request in [
        basic("wiki", "lks_wrong"),
        basic("nobody", secret.expose()),
        post("nobody", secret.expose()),
        id_alone("nobody"),
        basic("wiki", ""),
        basic(&"a".repeat(10_000), "b"),
    ] {
        heard.push(refusal(desk.asks(request, NOW).await));
    }
    assert!(registration::disable(&desk.registry, "wiki", NOW).await.unwrap());
    heard.push(refusal(desk.asks(basic("wiki", secret.expose()), NOW).await));
    assert_eq!(heard[0].0, ErrorCode::InvalidClient);
    heard.dedup();
    assert_eq!(heard.len(), 1, "{heard:?}");
}

#[tokio::test]
async fn one_method_and_one_client_per_request() {
    let desk = Desk::new().await;
    let (_, secret) = desk.creates_wiki().await;
    let mut twice = basic("wiki", secret.expose());
    twice.body = vec![("client_id", "wiki"), ("client_secret", secret.expose())];
    assert_eq!(refusal(desk.asks(twice, NOW).await).0, ErrorCode::InvalidRequest);
    let mut two_clients = basic("wiki", secret.expose());
    two_clients.body = vec![("client_id", "phone")];
    assert_eq!(refusal(desk.asks(two_clients, NOW).await).0, ErrorCode::InvalidRequest);
    let bearer = Request { header: Some("Bearer abc".into()), body: vec![("client_id", "wiki")] };
    assert_eq!(refusal(desk.asks(bearer, NOW).await).0, ErrorCode::InvalidClient);
    let mut assertion = post("wiki", secret.expose());
    assertion.body.push(("client_assertion", "e30.e30."));
    assert_eq!(refusal(desk.asks(assertion, NOW).await).0, ErrorCode::InvalidClient);
    assert_eq!(refusal(desk.asks(Request::default(), NOW).await).0, ErrorCode::InvalidClient);
    assert_eq!(
        refusal(desk.asks(Request { header: None, body: vec![("client_secret", "x")] }, NOW).await).0,
        ErrorCode::InvalidClient
    );
}

#[tokio::test]
async fn a_public_client_has_no_secret_and_a_confidential_one_needs_it() {
    let desk = Desk::new().await;
    desk.creates_wiki().await;
    desk.creates_public().await;
    assert!(desk.lets_in(id_alone("phone"), NOW).await);
    assert_eq!(refusal(desk.asks(post("phone", "a secret"), NOW).await).0, ErrorCode::InvalidClient);
    assert_eq!(refusal(desk.asks(basic("phone", ""), NOW).await).0, ErrorCode::InvalidClient);
    let (code, why) = refusal(desk.asks(id_alone("wiki"), NOW).await);
    assert_eq!(code, ErrorCode::InvalidClient);
    assert!(why.contains("client_secret"), "{why}");
}

#[tokio::test]
async fn both_secrets_count_while_one_replaces_the_other() {
    let desk = Desk::new().await;
    let (_, first) = desk.creates_wiki().await;
    let second = desk.rotates(OldSecret::EndsIn(Lifetime::hours(24))).await;
    let before_the_end = NOW + Lifetime::seconds(86_399);
    assert!(desk.lets_in(basic("wiki", first.expose()), before_the_end).await);
    assert!(desk.lets_in(basic("wiki", second.expose()), before_the_end).await);
    assert!(!desk.lets_in(basic("wiki", first.expose()), NOW + Lifetime::hours(24)).await);
    assert!(desk.lets_in(basic("wiki", second.expose()), NOW + Lifetime::days(900)).await);
    let third = desk.rotates(OldSecret::EndsIn(Lifetime::hours(24))).await;
    assert!(!desk.lets_in(basic("wiki", first.expose()), NOW).await, "never more than two are live");
    assert!(desk.lets_in(basic("wiki", second.expose()), NOW).await);
    assert!(desk.lets_in(basic("wiki", third.expose()), NOW).await);
    assert_eq!(desk.epoch().await, 0, "nobody has to sign in again because of a rotation");
}

#[tokio::test]
async fn an_old_secret_can_end_at_once_and_a_lost_one_takes_everything_with_it() {
    let desk = Desk::new().await;
    let (_, first) = desk.creates_wiki().await;
    let second = desk.rotates(OldSecret::EndsNow).await;
    assert!(!desk.lets_in(basic("wiki", first.expose()), NOW).await);
    assert!(desk.lets_in(basic("wiki", second.expose()), NOW).await);
    assert_eq!(desk.epoch().await, 0);
    let third = desk.rotates(OldSecret::IsLost).await;
    assert!(!desk.lets_in(basic("wiki", second.expose()), NOW).await);
    assert!(desk.lets_in(basic("wiki", third.expose()), NOW).await);
    assert_eq!(desk.epoch().await, 1);
}

#[tokio::test]
async fn a_secret_that_is_brought_has_to_be_long_and_new() {
    let desk = Desk::new().await;
    let brought = |text: &str| Some(PlainSecret::new(text));
    let bad = "invalid_client_metadata";
    desk.refuses(New { secret: brought(&"s".repeat(31)), ..wiki() }, bad, "31 characters").await;
    desk.refuses(New { secret: brought(&format!("{}\n", "s".repeat(40))), ..wiki() }, bad, "control").await;
    let good = "correct horse battery staple, 32+";
    desk.creates(New { secret: brought(good), ..wiki() }).await.unwrap();
    assert!(desk.lets_in(post("wiki", good), NOW).await);
    let other = New { id: Some("other".into()), secret: brought(good), ..wiki() };
    desk.refuses(other, bad, "in use already").await;
    assert_eq!(desk.registry.find("other").await.unwrap(), None, "a refused registration leaves nothing");
    let rotate =
        |secret| registration::rotate_secret(&desk.registry, "wiki", secret, OldSecret::EndsNow, NOW, &desk.random);
    assert_eq!(refusal(rotate(brought("short")).await).0.as_str(), bad);
    assert!(desk.lets_in(post("wiki", good), NOW).await, "a refused rotation ends nothing");
    let public = New { id: Some("phone".into()), secret: brought(good), ..wiki() };
    let wanted = Wanted { token_endpoint_auth_method: Some(AuthMethod::None), ..public.wanted.clone() };
    desk.refuses(New { wanted, ..public }, bad, "has no secret").await;
    desk.creates_public().await;
    let rotation = registration::rotate_secret(&desk.registry, "phone", None, OldSecret::EndsNow, NOW, &desk.random);
    assert_eq!(refusal(rotation.await).0.as_str(), bad);
}

#[tokio::test]
async fn an_id_is_nobodys_yet_and_never_what_a_user_could_be() {
    let desk = Desk::new().await;
    desk.creates_wiki().await;
    let bad = "invalid_client_metadata";
    for (id, named) in
        [("wiki", "already"), ("", "client_id"), ("a b", "a b"), ("a:b", "a:b"), ("usr_x", "usr_"), ("USR_x", "usr_")]
    {
        desk.refuses(New { id: Some(id.into()), ..wiki() }, bad, named).await;
    }
    let (made, _) = desk.creates(New { id: None, ..wiki() }).await.unwrap();
    assert!(made.id.starts_with("client_"), "{}", made.id);
}

#[tokio::test]
async fn a_redirect_uri_that_cannot_be_is_refused_by_name() {
    let desk = Desk::new().await;
    for uri in [
        "http://wiki.example/cb",
        "https://wiki.example/cb#top",
        "https://*.wiki.example/cb",
        "https://wiki@evil.example/cb",
        "javascript:alert(1)",
        "com.example.app:/cb",
    ] {
        let wanted = Wanted { redirect_uris: Some(vec![uri.into()]), ..Wanted::default() };
        desk.refuses(New { wanted, ..New::default() }, "invalid_redirect_uri", uri).await;
    }
}

#[tokio::test]
async fn an_api_a_client_names_has_to_be_there() {
    let desk = Desk::new().await;
    let naming = |uri: &str| {
        let wanted = Wanted { resources: Some(vec![uri.into()]), ..wiki().wanted };
        New { wanted, ..wiki() }
    };
    desk.refuses(naming("https://kb.example"), "invalid_client_metadata", "https://kb.example").await;
    resource::create(&desk.registry, "https://kb.example", &resource::Wanted::default(), NOW).await.unwrap();
    desk.creates(naming("https://kb.example")).await.unwrap();
    desk.creates(New { id: Some("admin".into()), ..naming("https://id.example/api/v1") }).await.unwrap();
    assert!(resource::delete(&desk.registry, "https://kb.example").await.unwrap());
    let rename = Wanted { client_name: Some("Wiki".into()), ..Wanted::default() };
    let changed = registration::update(&desk.registry, "wiki", rename, NOW, &desk.random).await.unwrap().unwrap().0;
    assert_eq!(changed.name(), "Wiki", "an API that is gone is no reason to refuse another change");
}

#[tokio::test]
async fn a_disabled_client_stops_at_once_and_what_it_was_given_stays_ended() {
    let desk = Desk::new().await;
    let (_, secret) = desk.creates_wiki().await;
    desk.registry.store().look_for_changes().await.unwrap();
    assert!(desk.lets_in(basic("wiki", secret.expose()), NOW).await);
    assert!(registration::disable(&desk.registry, "wiki", NOW).await.unwrap());
    assert!(!desk.lets_in(basic("wiki", secret.expose()), NOW).await);
    assert_eq!(desk.epoch().await, 1);
    assert!(registration::enable(&desk.registry, "wiki", NOW).await.unwrap());
    assert!(desk.lets_in(basic("wiki", secret.expose()), NOW).await);
    assert_eq!(desk.epoch().await, 1);
    assert!(!registration::disable(&desk.registry, "nobody", NOW).await.unwrap());
}

#[tokio::test]
async fn an_id_that_was_deleted_and_taken_again_inherits_nothing() {
    let desk = Desk::new().await;
    let (_, secret) = desk.creates_wiki().await;
    let kb = resource::Wanted { introspected_by: Some(vec!["wiki".into()]), ..resource::Wanted::default() };
    resource::create(&desk.registry, "https://kb.example", &kb, NOW).await.unwrap();
    desk.registry.store().look_for_changes().await.unwrap();
    assert!(desk.lets_in(basic("wiki", secret.expose()), NOW).await);
    assert!(registration::delete(&desk.registry, "wiki", NOW).await.unwrap());
    assert!(!desk.lets_in(basic("wiki", secret.expose()), NOW).await);
    assert_eq!(desk.registry.find("wiki").await.unwrap(), None);
    assert!(desk.registry.secrets("wiki").await.unwrap().is_empty());
    assert!(registration::list(&desk.registry).await.unwrap().is_empty());
    assert!(!registration::delete(&desk.registry, "wiki", NOW).await.unwrap());
    assert!(!registration::enable(&desk.registry, "wiki", NOW).await.unwrap(), "deleted is not disabled");
    let (again, new_secret) = desk.creates_wiki().await;
    assert!(again.epoch > 0, "a grant of epoch 0 must not count again");
    assert_eq!(again.epoch, desk.epoch().await);
    assert!(desk.lets_in(basic("wiki", new_secret.expose()), NOW).await);
    assert!(!desk.lets_in(basic("wiki", secret.expose()), NOW).await);
    let resources = desk.registry.resources().await.unwrap();
    assert!(resources.last().unwrap().introspected_by.is_empty());
}

#[tokio::test]
async fn a_change_of_one_member_leaves_the_others_even_when_two_change_at_once() {
    let desk = Arc::new(Desk::new().await);
    desk.creates_wiki().await;
    let changes = [
        Wanted { client_name: Some("Wiki".into()), ..Wanted::default() },
        Wanted { contacts: Some(vec!["ops@wiki.example".into()]), ..Wanted::default() },
        Wanted { first_party: Some(true), ..Wanted::default() },
        Wanted { scope: Some("openid kb:*".into()), ..Wanted::default() },
    ];
    let at_once = changes.map(|wanted| {
        let desk = desk.clone();
        tokio::spawn(async move {
            registration::update(&desk.registry, "wiki", wanted, NOW, &desk.random).await.unwrap().unwrap()
        })
    });
    for change in at_once {
        change.await.unwrap();
    }
    let client = desk.registry.find("wiki").await.unwrap().unwrap();
    assert_eq!(client.name(), "Wiki");
    assert_eq!(client.metadata.contacts, ["ops@wiki.example"]);
    assert!(client.first_party);
    assert_eq!(client.metadata.scope.to_string(), "openid kb:*");
    assert_eq!(client.metadata.redirect_uris[0].as_str(), "https://wiki.example/cb");
    let nobody = registration::update(&desk.registry, "nobody", Wanted::default(), NOW, &desk.random).await.unwrap();
    assert!(nobody.is_none());
}

#[tokio::test]
async fn a_client_that_becomes_public_loses_its_secret_and_one_that_becomes_confidential_gets_one() {
    let desk = Desk::new().await;
    let (_, secret) = desk.creates_wiki().await;
    let becomes = |method| Wanted { token_endpoint_auth_method: Some(method), ..Wanted::default() };
    let change = |method| registration::update(&desk.registry, "wiki", becomes(method), NOW, &desk.random);
    assert!(change(AuthMethod::None).await.unwrap().unwrap().1.is_none());
    assert!(desk.registry.secrets("wiki").await.unwrap().is_empty());
    assert!(desk.lets_in(id_alone("wiki"), NOW).await);
    let made = change(AuthMethod::ClientSecretPost).await.unwrap().unwrap().1.expect("a secret is made");
    assert!(desk.lets_in(post("wiki", made.expose()), NOW).await);
    assert!(!desk.lets_in(post("wiki", secret.expose()), NOW).await);
    assert!(!desk.lets_in(id_alone("wiki"), NOW).await);
}

#[tokio::test]
async fn a_change_on_another_node_counts_as_soon_as_this_one_has_looked() {
    let url = crate::world::database_url().await;
    let here = Desk { registry: Registry::new(Store::open(&url).await.unwrap(), ISSUER), random: Random::seeded(1) };
    let there = Desk { registry: Registry::new(Store::open(&url).await.unwrap(), ISSUER), random: Random::seeded(2) };
    let (_, secret) = here.creates_wiki().await;
    here.registry.store().look_for_changes().await.unwrap();
    assert!(here.lets_in(basic("wiki", secret.expose()), NOW).await);
    let second = there.rotates(OldSecret::EndsNow).await;
    assert!(here.lets_in(basic("wiki", second.expose()), NOW).await, "a new secret counts even before it has looked");
    here.registry.store().look_for_changes().await.unwrap();
    assert!(!here.lets_in(basic("wiki", secret.expose()), NOW).await);
}

#[tokio::test]
async fn a_client_that_is_known_and_right_needs_no_database_and_whoever_is_wrong_always_does() {
    for _ in 0..20 {
        let desk = Desk::new().await;
        let (_, secret) = desk.creates_wiki().await;
        let began = Instant::now();
        desk.registry.store().look_for_changes().await.unwrap();
        assert!(desk.lets_in(basic("wiki", secret.expose()), NOW).await);
        assert!(!desk.lets_in(basic("nobody", "x"), NOW).await);
        desk.registry.store().close().await;
        let right = desk.asks(basic("wiki", secret.expose()), NOW).await;
        let wrong = desk.asks(basic("wiki", "lks_wrong"), NOW).await;
        let unknown = desk.asks(basic("nobody", "x"), NOW).await;
        // The caches are believed for half a second of real time; a machine that was slower proves nothing.
        if began.elapsed() < Duration::from_millis(400) {
            assert!(right.is_ok(), "{right:?}");
            assert!(matches!(wrong, Err(Error::Failed(_))), "{wrong:?}");
            assert!(matches!(unknown, Err(Error::Failed(_))), "{unknown:?}");
            return;
        }
    }
    panic!("never fast enough to tell");
}

#[tokio::test]
async fn what_is_shown_of_a_client_is_its_rfc_7591_information() {
    let desk = Desk::new().await;
    let wanted = Wanted {
        client_name: Some("Phone".into()),
        redirect_uris: Some(vec!["com.example.app:/cb".into(), "http://127.0.0.1/cb".into()]),
        token_endpoint_auth_method: Some(AuthMethod::None),
        ..Wanted::default()
    };
    let (client, secret) = desk.creates(New { id: Some("phone".into()), wanted, ..New::default() }).await.unwrap();
    assert_eq!(client.metadata.application_type, ApplicationType::Native);
    assert_eq!(
        serde_json::to_value(Information::of(&client, secret.as_ref())).unwrap(),
        serde_json::json!({
            "client_id": "phone",
            "client_id_issued_at": 1_000_000,
            "client_name": "Phone",
            "redirect_uris": ["com.example.app:/cb", "http://127.0.0.1/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "openid profile email address phone offline_access",
            "application_type": "native",
            "token_endpoint_auth_method": "none",
            "subject_type": "public",
            "id_token_signed_response_alg": "RS256",
            "access_token_signing_alg": "RS256",
            "enabled": true,
            "first_party": false,
            "require_pkce": true,
        })
    );
    let (wiki, secret) = desk.creates_wiki().await;
    let told = serde_json::to_value(Information::of(&wiki, Some(&secret))).unwrap();
    assert_eq!(told["client_secret"], secret.expose());
    assert_eq!(told["client_secret_expires_at"], 0);
    let grants = Wanted {
        grant_types: Some(vec![GrantType::ClientCredentials]),
        redirect_uris: Some(vec![]),
        ..Wanted::default()
    };
    let changed = registration::update(&desk.registry, "wiki", grants, NOW, &desk.random).await.unwrap().unwrap().0;
    let told = serde_json::to_value(Information::of(&changed, None)).unwrap();
    assert_eq!(told["response_types"], serde_json::json!([]));
    assert!(told.get("client_secret").is_none());
}

#[tokio::test]
async fn secrets_that_have_ended_are_forgotten() {
    let desk = Desk::new().await;
    desk.creates_wiki().await;
    desk.rotates(OldSecret::EndsIn(Lifetime::hours(1))).await;
    let mut tx = desk.registry.store().write().await.unwrap();
    assert_eq!(latchkey::store::clients::forget_secrets(&mut tx, NOW.0, 100).await.unwrap(), 0);
    let later = (NOW + Lifetime::hours(2)).0;
    assert_eq!(latchkey::store::clients::forget_secrets(&mut tx, later, 100).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(desk.registry.secrets("wiki").await.unwrap().len(), 1);
}

#[tokio::test]
async fn clients_that_nothing_is_to_be_said_of_are_not_read() {
    let desk = Desk::new().await;
    desk.creates_wiki().await;
    let es256 = |name: &str| {
        let wanted = Wanted { signing_algorithm: Some(Algorithm::ES256), ..wiki().wanted };
        New { id: Some(name.into()), wanted, ..New::default() }
    };
    for name in ["chat", "off"] {
        desk.creates(es256(name)).await.unwrap();
    }
    registration::disable(&desk.registry, "off", NOW).await.unwrap();
    // A row that no version of this program can have written would fail whoever reads it.
    let mut tx = desk.registry.store().write().await.unwrap();
    let wiki = latchkey::store::clients::find(&mut tx, "wiki").await.unwrap().unwrap();
    let broken = latchkey::store::clients::Row { id: "broken".into(), metadata: "broken".into(), ..wiki };
    assert!(latchkey::store::clients::insert(&mut tx, &broken).await.unwrap());
    tx.commit().await.unwrap();
    let remarks = registration::remarks(&desk.registry, &[Algorithm::RS256]).await.unwrap();
    let [remark] = remarks.as_slice() else { panic!("{remarks:?}") };
    assert!(remark.contains("`chat`") && remark.contains("ES256"), "{remark}");
    assert_eq!(registration::remarks(&desk.registry, &[Algorithm::RS256, Algorithm::ES256]).await.unwrap().len(), 0);
}
