//! What may stand in a client's registration about its request objects (OIDC Registration §2). Pure.

use super::metadata::{Settled, is_web_address, wrong};
use crate::{
    keys::JwkSet,
    protocol::{Refusal, Signing},
};

/// What this server calls in the client's name has to be as safe as what the client's browsers are sent to.
pub(super) fn request_uris(settled: &Settled) -> Result<(), Refusal> {
    let uris = &settled.metadata.request_uris;
    if uris.len() > MOST_URIS {
        return Err(wrong(format!("`request_uris` has more than {MOST_URIS}")));
    }
    match uris.iter().find(|uri| !is_web_address(uri)) {
        Some(uri) => Err(wrong(format!("`request_uris` has `{uri}`; expected an https address"))),
        None => Ok(()),
    }
}

/// What is to be signed needs keys to check it by.
pub(super) fn request_object_signing_alg(settled: &Settled) -> Result<(), Refusal> {
    let metadata = &settled.metadata;
    let Some(Signing::By(algorithm)) = metadata.request_object_signing_alg else { return Ok(()) };
    match &metadata.jwks {
        Some(jwks) => {
            let set = JwkSet::read(jwks.to_string().as_bytes());
            if set.is_ok_and(|set| set.can_verify(&[algorithm])) {
                return Ok(());
            }
            Err(wrong(format!("`request_object_signing_alg` is {algorithm}, for which `jwks` has no key")))
        }
        None if metadata.jwks_uri.is_some() => Ok(()),
        None => Err(wrong("`request_object_signing_alg` needs the public keys of the client, as `jwks` or `jwks_uri`")),
    }
}

const MOST_URIS: usize = 100;
