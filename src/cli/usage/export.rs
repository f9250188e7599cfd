//! `llavero usage export`: prints an organization's usage by UTC day, oldest first.
//!
//! With `--days`, prints that many days up to today, including days without requests, like `daily` of the statistics.
//! Without it, prints all days with requests.

use serde::Serialize;

use super::Format;
use crate::{
    cli::{Error, System, database::DatabaseArgs, organization::OrganizationArgs, output::print},
    model::DailyUsage,
};

/// The arguments of `llavero usage export`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    organization: OrganizationArgs,

    /// The number of days up to today, at most 36500 [default: all days with requests]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,

    /// The output format
    #[arg(long, value_enum)]
    format: Format,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let today = system.clock.now().day();
        let days = self.database.with_store(async |store| {
            let organization = self.organization.find(store).await?;
            Ok(store.daily_usage(organization.id, today, self.days).await?)
        })?;
        print(&match self.format {
            Format::Ndjson => ndjson(&days)?,
            Format::Csv => csv(&days),
        })
    }
}

/// A day as JSON, like an entry of `daily`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DayOut {
    date: String,
    total_requests: i64,
    successful_requests: i64,
    rate_limit_hits: i64,
    errors: i64,
}

fn ndjson(days: &[DailyUsage]) -> Result<String, Error> {
    let mut text = String::new();
    for DailyUsage { day, usage } in days {
        text += &serde_json::to_string(&DayOut {
            date: day.to_string(),
            total_requests: usage.total_requests(),
            successful_requests: usage.successful_requests,
            rate_limit_hits: usage.rate_limit_hits,
            errors: usage.errors,
        })?;
        text.push('\n');
    }
    Ok(text)
}

/// Formats the days as CSV. Dates and numbers need no quotes.
fn csv(days: &[DailyUsage]) -> String {
    let heading = "date,totalRequests,successfulRequests,rateLimitHits,errors\n";
    let line = |DailyUsage { day, usage }: &DailyUsage| {
        let total = usage.total_requests();
        let (success, limited) = (usage.successful_requests, usage.rate_limit_hits);
        format!("{day},{total},{success},{limited},{}\n", usage.errors)
    };
    heading.to_owned() + &days.iter().map(line).collect::<String>()
}
