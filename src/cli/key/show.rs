//! `llavero key show`: shows a key, found by its id, or by its secret from standard input.
//!
//! The secret finds the key after a leak. It is not an argument, because other users of the machine can see arguments.

use std::io::{self, BufRead, IsTerminal, Read};

use crate::{
    api::KeyOut,
    cli::{
        Error, System,
        database::DatabaseArgs,
        output::{self, Cell, Column, OutputArgs},
    },
    model::{ApiKey, DailyUsage, Secret, Timestamp},
    store::Store,
};

/// The maximum number of bytes that are read from standard input: a secret with white space around it.
const MAX_INPUT: u64 = 1024;

/// The arguments of `llavero key show`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The key's id, or - to read a secret from standard input. A previous secret finds the key during its grace period
    id: String,

    /// Also print the key's usage of the last N UTC days, 1 to 90, today included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=90))]
    days: Option<u32>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let now = system.clock.now();
        let find = async |store: &Store| {
            let mut key = self.find(store, now).await?;
            if let Some(days) = self.days {
                key.daily = Some(store.key_daily_usage(key.id, now.day(), days).await?);
            }
            Ok(key)
        };
        let key = self.database.with_store(find)?;
        self.output.print(
            || KeyOut::new(key.clone(), now),
            || {
                let mut details = super::details_of(&key, now);
                details.extend(key.previous_secret_expires_at(now).map(|until| {
                    let text = format!("works until {until}");
                    ("Old secret", output::text(text))
                }));
                let daily = key.daily.as_deref().map(daily_table);
                output::details(details) + &daily.unwrap_or_default()
            },
        )
    }

    async fn find(&self, store: &Store, now: Timestamp) -> Result<ApiKey, Error> {
        if self.id != "-" {
            return super::find(store, &self.id, now).await;
        }
        let secret = secret_from_standard_input()?;
        let found = store.key_with_secret(secret.hash(), now).await?;
        found.ok_or_else(|| Error::failed("no API key has this secret"))
    }
}

/// Formats a table of days, below an empty line.
fn daily_table(days: &[DailyUsage]) -> String {
    let columns = ["DATE", "REQUESTS", "SUCCESSFUL", "RATE-LIMITED", "ERRORS"].map(Column::Fixed);
    let row = |DailyUsage { day, usage }: &DailyUsage| {
        let counts = [
            usage.total_requests(),
            usage.successful_requests,
            usage.rate_limit_hits,
            usage.errors,
        ];
        let [total, successful, rate_limited, errors] = counts.map(Cell::new);
        [Cell::new(day), total, successful, rate_limited, errors]
    };
    let table = output::table(columns, days.iter().map(row).collect());
    format!("\n{table}")
}

fn secret_from_standard_input() -> Result<Secret, Error> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        output::note("Paste the secret, and press Enter:");
    }
    let mut line = Vec::new();
    stdin
        .lock()
        .take(MAX_INPUT)
        .read_until(b'\n', &mut line)
        .map_err(|error| Error::usage(format!("cannot read standard input: {error}")))?;
    let text = String::from_utf8_lossy(&line);
    Secret::parse(text.trim()).ok_or_else(|| {
        Error::failed(
            "standard input is not a secret: a secret is sk_ and 36 letters and digits, of which the last 6 are a checksum",
        )
    })
}
