//! ID tokens and what userinfo tells, encrypted for those clients that have registered it (OIDC Core §10.2, §16.14).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::jwe::{ECDH_ES, ECDH_ES_A256KW, JweContext, JweDecrypter, JweHeader, RSA_OAEP_256};
use latchkey::{
    clients::{
        Encryption, Logout,
        registration::{self, New, Wanted},
    },
    config::RegistrationMode,
    jobs::SignOuts,
    protocol::{Algorithm, ContentEncryption, ErrorCode, KeyManagement, Lifetime, ResponseType},
};
use serde_json::{Value, json};

use crate::{
    approval::approve,
    authorize::asks,
    client_keys::{OwnKey, Place},
    logout_receiver::Receiver,
    registration as own, userinfo,
    world::{Answer, World, claims},
};

fn how(alg: KeyManagement, enc: Option<ContentEncryption>) -> Encryption {
    Encryption { alg: Some(Some(alg)), enc: enc.map(Some) }
}

/// What was encrypted, read with the private key.
fn opened(key: &OwnKey, sealed: &str) -> (String, JweHeader) {
    assert_eq!(sealed.split('.').count(), 5, "encrypted: {sealed}");
    let head = URL_SAFE_NO_PAD.decode(sealed.split('.').next().unwrap_or_default()).expect("base64url");
    let head: Value = serde_json::from_slice(&head).expect("JSON");
    let decrypter: Box<dyn JweDecrypter> = match head["alg"].as_str() {
        Some("RSA-OAEP-256") => Box::new(RSA_OAEP_256.decrypter_from_jwk(&key.private).expect("a decrypter")),
        Some("ECDH-ES") => Box::new(ECDH_ES.decrypter_from_jwk(&key.private).expect("a decrypter")),
        _ => Box::new(ECDH_ES_A256KW.decrypter_from_jwk(&key.private).expect("a decrypter")),
    };
    let (plain, header) = JweContext::new().deserialize_compact(sealed, &*decrypter).expect("it opens");
    (String::from_utf8(plain).expect("text"), header)
}

/// A server on which strangers' hosts may be this machine, and a user.
async fn world() -> (World, String) {
    let world = World::with(|settings| {
        settings.outgoing.allow_private_addresses = true;
        settings.registration.response_types = ResponseType::ALL.to_vec();
        settings.registration.mode = RegistrationMode::Open;
    })
    .await;
    let alice = world.user("alice").await;
    (world, alice)
}

async fn userinfo(world: &World, token: &str) -> Answer {
    userinfo::asks(world, &format!("Bearer {token}")).await
}

#[tokio::test]
async fn an_id_token_is_signed_and_then_encrypted_as_the_client_has_registered() {
    let (world, alice) = world().await;
    let (rsa, ec) = (OwnKey::rsa("r"), OwnKey::ec("e"));
    for (id, key, alg, enc) in [
        ("one", &rsa, KeyManagement::RsaOaep256, Some(ContentEncryption::A256Gcm)),
        ("two", &ec, KeyManagement::EcdhEs, Some(ContentEncryption::A128Gcm)),
        ("three", &ec, KeyManagement::EcdhEsA256Kw, Some(ContentEncryption::A256CbcHs512)),
        ("four", &rsa, KeyManagement::RsaOaep256, None),
    ] {
        let app = world
            .app_with(id, |wanted| {
                wanted.jwks = Some(key.set());
                wanted.id_token_encryption = how(alg, enc);
            })
            .await;
        let code = approve(&world, &app, &alice, "openid offline_access").await.code;
        let tokens = app.redeems(&world, &code).await.ok();
        let (nested, header) = opened(key, tokens["id_token"].as_str().expect("an ID token"));
        assert_eq!((header.key_id(), header.content_type()), (Some(key.kid.as_str()), Some("JWT")), "{id}");
        assert_eq!(header.content_encryption(), Some(enc.unwrap_or_default().as_str()), "{id}");
        assert_eq!(claims(&nested)["sub"], json!(alice), "{id}");
        assert!(world.server.keyring.verify(&nested).is_some(), "{id}: what is in it is signed by the server");
        let refreshed = app.refreshes(&world, tokens["refresh_token"].as_str().expect("one")).await.ok();
        assert_eq!(claims(&opened(key, refreshed["id_token"].as_str().expect("one")).0)["aud"], id);
    }
}

