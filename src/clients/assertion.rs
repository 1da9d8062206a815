//! A client that proves itself by a JWT it has signed, with a key of its own (`private_key_jwt`) or with its secret
//! (`client_secret_jwt`: OIDC Core §9, RFC 7521 §4.2, RFC 7523 §3).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::{authentication::Context, registry::Registered};
use crate::{
    keys::{jwk_set::unverified, shared_secret},
    protocol::{Algorithm, AuthMethod, ErrorCode, Lifetime, Params, Refusal, Result, typ, with_causes},
    store::client_assertions,
};

/// The one kind of assertion there is (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The kinds that an assertion may say it is of, where it says: the latter by the draft that follows RFC 7523.
const TYPES: &[&str] = &["JWT", "client-authentication+jwt", "application/client-authentication+jwt"];

/// An assertion as it came, and whose it claims to be.
#[derive(Debug)]
pub(super) struct Assertion<'a> {
    pub(super) client_id: String,
    token: &'a str,
}

/// What it says (RFC 7523 §3).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(default, deserialize_with = "some_seconds")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "some_seconds")]
    iat: Option<i64>,
    #[serde(default)]
    jti: Option<String>,
}

/// A NumericDate, which may have a fraction (RFC 7519 §2).
fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<i64, D::Error> {
    Ok(f64::deserialize(value)?.floor() as i64)
}

fn some_seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Option<i64>, D::Error> {
    seconds(value).map(Some)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl<'a> Assertion<'a> {
    /// The assertion of a request; `None` if it has none.
    ///
    /// # Errors
    /// `invalid_client` for half of one, what is no signed JWT, or what names two clients; `invalid_request` for one that
    /// is another client's than the request's.
    pub(super) fn read(params: &'a Params) -> Result<Option<Self>, Refusal> {
        let token = match (params.get("client_assertion"), params.get("client_assertion_type")) {
            (None, None) => return Ok(None),
            (Some(token), Some(JWT_BEARER)) => token,
            (Some(_), Some(_)) => {
                return Err(unproven("`client_assertion_type` is unknown; this server takes jwt-bearer (RFC 7523)"));
            }
            _ => return Err(unproven("`client_assertion` and `client_assertion_type` need each other")),
        };
        let malformed = || unproven("`client_assertion` is no signed JWT with iss, sub, aud and exp");
        let said = unverified(token).ok_or_else(malformed)?;
        // RFC 8725 §3.11: what the client has signed for another purpose proves nothing.
        if said.typ.is_some_and(|typ| !typ::is_among(&typ, TYPES)) {
            return Err(unproven(
                "the `typ` of the client assertion is that of something else; expected `JWT` or none",
            ));
        }
        let claims: Claims = serde_json::from_slice(&said.payload).map_err(|_| malformed())?;
        if claims.iss != claims.sub {
            return Err(unproven("`iss` and `sub` of the client assertion are not the same; both are the client id"));
        }
        if params.get("client_id").is_some_and(|id| id != claims.sub) {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "`client_id` is another client than the one that the client assertion is of",
            ));
        }
        Ok(Some(Self { client_id: claims.sub, token }))
    }

    /// See that the client signed it, for this server, not long ago, and never used it before. What it says is told only
    /// to whoever has the client's key; all others hear the same sentence.
    ///
    /// # Errors
    /// `invalid_client`; or when the database cannot be written.
    pub(super) async fn prove(&self, context: &Context<'_>, known: &Registered) -> Result<()> {
        let client = &known.client;
        // The registration says how it is signed, and what it is checked by follows from that: no header decides whether a
        // key is a secret.
        let payload = match client.metadata.token_endpoint_auth_method {
            AuthMethod::PrivateKeyJwt => self.signed_by_key(context, known).await?,
            AuthMethod::ClientSecretJwt => {
                let secrets = context.registry.shared_secrets(known, context.now)?;
                shared_secret::verify(self.token, &secrets).map_err(|bad| self.failed(&bad.to_string()))?
            }
            _ => return Err(self.failed("it is not registered for assertions").into()),
        };
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| self.failed("it says too little"))?;
        let jti = claims.check(context)?;
        // Kept for a while longer than it counts: whoever has waited for keys meanwhile, or has a clock that is behind.
        let hash = Sha256::digest(format!("{}\n{jti}", client.id));
        let mut tx = context.registry.store().write().await?;
        let is_first = client_assertions::spend(
            &mut tx,
            &URL_SAFE_NO_PAD.encode(hash),
            claims.exp.saturating_add(Lifetime::SKEW.0),
        )
        .await?;
        tx.commit().await?;
        if is_first {
            return Ok(());
        }
        tracing::warn!(event = "client_assertion_replayed", client = %client.id, "a client assertion was sent twice");
        Err(unproven("this client assertion has been used before; each needs a jti of its own").into())
    }

    async fn signed_by_key(&self, context: &Context<'_>, known: &Registered) -> Result<Vec<u8>, Refusal> {
        let one = known.client.metadata.token_endpoint_auth_signing_alg.map(|own| [own]);
        let accepted = one.as_ref().map_or(Algorithm::ALL, |own| own);
        let signed = context.keys.verify(&known.client, self.token, accepted, context.now).await;
        signed.map(|signed| signed.payload).map_err(|trouble| self.failed(&with_causes(&trouble)))
    }

    fn failed(&self, why: &str) -> Refusal {
        super::authentication::failed(&self.client_id, why)
    }
}

impl Claims {
    /// The `jti`, once everything else fits.
    fn check(&self, context: &Context<'_>) -> Result<&str, Refusal> {
        let is_ours = |audience: &String| {
            let rest = audience.strip_prefix(context.issuer);
            rest.is_some_and(|path| path.is_empty() || path == context.token_endpoint)
        };
        // An assertion that is for others, too, can be sent on by them.
        let is_for_us = match &self.aud {
            Audience::One(audience) => is_ours(audience),
            Audience::Several(all) => !all.is_empty() && all.iter().all(is_ours),
        };
        if !is_for_us {
            return Err(unproven(
                "`aud` of the client assertion has to be the issuer of this server, and nothing else",
            ));
        }
        let now = context.now;
        if self.exp <= now.0 {
            return Err(unproven("the client assertion has expired"));
        }
        if self.exp > (now + LONGEST).0 {
            return Err(unproven("the client assertion is good for more than a day; make one for each request"));
        }
        if [self.nbf, self.iat].into_iter().flatten().any(|time| time > (now + Lifetime::SKEW).0) {
            return Err(unproven("the client assertion is from the future; compare the clocks"));
        }
        match self.jti.as_deref() {
            Some(jti) if !jti.is_empty() => Ok(jti),
            _ => Err(unproven("the client assertion has no jti")),
        }
    }
}

fn unproven(description: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidClient, description)
}

/// No assertion counts for longer; that one was used is remembered until it ends.
const LONGEST: Lifetime = Lifetime::days(1);
