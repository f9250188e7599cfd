//! `llavero key create`: creates a key, and prints it with its secret. The secret is not printed again.
//!
//! The flags are validated by the types of the model, like the body of the API's operation. The key has no creator,
//! because the command line authenticates no user.

use super::settings;
use crate::{
    api::{KeyWithSecretOut, parse_metadata},
    cli::{
        Error, System, database::DatabaseArgs, organization::OrganizationArgs, output::OutputArgs,
        parse_arg, stdout::require_stdout, time_arg::TimeArg,
    },
    model::{
        Actor, Description, ExternalId, KeySettings, Metadata, Name, NewKey, OrganizationRef,
        Quota, RateLimit, Secret, Timestamp,
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

    /// Your own id of the key's holder, for instance a customer number: 1 to 255 characters
    #[arg(long, value_name = "ID", value_parser = parse_arg::<ExternalId>)]
    external_id: Option<ExternalId>,

    /// Your own data: a JSON object of at most 4096 bytes
    #[arg(long, value_name = "JSON", value_parser = parse_metadata)]
    metadata: Option<Metadata>,

    /// A scope, for instance `invoices:read`. Can be given up to 50 times
    #[arg(long = "scope", value_name = "SCOPE", value_parser = settings::scope)]
    scopes: Vec<String>,

    /// The rate limit: the maximum number of successful requests in any window of TIME, for instance 100/60s
    /// [default: unlimited]
    #[arg(long, value_name = "REQUESTS/TIME", value_parser = settings::rate_limit)]
    rate_limit: Option<RateLimit>,

    /// The quota: the maximum number of successful requests in a calendar day or month in UTC, for instance 10000/month
    /// [default: unlimited]
    #[arg(long, value_name = "REQUESTS/day|month", value_parser = settings::quota)]
    quota: Option<Quota>,

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
        let expires_at = self.expires.map(|expires| settings::expiry(expires, now));
        Ok(KeySettings {
            name: self.name.clone(),
            description: self.description.clone(),
            external_id: self.external_id.clone(),
            metadata: self.metadata.clone().unwrap_or_default(),
            scopes: settings::scopes(&self.scopes)?,
            rate_limit: self.rate_limit,
            quota: self.quota,
            expires_at: expires_at.transpose()?,
        })
    }
}
