//! What every page says of itself to the browser: load nothing from elsewhere, run nothing inline, show me in no frame,
//! keep me nowhere, and lead a form only where it has to lead.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use url::{Host, Url};

use crate::authorization::request::Request;

/// How a page is answered.
#[derive(Clone, Copy, Debug)]
pub struct PagePolicy<'a> {
    /// The status.
    pub status: StatusCode,
    /// The redirect URI to which a form of the page leads in the end. Browsers follow `form-action` through every
    /// redirect that comes after the form, so the sign-in page names it too.
    pub leads_to: Option<&'a str>,
    /// The client's logo, if it is shown.
    pub logo: Option<&'a str>,
    /// What apps want to be loaded in frames of the page, to be told of a sign-out.
    pub frames: &'a [String],
    /// Whether the page has a form that comes back to us. It then sends us an `Origin`, which a browser replaces by
    /// `null` under `no-referrer` (product decision 13).
    pub has_form: bool,
    /// Whether the app opened the page in a window of its own (`display=popup`) and needs to find it again.
    pub is_popup: bool,
}

impl Default for PagePolicy<'_> {
    fn default() -> Self {
        Self { status: StatusCode::OK, leads_to: None, logo: None, frames: &[], has_form: true, is_popup: false }
    }
}

impl<'a> PagePolicy<'a> {
    /// What a page that works for this request may load, and where its forms may lead.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        Self {
            leads_to: Some(request.recipient.redirect_uri()),
            logo: request.ask.client.metadata.logo_uri.as_deref(),
            is_popup: request.recipient.is_popup(),
            ..Self::default()
        }
    }
}

/// Answer with a page.
#[must_use]
pub fn page(html: String, policy: PagePolicy<'_>) -> Response<Body> {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = policy.status;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(csp) = HeaderValue::try_from(content_security_policy(policy.leads_to, policy.logo, policy.frames)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    let referrer = if policy.has_form { "same-origin" } else { "no-referrer" };
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer));
    let opener = if policy.is_popup { "unsafe-none" } else { "same-origin" };
    headers.insert(OPENER_POLICY, HeaderValue::from_static(opener));
    response
}

/// Answer with the one page that others may frame: it has nothing to press, and its script asks nobody but this server.
#[must_use]
pub fn framed_by_anybody(html: String) -> Response<Body> {
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    let differs = [header::X_FRAME_OPTIONS, RESOURCE_POLICY];
    for (name, value) in ALWAYS.into_iter().filter(|(name, _)| !differs.contains(name)) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    let csp = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'none'; frame-ancestors *; base-uri 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(csp));
    response
}

/// What every answer says, page or not, unless it said so itself: no guessing of types, no referrer, and HTTPS from now
/// on where the issuer is (RFC 6797; a browser ignores it over HTTP, and so do we).
pub fn defaults(headers: &mut HeaderMap, issuer: &str) {
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "no-referrer");
    if issuer.starts_with("https:") {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000");
    }
}

