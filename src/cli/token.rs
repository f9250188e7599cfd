//! `llavero token`: prints a bearer token that `serve` accepts if it has the same flags.
//!
//! Signs with the secret of the database, or with the secret that a flag names. Never creates a database: the token of a
//! mistyped path would be accepted by no server.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;

use super::{
    Error, System,
    database::DatabaseArgs,
    parse_arg, print, time_arg,
    token_key::{TokenKeyArgs, TokenKeySource},
};
use crate::{
    model::UserId,
    store::Store,
    token::{NewToken, mint},
};

/// A hundred years. Verifiers accept dates up to the year 9999.
const MAX_TTL_SECONDS: u64 = 36_500 * 86_400;

/// The arguments of `llavero token`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The user that the token authenticates: its `sub`
    #[arg(long, value_name = "ID", value_parser = parse_arg::<UserId>)]
    user: UserId,

    /// The lifetime of the token: 30s, 15m, 1h, 7d
    #[arg(long, default_value = "1h", value_parser = ttl, allow_hyphen_values = true)]
    ttl: Duration,

    /// The token's `aud`
    #[arg(long, alias = "jwt-audience", env = "LLAVERO_JWT_AUDIENCE", value_parser = NonEmptyStringValueParser::new())]
    audience: Option<String>,

    /// The token's `iss`
    #[arg(long, alias = "jwt-issuer", env = "LLAVERO_JWT_ISSUER", value_parser = NonEmptyStringValueParser::new())]
    issuer: Option<String>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    token_key: TokenKeyArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let secret = match self.token_key.read()? {
            TokenKeySource::Secret(secret) | TokenKeySource::KeySet(_, Some(secret)) => secret,
            TokenKeySource::Database => Store::signing_secret_of(&self.database.path)?.into(),
            TokenKeySource::PublicKey(_) => {
                return Err(Error::usage(
                    "cannot sign with a public key: get a token from the issuer, which has the private key",
                ));
            }
            TokenKeySource::KeySet(_, None) => {
                return Err(Error::usage(
                    "cannot sign with a JWK set: get a token from the issuer, which has the private keys",
                ));
            }
        };
        let token = NewToken {
            user: self.user,
            ttl: self.ttl,
            audience: self.audience,
            issuer: self.issuer,
        };
        let token = mint(&secret, &token, system.clock.now())?;
        print(&format!("{token}\n"))
    }
}

fn ttl(text: &str) -> Result<Duration, &'static str> {
    time_arg::parse_duration(text)
        .filter(|duration| (1..=MAX_TTL_SECONDS).contains(&duration.as_secs()))
        .ok_or("write a duration from 1s to 36500d, for instance 30s, 15m, 1h or 7d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttl_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 900),
            ("1h", 3600),
            ("7d", 604_800),
            ("1h30m", 5400),
        ] {
            assert_eq!(ttl(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "1", "0s", "-1h", "1 fortnight", "1mo", "36501d"] {
            assert!(ttl(text).is_err(), "{text}");
        }
    }
}
