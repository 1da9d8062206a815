//! How tokens are encrypted for those who ask for it (RFC 7518 §4, §5). RSA1_5 is not here: how it fails tells an attacker
//! what was in it.

use serde::{Deserialize, Serialize};

use super::words;

words! {
    /// How the key of the content is agreed upon or sent (JWE `alg`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    pub enum KeyManagement {
        /// RSAES-OAEP with SHA-256.
        #[serde(rename = "RSA-OAEP-256")]
        RsaOaep256 = "RSA-OAEP-256",
        /// Diffie-Hellman on an elliptic curve; what comes out is the key.
        #[serde(rename = "ECDH-ES")]
        EcdhEs = "ECDH-ES",
        /// The same; what comes out wraps the key.
        #[serde(rename = "ECDH-ES+A256KW")]
        EcdhEsA256Kw = "ECDH-ES+A256KW",
    }
}

words! {
    /// How the content is encrypted (JWE `enc`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum ContentEncryption {
        /// AES in CBC mode and HMAC SHA-256; the default of OIDC Registration §2.
        #[default]
        #[serde(rename = "A128CBC-HS256")]
        A128CbcHs256 = "A128CBC-HS256",
        /// AES in CBC mode and HMAC SHA-512.
        #[serde(rename = "A256CBC-HS512")]
        A256CbcHs512 = "A256CBC-HS512",
        /// AES in GCM, 128 bits.
        #[serde(rename = "A128GCM")]
        A128Gcm = "A128GCM",
        /// AES in GCM, 256 bits.
        #[serde(rename = "A256GCM")]
        A256Gcm = "A256GCM",
    }
}