pub(super) const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (RESOURCE_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

fn content_security_policy(leads_to: Option<&str>, logo: Option<&str>, frames: &[String]) -> String {
    let form_action = leads_to.and_then(source_of).map(|source| format!(" {source}")).unwrap_or_default();
    let images = logo.and_then(image_source).map(|source| format!(" {source}")).unwrap_or_default();
    let mut frame_sources: Vec<String> = frames.iter().filter_map(|frame| source_of(frame)).collect();
    // A bare scheme would let the page frame whatever has it.
    frame_sources.retain(|source| source.contains("://"));
    frame_sources.sort_unstable();
    frame_sources.dedup();
    let framed = match frame_sources.as_slice() {
        [] => String::new(),
        some => format!("frame-src {}; ", some.join(" ")),
    };
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:{images}; {framed}\
         form-action 'self'{form_action}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// What the policy calls the place a form leads to, or a frame comes from: its origin, or its scheme where that is an app's
/// own. The policy has no words for an IPv6 address (CSP 3 §2.3.1, `host-part`), so for `http://[::1]:1234/cb` of an app on
/// the user's own device it names the scheme.
fn source_of(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match (url.scheme(), url.host()) {
        ("http" | "https", Some(Host::Domain(_) | Host::Ipv4(_))) => Some(url.origin().ascii_serialization()),
        (scheme, _) => Some(format!("{scheme}:")),
    }
}

/// A logo comes from the web, or it is not loaded.
fn image_source(logo: &str) -> Option<String> {
    let url = Url::parse(logo).ok()?;
    match (url.scheme(), url.host()?) {
        (_, Host::Ipv6(_)) => None,
        ("http" | "https", _) => Some(url.origin().ascii_serialization()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csp(leads_to: Option<&str>, logo: Option<&str>) -> String {
        let response = page(String::new(), PagePolicy { leads_to, logo, ..PagePolicy::default() });
        response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_form_leads_home_and_to_the_app_and_nowhere_else() {
        assert!(csp(None, None).contains("; form-action 'self'; "));
        assert!(
            csp(Some("https://app.example:8443/cb?x=1"), None)
                .contains("; form-action 'self' https://app.example:8443; ")
        );
        assert!(csp(Some("com.example.app:/cb"), None).contains("; form-action 'self' com.example.app:; "));
        assert!(csp(Some("http://127.0.0.1:5000/cb"), None).contains("; form-action 'self' http://127.0.0.1:5000; "));
        assert!(csp(Some("http://[::1]:5000/cb"), None).contains("; form-action 'self' http:; "));
    }

    #[test]
    fn only_the_shown_logo_is_loaded_from_elsewhere() {
        assert!(
            csp(None, Some("https://cdn.example/a.png?;script-src *"))
                .contains("; img-src 'self' data: https://cdn.example; ")
        );
        for logo in ["javascript:alert(1)", "data:image/png;base64,AA", "cdn.example/a.png", "https://[::1]/a.png"] {
            assert!(csp(None, Some(logo)).contains("; img-src 'self' data:; "), "{logo}");
        }
    }

    #[test]
    fn only_the_frames_of_a_sign_out_are_loaded() {
        assert!(!csp(None, None).contains("frame-src"));
        let frames = ["https://a.example/out?x=1", "https://a.example/2", "https://b.example:8443/;script-src *"]
            .map(String::from);
        let response = page(String::new(), PagePolicy { frames: &frames, ..PagePolicy::default() });
        let csp = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(csp.contains("; frame-src https://a.example https://b.example:8443; form-action 'self'; "), "{csp}");
    }

    #[test]
    fn one_page_may_be_framed_and_no_other() {
        let framed = framed_by_anybody(String::new());
        let csp = framed.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(csp.contains("; frame-ancestors *; ") && !framed.headers().contains_key(header::X_FRAME_OPTIONS));
    }

    #[test]
    fn no_policy_can_be_forged_through_a_uri() {
        for uri in [
            "https://a.example; script-src *",
            "https://a.example;script-src%20*/",
            "x y:z",
            "https://a.example\r\nx: y/",
        ] {
            let policy = csp(Some(uri), Some(uri));
            assert_eq!(policy.matches(';').count(), 6, "{policy}");
            assert_eq!(policy.matches("script-src").count(), 1, "{policy}");
        }
    }

    #[test]
    fn a_page_with_a_form_keeps_its_origin_and_one_without_tells_nothing() {
        let referrer = |has_form| {
            let response = page(String::new(), PagePolicy { has_form, ..PagePolicy::default() });
            response.headers()[header::REFERRER_POLICY].to_str().unwrap().to_owned()
        };
        assert_eq!(referrer(true), "same-origin");
        assert_eq!(referrer(false), "no-referrer");
    }

    #[test]
    fn only_a_popup_keeps_its_opener() {
        let opener = |is_popup| {
            page(String::new(), PagePolicy { is_popup, ..PagePolicy::default() }).headers()[OPENER_POLICY].clone()
        };
        assert_eq!(opener(false), "same-origin");
        assert_eq!(opener(true), "unsafe-none");
    }

    #[test]
    fn https_is_for_good() {
        let mut headers = HeaderMap::new();
        defaults(&mut headers, "http://localhost:8080");
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        defaults(&mut headers, "https://id.example");
        assert!(headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
    }
}
