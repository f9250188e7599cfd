//! `llavero usage export`: prints an organization's usage by UTC day, or by UTC day and key, oldest first.
//!
//! With `--days`, prints that many days up to today. By day, these include days without requests, like `daily` of the
//! statistics; without `--days`, all days with requests are printed. By key, only days with requests are printed. A day is
//! printed before the next one is read, so that an export of any size needs the memory of one day.

use serde::Serialize;

use super::Format;
use crate::{
    cli::{Error, System, database::DatabaseArgs, organization::OrganizationArgs, output::print},
    model::{DailyUsage, Day, KeyId, UsageCounts},
};

/// The arguments of `llavero usage export`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    organization: OrganizationArgs,

    /// The number of days up to today, at most 36500 [default: all days with requests]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,

    /// What a record counts
    #[arg(long, value_enum, default_value_t = By::Day)]
    by: By,

    /// The output format
    #[arg(long, value_enum)]
    format: Format,

    #[command(flatten)]
    database: DatabaseArgs,
}

/// What a record counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// The requests of the organization on one day.
    Day,
    /// The requests with one key on one day.
    Key,
}

/// A record: one line of NDJSON or CSV. As an entry of `daily` in the statistics, with the key's id after the date.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    total_requests: i64,
    successful_requests: i64,
    rate_limit_hits: i64,
    errors: i64,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let today = system.clock.now().day();
        self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?.id;
            let days = store.daily_usage(organization, today, self.days).await?;
            self.print_heading()?;
            for DailyUsage { day, usage } in days {
                let records = match self.by {
                    By::Day => vec![Record::new(day, None, usage)],
                    By::Key => {
                        let keys = store.usage_by_key(organization, day).await?.into_iter();
                        keys.map(|(key, usage)| Record::new(day, Some(key), usage))
                            .collect()
                    }
                };
                self.print_records(&records)?;
            }
            Ok(())
        })
    }

    fn print_heading(&self) -> Result<(), Error> {
        let key_id = match self.by {
            By::Day => "",
            By::Key => "keyId,",
        };
        match self.format {
            Format::Ndjson => Ok(()),
            Format::Csv => print(&format!(
                "date,{key_id}totalRequests,successfulRequests,rateLimitHits,errors\n"
            )),
        }
    }

    fn print_records(&self, records: &[Record]) -> Result<(), Error> {
        let mut text = String::new();
        for record in records {
            match self.format {
                Format::Ndjson => text += &serde_json::to_string(record)?,
                Format::Csv => text += &record.csv(),
            }
            text.push('\n');
        }
        print(&text)
    }
}

impl Record {
    fn new(day: Day, key: Option<KeyId>, usage: UsageCounts) -> Self {
        Self {
            date: day.to_string(),
            key_id: key.map(|key| key.0.to_string()),
            total_requests: usage.total_requests(),
            successful_requests: usage.successful_requests,
            rate_limit_hits: usage.rate_limit_hits,
            errors: usage.errors,
        }
    }

    /// Formats the record as a line of CSV, without its end. Dates, ids and numbers need no quotes.
    fn csv(&self) -> String {
        let key_id = self.key_id.iter().map(|id| format!(",{id}"));
        let key_id: String = key_id.collect();
        let Self {
            date,
            total_requests,
            successful_requests,
            rate_limit_hits,
            errors,
            ..
        } = self;
        format!("{date}{key_id},{total_requests},{successful_requests},{rate_limit_hits},{errors}")
    }
}
