//! What a client registers of encryption (OIDC Registration §2).

use super::metadata::{Settled, wrong};
use crate::{
    keys::JwkSet,
    protocol::{ContentEncryption, KeyManagement, Refusal},
};

/// How something is to be encrypted for a client; what is named and has no value is taken away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encryption {
    /// How the key of the content is sent.
    pub alg: Option<Option<KeyManagement>>,
    /// How the content is encrypted.
    pub enc: Option<Option<ContentEncryption>>,
}

impl Encryption {
    /// Put what is wanted over what is there.
    pub(super) fn apply(self, alg: &mut Option<KeyManagement>, enc: &mut Option<ContentEncryption>) {
        *alg = self.alg.unwrap_or(*alg);
        // What is not encrypted has no use for it.
        enc.take_if(|_| self.alg == Some(None));
        *enc = self.enc.unwrap_or(*enc);
    }
}

/// What says how has to say to whom, and a key that was registered by value has to fit.
pub(super) fn check(settled: &Settled) -> Result<(), Refusal> {
    let metadata = &settled.metadata;
    let for_client = [
        (
            "id_token_encrypted_response",
            metadata.id_token_encrypted_response_alg,
            metadata.id_token_encrypted_response_enc,
        ),
        (
            "userinfo_encrypted_response",
            metadata.userinfo_encrypted_response_alg,
            metadata.userinfo_encrypted_response_enc,
        ),
    ];
    let for_server =
        ("request_object_encryption", metadata.request_object_encryption_alg, metadata.request_object_encryption_enc);
    if let Some((of, ..)) = for_client.iter().chain([&for_server]).find(|(_, alg, enc)| alg.is_none() && enc.is_some())
    {
        return Err(wrong(format!("`{of}_enc` needs `{of}_alg` beside it")));
    }
    for (of, alg, _) in for_client {
        let Some(alg) = alg else { continue };
        let can_be = match (&metadata.jwks, &metadata.jwks_uri) {
            // Read anew at each token; a set that cannot be read was refused before.
            (Some(jwks), _) => JwkSet::read(jwks.to_string().as_bytes()).is_ok_and(|set| set.can_encrypt(alg)),
            (None, uri) => uri.is_some(),
        };
        if !can_be {
            return Err(wrong(format!("`{of}_alg` is `{alg}`, and neither `jwks` nor `jwks_uri` has a key for it")));
        }
    }
    Ok(())
}
