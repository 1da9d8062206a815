//! What a demo starts with: organisations, people with roles in them, an app and an API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{app, data::Memory, resource_server};
use crate::{
    accounts::{self, NewAccount, Passwords, Queue, Verdict},
    clients::{Gate, Registry, registration, resource},
    orgs::{self, NewOrg},
    protocol::{Error, PlainSecret, Result, Timestamp},
    random::Random,
    store::{Store, instance, users},
};

/// The fact in the database that says that it is a demo's: `serve` keeps such a one off the network.
pub const MARK: &str = "demo";

/// The sample app's client id.
pub const CLIENT_ID: &str = "fieldnotes";

/// Who is in which organisation, as what.
const PEOPLE: &[Person] = &[
    Person {
        username: "alice",
        given_name: "Alice",
        family_name: "Archer",
        roles: &[("acme", "owner"), ("globex", "viewer")],
    },
    Person { username: "bob", given_name: "Bob", family_name: "Baker", roles: &[("acme", "editor")] },
    Person { username: "carol", given_name: "Carol", family_name: "Cooper", roles: &[] },
];
const ORGANISATIONS: &[(&str, &str)] = &[("acme", "Acme"), ("globex", "Globex")];

struct Person {
    username: &'static str,
    given_name: &'static str,
    family_name: &'static str,
    roles: &'static [(&'static str, &'static str)],
}

/// The addresses a database is set up for; empty ones while it is not.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Mark {
    issuer: String,
    app: String,
    resource_server: String,
}

/// Somebody who can sign in to the demo.
#[derive(Clone)]
pub struct Entry {
    /// The name to sign in with.
    pub username: String,
    /// The password; none if it is not the demo's any more.
    pub password: Option<String>,
    /// Role and organisation, each.
    pub roles: Vec<(String, String)>,
}

/// What setting up needs.
pub(super) struct Seed<'a> {
    pub(super) store: &'a Store,
    pub(super) registry: &'a Registry,
    pub(super) passwords: &'a Passwords,
    pub(super) random: &'a Random,
    pub(super) now: Timestamp,
}

