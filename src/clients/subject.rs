//! As whom a client knows its users: by their own `sub`, or by one that only the clients of its sector know (OIDC Core
//! §8, OIDC Registration §5).

use std::{collections::BTreeSet, fmt};

use url::Url;

use super::{
    Client, Metadata,
    links::{WEB_ADDRESS, is_web_address},
    metadata::wrong,
    registration::Wanted,
};
use crate::{
    keys::PairwiseKey,
    outgoing::Outgoing,
    protocol::{RedirectUri, Refusal, SubjectType, with_causes},
};

/// The names that users and their sessions go by at a client.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Subjects {
    /// None where they are those that all public clients know.
    sector: Option<String>,
}

impl Subjects {
    /// Those that this client is told.
    #[must_use]
    pub fn of(client: &Client) -> Self {
        let metadata = &client.metadata;
        let sector = match metadata.subject_type {
            SubjectType::Public => None,
            // What is on users' devices has no host that is its own: it shares its names with nobody. No host is like it.
            SubjectType::Pairwise => {
                Some(sector(metadata).ok().flatten().unwrap_or_else(|| format!("client:{}", client.id)))
            }
        };
        Self { sector }
    }

    /// The `sub` of a user. It begins as every user's does, so that it is never the id of a client; and it is longer than
    /// any user's own.
    #[must_use]
    pub fn sub(&self, key: &PairwiseKey, user: &str) -> String {
        match &self.sector {
            None => user.to_owned(),
            Some(sector) => format!("{}{}", super::registration::OF_USERS, key.name("sub", sector, user)),
        }
    }

    /// The `sid` of a browser session: two sectors that compare what they were told find nobody by it, either.
    #[must_use]
    pub fn sid(&self, key: &PairwiseKey, session: &str) -> String {
        match &self.sector {
            None => session.to_owned(),
            Some(sector) => key.name("sid", sector, session),
        }
    }
}

impl fmt::Debug for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subjects({})", self.sector.as_deref().unwrap_or("public"))
    }
}

/// What was read at a `sector_identifier_uri`.
#[derive(Clone, Debug)]
pub struct Sector {
    uri: String,
    redirect_uris: Vec<String>,
}

impl Sector {
    /// Read what the registration of a client, or a change of one, needs of its `sector_identifier_uri`; nothing where it
    /// needs none. This waits for another server: not while a transaction is open.
    ///
    /// # Errors
    /// `invalid_client_metadata` when there is no JSON array of texts.
    pub async fn read(
        outgoing: &Outgoing,
        wanted: &Wanted,
        before: Option<&Metadata>,
    ) -> Result<Option<Self>, Refusal> {
        let stays = || before.filter(|_| wanted.redirect_uris.is_some())?.sector_identifier_uri.as_deref();
        let Some(uri) = wanted.sector_identifier_uri.as_deref().or_else(stays).filter(|uri| !uri.is_empty()) else {
            return Ok(None);
        };
        let url = parse(uri)?;
        // One sentence, whatever is there: an address that somebody made up is not looked into for them.
        let unread = |why: String| {
            wrong("`sector_identifier_uri` cannot be read, or there is no JSON array of redirect URIs").hint(why)
        };
        let answer = outgoing.get(&url, "application/json", LONGEST).await.map_err(|why| unread(with_causes(&why)))?;
        let redirect_uris = serde_json::from_slice(&answer.body).map_err(|why| unread(why.to_string()))?;
        Ok(Some(Self { uri: uri.to_owned(), redirect_uris }))
    }
}

/// See that a client can have the subjects it asks for. `proof` is what was read at its `sector_identifier_uri`, which
/// has to name every redirect URI: else anybody could join the sector of somebody else (OIDC Registration §5).
///
/// # Errors
/// `invalid_client_metadata`, naming the member.
pub(super) fn check(metadata: &Metadata, before: &Metadata, proof: Option<&Sector>) -> Result<(), Refusal> {
    if metadata.subject_type == SubjectType::Pairwise {
        sector(metadata)?;
    }
    let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
    parse(uri)?;
    if before.sector_identifier_uri.as_ref() == Some(uri) && before.redirect_uris == metadata.redirect_uris {
        return Ok(());
    }
    let Some(proof) = proof.filter(|proof| proof.uri == *uri) else {
        return Err(wrong("`sector_identifier_uri` has not been read"));
    };
    let is_there = |own: &RedirectUri| proof.redirect_uris.iter().any(|there| there == own.as_str());
    match metadata.redirect_uris.iter().find(|own| !is_there(own)) {
        Some(missing) => Err(wrong(format!("what is at `sector_identifier_uri` does not have `{missing}`"))),
        None => Ok(()),
    }
}

/// The host that tells which clients know a user by the same name; none where all answers go to the user's own device,
/// or nowhere.
fn sector(metadata: &Metadata) -> Result<Option<String>, Refusal> {
    if let Some(uri) = &metadata.sector_identifier_uri {
        return Ok(parse(uri)?.host_str().map(str::to_owned));
    }
    let host = |uri: &RedirectUri| match Url::parse(uri.as_str()) {
        // Every app on every device may be at 127.0.0.1.
        Ok(url) if !uri.is_native() => url.host_str().map(str::to_owned),
        _ => None,
    };
    let mut hosts: BTreeSet<_> = metadata.redirect_uris.iter().map(host).collect();
    let one = hosts.pop_first().flatten();
    if hosts.is_empty() {
        return Ok(one);
    }
    Err(wrong("the redirect URIs have several hosts: `subject_type` pairwise needs a `sector_identifier_uri` then"))
}

