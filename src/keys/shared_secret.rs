//! What is signed with a secret that both sides know (RFC 7518 §3.2): a client's assertions, if it has no keys of its own.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{BadJws, jwk_set::Parts};
use crate::protocol::PlainSecret;

/// The one algorithm by which clients sign with their secret.
pub const HS256: &str = "HS256";

/// What the secret of a client is sealed as. The hash is part of it: a writer of rows cannot have one secret count as
/// another, nor as another client's.
#[must_use]
pub fn purpose(client_id: &str, hash: &str) -> String {
    format!("client_secret/{client_id}/{hash}")
}

/// What was signed with one of these secrets. Keys are no secrets: nothing that is public ever gets here, so that no
/// public key can be passed off as one.
///
/// # Errors
/// Why it does not count.
pub fn verify(token: &str, secrets: &[PlainSecret]) -> Result<Vec<u8>, BadJws> {
    let Parts { header, signed, payload, signature } = Parts::read(token).ok_or(BadJws::Malformed)?;
    if header.alg != HS256 {
        return Err(BadJws::Algorithm);
    }
    // By `hmac`, which compares in constant time; josekit stops at the first byte that differs.
    let is_signed = secrets.iter().any(|secret| {
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).is_ok_and(|mut mac| {
            mac.update(signed);
            mac.verify_slice(&signature).is_ok()
        })
    });
    if is_signed { Ok(payload) } else { Err(BadJws::Signature) }
}

#[cfg(test)]
mod tests {
    use josekit::{
        jws,
        jws::{HS384, JwsHeader, JwsSigner, serialize_compact},
    };

    use super::*;

    const SECRET: &str = "a secret of forty-eight characters, at the least";

    fn sign(signer: &dyn JwsSigner) -> String {
        serialize_compact(b"{}", &JwsHeader::new(), signer).unwrap()
    }

    #[test]
    fn a_signature_counts_by_one_of_the_secrets_and_by_one_algorithm() {
        let (own, other) = (PlainSecret::new(SECRET), PlainSecret::new("x".repeat(48)));
        let token = sign(&jws::HS256.signer_from_bytes(SECRET).unwrap());
        let own = [other.clone(), own];
        assert_eq!(verify(&token, &own), Ok(b"{}".to_vec()));
        assert_eq!(verify(&token, &[other]), Err(BadJws::Signature));
        assert_eq!(verify(&token, &[]), Err(BadJws::Signature));
        let cut = token.split_at(token.len() - 3).0;
        assert_eq!(verify(cut, &own), Err(BadJws::Signature));
        let (head, _) = token.rsplit_once('.').unwrap();
        assert_eq!(verify(&format!("{head}."), &own), Err(BadJws::Signature));
        let longer = sign(&HS384.signer_from_bytes(SECRET).unwrap());
        assert_eq!(verify(&longer, &own), Err(BadJws::Algorithm));
        assert_eq!(verify("eyJhbGciOiJub25lIn0.e30.", &own), Err(BadJws::Algorithm));
    }
}
