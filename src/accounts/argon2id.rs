//! argon2 as its crate has it, in memory that goes back to the system when the hash is made.
//!
//! The C library keeps what it was given back for the next who asks, for each thread, up to 32 MiB a piece: after a few
//! sign-ins the server would hold 19 MiB for every thread that had ever hashed. Pieces beyond that it never keeps, so
//! that is what is asked for; what is not touched takes no memory.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        CustomizedPasswordHasher, Error, PasswordHasher, Result,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// Hashes and verifies with these parameters, or those that a stored hash was made with.
#[derive(Clone, Debug)]
pub(super) struct Hasher {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Hasher {
    /// argon2id, version 1.3 (RFC 9106).
    pub(super) fn new(params: Params) -> Self {
        Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params }
    }

    pub(super) fn params(&self) -> &Params {
        &self.params
    }
}

impl PasswordHasher<PasswordHash> for Hasher {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        let salt = Salt::new(salt)?;
        let mut output = vec![0; self.params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let blocks = self.params.block_count();
        let mut memory: Vec<Block> = Vec::with_capacity(blocks.max(NEVER_KEPT / Block::SIZE));
        memory.resize(blocks, Block::default());
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        argon2.hash_password_into_with_memory(password, &salt, &mut output, &mut memory[..])?;
        Ok(PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params)?,
            salt: Some(salt),
            hash: Some(Output::new(&output)?),
        })
    }
}

/// What a stored hash is compared with: `PasswordVerifier` comes with it, in constant time.
impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash> {
        let algorithm = algorithm.map_or(Ok(self.algorithm), Algorithm::try_from)?;
        let version = version.map_or(Ok(self.version), |version| Version::try_from(version).map_err(Error::from))?;
        Self { algorithm, version, params }.hash_password_with_salt(password, salt)
    }
}

/// In bytes: more than `M_MMAP_THRESHOLD` ever becomes (mallopt(3)).
const NEVER_KEPT: usize = 33 << 20;

#[cfg(test)]
mod tests {
    use argon2::{PasswordVerifier, password_hash::phc::PasswordHash};

    use super::*;

    #[test]
    fn it_makes_and_takes_what_the_crate_itself_makes_and_takes() {
        let params = Params::new(64, 2, 1, None).unwrap();
        let (own, theirs) = (Hasher::new(params.clone()), Argon2::new(Algorithm::Argon2id, Version::V0x13, params));
        let salt = b"0123456789abcdef";
        let made: PasswordHash = own.hash_password_with_salt(b"correct horse", salt).unwrap();
        let expected: PasswordHash = theirs.hash_password_with_salt(b"correct horse", salt).unwrap();
        assert_eq!(made.to_string(), expected.to_string());
        assert_eq!(own.verify_password(b"correct horse", &expected), Ok(()));
        assert_eq!(own.verify_password(b"correct house", &expected), Err(Error::PasswordInvalid));
    }
}
