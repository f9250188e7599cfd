//! The flags that say which bearer tokens are trusted, shared by `serve` (which checks) and `token` (which
//! signs), so that the same flags make the two agree.
//!
//! Whatever they name is read and checked here, before anything else is touched.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Error, key_file};
use crate::token::{HmacSecret, TrustedKey};

/// At most one; without any, the random secret that the database file was created with.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct TokenKeyArgs {
    /// TokenKeySource HS256 tokens signed with the secret in FILE: at least 32 bytes; a text's final line break is not
    /// part of it
    #[arg(
        long = "jwt-secret-file",
        value_name = "FILE",
        env = "LLAVERO_JWT_SECRET_FILE"
    )]
    secret_file: Option<PathBuf>,

    /// TokenKeySource HS256 tokens signed with TEXT. Everybody on the machine can see a flag: better set the
    /// environment variable
    #[arg(
        long = "jwt-secret",
        value_name = "TEXT",
        env = "LLAVERO_JWT_SECRET",
        hide_env_values = true
    )]
    secret: Option<String>,

    /// TokenKeySource tokens signed with the private half of the PEM public key in FILE: RSA is RS256, P-256 is ES256,
    /// Ed25519 is EdDSA
    #[arg(
        long = "jwt-public-key",
        value_name = "FILE",
        env = "LLAVERO_JWT_PUBLIC_KEY"
    )]
    public_key: Option<PathBuf>,
}

/// What the flags name.
pub(super) enum TokenKeySource {
    /// The database's own secret.
    Database,
    /// A secret that is shared with the issuer.
    Secret(HmacSecret),
    /// The issuer's public key: tokens cannot be signed here.
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

    /// Reads what the flags name.
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

/// Editors and `echo` end a text with a line break that nobody means; random bytes are taken as they are.
fn without_line_break(mut secret: Vec<u8>) -> Vec<u8> {
    if let Ok(text) = std::str::from_utf8(&secret) {
        let length = text.strip_suffix('\n').map_or(text.len(), |text| {
            text.strip_suffix('\r').unwrap_or(text).len()
        });
        secret.truncate(length);
    }
    secret
}
