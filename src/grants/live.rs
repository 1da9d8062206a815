//! Whether a grant is alive: every use asks, and every use compares every epoch (product decision 8).

use std::sync::Arc;

use serde_json::Value;

use crate::{
    accounts::{self, Account},
    clients::{Client, Registry},
    orgs::{self, Membership},
    protocol::{Result, Scope, Timestamp, claims::ClaimsRequest},
    store::{
        Cache, Store, access_tokens, browser_sessions,
        grants::{self, Grant},
        instance,
    },
    tokens::access_token::Claims,
};

/// A grant that was alive when it was read, with all that its tokens say.
#[derive(Clone, Debug)]
pub struct LiveGrant {
    /// The row.
    pub grant: Grant,
    /// What was granted.
    pub scope: Scope,
    /// The APIs the access tokens are for.
    pub resources: Vec<String>,
    /// The claims that were asked for one by one.
    pub claims: ClaimsRequest,
    /// Who gave it.
    pub user: Arc<Account>,
    /// To whom.
    pub client: Arc<Client>,
    /// The user's present role in the organisation it is bound to.
    pub membership: Option<Arc<Membership>>,
    /// When the browser session ends that it may not outlive.
    session_expires_at: Option<i64>,
}

/// Alive, or dead, and of what; for the log.
pub enum Standing {
    /// It may be used.
    Alive(Box<LiveGrant>),
    /// It may not, ever again or for now.
    Dead(&'static str),
}

/// Tells which grants are alive. What it has read it remembers as long as nothing has changed. Cheap to clone.
#[derive(Clone)]
pub struct LiveGrants(Arc<Memory>);

struct Memory {
    store: Store,
    registry: Registry,
    grants: Cache<String, Option<Arc<LiveGrant>>>,
    users: Cache<String, Option<Arc<Account>>>,
    memberships: Cache<(String, String), Option<Arc<Membership>>>,
    issuer_epoch: Cache<(), i64>,
    listings: Cache<String, Arc<Value>>,
    denied: Cache<String, bool>,
    opaque: Cache<String, Option<Arc<Claims>>>,
}

/// So many of each are remembered.
const MOST_REMEMBERED: usize = 10_000;

impl LiveGrants {
    /// The grants of that database.
    #[must_use]
    pub fn new(store: Store, registry: Registry) -> Self {
        Self(Arc::new(Memory {
            store,
            registry,
            grants: Cache::new(MOST_REMEMBERED),
            users: Cache::new(MOST_REMEMBERED),
            memberships: Cache::new(MOST_REMEMBERED),
            issuer_epoch: Cache::new(1),
            listings: Cache::new(MOST_REMEMBERED),
            denied: Cache::new(MOST_REMEMBERED),
            opaque: Cache::new(MOST_REMEMBERED),
        }))
    }

    /// The live grant of that id, for a token that hangs on it; `None` when it is dead.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(&self, id: &str, now: Timestamp) -> Result<Option<Arc<LiveGrant>>> {
        let memory = &self.0;
        let remembered =
            memory.grants.get_or_load(&memory.store, &id.to_owned(), async || self.load(id, now).await).await?;
        match remembered {
            // A session or a grant that lives on is no change that caches hear of: what looks ended by time is read again.
            Some(live) if live.has_ended_by(now) => {
                Ok(self.load(id, now).await?.filter(|live| !live.has_ended_by(now)))
            }
            remembered => Ok(remembered),
        }
    }

