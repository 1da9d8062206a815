//! Group D: what is signed or encrypted by others, and what is signed here for another purpose.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::{
    jwk::{
        KeyPair as _,
        alg::{ec::EcCurve, ec::EcKeyPair, rsa::RsaKeyPair},
    },
    jws::{ES256, RS256},
};
use latchkey::{
    config::RegistrationMode,
    protocol::{Algorithm, ContentEncryption, KeyManagement},
};
use serde_json::{Value, json};

use super::{member, site, site_of_another, told};
use crate::{
    client_keys::{self, OwnKey, says},
    encrypted_requests::{Site, encrypts},
    registration::{registers, with},
    tokens::seal,
    userinfo,
    world::{ISSUER, World, encode},
};

#[tokio::test]
async fn case_29_what_a_client_has_not_signed_to_the_letter_is_refused() {
    let site = Site::new().await;
    let claims = site.claims().to_string();
    let signer = ES256.signer_from_jwk(&site.key.private).expect("a signer");
    let signed = seal(&signer, r#"{"alg":"ES256","kid":"k"}"#, &claims);
    assert_eq!(told(&site.asks("request", &signed).await, &site.app, "sound"), "login_required");
    let parts: Vec<&str> = signed.split('.').collect();
    let (head, payload, signature) = (parts[0], parts[1], parts[2]);
    let raw = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let with = |signature: &[u8]| format!("{head}.{payload}.{}", URL_SAFE_NO_PAD.encode(signature));
    let in_der = [&[0x30, 70, 0x02, 33, 0][..], &raw[..32], &[0x02, 33, 0], &raw[32..]].concat();
    // The last character of 64 bytes in base64url carries four bits that have to be zero.
    let stray = {
        let (rest, last) = signature.split_at(signature.len() - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        format!(
            "{head}.{payload}.{rest}{}",
            alphabet.chars().nth(alphabet.find(last).expect("in it") + 1).expect("one")
        )
    };
    let mut bad = vec![
        with(b""),
        with(&[0; 64]),
        with(&[&[0; 32][..], &raw[32..]].concat()),
        with(&[&raw[..32], &[0; 32]].concat()),
        with(&in_der),
        with(&raw[..63]),
        stray,
        format!("{signed}="),
        format!(" {signed}"),
        format!("{head}.{payload}\n.{signature}"),
        format!("{head}.{payload}=.{signature}"),
        format!("{head}.{payload}"),
        format!("{signed}.{payload}.{signature}"),
        json!({ "protected": head, "payload": payload, "signature": signature }).to_string(),
        json!({ "payload": payload, "signatures": [{ "protected": head, "signature": signature }] }).to_string(),
    ];
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"nOnE","kid":"k"}"#,
        r#"{"alg":"es256","kid":"k"}"#,
        r#"{"alg":"ES256","alg":"none","kid":"k"}"#,
        r#"{"alg":"ES256","kid":"k","kid":"other"}"#,
        r#"{"alg":"ES256","kid":"k","crit":["exp"]}"#,
        r#"{"alg":"ES256","kid":"k","crit":["b64"],"b64":false}"#,
        r#"{"kid":"k"}"#,
        r#"[{"alg":"ES256","kid":"k"}]"#,
    ] {
        let signed = seal(&signer, header, &claims);
        bad.push(signed.clone());
        bad.push(format!("{}.", signed.rsplit_once('.').expect("three parts").0));
    }
    for object in bad {
        assert_eq!(told(&site.asks("request", &object).await, &site.app, &object), "invalid_request_object");
    }
}