fn parse(uri: &str) -> Result<Url, Refusal> {
    let url = Url::parse(uri).ok().filter(|_| is_web_address(uri));
    url.ok_or_else(|| wrong(format!("`sector_identifier_uri` is `{uri}`; expected {WEB_ADDRESS}")))
}

/// In bytes: a hundred redirect URIs, and those of the other clients of the sector.
const LONGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ApplicationType, Timestamp};

    fn key() -> PairwiseKey {
        PairwiseKey::new(&[7; 32])
    }

    fn metadata(uris: &[&str]) -> Metadata {
        let read = |uri: &&str| RedirectUri::parse(uri, ApplicationType::Native).unwrap();
        Metadata {
            subject_type: SubjectType::Pairwise,
            redirect_uris: uris.iter().map(read).collect(),
            ..Metadata::default()
        }
    }

    fn client(id: &str, metadata: Metadata) -> Client {
        Client::registered(id, metadata, Timestamp(0))
    }

    fn sub(id: &str, uris: &[&str]) -> String {
        Subjects::of(&client(id, metadata(uris))).sub(&key(), "usr_alice")
    }

    #[test]
    fn the_clients_of_one_host_know_a_user_by_one_name_and_those_of_another_by_another() {
        let one = sub("a", &["https://a.example/cb", "https://A.example/other"]);
        assert_eq!(one, sub("b", &["https://a.example:8443/cb"]), "the host alone is the sector");
        assert_ne!(one, sub("a", &["https://b.example/cb"]));
        assert!(one.starts_with("usr_") && one.len() > 40, "{one}");
        assert_ne!(one, Subjects::of(&client("a", metadata(&["https://a.example/cb"]))).sub(&key(), "usr_bob"));
        let other = PairwiseKey::new(&[8; 32]);
        assert_ne!(one, Subjects::of(&client("a", metadata(&["https://a.example/cb"]))).sub(&other, "usr_alice"));
    }

    #[test]
    fn apps_on_devices_share_their_names_with_nobody() {
        for uri in ["http://127.0.0.1/cb", "http://localhost/cb", "com.example.app:/cb"] {
            assert_ne!(sub("a", &[uri]), sub("b", &[uri]), "{uri}");
        }
        assert_eq!(sub("a", &["http://127.0.0.1/cb"]), sub("a", &["com.example.app:/cb"]));
        assert_ne!(sub("a", &[]), sub("b", &[]));
    }

    #[test]
    fn a_session_goes_by_another_name_in_each_sector_too_and_by_its_own_at_public_clients() {
        let of = |uris: &[&str]| Subjects::of(&client("a", metadata(uris)));
        let one = of(&["https://a.example/cb"]);
        assert_eq!(one.sid(&key(), "s"), of(&["https://a.example/x"]).sid(&key(), "s"));
        assert_ne!(one.sid(&key(), "s"), of(&["https://b.example/cb"]).sid(&key(), "s"));
        assert_ne!(one.sub(&key(), "s"), format!("usr_{}", one.sid(&key(), "s")), "of a user and of a session");
        let public = Subjects::of(&client("a", Metadata::default()));
        assert_eq!((public.sub(&key(), "usr_alice"), public.sid(&key(), "s")), ("usr_alice".into(), "s".into()));
    }

    #[test]
    fn several_hosts_need_a_sector_that_names_them_all() {
        let mut two = metadata(&["https://a.example/cb", "https://b.example/cb"]);
        let none = Metadata::default();
        let refused = |metadata: &Metadata, proof: Option<&Sector>| {
            check(metadata, &none, proof).unwrap_err().description.into_owned()
        };
        assert!(refused(&two, None).contains("several hosts"));
        assert!(refused(&metadata(&["https://a.example/cb", "app.example:/cb"]), None).contains("several hosts"));
        let uri = "https://sector.example/uris.json";
        two.sector_identifier_uri = Some(uri.into());
        assert!(refused(&two, None).contains("has not been read"));
        let there = |uri: &str, uris: &[&str]| Sector {
            uri: uri.into(),
            redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        };
        let (one, both) = (&["https://a.example/cb"][..], &["https://b.example/cb", "https://a.example/cb"][..]);
        assert!(refused(&two, Some(&there(uri, one))).contains("`https://b.example/cb`"));
        assert!(refused(&two, Some(&there("https://other.example/", both))).contains("has not been read"));
        assert_eq!(check(&two, &none, Some(&there(uri, both))), Ok(()));
        assert_eq!(check(&two, &two, None), Ok(()), "what has not changed is not read again");
        assert_eq!(sector(&two).unwrap().as_deref(), Some("sector.example"));
        two.sector_identifier_uri = Some("http://sector.example/".into());
        assert!(refused(&two, None).contains("expected an https address"));
    }
}
