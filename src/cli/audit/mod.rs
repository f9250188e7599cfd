//! `llavero audit`: prints the audit log of an organization, oldest entry first.
//!
//! The actor of an entry is a user, or `cli` for a change from the command line. A user who can open the database file is
//! not authenticated, so the log has no name for them. With `--json`, entries are printed as the API sends them.

mod words;

use super::{
    Error, System,
    database::DatabaseArgs,
    organization::OrganizationArgs,
    output::{
        self,
        Column::{Fixed, Wrapped},
        OutputArgs,
    },
    time_arg::TimeArg,
};
use crate::{
    api::AuditEntryOut,
    model::{AuditEntry, AuditFilter, KeyId},
};

/// The arguments of `llavero audit`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    organization: OrganizationArgs,

    /// Print only the changes of the key with this id
    #[arg(long, value_name = "ID")]
    key: Option<String>,

    /// Leave out entries before this: 12h or 90d ago, 2027-01-31, 2027-01-31T12:00:00Z
    #[arg(long, value_name = "AGE|DATE", value_parser = TimeArg::parse)]
    since: Option<TimeArg>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let now = system.clock.now();
        let filter = AuditFilter {
            key: self.key.as_deref().map(key_id).transpose()?,
            since: self.since.map(|since| since.before(now)),
        };
        let entries = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            Ok(store.audit_log(organization.id, filter).await?)
        })?;
        self.output.print(
            || {
                let entries = entries.iter().cloned();
                entries.map(AuditEntryOut::from).collect::<Vec<_>>()
            },
            || {
                let row = |entry: &AuditEntry| {
                    [
                        output::time(entry.at),
                        output::text(entry.event.name()),
                        output::text(words::describe(entry)),
                    ]
                };
                output::table(
                    [Fixed("TIME"), Fixed("ACTION"), Wrapped("WHAT")],
                    entries.iter().map(row).collect(),
                )
            },
        )
    }
}

/// Parses the id of a key. The error does not repeat the argument, which may be a secret.
fn key_id(text: &str) -> Result<KeyId, Error> {
    KeyId::parse(text).ok_or_else(|| {
        Error::usage(
            "--key must be the id of a key, a UUID: `llavero key list --org ORG` lists the ids",
        )
    })
}
