//! Telling clients that a session has ended (OIDC Back-Channel Logout 1.0 §2.5): whoever ends one has left a notice for each
//! of them, and whichever node gets there first delivers it. Nobody who signs out waits for that.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedSemaphorePermit},
    task::JoinSet,
    time::timeout,
};
use url::Url;

use crate::{
    clients::{Client, Subjects},
    keys::Content,
    outgoing::{
        Unanswered,
        turns::{self, Turns},
    },
    protocol::{Lifetime, Result, Timestamp, typ, with_causes},
    server::Server,
    store::{
        self, StoreError,
        logout_notices::{self, Notice},
    },
    telemetry::Notified,
    tokens::logout_token::{self, Events, LogoutToken},
};

/// The deliveries that are under way on this node. They end when it is dropped; what was not delivered by then is tried again.
pub struct SignOuts {
    server: Arc<Server>,
    turns: Turns<String>,
    under_way: Mutex<JoinSet<()>>,
}

/// A notice with all that is needed to deliver it.
struct Delivery {
    notice: Notice,
    client: Arc<Client>,
    url: Url,
    /// Held as long as the receiver is at work with it.
    _turn: OwnedSemaphorePermit,
}

/// What to do about a notice.
enum Due {
    Deliver(Delivery),
    /// Its receiver has enough to do.
    PutOff(Notice),
    /// There is nobody any more who wants to hear it.
    Drop(Notice),
    /// It comes too late.
    GiveUp(Notice),
}

impl SignOuts {
    /// Nothing is under way yet.
    #[must_use]
    pub fn new(server: Arc<Server>) -> Self {
        Self { server, turns: Turns::new(MOST_AT_ONE_HOST), under_way: Mutex::default() }
    }

    /// Begin to deliver what is due.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn begin(&self) -> Result<()> {
        let mut under_way = self.under_way.lock().await;
        while under_way.try_join_next().is_some() {}
        let now = self.server.clock.now();
        let mut db = self.server.store.read().await?;
        let due = logout_notices::due(&mut db, now.0, MOST_OF_ONE_CLIENT, MOST_LOOKED_AT).await?;
        drop(db);
        if due.is_empty() {
            return Ok(());
        }
        let mut room = MOST_AT_A_TIME.saturating_sub(under_way.len());
        let mut all = Vec::new();
        for notice in due {
            let due = self.judge(notice, room, now).await?;
            room = room.saturating_sub(usize::from(matches!(due, Due::Deliver(_))));
            all.push(due);
        }
        let mine = store::retried(|| take(&self.server, &all, now)).await?;
        for (due, is_mine) in all.into_iter().zip(mine) {
            match due {
                Due::Deliver(delivery) if is_mine => {
                    under_way.spawn(deliver(self.server.clone(), delivery));
                }
                Due::GiveUp(notice) if is_mine => give_up(&self.server, &notice, "it has waited for too long"),
                _ => {}
            }
        }
        Ok(())
    }

    /// Wait until nothing is under way.
    pub async fn settled(&self) {
        let mut under_way = self.under_way.lock().await;
        while under_way.join_next().await.is_some() {}
    }

    async fn judge(&self, notice: Notice, room: usize, now: Timestamp) -> Result<Due> {
        let client = self.server.registry.find(&notice.client_id).await?.filter(|client| client.enabled);
        let url =
            client.as_ref().and_then(|client| Url::parse(client.metadata.logout.back_channel_uri.as_deref()?).ok());
        let (Some(client), Some(url)) = (client, url) else { return Ok(Due::Drop(notice)) };
        if now.0 >= notice.expires_at {
            return Ok(Due::GiveUp(notice));
        }
        if room == 0 {
            return Ok(Due::PutOff(notice));
        }
        // A receiver that does not answer keeps a few deliveries waiting, and the others are delivered meanwhile.
        Ok(match self.turns.try_take(turns::name(&url)) {
            Some(turn) => Due::Deliver(Delivery { notice, client, url, _turn: turn }),
            None => Due::PutOff(notice),
        })
    }
}

/// Write down what becomes of each; whether it is this node's to do so. Before anything is sent: a node that crashes then
/// has not lost the notice, only its turn.
async fn take(server: &Server, all: &[Due], now: Timestamp) -> std::result::Result<Vec<bool>, StoreError> {
    let mut tx = server.store.write().await?;
    // Whoever deletes a client deletes its notices, in another order.
    tx.line_up().await?;
    let mut mine = Vec::new();
    for due in all {
        mine.push(match due {
            Due::Deliver(Delivery { notice, .. }) => {
                logout_notices::take(&mut tx, notice, (now + pause(notice.attempts)).0).await?
            }
            Due::PutOff(notice) => {
                logout_notices::put_off(&mut tx, notice, (now + BUSY).0).await?;
                false
            }
            Due::Drop(notice) | Due::GiveUp(notice) => logout_notices::delete(&mut tx, notice).await?,
        });
    }
    tx.commit().await?;
    Ok(mine)
}

/// What a client makes of being told.
enum Heard {
    /// It has signed its user out.
    Yes,
    /// It will never take it.
    Never(String),
    /// It may take it another time.
    NotNow(String),
}

