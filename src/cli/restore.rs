//! `llavero restore`: puts a copy in the place of the database.
//!
//! Prints the relation of the current file to the copy, each change that was applied again, and where the current file is now.

use std::{fmt::Write, path::PathBuf};

use super::{
    Error, System, database::DatabaseArgs, escape::escape_text, print, progress::Progress,
};
use crate::store::{
    self, CurrentFile, KeyChange, Reapplied, ReappliedChange, RestoreError, RestoreOptions,
    Restored,
};

/// The arguments of `llavero restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The copy to restore. It stays as it is
    #[arg(value_name = "SRC")]
    source: PathBuf,

    /// Only check the copy and report what a restore would do. Changes nothing, also while a server runs. The exit code is 0
    /// if the copy can be restored
    #[arg(long)]
    dry_run: bool,

    /// Restore the copy as it was made, also if the current file cannot be read. Keys that were revoked since then work
    /// again
    #[arg(long)]
    as_it_was: bool,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let options = RestoreOptions {
            as_it_was: self.as_it_was,
            dry_run: self.dry_run,
        };
        let path = &self.database.path;
        let now = system.clock.now();
        let progress = Progress::start();
        let restored = store::restore(&self.source, path, options, now, &|step| {
            progress.show(step);
        })?;
        progress.finish();
        print(&self.report(&restored))
    }

    fn report(&self, restored: &Restored) -> String {
        let (copy, path) = (self.source.display(), self.database.path.display());
        let mut report = if self.dry_run {
            format!("{copy} can be restored to {path}; nothing was changed\n")
        } else {
            format!("restored {path} from {copy}\n")
        };
        report += &current(&restored.current);
        let again = if self.dry_run {
            "would apply again"
        } else {
            "applied again"
        };
        for change in &restored.reapplied {
            let _ = writeln!(report, "{again}: {}", describe(change));
        }
        for organization in &restored.without_owner {
            let slug = organization.as_str();
            let _ = writeln!(
                report,
                "{slug} has no owner then: add one with `llavero member add --org {slug} --user ID --role owner`"
            );
        }
        if let Some(aside) = &restored.aside {
            let _ = writeln!(
                report,
                "the file that was current is now {}",
                aside.display()
            );
        }
        escape_lines(&report)
    }
}

/// Describes the relation of the current file to the copy.
fn current(current: &CurrentFile) -> String {
    match current {
        CurrentFile::Missing => "there was no current file: nothing is lost\n".to_owned(),
        CurrentFile::NotRead => {
            "as it was: revocations since the copy were not applied again\n".to_owned()
        }
        CurrentFile::Other => {
            "the current file is another llavero database: nothing is applied again\n".to_owned()
        }
        CurrentFile::Branch => {
            "the current file is a branch of this database, with changes of its own: nothing is applied again\n"
                .to_owned()
        }
        CurrentFile::Earlier => {
            "the current file is an earlier state of the copy: nothing is applied again\n".to_owned()
        }
        CurrentFile::Later(lost) => format!(
            "lost since the copy: {} audit entries, {} organizations, {} keys, {} uses\n",
            lost.audit_entries, lost.organizations, lost.keys, lost.uses
        ),
    }
}

fn describe(applied: &Reapplied) -> String {
    let change = match &applied.change {
        ReappliedChange::Key(name, id, change) => {
            format!("key {id} ({}): {}", name.as_str(), of_key(change))
        }
        ReappliedChange::MemberRemoved(user) => format!("member {}: removed", user.as_str()),
        ReappliedChange::RoleLowered(user, role) => {
            format!("member {}: role {}", user.as_str(), role.as_str())
        }
    };
    format!("{}: {change}", applied.organization.as_str())
}

fn of_key(change: &KeyChange) -> String {
    match change {
        KeyChange::Rotated => "rotated".to_owned(),
        KeyChange::ScopesRemoved(scopes) => format!("scopes removed: {}", scopes.join(", ")),
        KeyChange::ExpiresEarlier(at) => format!("expires at {at}"),
        KeyChange::Disabled => "disabled".to_owned(),
        KeyChange::Revoked => "revoked".to_owned(),
    }
}

/// Escapes each line: names come from users of the API.
fn escape_lines(text: &str) -> String {
    text.lines().map(|line| escape_text(line) + "\n").collect()
}

impl From<RestoreError> for Error {
    fn from(error: RestoreError) -> Self {
        if error.is_before_opening() {
            Self::usage(error.to_string())
        } else {
            Self::failed(error.to_string())
        }
    }
}
