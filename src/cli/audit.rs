//! `llavero audit`: prints the audit log of an organization, oldest entry first.
//!
//! The actor of an entry is a user, or `cli` for a change from the command line. A user who can open the database file is
//! not authenticated, so the log has no name for them.

use serde::Serialize;
use uuid::Uuid;

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
use crate::model::{Actor, AuditEntry, AuditEvent, Changes, MemberEvent, Role, Timestamp};

/// The arguments of `llavero audit`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    organization: OrganizationArgs,

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
        let since = self.since.map_or(Timestamp::from_millis(0), |since| {
            since.before(system.clock.now())
        });
        let entries = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            Ok(store.audit_log(organization.id, since).await?)
        })?;
        self.output.print(
            || entries.iter().map(EntryOut::from).collect::<Vec<_>>(),
            || {
                let row = |entry: &AuditEntry| {
                    [
                        output::time(entry.at),
                        output::text(entry.event.name()),
                        output::text(object(entry)),
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

/// Describes the key or member that an entry is about, and the actor.
fn object(entry: &AuditEntry) -> String {
    let event = &entry.event;
    let parts = event.parts();
    let key = parts.key.map(|key| key.id.0.to_string());
    let member = parts.member.map(|user| quoted(user.as_str()));
    let role = parts.role.map(|role| match event {
        AuditEvent::Member(_, MemberEvent::Removed(_)) => format!("was {}", role.as_str()),
        _ => format!("as {}", role.as_str()),
    });
    let requests = match event {
        AuditEvent::UsageImported(requests) => Some(format!("{requests} requests")),
        _ => None,
    };
    let actor = format!("by {}", quoted(name(&entry.actor)));
    let parts = [key, member, role, requests, Some(actor)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Returns a user's id, in quotes if it contains white space or a quote.
fn quoted(id: &str) -> String {
    if id.contains(|c: char| c.is_whitespace() || c == '"') {
        format!("{id:?}")
    } else {
        id.to_owned()
    }
}

fn name(actor: &Actor) -> &str {
    match actor {
        Actor::User(user) => user.as_str(),
        Actor::Operator => "cli",
    }
}

/// An entry as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryOut<'a> {
    at: String,
    /// A user's id, or `cli`.
    actor: &'a str,
    action: &'static str,
    /// The key that was changed.
    key_id: Option<Uuid>,
    /// The name of the key before the change.
    key_name: Option<String>,
    /// The member who was added, changed or removed.
    member_id: Option<String>,
    /// The new role of the member, or the last role of a removed member.
    role: Option<&'static str>,
    /// The changed fields. Null if the other fields describe the change completely.
    changes: Option<Changes>,
}

impl<'a> From<&'a AuditEntry> for EntryOut<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        let parts = entry.event.parts();
        Self {
            at: entry.at.to_string(),
            actor: name(&entry.actor),
            action: entry.event.name(),
            key_id: parts.key.as_ref().map(|key| key.id.0),
            key_name: parts.key.map(|key| key.name.into()),
            member_id: parts.member.map(|user| user.to_string()),
            role: parts.role.map(Role::as_str),
            changes: parts.changes,
        }
    }
}
