//! A key of the demo world: what the file says of it, as it is at a moment, and what it was used for until then.
//!
//! Used by [`super::Demo`] alone. Nothing here is random, though uses look so.

use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use super::days;
use crate::model::{
    Day, Description, KeyId, KeySettings, LiveUse, Name, NewKey, Outcome, RateLimit, Scopes,
    Secret, Timestamp, Use, UserId,
};

/// How far back use reaches.
pub(super) const DAYS_OF_USE: i64 = 90;

/// A key, or many that are alike.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DemoKey {
    pub(super) id: Uuid,
    pub(super) secret: Secret,
    pub(super) name: Name,
    description: Option<Description>,
    scopes: Scopes,
    pub(super) rate_limit: Option<DemoRateLimit>,
    created_by: UserId,
    created_days_ago: u64,
    /// Negative when it has expired.
    expires_in_days: Option<i64>,
    pub(super) revoked_days_ago: Option<u64>,
    usage: Option<DemoUsage>,
    /// Its limit is used up at the moment of loading.
    #[serde(default)]
    spent: bool,
    /// That many keys instead of one, each a minute younger than the one before.
    copies: Option<u16>,
    /// Which of the copies it is, from 1; 0 if it is none.
    #[serde(skip)]
    number: u16,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DemoRateLimit {
    limit: i64,
    window_seconds: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DemoUsage {
    /// Requests on an average working day.
    per_day: u32,
    rate_limited_per_mille: u32,
    errors_per_mille: u32,
    last_used_minutes_ago: u64,
}

impl DemoKey {
    /// The key itself, or its copies.
    pub(super) fn copies(&self) -> impl Iterator<Item = Self> {
        let itself = self.copies.is_none().then(|| self.clone());
        let copies = 1..=self.copies.unwrap_or(0);
        let copies = copies.filter_map(|number| self.copy(number));
        itself.into_iter().chain(copies)
    }

    /// How many there are of it.
    pub(super) fn number_of_copies(&self) -> usize {
        self.copies.map_or(1, usize::from)
    }

    fn copy(&self, number: u16) -> Option<Self> {
        let mut random = [0; 32];
        random[..2].copy_from_slice(&number.to_be_bytes());
        random[16..].copy_from_slice(self.id.as_bytes());
        Some(Self {
            id: Uuid::from_u128(self.id.as_u128() + u128::from(number)),
            secret: Secret::generate(random),
            name: Name::try_from(format!("{} {number:04}", self.name)).ok()?,
            number,
            ..self.clone()
        })
    }

    fn created_at(&self, now: Timestamp) -> Timestamp {
        let number = Duration::from_mins(self.number.into());
        now.before(days(self.created_days_ago)).after(number)
    }

    pub(super) fn at(&self, now: Timestamp) -> NewKey {
        NewKey {
            id: KeyId(self.id),
            secret: self.secret.clone(),
            settings: self.settings(now),
            created_by: Some(self.created_by.clone()),
            created_at: self.created_at(now),
        }
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        let rate = self.rate_limit.as_ref()?;
        RateLimit::new(rate.limit, rate.window_seconds)
    }

    pub(super) fn settings(&self, now: Timestamp) -> KeySettings {
        KeySettings {
            name: self.name.clone(),
            description: self.description.clone(),
            scopes: self.scopes.clone(),
            rate_limit: self.rate_limit(),
            expires_at: self.expires_in_days.map(|in_days| {
                let distance = days(in_days.unsigned_abs());
                if in_days < 0 {
                    now.before(distance)
                } else {
                    now.after(distance)
                }
            }),
        }
    }

    /// One use for each day and outcome, from 90 days ago (or the day after the key was made) to its last use.
    pub(super) fn uses(&self, now: Timestamp) -> Vec<Use> {
        let Some(usage) = &self.usage else {
            return Vec::new();
        };
        let ago = usage.last_used_minutes_ago + u64::from(self.number);
        let last = now.before(Duration::from_mins(ago));
        let made = self.created_at(now).day();
        let first = now.day().minus(DAYS_OF_USE).max(made.minus(-1));
        let days = first.number()..=last.day().number();
        days.map(Day::from_number)
            .flat_map(|day| {
                let noon = day.start().after(Duration::from_hours(12));
                let at = if day == last.day() { last } else { noon };
                usage
                    .on(day, self.id)
                    .map(move |(outcome, count)| (at, outcome, count))
            })
            .map(|(at, outcome, count)| Use {
                key: KeyId(self.id),
                at,
                outcome,
                count,
            })
            .collect()
    }

    /// As many successes as its limit allows, just now, if that is what it is there to show.
    pub(super) fn spent(&self, now: Timestamp) -> Option<LiveUse> {
        let rate_limit = self.rate_limit().filter(|_| self.spent)?;
        let used = Use {
            key: KeyId(self.id),
            at: now,
            outcome: Outcome::Success,
            count: u32::try_from(rate_limit.limit()).ok()?,
        };
        let rate_limit = Some(rate_limit);
        Some(LiveUse { used, rate_limit })
    }
}

impl DemoUsage {
    /// The requests of one day by outcome: less on weekends, and a little different every day.
    fn on(&self, day: Day, key: Uuid) -> [(Outcome, u32); 3] {
        // 1970-01-01 was a Thursday.
        let weekend = matches!((day.number() + 4).rem_euclid(7), 0 | 6);
        let percent = if weekend { 35 } else { 100 } + noise(day, key) % 31;
        let requests = self.per_day * percent / 115 + 1;
        let limited = requests * self.rate_limited_per_mille / 1000;
        let errors = requests * self.errors_per_mille / 1000;
        [
            (Outcome::Success, requests - limited - errors),
            (Outcome::RateLimited, limited),
            (Outcome::Error, errors),
        ]
    }
}

/// Numbers that look random and are the same everywhere: a mixing step of MurmurHash3.
fn noise(day: Day, key: Uuid) -> u32 {
    let mut hash = day.number().unsigned_abs() ^ key.as_u64_pair().1;
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    (hash >> 40) as u32
}