#[tokio::test]
async fn case_30_an_encrypted_object_neither_swells_nor_tells_nor_waits() {
    let site = Site::new().await;
    let jwks = site.jwks().await;
    let seals = |alg, content: &str| encrypts(&jwks, alg, ContentEncryption::A256Gcm, content);
    let (rsa, ec) = (KeyManagement::RsaOaep256, KeyManagement::EcdhEs);
    // With another header, and so with a tag that is wrong: a trick that is looked into at all is refused as sealed.
    let says = |alg, set: Value| {
        let token = seals(alg, &site.signs());
        let (head, rest) = token.split_once('.').expect("five parts");
        let mut head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).expect("base64url")).expect("JSON");
        for (name, value) in set.as_object().expect("members") {
            head[name] = value.clone();
        }
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(head.to_string()))
    };
    let off_curve = json!({ "kty": "EC", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(42) + "E" });
    let x25519 = json!({ "kty": "OKP", "crv": "X25519", "x": "A".repeat(43), "y": "A".repeat(43) });
    // As often as a request may be long.
    let mut nested = site.signs();
    for _ in 0..3 {
        nested = seals(ec, &nested);
    }
    let (sealed, algorithm) = ("does not open", "an algorithm that is not accepted");
    for (tried, object, why) in [
        ("what is compressed", says(rsa, json!({ "zip": "DEF" })), "or a compressed one"),
        ("a password that takes for ever", says(rsa, json!({ "alg": "PBES2-HS512+A256KW", "p2c": 1e9 })), algorithm),
        ("Bleichenbacher's oracle", says(rsa, json!({ "alg": "RSA1_5" })), algorithm),
        ("a key that is sent along", says(rsa, json!({ "alg": "dir" })), algorithm),
        ("a point of another curve", says(ec, json!({ "epk": off_curve })), sealed),
        ("a key of another kind", says(ec, json!({ "epk": x25519 })), sealed),
        ("a wrong tag", says(rsa, json!({ "typ": "JWT" })), sealed),
        ("a key agreed upon by nobody", says(ec, json!({ "apu": "YQ" })), sealed),
        ("one in the other", nested, "no signed JWT"),
        ("JSON that nobody has signed", seals(ec, "{\"scope\":\"openid\"}"), "no signed JWT"),
        ("five parts of nothing", "....".to_owned(), "no encrypted JWT"),
    ] {
        let answer = site.asks("request", &object).await;
        assert_eq!(told(&answer, &site.app, tried), "invalid_request_object");
        let description = answer.param("error_description").expect("a description");
        assert!(description.contains(why), "{tried}: {description}");
    }
    assert_eq!(told(&site.asks("request", &seals(rsa, &site.signs())).await, &site.app, "sound"), "login_required");
}

#[tokio::test]
async fn case_31_a_key_that_could_be_taken_for_another_is_not_registered() {
    let world = World::with(|settings| settings.registration.mode = RegistrationMode::Open).await.listening();
    let rsa = |bits| RsaKeyPair::generate(bits).expect("a key").to_jwk_key_pair();
    let ec = EcKeyPair::generate(EcCurve::P256).expect("a key").to_jwk_key_pair();
    let public = |jwk: &josekit::jwk::Jwk, set: Value| {
        let mut public = Value::Object(jwk.to_public_key().expect("a public half").as_ref().clone());
        for (name, value) in set.as_object().expect("members") {
            public[name] = value.clone();
        }
        public
    };
    let sound = rsa(2048);
    let registers = async |keys: Value, alg: &str| {
        let mut wanted = with("jwks", json!({ "keys": keys }));
        wanted["token_endpoint_auth_method"] = json!("private_key_jwt");
        wanted["token_endpoint_auth_signing_alg"] = json!(alg);
        registers(&world, wanted).await
    };
    let own = OwnKey::rsa("k");
    for (tried, keys, alg) in [
        ("for encryption", json!([public(&sound, json!({ "use": "enc" }))]), "RS256"),
        ("a short one", json!([public(&rsa(1024), json!({}))]), "RS256"),
        ("an elliptic one that calls itself RS256", json!([public(&ec, json!({ "alg": "RS256" }))]), "RS256"),
        ("an elliptic one for RSA", json!([public(&ec, json!({}))]), "PS256"),
        ("two of one name", json!([own.public(), public(&sound, json!({ "kid": "k" }))]), "RS256"),
        ("a secret", json!([{ "kty": "oct", "k": "c2VjcmV0", "kid": "k" }]), "RS256"),
        ("a secret beside a sound one", json!([own.public(), { "kty": "oct", "k": "c2VjcmV0" }]), "RS256"),
        ("a private one", json!([Value::Object(sound.as_ref().clone())]), "RS256"),
    ] {
        registers(keys, alg).await.refused("invalid_client_metadata");
        assert!(world.server.registry.find("k").await.expect("read").is_none(), "{tried}");
    }
    // A name twice is no confusion between kinds, nor are keys without one.
    let both = json!([own.public(), public(&ec, json!({ "kid": "k" })), public(&sound, json!({ "kid": null }))]);
    assert_eq!(registers(both, "RS256").await.status, 201);
}

