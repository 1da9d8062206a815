//! What a stranger registers (RFC 7591): whatever it is, it is refused in the specification's words, or it stays the same
//! when it is read and sent back (RFC 7592).
#![no_main]

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use arbitrary::Arbitrary;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    clients::{
        dynamic::{self, Context},
        registration::Information,
    },
    clock::Clock,
    config::{ClientCertificates, Registration, Settings, Tls},
    protocol::{Algorithm, Error, ErrorCode, KeyManagement, PlainSecret, ResponseType},
    random::Random,
    server::Server,
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

const MEMBERS: [&str; 43] = [
    "redirect_uris",
    "post_logout_redirect_uris",
    "grant_types",
    "response_types",
    "scope",
    "application_type",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "jwks",
    "jwks_uri",
    "client_name",
    "logo_uri",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "initiate_login_uri",
    "contacts",
    "subject_type",
    "id_token_signed_response_alg",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "request_uris",
    "request_object_signing_alg",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "default_max_age",
    "default_acr_values",
    "require_auth_time",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "software_statement",
    "client_id",
    "client_secret",
];
const WORDS: [&str; 33] = [
    "https://wiki.example/cb",
    "https://wiki.example/a?b=c",
    "http://127.0.0.1/cb",
    "com.example.app:/cb",
    "authorization_code",
    "refresh_token",
    "implicit",
    "code",
    "id_token",
    "code id_token",
    "openid email",
    "native",
    "web",
    "none",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "HS256",
    "RS256",
    "ES256",
    "RSA-OAEP-256",
    "ECDH-ES",
    "A256GCM",
    "pairwise",
    "public",
    "CN=app,O=Wiki\\, Inc",
    "wiki.example",
    "::1",
    "ops@wiki.example",
    "",
    "\0",
];
/// The key of RFC 7515, appendix A.3, and something in the place of a certificate.
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","x5c":["AAAA"]}]}"#;

/// What may stand at a member.
#[derive(Arbitrary, Debug)]
enum Said<'a> {
    Text(&'a str),
    Texts(Vec<&'a str>),
    Word(u8),
    Words(Vec<u8>),
    Number(i64),
    Switch(bool),
    Keys,
    Nothing,
}

impl Said<'_> {
    fn value(&self) -> Value {
        let word = |number: &u8| WORDS[usize::from(*number) % WORDS.len()];
        match self {
            Self::Text(text) => json!(text),
            Self::Texts(texts) => json!(texts),
            Self::Word(number) => json!(word(number)),
            Self::Words(numbers) => numbers.iter().map(word).collect(),
            Self::Number(number) => json!(number),
            Self::Switch(on) => json!(on),
            Self::Keys => serde_json::from_str(KEYS).expect("keys"),
            Self::Nothing => Value::Null,
        }
    }
}

struct Site {
    runtime: Runtime,
    server: Arc<Server>,
    settings: Registration,
    tls: Tls,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(open());
    let settings =
        Registration { response_types: ResponseType::ALL.to_vec(), allow_unsigned: true, ..Registration::default() };
    let tls = Tls {
        client_certificates: ClientCertificates::Optional,
        client_ca: Some(PathBuf::from("ca.pem")),
        ..Tls::default()
    };
    Site { runtime, server, settings, tls }
});

fuzz_target!(|input: (&[u8], Vec<(u8, Said<'_>)>)| {
    let (body, members) = input;
    let mut document = Map::from_iter([("redirect_uris".to_owned(), json!([WORDS[0]]))]);
    for (name, said) in members {
        document.insert(MEMBERS[usize::from(name) % MEMBERS.len()].to_owned(), said.value());
    }
    let site = &*SITE;
    site.runtime.block_on(async {
        site.registers(body).await;
        site.registers(Value::from(document).to_string().as_bytes()).await;
    });
});

impl Site {
    async fn registers(&self, body: &[u8]) {
        let read: Option<Value> = serde_json::from_slice(body).ok();
        if read.is_some_and(|members| !members["sector_identifier_uri"].is_null()) {
            // Somebody's server would be called.
            return;
        }
        let context = self.context();
        let registered = match dynamic::register(context, None, body).await {
            Ok(registered) => registered,
            Err(Error::Refused(refusal)) => {
                let codes = [ErrorCode::InvalidClientMetadata, ErrorCode::InvalidRedirectUri];
                assert!(codes.contains(&refusal.code), "{refusal:?}");
                return;
            }
            Err(Error::Failed(fault)) => panic!("{fault:?}"),
        };
        let (client, token) = (registered.client, registered.token);
        let found = dynamic::find(context, &client.id, &token).await.expect("the client");
        assert_eq!(*found, client);
        let told = serde_json::to_vec(&Information::of(&found, registered.secret.as_ref())).expect("JSON");
        let (same, secret) = dynamic::replace(context, &client.id, &token, &told).await.expect("what it was told");
        assert_eq!(same, client);
        assert!(secret.is_none(), "a new secret for nothing");
        dynamic::delete(context, &client.id, &token).await.expect("the end");
    }

    fn context(&self) -> Context<'_> {
        Context {
            registry: &self.server.registry,
            settings: &self.settings,
            tls: &self.tls,
            outgoing: &self.server.for_strangers,
            algorithms: Algorithm::ALL,
            encryption_algorithms: KeyManagement::ALL,
            random: &self.server.random,
            now: self.server.clock.now(),
        }
    }
}

/// A server in a folder of its own, at a time that stands still.
async fn open() -> Arc<Server> {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let database_url = format!("sqlite:{}", folder.join("latchkey.db").display());
    let mut settings = Settings { issuer: "http://localhost:8080".to_owned(), database_url, ..Settings::default() };
    settings.keys.master_key = Some(PlainSecret::new(URL_SAFE_NO_PAD.encode([7; 32])));
    let clock = Clock::fixed(Clock::System.now());
    Server::open(settings, clock, Random::System).await.expect("the server opens")
}
