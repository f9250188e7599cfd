//! The `--jwt-…` flags, which select the keys of bearer tokens.
//!
//! Used by `serve`, which verifies tokens, and by `token`, which signs them, so the same flags select the same keys. Both
//! read files before they open the database: a wrong file changes nothing.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Error, key_file};
use crate::{
    key_set::KeySetUrl,
    token::{HmacSecret, KeySet, ParsedKeySet, TrustedKey},
};

/// The keys of bearer tokens. By default, the random secret that the database was created with.
#[derive(Debug, Args)]
pub(super) struct TokenKeyArgs {
    #[command(flatten)]
    one: OneKeyArgs,

    /// Trust tokens that a key of the JWK set in FILE or at URL verifies: ES256, RS256 or EdDSA. A URL is fetched again before
    /// the set becomes stale. A secret beside it verifies HS256 tokens
    #[arg(
        long = "jwt-jwks",
        value_name = "FILE-or-URL",
        env = "LLAVERO_JWT_JWKS",
        value_parser = KeySetOrigin::parse,
        conflicts_with = "public_key"
    )]
    key_set: Option<KeySetOrigin>,
}

/// The flags of which at most one may be given.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct OneKeyArgs {
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

/// Where a JWK set comes from.
#[derive(Debug, Clone)]
pub(super) enum KeySetOrigin {
    /// A file.
    File(PathBuf),
    /// The URL of an issuer.
    Url(KeySetUrl),
}

/// The keys that the flags select.
pub(super) enum TokenKeySource {
    /// The secret that is stored in the database.
    Database,
    /// A secret shared with the issuer.
    Secret(HmacSecret),
    /// The issuer's public key, which cannot sign.
    PublicKey(TrustedKey),
    /// A JWK set, and a secret beside it.
    KeySet(ConfiguredKeySet, Option<HmacSecret>),
}

/// A JWK set that was read from a file, or will be fetched.
pub(super) enum ConfiguredKeySet {
    /// A file and its content.
    File(PathBuf, ParsedKeySet),
    /// The URL of an issuer.
    Url(KeySetUrl),
}

impl KeySetOrigin {
    fn parse(text: &str) -> Result<Self, String> {
        if KeySetUrl::is_url(text) {
            let url = text.parse::<KeySetUrl>();
            return url.map(Self::Url).map_err(|error| error.to_string());
        }
        if text.is_empty() {
            return Err("write the path of a file or a URL".to_owned());
        }
        Ok(Self::File(text.into()))
    }

    /// Reads and checks a file.
    fn read(&self) -> Result<ConfiguredKeySet, Error> {
        Ok(match self {
            Self::File(path) => ConfiguredKeySet::File(path.clone(), read_key_set(path)?),
            Self::Url(url) => ConfiguredKeySet::Url(url.clone()),
        })
    }
}

impl TokenKeyArgs {
    /// Describes the keys for the log: their sources, never a secret itself.
    pub(super) fn description(&self) -> String {
        let one = self.one.description();
        let set = self.key_set.as_ref().map(|origin| match origin {
            KeySetOrigin::File(path) => format!("JWK set {}", path.display()),
            KeySetOrigin::Url(url) => format!("JWK set {url}"),
        });
        match (set, one) {
            (Some(set), Some(one)) => format!("{set}, {one}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "secret of the database".to_owned(),
        }
    }

    /// Reads and checks the keys that the flags select.
    pub(super) fn read(&self) -> Result<TokenKeySource, Error> {
        if let Some(path) = &self.one.public_key {
            let key = TrustedKey::from_public_pem(&key_file::read(path)?);
            return Ok(TokenKeySource::PublicKey(
                key.map_err(|error| with_path(path, &error))?,
            ));
        }
        let secret = self.one.secret()?;
        Ok(match (&self.key_set, secret) {
            (Some(origin), secret) => TokenKeySource::KeySet(origin.read()?, secret),
            (None, Some(secret)) => TokenKeySource::Secret(secret),
            (None, None) => TokenKeySource::Database,
        })
    }
}

impl OneKeyArgs {
    fn description(&self) -> Option<String> {
        match (&self.public_key, &self.secret_file, &self.secret) {
            (Some(path), ..) => Some(format!("public key {}", path.display())),
            (_, Some(path), _) => Some(format!("secret file {}", path.display())),
            (.., Some(_)) => Some("secret".to_owned()),
            (None, None, None) => None,
        }
    }

    fn secret(&self) -> Result<Option<HmacSecret>, Error> {
        if let Some(path) = &self.secret_file {
            let secret = HmacSecret::new(without_line_break(key_file::read(path)?));
            return Ok(Some(secret.map_err(|error| with_path(path, &error))?));
        }
        let secret = self.secret.as_ref();
        let secret = secret.map(|secret| HmacSecret::new(secret.as_bytes()));
        Ok(secret.transpose()?)
    }
}

/// Reads a JWK set with at least one usable key.
pub(super) fn read_key_set(path: &Path) -> Result<ParsedKeySet, Error> {
    let parsed = KeySet::parse(&key_file::read(path)?).map_err(|error| with_path(path, &error))?;
    if !parsed.set.is_empty() {
        return Ok(parsed);
    }
    let reasons = parsed.rejected.iter().take(3);
    let reasons = reasons.map(|rejected| format!("; {}: {}", rejected.name, rejected.reason));
    Err(Error::usage(format!(
        "{}: the JWK set has no usable key{}",
        path.display(),
        reasons.collect::<String>()
    )))
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
