//! The `--jwt-…` flags, which select the key of bearer tokens.
//!
//! Used by `serve`, which verifies tokens, and by `token`, which signs them, so the same flags select the same key. Both
//! read the key before they open the database: a wrong key file changes nothing.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Error, key_file};
use crate::token::{HmacSecret, TrustedKey};

/// The key of bearer tokens: at most one flag. By default, the random secret that the database was created with.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct TokenKeyArgs {
    /// Trust HS256 tokens signed with the secret in FILE, of at least 32 bytes. If FILE is text, its final line break is
    /// ignored
    #[arg(
        long = "jwt-secret-file",
        value_name = "FILE",
        env = "LLAVERO_JWT_SECRET_FILE"
    )]
    secret_file: Option<PathBuf>,

    /// Trust HS256 tokens signed with TEXT. Other users of the machine can see flags, so set the environment variable
    /// instead
    #[arg(
        long = "jwt-secret",
        value_name = "TEXT",
        env = "LLAVERO_JWT_SECRET",
        hide_env_values = true
    )]
    secret: Option<String>,

    /// Trust tokens that the PEM public key in FILE verifies: RS256 for an RSA key, ES256 for P-256, EdDSA for Ed25519
    #[arg(
        long = "jwt-public-key",
        value_name = "FILE",
        env = "LLAVERO_JWT_PUBLIC_KEY"
    )]
    public_key: Option<PathBuf>,
}

/// The key that the flags select.
pub(super) enum TokenKeySource {
    /// The secret that is stored in the database.
    Database,
    /// A secret shared with the issuer.
    Secret(HmacSecret),
    /// The issuer's public key, which cannot sign.
    PublicKey(TrustedKey),
}

impl TokenKeyArgs {
    /// Describes the key for the log: its source, never the key itself.
    pub(super) fn description(&self) -> String {
        match (&self.public_key, &self.secret_file, &self.secret) {
            (Some(path), ..) => format!("public key {}", path.display()),
            (_, Some(path), _) => format!("secret file {}", path.display()),
            (.., Some(_)) => "secret".to_owned(),
            (None, None, None) => "secret of the database".to_owned(),
        }
    }

    /// Reads and checks the key that the flags select.
    pub(super) fn read(&self) -> Result<TokenKeySource, Error> {
        if let Some(path) = &self.public_key {
            let key = TrustedKey::from_public_pem(&key_file::read(path)?);
            return Ok(TokenKeySource::PublicKey(
                key.map_err(|error| with_path(path, &error))?,
            ));
        }
        if let Some(path) = &self.secret_file {
            let secret = HmacSecret::new(without_line_break(key_file::read(path)?));
            return Ok(TokenKeySource::Secret(
                secret.map_err(|error| with_path(path, &error))?,
            ));
        }
        match &self.secret {
            Some(secret) => Ok(TokenKeySource::Secret(HmacSecret::new(secret.as_bytes())?)),
            None => Ok(TokenKeySource::Database),
        }
    }
}

fn with_path(path: &Path, error: &dyn std::error::Error) -> Error {
    Error::usage(format!("{}: {error}", path.display()))
}

/// Removes the final line break of a text, which editors and `echo` add. Bytes that are not UTF-8 remain unchanged.
fn without_line_break(mut secret: Vec<u8>) -> Vec<u8> {
    if let Ok(text) = std::str::from_utf8(&secret) {
        let length = text.strip_suffix('\n').map_or(text.len(), |text| {
            text.strip_suffix('\r').unwrap_or(text).len()
        });
        secret.truncate(length);
    }
    secret
}
