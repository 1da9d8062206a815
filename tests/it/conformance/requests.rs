//! Requests that are objects, by value and by reference, signed and not (OIDC Core §6).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    browser::Visit,
    client::{self, KEY, OTHER_KEY},
    play::{Play, Request, each_at, is_error_page},
    site::{Receiver, Site},
};

const MEDIA_TYPE: &str = "application/oauth-authz-req+jwt";

/// A server that takes requests of clients that sign nothing.
async fn site() -> Site {
    let site = Site::with(|settings| settings.registration.allow_unsigned = true).await;
    assert!(site.has("request_object_signing_alg_values_supported", "none"));
    site
}

/// The claims of a request object that says what a request says.
fn claims(request: &Request) -> Value {
    let members = request.0.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
    Value::Object(members.collect::<Map<String, Value>>())
}

fn unsigned(claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

/// What has to stand beside the object as well (OIDC Core §6.1, §6.2).
fn beside(request: &Request) -> Request {
    let needed = ["client_id", "response_type", "scope", "redirect_uri"];
    let mut outside = request.clone();
    outside.0.retain(|(name, _)| needed.contains(&name.as_str()));
    outside
}

/// The request as one by value.
fn by_value(request: &Request, object: String) -> Request {
    beside(request).with("request", object)
}

/// Send it, and have it answered as the request inside says.
async fn succeeds(play: &mut Play<'_>, outside: &Request, inside: &Request) {
    let visit = play.sends(outside).await;
    play.gets(inside, visit).await;
}

/// The same run with a client whose requests are read from there, and nowhere else.
async fn is_read_from(play: &mut Play<'_>, receiver: &Receiver, path: &str, alg: Option<&str>) -> String {
    let mut metadata = client::metadata(play.variant);
    // The fragment makes it another address each time the object changes (OIDC Core §6.2).
    let uri = format!("{}{path}#{}", receiver.origin, play.site.random(10));
    metadata["request_uris"] = json!([uri]);
    if let Some(alg) = alg {
        metadata["request_object_signing_alg"] = alg.into();
    }
    play.client.leaves(play.site).await;
    play.client = client::register(play.site, &metadata).await;
    uri
}

#[tokio::test]
async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
    let module = "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported";
    each_at(&site().await, module, async |play| {
        assert_eq!(play.site.metadata["request_parameter_supported"], true);
        let request = play.asks("openid");
        succeeds(play, &by_value(&request, unsigned(&claims(&request))), &request).await;
    })
    .await;
}

#[tokio::test]
async fn oidcc_ensure_request_object_with_redirect_uri() {
    each_at(&site().await, "oidcc-ensure-request-object-with-redirect-uri", async |play| {
        let request = play.asks("openid");
        let outside = by_value(&request, unsigned(&claims(&request)));
        let outside = outside.with("redirect_uri", format!("{}_invalid", client::CALLBACK));
        match play.sends(&outside).await {
            // Whoever does not read the object must not answer anywhere.
            Visit::Here(page) => is_error_page(&page, "Authorization error"),
            sent => drop(play.gets(&request, sent).await),
        }
    })
    .await;
}

#[tokio::test]
async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() {
    let module = "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported";
    each_at(&site().await, module, async |play| is_read_unsigned(play).await).await;
}

#[tokio::test]
async fn oidcc_request_uri_unsigned() {
    each_at(&site().await, "oidcc-request-uri-unsigned", async |play| is_read_unsigned(play).await).await;
}

async fn is_read_unsigned(play: &mut Play<'_>) {
    assert_eq!(play.site.metadata["request_uri_parameter_supported"], true);
    let receiver = play.site.receiver();
    let uri = is_read_from(play, &receiver, "/request", None).await;
    let request = play.asks("openid");
    receiver.has("/request", MEDIA_TYPE, unsigned(&claims(&request)));
    succeeds(play, &beside(&request).with("request_uri", uri), &request).await;
    assert!(!receiver.received().is_empty());
}

#[tokio::test]
async fn oidcc_request_uri_signed_rs256() {
    // Here nobody goes without a signature.
    let site = Site::new().await;
    each_at(&site, "oidcc-request-uri-signed-rs256", async |play| {
        assert_eq!(play.site.metadata["request_uri_parameter_supported"], true);
        assert!(play.site.has("request_object_signing_alg_values_supported", "RS256"));
        let receiver = play.site.receiver();
        let uri = is_read_from(play, &receiver, "/request", Some("RS256")).await;
        let request = play.asks("openid");
        let mut told = claims(&request);
        told["iss"] = play.client.id.clone().into();
        told["aud"] = play.site.issuer.clone().into();
        let by_reference = beside(&request).with("request_uri", uri);
        receiver.has("/request", MEDIA_TYPE, KEY.signs(&told));
        succeeds(play, &by_reference, &request).await;
        // What is signed by nobody, or by somebody else, is none of its requests.
        for other in [unsigned(&told), OTHER_KEY.signs(&told)] {
            receiver.has("/request", MEDIA_TYPE, other);
            match play.sends(&by_reference).await {
                Visit::Here(page) => is_error_page(&page, "Authorization error"),
                Visit::There(sent) => {
                    assert!(!sent.url.as_str().contains("code=") && !sent.body.contains("code="), "{sent:?}")
                }
            }
        }
    })
    .await;
}