#[tokio::test]
async fn case_32_what_is_signed_for_one_purpose_or_elsewhere_serves_no_other() {
    let ((world, app), (there, app_there)) = (site().await, site_of_another().await);
    let tokens = app.redeems(&world, &world.browser().code(&app, "openid", "alice").await).await.ok();
    let theirs = app_there.redeems(&there, &there.browser().code(&app_there, "openid", "alice").await).await.ok();
    let (access, id_token) = (member(&tokens, "access_token"), member(&tokens, "id_token"));
    let logout =
        json!({ "iss": ISSUER, "sub": "alice", "aud": "wiki", "exp": 9_999_999_999_i64, "sid": "s", "events": {} });
    let logout = world.server.keyring.sign(Algorithm::RS256, "logout+jwt", &logout).expect("signed");
    for token in [member(&theirs, "access_token"), member(&theirs, "id_token"), id_token.clone(), logout.clone()] {
        let answer = userinfo::asks(&world, &format!("Bearer {token}")).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    assert_eq!(userinfo::asks(&world, &format!("Bearer {access}")).await.status, 200);
    for hint in [&access, &logout, &member(&theirs, "id_token"), &member(&theirs, "access_token")] {
        let params = [("id_token_hint", hint.as_str())];
        let answer = world.browser().get(&format!("/logout?{}", encode(&params))).await;
        assert_eq!(answer.status, 400, "a hint of whom to sign out: {answer:?}");
        let asked = [&[("prompt", "none")][..], &params, &app.asks("openid")].concat();
        let answer = world.browser().authorizes(&asked).await;
        assert_eq!(told(&answer, &app, hint), "invalid_request");
    }
    // What a client has signed to another end, as a proof of who it is; and as its request.
    let key = OwnKey::rsa("k");
    client_keys::client(&world, "robot", key.set()).await;
    for typ in ["at+jwt", "logout+jwt", "dpop+jwt", "oauth-authz-req+jwt", "application/at+jwt", ""] {
        let assertion = key.signs_with("typ", json!(typ), &says(&world, "robot"));
        client_keys::asks(&world, &assertion).await.refused("invalid_client");
    }
    for typ in ["JWT", "jwt", "client-authentication+jwt"] {
        client_keys::asks(&world, &key.signs_with("typ", json!(typ), &says(&world, "robot"))).await.ok();
    }
    client_keys::asks(&world, &logout).await.refused("invalid_client");
    let site = Site::new().await;
    for typ in ["at+jwt", "logout+jwt", "dpop+jwt", "client-authentication+jwt"] {
        let object = site.key.signs_with("typ", json!(typ), &site.claims());
        assert_eq!(told(&site.asks("request", &object).await, &site.app, typ), "invalid_request_object");
    }
    let signer = RS256.signer_from_jwk(&key.private).expect("a signer");
    let of_another = seal(&signer, r#"{"alg":"RS256","kid":"k"}"#, &site.claims().to_string());
    assert_eq!(told(&site.asks("request", &of_another).await, &site.app, "its own"), "invalid_request_object");
}
