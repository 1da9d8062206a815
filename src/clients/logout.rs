//! Where a client is told that a session has ended: by this server (OIDC Back-Channel Logout 1.0 §2.2) or by the browser
//! (OIDC Front-Channel Logout 1.0 §2).

use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    Metadata,
    links::{WEB_ADDRESS, is_web_address},
    metadata::{set_text, wrong},
};
use crate::protocol::{RedirectUri, Refusal};

/// What a client has registered of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Logout {
    /// Where this server tells it.
    #[serde(rename = "backchannel_logout_uri", skip_serializing_if = "Option::is_none")]
    pub back_channel_uri: Option<String>,
    /// Whether it needs the session's id there; it is told in any case.
    #[serde(rename = "backchannel_logout_session_required", skip_serializing_if = "Option::is_none")]
    pub back_channel_needs_session: Option<bool>,
    /// What browsers load that sign out.
    #[serde(rename = "frontchannel_logout_uri", skip_serializing_if = "Option::is_none")]
    pub front_channel_uri: Option<String>,
    /// Whether it needs issuer and session there; it is told in any case.
    #[serde(rename = "frontchannel_logout_session_required", skip_serializing_if = "Option::is_none")]
    pub front_channel_needs_session: Option<bool>,
}

impl Logout {
    /// Put what is wanted over what is there; an empty text takes away.
    pub(super) fn apply(&mut self, wanted: Self) {
        for (own, wanted, needs_session, wants_session) in [
            (
                &mut self.back_channel_uri,
                wanted.back_channel_uri,
                &mut self.back_channel_needs_session,
                wanted.back_channel_needs_session,
            ),
            (
                &mut self.front_channel_uri,
                wanted.front_channel_uri,
                &mut self.front_channel_needs_session,
                wanted.front_channel_needs_session,
            ),
        ] {
            set_text(own, wanted);
            // What it needed there goes with the address.
            *needs_session = wants_session.or(needs_session.filter(|_| own.is_some()));
        }
    }

    /// What a browser loads to tell this client that a session has ended (OIDC Front-Channel Logout §2). A query that the
    /// URI has already is kept.
    #[must_use]
    pub fn frame(&self, issuer: &str, sid: &str) -> Option<String> {
        let mut url = Url::parse(self.front_channel_uri.as_deref()?).ok()?;
        url.query_pairs_mut().append_pair("iss", issuer).append_pair("sid", sid);
        Some(url.into())
    }
}

/// That sign-outs are told to the client and to nobody else.
pub(super) fn check(metadata: &Metadata) -> Result<(), Refusal> {
    let Logout { back_channel_uri, back_channel_needs_session, front_channel_uri, front_channel_needs_session } =
        &metadata.logout;
    for (uri, name, needs_session, switch) in [
        (back_channel_uri, "backchannel_logout_uri", back_channel_needs_session, "backchannel_logout_session_required"),
        (
            front_channel_uri,
            "frontchannel_logout_uri",
            front_channel_needs_session,
            "frontchannel_logout_session_required",
        ),
    ] {
        match uri {
            Some(uri) if uri.contains('#') || !is_web_address(uri) => {
                return Err(wrong(format!("`{name}` is `{uri}`; expected {WEB_ADDRESS}, without a fragment")));
            }
            None if *needs_session == Some(true) => {
                return Err(wrong(format!("`{switch}` is of no use without `{name}`")));
            }
            _ => {}
        }
    }
    match front_channel_uri {
        Some(uri) if !metadata.redirect_uris.iter().any(|own| is_beside(uri, own)) => Err(wrong(format!(
            "`frontchannel_logout_uri` is `{uri}`; expected scheme, host and port of one of `redirect_uris`"
        ))),
        _ => Ok(()),
    }
}

/// OIDC Front-Channel Logout §2: "The domain, port, and scheme of this URL MUST be the same as that of a registered
/// Redirection URI value." Else a client could have browsers load whatever it likes.
fn is_beside(uri: &str, redirect_uri: &RedirectUri) -> bool {
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin()).filter(url::Origin::is_tuple);
    origin(uri).is_some_and(|own| Some(own) == origin(redirect_uri.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ApplicationType;

    fn with(change: impl FnOnce(&mut Logout)) -> Result<(), Refusal> {
        let uri = |text| RedirectUri::parse(text, ApplicationType::Web).unwrap();
        let mut metadata = Metadata {
            redirect_uris: vec![uri("https://a.example/cb"), uri("https://b.example:8443/cb")],
            ..Metadata::default()
        };
        change(&mut metadata.logout);
        check(&metadata)
    }

    #[test]
    fn what_is_no_https_address_or_has_a_fragment_is_refused() {
        for uri in ["https://a.example/out", "https://elsewhere.example:444/out?tenant=1", "http://localhost:3000/out"]
        {
            assert!(with(|own| own.back_channel_uri = Some(uri.into())).is_ok(), "{uri}");
        }
        for uri in [
            "http://a.example/out",
            "https://a.example/out#x",
            "https://a.example/out#",
            "https://u:p@a.example/out",
            "ftp://a.example/out",
            "javascript:alert(1)",
            "/out",
            "https:///",
        ] {
            let refused = with(|own| own.back_channel_uri = Some(uri.into())).expect_err(uri);
            assert!(refused.description.contains("backchannel_logout_uri"), "{uri}: {}", refused.description);
            let refused = with(|own| own.front_channel_uri = Some(uri.into())).expect_err(uri);
            assert!(refused.description.contains("frontchannel_logout_uri"), "{uri}: {}", refused.description);
        }
    }

    #[test]
    fn browsers_load_only_what_is_beside_a_redirect_uri() {
        for uri in ["https://a.example/out", "https://a.example:443/", "https://b.example:8443/out?tenant=1"] {
            assert!(with(|own| own.front_channel_uri = Some(uri.into())).is_ok(), "{uri}");
        }
        for uri in
            ["https://c.example/out", "https://a.example:444/out", "https://b.example/out", "https://x.a.example/"]
        {
            let refused = with(|own| own.front_channel_uri = Some(uri.into())).expect_err(uri);
            assert!(refused.description.contains("redirect_uris"), "{uri}: {}", refused.description);
        }
    }

    #[test]
    fn a_session_is_not_needed_where_nobody_is_told() {
        assert!(with(|own| own.back_channel_needs_session = Some(true)).is_err());
        assert!(with(|own| own.front_channel_needs_session = Some(true)).is_err());
        assert!(with(|own| own.front_channel_needs_session = Some(false)).is_ok());
    }

    #[test]
    fn a_frame_keeps_the_query_that_was_registered() {
        let frame = |uri: &str| {
            let logout = Logout { front_channel_uri: Some(uri.into()), ..Logout::default() };
            logout.frame("https://id.example", "a&b").unwrap()
        };
        assert_eq!(frame("https://a.example/out"), "https://a.example/out?iss=https%3A%2F%2Fid.example&sid=a%26b");
        assert_eq!(
            frame("https://a.example/out?tenant=1"),
            "https://a.example/out?tenant=1&iss=https%3A%2F%2Fid.example&sid=a%26b"
        );
    }
}