#[tokio::test]
async fn what_userinfo_tells_is_encrypted_with_or_without_a_signature() {
    let (world, alice) = world().await;
    let key = OwnKey::rsa("r");
    for (id, signed) in [("plain", None), ("signed", Some(Algorithm::RS256))] {
        let app = world
            .app_with(id, |wanted| {
                wanted.jwks = Some(key.set());
                wanted.userinfo_encryption = how(KeyManagement::RsaOaep256, None);
                wanted.userinfo_signed_response_alg = signed;
            })
            .await;
        let tokens = app.redeems(&world, &approve(&world, &app, &alice, "openid email").await.code).await.ok();
        assert_eq!(tokens["id_token"].as_str().map(|token| token.split('.').count()), Some(3), "{id}");
        let answer = userinfo(&world, tokens["access_token"].as_str().expect("a token")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/jwt"), "{id}");
        let (told, header) = opened(&key, &answer.body);
        assert_eq!(header.content_type().is_some(), signed.is_some(), "{id}: nested or not");
        let told = if signed.is_some() { claims(&told) } else { serde_json::from_str(&told).expect("JSON") };
        assert_eq!((&told["sub"], &told["email"]), (&json!(alice), &json!("alice@example.com")), "{id}");
    }
}

#[tokio::test]
async fn nothing_is_sent_in_clear_while_the_keys_cannot_be_read_and_nothing_is_lost() {
    let (world, alice) = world().await;
    let key = OwnKey::rsa("r");
    let place = Place::with(key.set()).await;
    place.now_has(None);
    let app = world
        .app_with("app", |wanted| {
            wanted.jwks_uri = Some(place.uri.clone());
            wanted.response_types = Some(vec![ResponseType::Code, ResponseType::IdToken]);
            wanted.grant_types = None;
            wanted.id_token_encryption = how(KeyManagement::RsaOaep256, None);
        })
        .await;
    let code = approve(&world, &app, &alice, "openid").await.code;
    let answer = app.redeems(&world, &code).await;
    // Neither is the request wrong nor this server broken: whoever asks again later is answered.
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{}", answer.body);
    let told = answer.json();
    assert_eq!(told["error"], "temporarily_unavailable");
    assert!(told["error_description"].as_str().is_some_and(|why| why.contains("cannot be encrypted")), "{told}");
    let change = [("response_type", "id_token")];
    let answer = world.browser().goes_through(&asks(&app, "openid", &change), "alice").await;
    let error = answer.param("error");
    assert!(answer.location().starts_with("https://app.example/cb#"), "{}", answer.location());
    assert_eq!(error.as_deref(), Some("temporarily_unavailable"));
    place.now_has(Some(key.set()));
    world.advance(Lifetime::seconds(5));
    let tokens = app.redeems(&world, &code).await.ok();
    assert_eq!(claims(&opened(&key, tokens["id_token"].as_str().expect("one")).0)["sub"], json!(alice));
    let answer = world.browser().goes_through(&asks(&app, "openid", &change), "alice").await;
    let (nested, _) = opened(&key, &answer.param("id_token").expect("an ID token"));
    assert_eq!(claims(&nested)["nonce"], "n-o-n-c-e");
}

#[tokio::test]
async fn a_client_whose_keys_are_for_nothing_is_told_that_it_is_its_own_fault() {
    let (world, alice) = world().await;
    let mut signing = OwnKey::rsa("s").public();
    signing["use"] = "sig".into();
    let place = Place::with(json!({ "keys": [signing] })).await;
    let app = world
        .app_with("app", |wanted| {
            wanted.jwks_uri = Some(place.uri.clone());
            wanted.id_token_encryption = how(KeyManagement::RsaOaep256, None);
        })
        .await;
    let code = approve(&world, &app, &alice, "openid").await.code;
    let told = app.redeems(&world, &code).await.refused("invalid_request");
    assert!(told["error_description"].as_str().is_some_and(|why| why.contains("RSA-OAEP-256")), "{told}");
}

#[tokio::test]
async fn a_logout_token_is_encrypted_as_the_clients_id_tokens_are_and_waits_for_the_key() {
    let (world, alice) = world().await;
    let key = OwnKey::rsa("r");
    let place = Place::with(key.set()).await;
    let mut hears = Receiver::new(200).await;
    let app = world
        .app_with("app", |wanted| {
            wanted.jwks_uri = Some(place.uri.clone());
            wanted.id_token_encryption = how(KeyManagement::RsaOaep256, Some(ContentEncryption::A256Gcm));
            let uri = format!("http://127.0.0.1:{}/out", hears.port);
            wanted.logout = Logout { back_channel_uri: Some(uri), ..Logout::default() };
        })
        .await;
    let mut browser = world.browser();
    let answer = browser.goes_through(&app.asks("openid"), "alice").await;
    assert!(answer.param("code").is_some(), "{}", answer.location());
    let page = browser.get("/logout").await;
    browser.submits(&page, &[("action", "sign_out")]).await;
    place.now_has(None);
    let sign_outs = SignOuts::new(world.server.clone());
    let deliver = async || {
        sign_outs.begin().await.expect("begun");
        sign_outs.settled().await;
    };
    deliver().await;
    assert!(hears.all().is_empty(), "nothing is sent in clear");
    place.now_has(Some(key.set()));
    world.advance(Lifetime::seconds(15));
    deliver().await;
    let (nested, header) = opened(&key, &hears.one().token);
    assert_eq!((header.content_type(), header.content_encryption()), (Some("JWT"), Some("A256GCM")));
    let verified = world.server.keyring.verify(&nested).expect("signed by a key of ours");
    assert_eq!((verified.typ.as_deref(), &claims(&nested)["sub"]), (Some("logout+jwt"), &json!(alice)));
}

#[tokio::test]
async fn a_hint_that_is_still_encrypted_is_refused_in_words_that_say_so() {
    let (world, alice) = world().await;
    let key = OwnKey::rsa("r");
    let app = world
        .app_with("app", |wanted| {
            wanted.jwks = Some(key.set());
            wanted.id_token_encryption = how(KeyManagement::RsaOaep256, None);
        })
        .await;
    let tokens = app.redeems(&world, &approve(&world, &app, &alice, "openid").await.code).await.ok();
    let sealed = tokens["id_token"].as_str().expect("an ID token");
    let answer = world.browser().authorizes(&asks(&app, "openid", &[("id_token_hint", sealed)])).await;
    assert_eq!(answer.param("error").as_deref(), Some("invalid_request"));
    assert!(answer.param("error_description").is_some_and(|why| why.contains("encrypted")));
    let (nested, _) = opened(&key, sealed);
    let answer = world.browser().authorizes(&asks(&app, "openid", &[("id_token_hint", &nested)])).await;
    assert!(answer.body.contains("login-submit"), "{}", answer.body);
}

#[tokio::test]
async fn a_registration_whose_encryption_cannot_be_done_is_refused_by_name() {
    let (world, _) = world().await;
    let (rsa, signing) = (OwnKey::rsa("r"), {
        let mut key = OwnKey::rsa("s").public();
        key["use"] = "sig".into();
        json!({ "keys": [key] })
    });
    let registers = async |change: Value| {
        let mut body = json!({ "redirect_uris": ["https://stranger.example/cb"] });
        for (name, value) in change.as_object().expect("an object") {
            body[name] = value.clone();
        }
        own::registers(&world, body).await
    };
    for (change, named) in [
        (json!({ "id_token_encrypted_response_alg": "RSA-OAEP-256" }), "id_token_encrypted_response_alg"),
        (json!({ "id_token_encrypted_response_enc": "A128GCM", "jwks": rsa.set() }), "id_token_encrypted_response_enc"),
        (json!({ "userinfo_encrypted_response_alg": "RSA1_5", "jwks": rsa.set() }), "RSA1_5"),
        (json!({ "userinfo_encrypted_response_alg": "dir", "jwks": rsa.set() }), "dir"),
        (json!({ "userinfo_encrypted_response_alg": "ECDH-ES", "jwks": rsa.set() }), "ECDH-ES"),
        (json!({ "id_token_encrypted_response_alg": "RSA-OAEP-256", "jwks": signing }), "RSA-OAEP-256"),
    ] {
        let told = registers(change.clone()).await.refused("invalid_client_metadata");
        assert!(told["error_description"].as_str().is_some_and(|why| why.contains(named)), "{change}: {told}");
    }
    let good = json!({ "id_token_encrypted_response_alg": "RSA-OAEP-256", "jwks": rsa.set() });
    let registered = registers(good).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    assert_eq!(registered.json()["id_token_encrypted_response_alg"], "RSA-OAEP-256");
    let mut wanted = Wanted { redirect_uris: Some(vec!["https://a.example/cb".into()]), ..Wanted::default() };
    wanted.id_token_encryption = how(KeyManagement::EcdhEs, None);
    let new = New { wanted, ..New::default() };
    let refused = registration::create(&world.server.registry, new, world.now(), &world.server.random).await;
    let is_said = refused.is_err_and(|error| error.to_string().contains(ErrorCode::InvalidClientMetadata.as_str()));
    assert!(is_said);
}
