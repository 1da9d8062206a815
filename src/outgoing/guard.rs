//! Where this server calls, and where it does not, by address and by name.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{Unanswered, special};

/// What decides. It stands between a name and the connection, so that what it has looked at is what is called: a name
/// that resolves to another address a moment later (DNS rebinding) gains nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Whether loopback and private ranges may be called (`outgoing.allow_private_addresses`).
    pub allow_private_addresses: bool,
}

/// Why this server does not call there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// Another scheme than https, or http where it is not the machine itself that is called.
    #[error("it is no https address")]
    Scheme,
    /// A name and a password in the address.
    #[error("it carries a user name or a password")]
    Credentials,
    /// No host at all.
    #[error("it names no host")]
    NoHost,
    /// Every address of the host is loopback, private, or special in another way.
    #[error("it leads into a private network; `outgoing.allow_private_addresses` would allow that")]
    Private,
}

impl Guard {
    /// What an address itself tells.
    ///
    /// # Errors
    /// Why there will be no call.
    pub fn check(self, url: &Url) -> Result<(), Barred> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Barred::Credentials);
        }
        let literal = match url.host().ok_or(Barred::NoHost)? {
            Host::Domain(_) => None,
            // Hosts like 0x7f.1 and 2130706433 have become addresses when the URL was parsed.
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        let is_own = literal.is_some_and(|address| address.is_loopback()) || url.host_str() == Some("localhost");
        match url.scheme() {
            "https" => {}
            "http" if is_own && self.allow_private_addresses => {}
            _ => return Err(Barred::Scheme),
        }
        // The library asks no resolver about an address that is written out.
        if literal.is_none_or(|address| self.allows(address)) { Ok(()) } else { Err(Barred::Private) }
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allow_private_addresses || special::is_public(address)
    }
}

impl Guard {
    /// The addresses of a host, as far as they may be called.
    ///
    /// # Errors
    /// When there are none, or none of that kind.
    pub(super) async fn find(self, name: &str) -> Result<Vec<IpAddr>, Unanswered> {
        let found = tokio::net::lookup_host((name, 0)).await.map_err(Unanswered::Unknown)?;
        let allowed: Vec<IpAddr> = found.map(|own| own.ip()).filter(|address| self.allows(*address)).collect();
        if allowed.is_empty() { Err(Barred::Private.into()) } else { Ok(allowed) }
    }
}

tokio::task_local! {
    static ADDRESS: IpAddr;
}

/// Make a call to that address of its host, which has been looked up and looked at, and to no other.
pub(super) async fn only_to<F: Future>(address: IpAddr, call: F) -> F::Output {
    ADDRESS.scope(address, call).await
}

impl Resolve for Guard {
    fn resolve(&self, _name: Name) -> Resolving {
        let found = ADDRESS.try_with(|address| *address);
        let guard = *self;
        Box::pin(async move {
            let address = found.map_err(io::Error::other)?;
            if !guard.allows(address) {
                return Err(Barred::Private.into());
            }
            Ok(Box::new(std::iter::once(SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allow_private_addresses: bool, url: &str) -> Result<(), Barred> {
        Guard { allow_private_addresses }.check(&Url::parse(url).unwrap())
    }

    #[test]
    fn an_address_tells_whether_it_is_called() {
        for url in ["https://app.example/jwks", "https://8.8.8.8/", "https://[2606:4700:4700::1111]:8443/"] {
            assert_eq!(check(false, url), Ok(()), "{url}");
        }
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://192.168.1.1/",
        ] {
            assert_eq!(check(false, url), Err(Barred::Private), "{url}");
            assert_eq!(check(true, url), Ok(()), "{url}");
        }
        for url in ["http://app.example/", "ftp://app.example/", "http://10.0.0.1/", "http://localhost.evil.example/"] {
            assert_eq!(check(true, url), Err(Barred::Scheme), "{url}");
        }
        assert_eq!(check(false, "http://127.0.0.1/"), Err(Barred::Scheme));
        for url in ["http://127.0.0.1:8080/", "http://localhost/", "http://[::1]/"] {
            assert_eq!(check(true, url), Ok(()), "{url}");
        }
        assert_eq!(check(true, "https://user:secret@app.example/"), Err(Barred::Credentials));
        assert_eq!(check(true, "data:text/plain,x"), Err(Barred::NoHost));
    }
}
