//! `llavero usage export`: prints an organization's usage by UTC day, oldest first.
//!
//! With `--days`, prints that many days up to today, including days without requests, like `daily` of the statistics.
//! Without it, prints all days with requests.

use super::Format;
use crate::{
    api::DailyUsageOut,
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

/// Formats each day as an entry of `daily` in the statistics.
fn ndjson(days: &[DailyUsage]) -> Result<String, Error> {
    let mut text = String::new();
    for day in days {
        text += &serde_json::to_string(&DailyUsageOut::from(*day))?;
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