impl Seed<'_> {
    /// Make everything, once; later only follow the addresses if those have changed. Whoever was killed in the middle
    /// goes on where it was.
    pub(super) async fn sow(&self, memory: &Memory) -> Result<()> {
        let mark = self.mark().await?;
        if mark.issuer.is_empty() {
            self.people(memory).await?;
        }
        let wanted = Mark {
            issuer: memory.issuer.clone(),
            app: memory.app.clone(),
            resource_server: memory.resource_server.clone(),
        };
        if mark != wanted {
            self.api(&mark.resource_server, &wanted.resource_server).await?;
            self.client(memory).await?;
            let mut tx = self.store.write().await?;
            instance::replace(&mut tx, MARK, &text(&mark)?, &text(&wanted)?).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// The people of the demo as the database has them now: whoever runs it may have changed their passwords and roles.
    pub(super) async fn people_now(&self, memory: &Memory) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (username, password) in &memory.users {
            let mut db = self.store.read().await?;
            let user = users::find_by_username(&mut db, username).await?;
            let Some(user) = user.filter(|user| user.enabled) else { continue };
            let roles = orgs::memberships_of(&mut db, &user.id).await?;
            drop(db);
            let turn = self.passwords.turn(Queue::KnownDevice).await?;
            let verdict = turn.verify(&PlainSecret::new(password), user.password_hash, self.random).await?;
            entries.push(Entry {
                username: username.clone(),
                password: (!matches!(verdict, Verdict::Wrong)).then(|| password.clone()),
                roles: roles.into_iter().map(|own| (own.role, own.org_slug)).collect(),
            });
        }
        Ok(entries)
    }

    /// The mark of a demo's database; a database that holds somebody's users is none, and is left alone.
    async fn mark(&self) -> Result<Mark> {
        let mut tx = self.store.write().await?;
        if let Some(mark) = instance::find(&mut tx, MARK).await? {
            return Ok(serde_json::from_str(&mark)?);
        }
        if !accounts::list(&mut tx, "", 1).await?.is_empty() {
            return Err(Error::broken("the database in the demo's directory is not a demo's"));
        }
        let mark = Mark::default();
        instance::claim(&mut tx, MARK, &text(&mark)?).await?;
        tx.commit().await?;
        Ok(mark)
    }

    async fn people(&self, memory: &Memory) -> Result<()> {
        for (slug, name) in ORGANISATIONS {
            if orgs::find(&mut self.store.read().await?, slug).await?.is_none() {
                orgs::create(self.store, NewOrg { slug, name }, self.now, self.random).await?;
            }
        }
        for person in PEOPLE {
            let found = accounts::find_by_username(&mut self.store.read().await?, person.username).await?;
            let sub = match found {
                Some(account) => account.sub,
                None => {
                    let new = person.account(memory.users.get(person.username));
                    accounts::create(self.store, self.passwords, new, self.now, self.random).await?.sub
                }
            };
            for (slug, role) in person.roles {
                self.join(slug, &sub, role).await?;
            }
        }
        Ok(())
    }

    async fn join(&self, slug: &str, sub: &str, role: &str) -> Result<()> {
        let mut db = self.store.read().await?;
        let Some(org) = orgs::find(&mut db, slug).await? else { return Ok(()) };
        if orgs::member(&mut db, &org.id, sub).await?.is_none() {
            drop(db);
            orgs::add_member(self.store, &org.id, sub, role, self.now).await?;
        }
        Ok(())
    }

    /// The API under its present address. One under an earlier address goes: two APIs with the same scopes would leave
    /// open which one a request means.
    async fn api(&self, before: &str, uri: &str) -> Result<()> {
        if !before.is_empty() && before != uri {
            resource::delete(self.registry, before).await?;
        }
        let wanted = resource::Wanted {
            name: Some("Fieldnotes API".to_owned()),
            scope: Some(vec![resource_server::SCOPES.to_owned()]),
            gate: Some(Gate::Role),
            ..resource::Wanted::default()
        };
        if resource::update(self.registry, uri, &wanted, self.now).await?.is_none() {
            resource::create(self.registry, uri, &wanted, self.now).await?;
        }
        Ok(())
    }

    /// The sample app, with its present addresses.
    async fn client(&self, memory: &Memory) -> Result<()> {
        let wanted = registration::Wanted {
            client_name: Some(app::NAME.to_owned()),
            redirect_uris: Some(vec![format!("{}{}", memory.app, app::CALLBACK)]),
            post_logout_redirect_uris: Some(vec![format!("{}{}", memory.app, app::SIGNED_OUT)]),
            scope: Some(app::SCOPE.to_owned()),
            client_uri: Some(memory.app.clone()),
            logo_uri: Some(format!("{}{}", memory.app, app::LOGO)),
            ..registration::Wanted::default()
        };
        let id = &memory.client_id;
        if registration::update(self.registry, id, wanted.clone(), self.now, self.random).await?.is_none() {
            let secret = Some(PlainSecret::new(&memory.client_secret));
            let new = registration::New { id: Some(id.clone()), secret, wanted, is_by_itself: false };
            registration::create(self.registry, new, self.now, self.random).await?;
        }
        Ok(())
    }
}

impl Person {
    fn account(&self, password: Option<&String>) -> NewAccount {
        let claims = json!({
            "name": format!("{} {}", self.given_name, self.family_name),
            "given_name": self.given_name,
            "family_name": self.family_name,
        });
        let claims: Map<String, Value> = claims.as_object().cloned().unwrap_or_default();
        NewAccount {
            username: self.username.to_owned(),
            email: Some(format!("{}@example.com", self.username)),
            email_verified: true,
            claims,
            password: password.map(PlainSecret::new),
        }
    }
}

/// The user names a demo makes.
pub(super) fn usernames() -> impl Iterator<Item = &'static str> {
    PEOPLE.iter().map(|person| person.username)
}

/// A password of 80 random bits that can be read aloud and typed.
pub(super) fn password(random: &Random) -> String {
    let bytes = random.bytes::<16>();
    let letters: Vec<char> = bytes.iter().filter_map(|byte| ALPHABET.chars().nth(usize::from(byte % 32))).collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// Thirty-two characters of which none is taken for another.
const ALPHABET: &str = "abcdefghijkmnpqrstuvwxyz23456789";

fn text(mark: &Mark) -> Result<String> {
    Ok(serde_json::to_string(mark)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_four_times_four_letters_and_never_the_same() {
        let (one, other) = (password(&Random::System), password(&Random::System));
        assert_ne!(one, other);
        assert_eq!(one.len(), 19);
        assert!(one.chars().all(|c| c == '-' || ALPHABET.contains(c)), "{one}");
        assert_eq!(ALPHABET.chars().count(), 32);
    }
}