async fn deliver(server: Arc<Server>, delivery: Delivery) {
    let Delivery { notice, client, url, _turn } = delivery;
    let heard = timeout(LONGEST_TRY, tell(&server, &notice, &client, &url)).await;
    let heard = heard.unwrap_or_else(|_| Heard::NotNow("it has taken too long".to_owned()));
    let is_last = notice.attempts.saturating_add(1) >= MOST_ATTEMPTS;
    match heard {
        Heard::NotNow(why) if !is_last => {
            server.metrics.notified(Notified::Retried);
            tracing::debug!(client = notice.client_id, why, "a client could not be told that a session has ended");
            return;
        }
        Heard::NotNow(why) | Heard::Never(why) => give_up(&server, &notice, &why),
        Heard::Yes => {
            server.metrics.notified(Notified::Delivered);
            tracing::info!(
                event = "logout_delivered",
                client = notice.client_id,
                "a client was told that a session has ended"
            );
        }
    }
    let forgotten = store::retried(|| async {
        let mut tx = server.store.write().await?;
        logout_notices::delete(&mut tx, &notice).await?;
        tx.commit().await
    });
    if let Err(error) = forgotten.await {
        // It is told once more, under the same `jti`.
        tracing::warn!(client = notice.client_id, cause = error.to_string(), "a notice cannot be forgotten");
    }
}

/// OIDC Back-Channel Logout §2.5, §2.8.
async fn tell(server: &Server, notice: &Notice, client: &Client, url: &Url) -> Heard {
    // Made anew for each try, since keys change meanwhile and a token is short-lived.
    let signed = match token(server, notice, client) {
        Ok(token) => token,
        Err(error) => return Heard::NotNow(error.to_string()),
    };
    let token = match client.metadata.id_token_encryption() {
        None => signed,
        // §2.4: as the client's ID tokens are; and as those, never in clear.
        Some(how) => {
            let now = server.clock.now();
            match server.client_keys.encrypt(client, how, Content::Jwt(&signed), now).await {
                Ok(sealed) => sealed,
                Err(trouble) => return Heard::NotNow(with_causes(&trouble)),
            }
        }
    };
    match server.outgoing.post(url, &[("logout_token", token.as_str())]).await {
        Ok(200 | 204) => Heard::Yes,
        Ok(status @ 400) => Heard::Never(Unanswered::Status(status).to_string()),
        Ok(status) => Heard::NotNow(Unanswered::Status(status).to_string()),
        Err(unanswered) => Heard::NotNow(unanswered.to_string()),
    }
}

fn token(server: &Server, notice: &Notice, client: &Client) -> Result<String> {
    let now = server.clock.now();
    let (subjects, key) = (Subjects::of(client), server.keyring.pairwise_key());
    let claims = LogoutToken {
        iss: &server.settings.issuer,
        aud: &notice.client_id,
        iat: now.0,
        exp: (now + logout_token::LIFETIME).0,
        jti: &logout_token::jti(&notice.sid, &notice.client_id, Timestamp(notice.created_at)),
        events: Events::default(),
        sub: &subjects.sub(&key, &notice.user_id),
        sid: &subjects.sid(&key, &notice.sid),
    };
    // It comes from nobody whom the client called, so that it is signed whatever ID tokens are.
    let metadata = &client.metadata;
    let algorithm = metadata.id_token_signed_response_alg.algorithm().unwrap_or(metadata.access_token_signing_alg);
    server.keyring.sign(algorithm, typ::LOGOUT_JWT, &claims)
}

fn give_up(server: &Server, notice: &Notice, why: &str) {
    server.metrics.notified(Notified::GivenUp);
    tracing::warn!(
        event = "logout_given_up",
        client = notice.client_id,
        why,
        hint = "its users may still be signed in there: does its `backchannel_logout_uri` answer with 200?",
        "a client was not told that a session has ended"
    );
}

/// How long to wait after so many tries in vain: always longer than a try can take.
fn pause(attempts: i64) -> Lifetime {
    let doubled = u32::try_from(attempts).ok().and_then(|times| FIRST_PAUSE.0.checked_shl(times.min(16)));
    Lifetime(doubled.unwrap_or(LONGEST_PAUSE.0).min(LONGEST_PAUSE.0))
}

const FIRST_PAUSE: Lifetime = Lifetime::seconds(15);
/// Of its keys being read and of its answer.
const LONGEST_TRY: Duration = Duration::from_secs(14);
const LONGEST_PAUSE: Lifetime = Lifetime::minutes(30);
const BUSY: Lifetime = Lifetime::seconds(2);

/// An hour and a half.
const MOST_ATTEMPTS: i64 = 10;

/// Half of the calls there may be: the keys of clients are read meanwhile.
const MOST_AT_A_TIME: usize = 16;
const MOST_AT_ONE_HOST: usize = 2;
const MOST_LOOKED_AT: i64 = 100;
/// Twice as many as one host is told at a time: another node may be at the first of them.
const MOST_OF_ONE_CLIENT: i64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_have_an_end() {
        let pauses: Vec<i64> = (0..MOST_ATTEMPTS).map(|attempts| pause(attempts).0).collect();
        assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
        assert_eq!(pause(i64::MAX), LONGEST_PAUSE);
        assert!(pauses.iter().sum::<i64>() < logout_notices::KEPT.0, "every try has its time");
    }
}
