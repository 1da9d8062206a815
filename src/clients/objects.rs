//! What may stand in a client's registration about its request objects, and about ID tokens that nobody signs (OIDC
//! Registration §2). Pure.

use super::{
    links::{WEB_ADDRESS, is_web_address},
    metadata::{MOST_URIS, Settled, wrong},
};
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
        Some(uri) => Err(wrong(format!("`request_uris` has `{uri}`; expected {WEB_ADDRESS}"))),
        None => Ok(()),
    }
}

/// OIDC Registration §2: "The value `none` MUST NOT be used as the ID Token alg value unless the Client uses only Response
/// Types that return no ID Token from the Authorization Endpoint."
pub(super) fn unsigned_id_tokens(settled: &Settled) -> Result<(), Refusal> {
    let metadata = &settled.metadata;
    let comes_by_browser = metadata.response_types.iter().any(|own| own.has_id_token());
    if metadata.id_token_signed_response_alg == Signing::Unsigned && comes_by_browser {
        return Err(wrong(
            "`id_token_signed_response_alg` is `none`, but ID tokens that come through the browser have to be signed",
        ));
    }
    Ok(())
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
