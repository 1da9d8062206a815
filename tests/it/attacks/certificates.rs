//! C, case 27: certificates that prove nothing.

use latchkey::clients::CertificateName;
use openssl::x509::extension::SubjectAlternativeName;

use super::member;
use crate::{
    certificates::{Says, asks, authority, behind_a_proxy, certified, file, header, jwks, known_by, self_made},
    world::World,
};

#[tokio::test]
async fn case_27_a_certificate_proves_nothing_unless_it_is_the_clients_and_comes_by_way_of_the_proxy() {
    let root = authority("Root");
    let open = async |trusted: &str| {
        let world = World::with(|settings| {
            behind_a_proxy(settings);
            settings.proxy.trusted = vec![trusted.parse().expect("a network")];
            settings.tls.client_ca = Some(file(&root, &format!("case_27_{}", trusted.len())));
        })
        .await;
        known_by(&world, "app", CertificateName::SubjectDn("CN=app,O=Example".into())).await;
        known_by(&world, "host", CertificateName::SanDns("app.example".into())).await;
        world
    };
    let own = certified("app", &Says::by(Some(&root)));
    let (proxied, direct) = (open("127.0.0.0/8").await.listening(), open("10.0.0.0/8").await.listening());
    for id in ["app", "host"] {
        let token = asks(&proxied, id, &[&header(&[&own])]).await.ok();
        assert!(member(&token, "access_token").len() > 100);
        // Certificates are no secrets: whoever is not the proxy may only have seen this one.
        asks(&direct, id, &[&header(&[&own])]).await.refused("invalid_client");
        let twice = [header(&[&own]), header(&[&own])];
        asks(&proxied, id, &[&twice[0], &twice[1]]).await.refused("invalid_client");
    }
    let no_names = |names: &mut SubjectAlternativeName| _ = names.dns("evil.example");
    let pem = header(&[&own]);
    for (what, shown) in [
        ("another subject", header(&[&certified("admin", &Says { alternative: no_names, ..Says::by(Some(&root)) })])),
        (
            "a longer subject",
            header(&[&certified("app,O=Example", &Says { alternative: no_names, ..Says::by(Some(&root)) })]),
        ),
        ("expired", header(&[&certified("app", &Says { days: (-30, -1), ..Says::by(Some(&root)) })])),
        ("of its own making", header(&[&certified("app", &Says::by(None))])),
        ("the authority itself", header(&[&root])),
        ("cut short", pem[..pem.len() / 2].to_owned()),
        ("a name and no certificate", "CN%3Dapp%2CO%3DExample".to_owned()),
        ("nothing", String::new()),
    ] {
        for id in ["app", "host"] {
            let answer = asks(&proxied, id, &[&shown]).await;
            assert_eq!(answer.status, 401, "{what}: {answer:?}");
            answer.refused("invalid_client");
        }
    }
    let (kept, strange) = (certified("app", &Says::by(None)), certified("app", &Says::by(None)));
    self_made(&proxied, "self", Ok(jwks(&[&kept]))).await;
    asks(&proxied, "self", &[&header(&[&kept])]).await.ok();
    asks(&proxied, "self", &[&header(&[&strange])]).await.refused("invalid_client");
    asks(&proxied, "self", &[&header(&[&strange, &kept])]).await.refused("invalid_client");
    asks(&proxied, "app", &[&header(&[&kept])]).await.refused("invalid_client");
}
