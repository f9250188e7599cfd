//! `llavero key rotate`.

use std::time::Duration;

use crate::{
    api::KeyWithSecretOut,
    cli::{Error, database::DatabaseArgs, moment, output::OutputArgs},
    model::{Access, Actor, Clock, KeyStatus, OrganizationRef, Random, Rotated, Rotation, Secret},
};

/// The arguments of `llavero key rotate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The key's id
    id: String,

    /// How long the old secret works beside the new one, at most 7d; 0s ends it at once
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = grace)]
    grace: Duration,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Error> {
        let now = Clock::system().now();
        let rotation = Rotation {
            secret: Secret::generate(Random::system().bytes()?),
            at: now,
            grace: self.grace,
        };
        let rotated = self.database.with_store(async |store| {
            let key = super::find(store, &self.id).await?;
            let organization = OrganizationRef::Id(key.organization);
            let rotation = rotation.clone();
            let by = Actor::Operator;
            Ok(store
                .rotate_key(organization, by, Some(key.id), rotation)
                .await?)
        })?;
        let key = match rotated {
            Access::Granted(Some(Rotated::Done(key))) => *key,
            Access::Granted(Some(Rotated::Inactive(status))) => return Err(self.inactive(status)),
            _ => return Err(Error::negative(format!("the API key {} is gone", self.id))),
        };
        self.output.print(
            || KeyWithSecretOut::new(key.clone(), &rotation.secret, now),
            || {
                let old = if self.grace.is_zero() {
                    "no longer works".to_owned()
                } else {
                    format!("works until {}", rotation.grace_ends_at())
                };
                let key = super::with_secret(&key, &rotation.secret, now);
                format!("{key}\nThe old secret {old}.\n")
            },
        )
    }

    fn inactive(&self, status: KeyStatus) -> Error {
        let state = match status {
            KeyStatus::Expired => "has expired",
            _ => "is revoked",
        };
        Error::negative(format!(
            "the API key {} {state}: create another with `llavero key create`",
            self.id
        ))
    }
}

fn grace(text: &str) -> Result<Duration, &'static str> {
    moment::duration(text)
        .filter(|grace| *grace <= Rotation::LONGEST_GRACE)
        .ok_or("write a duration as 0s, 30m, 24h or 7d, of at most 7d")
}
