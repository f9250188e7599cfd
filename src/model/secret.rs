//! A key's secret and what is kept of it.
//!
//! Plain and hashed secret are different types, so that a plain one cannot be stored by mistake, and neither
//! prints: `Debug` shows the preview. The hash is plain SHA-256: a secret has 178 random bits, which no
//! dictionary holds, and it is looked up by index on every use.

use std::fmt;

use aws_lc_rs::digest;

/// A plain secret: `sk_`, 30 random Base62 characters, and 6 of checksum.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text that is known to be a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the database keeps.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref());
        SecretHash(hash)
    }

    /// `sk_...` and the last four characters: enough for people to tell their keys apart.
    #[must_use]
    pub fn preview(&self) -> String {
        let last_four = self.0.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        format!("sk_...{}", &self.0[last_four..])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.preview())
    }
}

/// The SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The 32 bytes to store and to look up by.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_its_preview_and_its_hash_not_at_all() {
        let secret = Secret::new("sk_abcdefghijklmnopqrstuvwxyzABCD00Zk3Q");
        assert_eq!(format!("{secret:?}"), "sk_...Zk3Q");
        assert_eq!(format!("{:?}", secret.hash()), "SecretHash(..)");
    }

    #[test]
    fn the_hash_is_sha_256() {
        let first_bytes = [0xba, 0x78, 0x16, 0xbf];
        assert!(
            Secret::new("abc")
                .hash()
                .as_bytes()
                .starts_with(&first_bytes)
        );
    }
}
