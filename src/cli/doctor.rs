//! `llavero doctor`: examines the database and prints the findings.
//!
//! The store makes the findings. The exit code is that of the worst one: 0, 1 for a warning, 3 for a failure; 2 is kept for
//! a wrong command line, as in every command.

use std::process::ExitCode;

use comfy_table::Color;
use serde::Serialize;

use super::{
    Error, System,
    database::DatabaseArgs,
    output::{
        self, Cell,
        Column::{Fixed, Wrapped},
        OutputArgs,
    },
};
use crate::store::{
    Store,
    doctor::{Examination, Finding, Level},
};

/// The arguments of `llavero doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also check that indexes match their tables, that no reference is broken, and that totals are the sums. Takes about
    /// 10 ms per MiB
    #[arg(long)]
    deep: bool,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    /// Returns the exit code of the worst finding.
    pub(super) fn run(self, system: &System) -> Result<ExitCode, Error> {
        let examination = Examination {
            is_deep: self.deep,
            now: system.clock.now(),
        };
        let findings = Store::examine(&self.database.path, examination);
        self.output.print(
            || findings.iter().map(FindingOut::from).collect::<Vec<_>>(),
            || {
                output::table(
                    [Fixed("LEVEL"), Fixed("CHECK"), Wrapped("FINDING")],
                    findings.iter().map(row).collect(),
                )
            },
        )?;
        let worst = findings.iter().map(|finding| finding.level).max();
        Ok(exit_code(worst.unwrap_or(Level::Ok)))
    }
}

fn exit_code(worst: Level) -> ExitCode {
    match worst {
        Level::Ok => ExitCode::SUCCESS,
        Level::Warn => ExitCode::from(1),
        Level::Fail => ExitCode::from(3),
    }
}

fn row(finding: &Finding) -> [Cell; 3] {
    let color = match finding.level {
        Level::Ok => Color::Green,
        Level::Warn => Color::Yellow,
        Level::Fail => Color::Red,
    };
    let text = match &finding.next {
        Some(next) => format!("{}; {next}", finding.message),
        None => finding.message.clone(),
    };
    [
        Cell::new(finding.level.as_str()).fg(color),
        Cell::new(finding.check.id()),
        output::text(text),
    ]
}

/// The JSON of a finding.
#[derive(Serialize)]
struct FindingOut<'a> {
    id: &'a str,
    level: &'a str,
    message: &'a str,
    next: Option<&'a str>,
}

impl<'a> From<&'a Finding> for FindingOut<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            id: finding.check.id(),
            level: finding.level.as_str(),
            message: &finding.message,
            next: finding.next.as_deref(),
        }
    }
}
