//! `llavero key create`: creates a key, and prints it with its secret. The secret is not printed again.
//!
//! The flags are validated by the types of the model, like the body of the API's operation. The key has no creator,
//! because the command line authenticates no user.

use crate::{
    api::KeyWithSecretOut,
    cli::{
        Error, System,
        database::DatabaseArgs,
        organization::OrganizationArgs,
        output::OutputArgs,
        parse_arg,
        stdout::require_stdout,
        time_arg::{self, TimeArg},
    },
    model::{
        Actor, Description, KeySettings, Metadata, Name, NewKey, OrganizationRef, RateLimit,
        Scopes, Secret, Timestamp,
    },
};

/// The arguments of `llavero key create`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    organization: OrganizationArgs,

    /// The name: 1 to 100 characters, not only white space
    #[arg(long, value_parser = parse_arg::<Name>)]
    name: Name,

    /// A description of at most 500 characters
    #[arg(long, value_parser = parse_arg::<Description>)]
    description: Option<Description>,

    /// A scope, for instance `invoices:read`. Can be given up to 50 times
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<String>,

    /// The rate limit: the maximum number of successful requests in any window of TIME, for instance 100/60s
    /// [default: unlimited]
    #[arg(long, value_name = "REQUESTS/TIME", value_parser = rate_limit)]
    rate_limit: Option<RateLimit>,

    /// The expiry: after 12h or 90d, on 2027-01-31 at 00:00 UTC, or at 2027-01-31T12:00:00Z [default: never]
    #[arg(long, value_name = "TIME|DATE", value_parser = TimeArg::parse)]
    expires: Option<TimeArg>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        require_stdout()?;
        let now = system.clock.now();
        let id_random = system.random.bytes()?;
        let key = NewKey {
            secret: Secret::generate(system.random.bytes()?),
            settings: self.settings(now)?,
            created_by: None,
            created_at: now,
        };
        let secret = key.secret.clone();
        let key = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            let organization = OrganizationRef::Id(organization.id);
            let created = store.create_key(organization, Actor::Operator, key, id_random);
            Ok(created.await?)
        })?;
        self.output.print_once(
            || KeyWithSecretOut::new(key.clone(), &secret, now),
            || super::with_secret(&key, &secret, now),
            |error| super::lost_secret(&key, "created", "", &error),
        )
    }

    fn settings(&self, now: Timestamp) -> Result<KeySettings, Error> {
        let scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        let scopes =
            Scopes::new(&scopes).ok_or_else(|| Error::usage(format!("scopes {}", Scopes::RULE)))?;
        let expires_at = self.expires.map(|expires| expires.after(now));
        if let Some(at) = expires_at.filter(|at| *at <= now || *at > Timestamp::MAX) {
            return Err(Error::usage(format!(
                "--expires must be in the future and before the year 10000, but is {at}"
            )));
        }
        Ok(KeySettings {
            name: self.name.clone(),
            description: self.description.clone(),
            scopes,
            external_id: None,
            metadata: Metadata::default(),
            quota: None,
            rate_limit: self.rate_limit,
            expires_at,
        })
    }
}

fn scope(text: &str) -> Result<String, &'static str> {
    let scope = Scopes::new(&[text]).map(|_| text.to_owned());
    scope.ok_or("write 1 to 64 characters out of letters, digits, `:`, `.`, `_`, `*` and `-`")
}

/// Parses `100/60s`: a number of requests, a slash, and a duration of whole seconds.
fn rate_limit(text: &str) -> Result<RateLimit, &'static str> {
    let read = || {
        let (limit, window) = text.split_once('/')?;
        let window =
            time_arg::parse_duration(window).filter(|window| window.subsec_nanos() == 0)?;
        RateLimit::new(limit.parse().ok()?, window.as_secs().try_into().ok()?)
    };
    read().ok_or(
        "write a number of requests from 1 to 1000000000, a slash, and a time from 1s to 31d, for instance 100/60s",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_limit_is_a_number_of_requests_and_a_time() {
        for (text, limit, window_seconds) in [
            ("100/60s", 100, 60),
            ("1/1m", 1, 60),
            ("5000/1h", 5000, 3600),
            ("1000000000/31d", 1_000_000_000, 2_678_400),
        ] {
            assert_eq!(
                rate_limit(text).ok(),
                RateLimit::new(limit, window_seconds),
                "{text}"
            );
            assert!(rate_limit(text).is_ok());
        }
        for text in [
            "",
            "100",
            "100/",
            "/60s",
            "100/60",
            "0/60s",
            "-1/60s",
            "1.5/60s",
            "100/0s",
            "100/32d",
            "100/1500ms",
            "100/60s/2",
            "1000000001/60s",
            "100 per 60s",
        ] {
            assert!(rate_limit(text).is_err(), "{text}");
        }
    }
}
