//! The table of `llavero key list`.
//!
//! In a pipe and on a wide terminal, a key is one row of eight columns. On a narrower terminal the columns are stacked in
//! pairs, so that a row has two lines and ids stay whole.

use crate::{
    cli::output::{
        self, Cell,
        Column::{Fixed, Wrapped},
    },
    model::{ApiKey, RateLimit, Timestamp},
};

/// The narrowest terminal on which eight columns leave room for names.
const MIN_WIDTH: u16 = 124;

/// Formats the keys.
pub(super) fn format(keys: &[ApiKey], now: Timestamp) -> String {
    if output::terminal_width().is_none_or(|width| width >= MIN_WIDTH) {
        let columns = [
            Fixed("ID"),
            Wrapped("NAME"),
            Fixed("PREVIEW"),
            Fixed("STATUS"),
            Fixed("LAST USED"),
            Fixed("REQUESTS"),
            Fixed("LIMIT"),
            Fixed("EXPIRES"),
        ];
        return output::table(columns, keys.iter().map(|key| row(key, now)).collect());
    }
    let columns = [
        Fixed("ID\nPREVIEW, REQUESTS, LIMIT"),
        Wrapped("NAME"),
        Fixed("STATUS"),
        Fixed("LAST USED\nEXPIRES"),
    ];
    let rows = keys.iter().map(|key| stacked_row(key, now)).collect();
    output::table(columns, rows)
}

fn row(key: &ApiKey, now: Timestamp) -> [Cell; 8] {
    [
        output::text(key.id.0.to_string()),
        output::text(key.name.as_str()),
        output::text(&key.preview),
        output::status(key.status(now)),
        Cell::new(day_or_never(key.last_used_at)),
        Cell::new(key.usage.total_requests()),
        Cell::new(limit(key.rate_limit)),
        Cell::new(day_or_never(key.expires_at)),
    ]
}

fn stacked_row(key: &ApiKey, now: Timestamp) -> [Cell; 4] {
    let requests = key.usage.total_requests();
    let details = [
        key.preview.clone(),
        requests.to_string(),
        limit(key.rate_limit),
    ];
    let dates = [key.last_used_at, key.expires_at].map(day_or_never);
    [
        output::stacked(&[key.id.0.to_string(), details.join(", ")]),
        output::text(key.name.as_str()),
        output::status(key.status(now)),
        output::stacked(&dates),
    ]
}

fn day_or_never(at: Option<Timestamp>) -> String {
    at.map_or("never".to_owned(), |at| at.day().to_string())
}

/// Formats a rate limit as `key create --rate-limit` takes it.
fn limit(rate_limit: Option<RateLimit>) -> String {
    rate_limit.map_or("unlimited".to_owned(), |rate| {
        format!("{}/{}s", rate.limit(), rate.window_seconds())
    })
}
