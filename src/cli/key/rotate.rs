//! `llavero key rotate`: a new secret for a key, printed this once, and what becomes of the old ones.
//!
//! A key has two secrets at most: the new one, and the one before it until its grace ends.

use std::time::Duration;

use crate::{
    api::KeyWithSecretOut,
    cli::{Error, Host, database::DatabaseArgs, moment, output::OutputArgs},
    model::{Actor, ApiKey, OrganizationRef, Rotated, Rotation, Secret, Timestamp},
};

/// The arguments of `llavero key rotate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The key's id
    id: String,

    /// How long the old secret works beside the new one, at most 7d; 0s ends it at once. One that is still retiring
    /// from an earlier rotation ends at once in any case
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = grace)]
    grace: Duration,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, host: &Host) -> Result<(), Error> {
        let now = host.clock.now();
        let rotation = Rotation {
            secret: Secret::generate(host.random.bytes()?),
            at: now,
            grace: self.grace,
        };
        let secret = rotation.secret.clone();
        let (retiring, rotated) = self.database.with_store(async |store| {
            let key = super::find(store, &self.id).await?;
            let retiring = store.old_secret_until(key.id, now).await?;
            let organization = OrganizationRef::Id(key.organization);
            let rotated = store.rotate_key(organization, Actor::Operator, Some(key.id), rotation);
            Ok((retiring, super::granted_key(rotated.await?)?))
        })?;
        let key = match rotated {
            Rotated::Done(key) => *key,
            Rotated::Revoked => return Err(self.inactive("is revoked")),
            Rotated::Expired => return Err(self.inactive("has expired")),
        };
        self.output.print_once(
            || KeyWithSecretOut::new(key.clone(), &secret, now),
            || super::with_secret(&key, &secret, now) + &self.fate(&key, retiring, now),
            |error| super::lost(&key, "rotated", &error),
        )
    }

    /// What becomes of the secrets before the new one. None outlives its key.
    fn fate(&self, key: &ApiKey, retiring: Option<Timestamp>, now: Timestamp) -> String {
        let ends = now.after(self.grace);
        let ends = key.expires_at.map_or(ends, |expiry| expiry.min(ends));
        let mut fate = if self.grace.is_zero() {
            "The old secret no longer works.\n".to_owned()
        } else {
            format!("The old secret works until {ends}.\n")
        };
        if retiring.is_some() {
            fate += "The one before it, which was retiring still, no longer works.\n";
        }
        fate
    }

    fn inactive(&self, state: &str) -> Error {
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
