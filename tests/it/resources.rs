//! The APIs that tokens are for.

use latchkey::{
    clients::{
        AccessTokenFormat, Gate, Registry,
        registration::{self, New, Wanted as WantedClient},
        resource::{self, Wanted},
    },
    protocol::{Error, ErrorCode, Timestamp},
    random::Random,
};

const NOW: Timestamp = Timestamp(1_000_000);
const ISSUER: &str = "https://id.example";
const KB: &str = "https://kb.example";

async fn registry() -> Registry {
    Registry::new(crate::world::store().await, ISSUER)
}

fn kb() -> Wanted {
    Wanted { name: Some("Knowledge base".into()), scope: Some(vec!["kb:read kb:write".into()]), ..Wanted::default() }
}

fn code<T>(result: Result<T, Error>) -> (ErrorCode, String) {
    match result {
        Err(Error::Refused(refusal)) => (refusal.code, refusal.description.into_owned()),
        Err(Error::Failed(fault)) => panic!("{fault}"),
        Ok(_) => panic!("this should have been refused"),
    }
}

#[tokio::test]
async fn the_issuer_is_the_first_api_and_its_own_api_the_second() {
    let registry = registry().await;
    resource::create(&registry, "https://a.example", &Wanted::default(), NOW).await.unwrap();
    resource::create(&registry, KB, &kb(), NOW).await.unwrap();
    let all = registry.resources().await.unwrap();
    let uris: Vec<&str> = all.iter().map(|own| own.uri.as_str()).collect();
    assert_eq!(uris, [ISSUER, "https://id.example/api/v1", "https://a.example", KB]);
    assert!(all[0].is_issuer());
    assert!(all[1..].iter().all(|own| !own.is_issuer()));
    assert_eq!(all[3].scope.to_string(), "kb:read kb:write");
    assert_eq!((all[3].access_token, all[3].gate, all[3].typ.as_str()), (AccessTokenFormat::Jwt, Gate::Role, "at+jwt"));
}

#[tokio::test]
async fn an_api_changes_at_once_and_only_in_what_was_said() {
    let registry = registry().await;
    registry.store().look_for_changes().await.unwrap();
    resource::create(&registry, KB, &kb(), NOW).await.unwrap();
    assert_eq!(registry.resources().await.unwrap().len(), 3);
    let change = Wanted {
        access_token: Some(AccessTokenFormat::Opaque),
        typ: Some("JWT".into()),
        gate: Some(Gate::Consent),
        ..Wanted::default()
    };
    let changed = resource::update(&registry, KB, &change, NOW).await.unwrap().unwrap();
    assert_eq!(changed, registry.resources().await.unwrap()[2]);
    assert_eq!(changed.name, "Knowledge base");
    assert_eq!(
        (changed.access_token, changed.gate, changed.typ.as_str()),
        (AccessTokenFormat::Opaque, Gate::Consent, "JWT")
    );
    assert!(resource::delete(&registry, KB).await.unwrap());
    assert_eq!(registry.resources().await.unwrap().len(), 2);
    assert!(!resource::delete(&registry, KB).await.unwrap());
    assert!(resource::update(&registry, KB, &change, NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn what_an_operator_says_of_the_issuer_itself_counts() {
    let registry = registry().await;
    let change = Wanted { typ: Some("JWT".into()), ..Wanted::default() };
    resource::update(&registry, ISSUER, &change, NOW).await.unwrap().unwrap();
    let change = Wanted { gate: Some(Gate::Consent), ..Wanted::default() };
    resource::update(&registry, ISSUER, &change, NOW).await.unwrap().unwrap();
    let all = registry.resources().await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[0].is_issuer());
    assert_eq!((all[0].typ.as_str(), all[0].gate), ("JWT", Gate::Consent));
}

#[tokio::test]
async fn what_cannot_be_an_api_is_refused_by_name() {
    let registry = registry().await;
    resource::create(&registry, KB, &kb(), NOW).await.unwrap();
    for uri in [
        KB,
        ISSUER,
        "https://id.example/api/v1",
        "kb",
        "/kb",
        "https://kb.example#top",
        "https://a b",
        "javascript:1",
        "https://u@kb.example",
    ] {
        let (code, why) = code(resource::create(&registry, uri, &Wanted::default(), NOW).await);
        assert_eq!(code, ErrorCode::InvalidTarget, "{why}");
        assert!(why.contains(uri), "{why}");
    }
    for uri in [ISSUER, "https://id.example/api/v1"] {
        assert_eq!(code(resource::delete(&registry, uri).await).0, ErrorCode::InvalidTarget);
    }
    let bad = [
        Wanted { scope: Some(vec!["kb:*".into()]), ..Wanted::default() },
        Wanted { scope: Some(vec!["openid".into()]), ..Wanted::default() },
        Wanted { scope: Some(vec!["org".into()]), ..Wanted::default() },
        Wanted { scope: Some(vec!["org:acme".into()]), ..Wanted::default() },
        Wanted { typ: Some("jwt".into()), ..Wanted::default() },
        Wanted { name: Some(" ".into()), ..Wanted::default() },
        Wanted { introspected_by: Some(vec!["nobody".into()]), ..Wanted::default() },
    ];
    for wanted in bad {
        let (code, why) = code(resource::update(&registry, KB, &wanted, NOW).await);
        assert_eq!(code, ErrorCode::InvalidClientMetadata, "{wanted:?} {why}");
    }
}

#[tokio::test]
async fn what_no_role_can_allow_needs_the_consent_of_users() {
    let registry = registry().await;
    let search = || Wanted { scope: Some(vec!["search".into()]), ..Wanted::default() };
    let (found, why) = code(resource::create(&registry, KB, &search(), NOW).await);
    assert!(
        found == ErrorCode::InvalidClientMetadata && why.contains("`search`") && why.contains("consent"),
        "{found:?} {why}"
    );
    let open = Wanted { gate: Some(Gate::Consent), ..search() };
    resource::create(&registry, KB, &open, NOW).await.unwrap();
    let closed = Wanted { gate: Some(Gate::Role), ..Wanted::default() };
    assert_eq!(code(resource::update(&registry, KB, &closed, NOW).await).0, ErrorCode::InvalidClientMetadata);
}

#[tokio::test]
async fn a_client_that_is_there_may_introspect() {
    let registry = registry().await;
    let wanted = WantedClient { redirect_uris: Some(vec!["https://kb.example/cb".into()]), ..WantedClient::default() };
    let new = New { id: Some("kb".into()), wanted, ..New::default() };
    registration::create(&registry, new, NOW, &Random::seeded(1)).await.unwrap();
    let wanted = Wanted { introspected_by: Some(vec!["kb".into()]), ..kb() };
    resource::create(&registry, KB, &wanted, NOW).await.unwrap();
    assert_eq!(registry.resources().await.unwrap()[2].introspected_by, ["kb"]);
}
