//! The addresses that a client names (OIDC Registration §2).

use url::Url;

use super::metadata::{Settled, wrong};
use crate::protocol::Refusal;

/// What the pages show of it leads to the web.
pub(super) fn of_pages(settled: &Settled) -> Result<(), Refusal> {
    let metadata = &settled.metadata;
    for (name, link) in [
        ("logo_uri", &metadata.logo_uri),
        ("client_uri", &metadata.client_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ] {
        if let Some(link) = link
            && !is_web_address(link)
        {
            return Err(wrong(format!("`{name}` is `{link}`; expected {WEB_ADDRESS}")));
        }
    }
    Ok(())
}

/// What [`is_web_address`] takes, in words.
pub(super) const WEB_ADDRESS: &str = "an https address, or http on localhost";

/// Whether browsers and this server may be sent there.
pub(super) fn is_web_address(text: &str) -> bool {
    let is_plain =
        text.len() <= 2_000 && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\`".contains(&byte));
    is_plain
        && Url::parse(text).is_ok_and(|url| {
            let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
            is_safe && url.username().is_empty() && url.password().is_none()
        })
}

/// OIDC Registration §2: "The URI MUST use the https scheme."
pub(super) fn initiate_login_uri(settled: &Settled) -> Result<(), Refusal> {
    match &settled.metadata.initiate_login_uri {
        Some(uri) if !uri.starts_with("https:") || !is_web_address(uri) => {
            Err(wrong(format!("`initiate_login_uri` is `{uri}`; expected an https address")))
        }
        _ => Ok(()),
    }
}
