//! `llavero token`: prints a bearer token that `serve` accepts if it has the same flags.
//!
//! Signs with the secret of the database, with the secret that a flag names, or with the sandbox's. Never creates a
//! database: the token of a mistyped path would be accepted by no server.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::{
    Error, System, WithSources,
    claim::{self, Claim},
    database::DatabaseArgs,
    parse_arg, print, time_arg,
    token_key::{TokenKeyArgs, TokenKeySource},
};
use crate::{
    model::UserId,
    sandbox,
    store::Store,
    token::{MAX_TOKEN_LENGTH, NewToken, mint},
};

/// A hundred years. Verifiers accept dates up to the year 9999.
const MAX_TTL_SECONDS: u64 = 36_500 * 86_400;

/// The flags without effect on a token of the sandbox: the name of the field in [`Args`], and the flag.
const NOT_WITH_THE_SANDBOX: [(&str, &str); 8] = [
    ("ttl", "--ttl"),
    ("audience", "--audience"),
    ("issuer", "--issuer"),
    ("path", "--database"),
    ("secret_file", "--jwt-secret-file"),
    ("secret", "--jwt-secret"),
    ("public_key", "--jwt-public-key"),
    ("key_set", "--jwt-jwks"),
];

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

    /// Add a claim. VALUE is JSON, or else text: `level=7` adds a number, `role=editor` a text, and `id='"7"'` the text 7.
    /// Can be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = Claim::parse)]
    claims: Vec<Claim>,

    /// Print a token that every sandbox accepts and no other server. It never expires
    #[arg(long)]
    sandbox: bool,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    token_key: TokenKeyArgs,
}

/// Prints the token.
pub(super) fn run(command: WithSources<Args>, system: &System) -> Result<(), Error> {
    if command.args.sandbox
        && let Some(flag) = command.first_on_command_line(&NOT_WITH_THE_SANDBOX)
    {
        return Err(Error::usage(format!(
            "{flag} has no effect on a token of the sandbox: leave out {flag} or --sandbox"
        )));
    }
    command.args.run(system)
}

impl Args {
    fn run(mut self, system: &System) -> Result<(), Error> {
        let claims = claim::collect(std::mem::take(&mut self.claims))?;
        let token = if self.sandbox {
            sandbox::token(&self.user, claims)?
        } else {
            self.sign(claims, system)?
        };
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(Error::usage(format!(
                "the token would have {} bytes, and servers reject more than {MAX_TOKEN_LENGTH}: shorten the claims",
                token.len()
            )));
        }
        print(&format!("{token}\n"))
    }

    /// Signs a token for `serve` with the same flags.
    fn sign(self, further_claims: Map<String, Value>, system: &System) -> Result<String, Error> {
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
            further_claims,
        };
        Ok(mint(&secret, &token, system.clock.now())?)
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
