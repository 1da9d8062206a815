//! Whatever a stranger registers: what is refused is refused in the words of RFC 7591, and what is accepted stays the same
//! however often it is read and sent back (RFC 7592).

use axum::http::{Method, StatusCode};
use latchkey::{config::ClientCertificates, protocol::ResponseType};
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::{
    client_keys::OwnKey,
    registration::{registers, request, told},
    world::World,
};

/// A member of a registration with what may stand there: most of it will do, alone or beside the right others.
type Member = (&'static str, Vec<Value>);

fn members() -> Vec<Member> {
    let (uris, page) = (["https://a.example/cb", "https://a.example/cb?tenant=%20"], "https://a.example/p?q=ä");
    let texts = [json!(""), json!(null), json!(page), json!("https://a.example/p"), json!("\u{0}"), json!([])];
    let mut all: Vec<Member> = vec![
        ("client_name", vec![json!("Wiki"), json!(""), json!("W\u{0}"), json!("\u{202e}ikiW"), json!(" ﬀ 𝔴")]),
        ("redirect_uris", vec![json!(uris), json!([uris[0], uris[0], ""]), json!(["https://b.example/"]), json!([])]),
        ("redirect_uris", vec![json!(["http://127.0.0.1/cb", "com.example.app:/cb"]), json!(["http://[::1]/"])]),
        ("post_logout_redirect_uris", vec![json!(uris), json!([]), json!(["a.example"]), json!(["app.example:/bye"])]),
        (
            "grant_types",
            vec![json!(["authorization_code", "refresh_token"]), json!(["authorization_code", "implicit"])],
        ),
        ("grant_types", vec![json!(["implicit"]), json!([]), json!(["authorization_code", "authorization_code"])]),
        ("response_types", vec![json!(["code", "code id_token"]), json!(["id_token code"]), json!(["id_token"])]),
        ("scope", vec![json!("openid  email openid"), json!(""), json!("kb:*"), json!(" "), json!("email\u{7f}")]),
        ("application_type", vec![json!("native"), json!("web"), json!("desk")]),
        ("token_endpoint_auth_method", vec![json!("none"), json!("client_secret_post"), json!("private_key_jwt")]),
        ("token_endpoint_auth_method", vec![json!("client_secret_jwt"), json!("self_signed_tls_client_auth")]),
        ("token_endpoint_auth_signing_alg", vec![json!("HS256"), json!("RS256"), json!("none")]),
        ("contacts", vec![json!(["ops@a.example"]), json!(["@"]), json!([""])]),
        ("subject_type", vec![json!("pairwise"), json!("public")]),
        ("id_token_signed_response_alg", vec![json!("RS256"), json!("none"), json!("ES256")]),
        ("userinfo_signed_response_alg", vec![json!("RS256"), json!("none")]),
        ("id_token_encrypted_response_alg", vec![json!("RSA-OAEP-256"), json!("ECDH-ES")]),
        ("id_token_encrypted_response_enc", vec![json!("A256GCM"), json!("A128CBC-HS256")]),
        ("userinfo_encrypted_response_alg", vec![json!("RSA-OAEP-256"), json!("RSA1_5")]),
        ("request_object_encryption_alg", vec![json!("ECDH-ES"), json!("RSA-OAEP-256"), json!("dir")]),
        ("request_object_encryption_enc", vec![json!("A128GCM"), json!("A192GCM")]),
        ("request_object_signing_alg", vec![json!("RS256"), json!("none"), json!("HS256")]),
        ("request_uris", vec![json!(["https://a.example/request.jwt#part"]), json!([""]), json!([page])]),
        ("default_max_age", vec![json!(0), json!(i64::MAX), json!(-1), json!(1.5), json!(u64::MAX)]),
        ("default_acr_values", vec![json!(["1", "1", "0"]), json!([""]), json!([" "])]),
        ("require_auth_time", vec![json!(true), json!(false), json!(0)]),
        (
            "jwks",
            vec![json!({ "keys": [] }), json!(null), json!({ "keys": [{ "x5c": ["AAAA"] }], "n": [1, -1, true] })],
        ),
        ("jwks", vec![OwnKey::rsa("a").set(), OwnKey::ec("\u{0}\"\\").set(), json!([])]),
        ("software_statement", vec![json!(null), json!("e30.e30.")]),
        ("a_member_of_somebody_elses", vec![json!({ "deep": [[[[]]]] })]),
    ];
    for name in ["jwks_uri", "logo_uri", "client_uri", "policy_uri", "tos_uri", "initiate_login_uri"] {
        all.push((name, texts.to_vec()));
    }
    for (uri, switch) in [
        ("backchannel_logout_uri", "backchannel_logout_session_required"),
        ("frontchannel_logout_uri", "frontchannel_logout_session_required"),
    ] {
        all.push((uri, texts.to_vec()));
        all.push((switch, vec![json!(false), json!(true)]));
    }
    all
}

/// Of that many members one value each; where an app can be sent its users, unless that is among them.
fn document() -> impl Strategy<Value = Value> {
    let member = (select(members()), any::<Index>(), prop::option::weighted(0.05, any::<String>()));
    prop::collection::vec(member, 0..7).prop_map(|members| {
        let mut document = Map::from_iter([("redirect_uris".to_owned(), json!(["https://a.example/cb"]))]);
        for ((name, values), index, text) in members {
            document.insert(name.to_owned(), text.map_or_else(|| index.get(&values).clone(), Value::from));
        }
        document.into()
    })
}

/// What stays as it is: all but what is told once.
fn lasting(mut answer: Value) -> Value {
    let members = answer.as_object_mut().expect("an object");
    members.retain(|name, _| name != "client_secret" && name != "client_secret_expires_at");
    answer
}

async fn check(world: &World, document: Value) -> Result<bool, TestCaseError> {
    let answer = registers(world, document).await;
    if answer.status != StatusCode::CREATED {
        let refused = answer.json();
        let is_of_the_specification =
            ["invalid_client_metadata", "invalid_redirect_uri"].contains(&told(&refused, "error"));
        prop_assert!(answer.status == StatusCode::BAD_REQUEST && is_of_the_specification, "{refused}");
        return Ok(false);
    }
    let registered = lasting(answer.json());
    let (address, token) =
        (told(&registered, "registration_client_uri"), told(&registered, "registration_access_token"));
    let read = world.send(request(Method::GET, address, Some(token), None)).await;
    prop_assert_eq!(lasting(read.ok()), registered.clone());
    let put = world.send(request(Method::PUT, address, Some(token), Some(&answer.json()))).await;
    prop_assert_eq!(put.status, StatusCode::OK, "{} for {}", put.body, registered);
    prop_assert!(put.json()["client_secret"].is_null(), "another secret: {}", put.body);
    prop_assert_eq!(lasting(put.json()), registered.clone());
    let read = world.send(request(Method::GET, address, Some(token), None)).await;
    prop_assert_eq!(lasting(read.ok()), registered);
    Ok(true)
}

#[test]
fn what_is_registered_stays_the_same_when_it_is_read_and_sent_back_and_all_else_is_refused_by_code() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::with(|settings| {
        settings.registration.mode = latchkey::config::RegistrationMode::Open;
        settings.registration.response_types = ResponseType::ALL.to_vec();
        settings.registration.allow_unsigned = true;
        settings.tls.client_certificates = ClientCertificates::Optional;
    }));
    let config = Config { cases: 128, failure_persistence: None, ..Config::default() };
    let accepted = std::cell::Cell::new(0);
    let outcome = TestRunner::new(config).run(&document(), |document| {
        let is_accepted = runtime.block_on(check(&world, document))?;
        accepted.set(accepted.get() + i32::from(is_accepted));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!((10..118).contains(&accepted.get()), "{} of 128: one half of this is not put to the test", accepted.get());
}