    /// Whether a token was revoked before its time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn is_denied(&self, jti: &str) -> Result<bool> {
        let memory = &self.0;
        memory
            .denied
            .get_or_load(&memory.store, &jti.to_owned(), async || {
                let mut db = memory.store.read().await?;
                Ok(access_tokens::is_denied(&mut db, jti).await?)
            })
            .await
    }

    /// What the opaque access token of that hash stands for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn opaque(&self, hash: &str, now: Timestamp) -> Result<Option<Arc<Claims>>> {
        let memory = &self.0;
        memory
            .opaque
            .get_or_load(&memory.store, &hash.to_owned(), async || {
                let mut db = memory.store.read().await?;
                let row = access_tokens::find_opaque(&mut db, hash, now.0).await?;
                Ok(row.map(|json| serde_json::from_str(&json).map(Arc::new)).transpose()?)
            })
            .await
    }

    /// The organisations a user belongs to, as the claim `organizations` lists them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn organizations(&self, user_id: &str) -> Result<Arc<Value>> {
        let memory = &self.0;
        memory
            .listings
            .get_or_load(&memory.store, &user_id.to_owned(), async || {
                let mut db = memory.store.read().await?;
                Ok(Arc::new(orgs::listing(&orgs::memberships_of(&mut db, user_id).await?)))
            })
            .await
    }

    /// The issuer's epoch.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn issuer_epoch(&self) -> Result<i64> {
        let memory = &self.0;
        memory
            .issuer_epoch
            .get_or_load(
                &memory.store,
                &(),
                async || Ok(instance::issuer_epoch(&mut memory.store.read().await?).await?),
            )
            .await
    }

    /// Judge a grant whose row was just read, in the hands of `client`.
    ///
    /// # Errors
    /// When the database cannot be read, or a row holds what this program never writes.
    pub async fn standing(&self, grant: Grant, client: &Arc<Client>, now: Timestamp) -> Result<Standing> {
        if grant.ended_at.is_some() {
            return Ok(Standing::Dead("the grant has been ended"));
        }
        if now.0 >= grant.expires_at {
            return Ok(Standing::Dead("the grant has expired"));
        }
        if !client.enabled || grant.client_id != client.id || grant.client_epoch != client.epoch {
            return Ok(Standing::Dead("the client is disabled, or all it was given has been revoked"));
        }
        if grant.issuer_epoch != self.issuer_epoch().await? {
            return Ok(Standing::Dead("everything given before the issuer's present epoch is revoked"));
        }
        let Some(user) = self.user(&grant.user_id).await?.filter(|user| user.enabled && user.epoch == grant.user_epoch)
        else {
            return Ok(Standing::Dead("the user is gone or disabled, or has signed out everywhere"));
        };
        let membership = match &grant.org_id {
            None => None,
            Some(org_id) => match self.membership(&grant.user_id, org_id).await? {
                Some(membership) if membership.org_epoch == grant.org_epoch => Some(membership),
                _ => return Ok(Standing::Dead("the user is no active member of the organisation any more")),
            },
        };
        // A code ends with its session whatever it would have given (product decision 3).
        let session_expires_at = if grant.offline && grant.code_spent_at.is_some() {
            None
        } else {
            match self.session_end(&grant.sid, now).await? {
                Some(end) => Some(end),
                None => return Ok(Standing::Dead("the browser session it was given in has ended")),
            }
        };
        Ok(Standing::Alive(Box::new(LiveGrant {
            scope: Scope::parse(&grant.scope)?,
            resources: serde_json::from_str(&grant.resources)?,
            claims: grant.claims.as_deref().map(ClaimsRequest::parse).transpose()?.unwrap_or_default(),
            user,
            client: client.clone(),
            membership,
            session_expires_at,
            grant,
        })))
    }

    async fn load(&self, id: &str, now: Timestamp) -> Result<Option<Arc<LiveGrant>>> {
        let memory = &self.0;
        // No connection is held while the registry may need one of its own.
        let row = grants::find(&mut memory.store.read().await?, id).await?;
        let Some(grant) = row.filter(|grant| grant.code_spent_at.is_some()) else { return Ok(None) };
        let Some(client) = memory.registry.find(&grant.client_id).await? else { return Ok(None) };
        Ok(match self.standing(grant, &client, now).await? {
            Standing::Alive(live) => Some(Arc::new(*live)),
            Standing::Dead(_) => None,
        })
    }

    /// The account of that subject identifier, as it stands now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn user(&self, sub: &str) -> Result<Option<Arc<Account>>> {
        let memory = &self.0;
        memory
            .users
            .get_or_load(&memory.store, &sub.to_owned(), async || {
                let mut db = memory.store.read().await?;
                Ok(accounts::find(&mut db, sub).await?.map(Arc::new))
            })
            .await
    }

    async fn membership(&self, user_id: &str, org_id: &str) -> Result<Option<Arc<Membership>>> {
        let memory = &self.0;
        let key = (user_id.to_owned(), org_id.to_owned());
        memory
            .memberships
            .get_or_load(&memory.store, &key, async || {
                let mut db = memory.store.read().await?;
                Ok(orgs::membership(&mut db, user_id, org_id).await?.map(Arc::new))
            })
            .await
    }

    async fn session_end(&self, sid: &str, now: Timestamp) -> Result<Option<i64>> {
        let mut db = self.0.store.read().await?;
        Ok(browser_sessions::find(&mut db, sid, now.0).await?.map(|session| session.expires_at))
    }
}

impl LiveGrant {
    /// Whether time has ended it since it was read.
    fn has_ended_by(&self, now: Timestamp) -> bool {
        now.0 >= self.grant.expires_at || self.session_expires_at.is_some_and(|end| now.0 >= end)
    }
}
