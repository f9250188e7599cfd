//! `llavero key rotate`: gives a key a new secret, and prints the key with it. The secret is not printed again.
//!
//! Also prints until when the previous secret works. At most two secrets of a key work: the newest, and the previous one
//! during a grace period.

use std::time::Duration;

use crate::{
    api::KeyWithSecretOut,
    cli::{
        Error, System, database::DatabaseArgs, output::OutputArgs, stdout::require_stdout, time_arg,
    },
    model::{Actor, ApiKey, OlderSecrets, OrganizationRef, RotateOutcome, Rotation, Secret},
    store::AccessError,
};

/// The arguments of `llavero key rotate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The key's id
    id: String,

    /// The grace period: how long the previous secret still works, at most 7d. 0s ends all older secrets at once
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = grace)]
    grace: Duration,

    /// During a grace period, replace the newest secret, for instance if it was lost. The previous secret works as long as
    /// before
    #[arg(long)]
    replace_new: bool,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        require_stdout()?;
        let now = system.clock.now();
        let rotation = Rotation {
            secret: Secret::generate(system.random.bytes()?),
            at: now,
            grace: self.grace,
            replace_new: self.replace_new,
        };
        let secret = rotation.secret.clone();
        let rotated = self.database.with_store(async |store| {
            let key = super::find(store, &self.id, now).await?;
            let organization = OrganizationRef::Id(key.organization);
            let rotated = store.rotate_key(organization, Actor::Operator, key.id, rotation);
            rotated.await.map_err(|error| self.rejection(error))
        })?;
        let RotateOutcome { key, older_secrets } = rotated;
        self.output.print_once(
            || KeyWithSecretOut::new(key.clone(), &secret, now),
            || super::with_secret(&key, &secret, now) + &old_secret_notice(&key, older_secrets),
            |error| super::lost_secret(&key, "rotated", " --replace-new", &error),
        )
    }

    fn rejection(&self, error: AccessError) -> Error {
        let state = match error {
            AccessError::KeyRevoked => "is revoked",
            AccessError::KeyExpired => "has expired",
            AccessError::RotationInProgress(until) => {
                return Error::failed(format!(
                    "Rotation in progress. The previous secret works until {until}. Use --replace-new to replace the \
                     newest secret, or --grace 0s to end all older secrets"
                ));
            }
            error => return error.into(),
        };
        Error::failed(format!(
            "the API key {} {state}: create another key with `llavero key create`",
            self.id
        ))
    }
}

/// Describes until when the older secrets of a key work.
fn old_secret_notice(key: &ApiKey, older: OlderSecrets) -> String {
    match older {
        OlderSecrets::End => "The old secret no longer works.\n".to_owned(),
        OlderSecrets::KeepNewest { grace_end } => {
            format!(
                "The old secret works until {}.\n",
                key.secret_end(grace_end)
            )
        }
        OlderSecrets::KeepPrevious { grace_end } => format!(
            "The replaced secret no longer works. The previous secret works until {}.\n",
            key.secret_end(grace_end)
        ),
    }
}

fn grace(text: &str) -> Result<Duration, &'static str> {
    time_arg::parse_duration(text)
        .filter(|grace| *grace <= Rotation::MAX_GRACE)
        .ok_or("write a duration of at most 7d, for instance 0s, 30m or 24h")
}
