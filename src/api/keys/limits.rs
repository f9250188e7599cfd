//! Rate limits and quotas of keys: as objects of a request body, and of a response.
//!
//! A body's object reports the problems of all its fields: parse it as a field, then call its `check`.

use std::borrow::Cow;

use poem_openapi::{Enum, Object, registry::MetaSchema, types::Example};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    api::{
        extract::{Field, FieldValue, UnknownFields, WholeNumber},
        problems::Problems,
        scalars::{Count, DateTime, scalar},
    },
    model::{Quota, QuotaPeriod, QuotaState, RateLimit, Timestamp},
};

/// At most `limit` successful requests in any `windowSeconds` seconds.
#[derive(Object, Deserialize)]
#[oai(rename = "NewRateLimit", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub(super) struct RateLimitBody {
    /// Requests.
    #[serde(default)]
    limit: Field<WholeNumber<{ *RateLimit::LIMITS.start() }, { *RateLimit::LIMITS.end() }>>,
    /// Seconds, at most 31 days.
    #[serde(default)]
    window_seconds:
        Field<WholeNumber<{ *RateLimit::WINDOWS.start() }, { *RateLimit::WINDOWS.end() }>>,
    #[oai(skip)]
    #[serde(flatten)]
    unknown: UnknownFields,
}

impl RateLimitBody {
    /// Checks every field.
    pub(super) fn check(self, problems: &mut Problems) -> Option<RateLimit> {
        let limit = self.limit.check("rateLimit.limit", problems);
        let window = self
            .window_seconds
            .check("rateLimit.windowSeconds", problems);
        problems.reject_unknown_fields("rateLimit.", &self.unknown);
        RateLimit::new(limit?.0, window?.0)
    }
}

impl FieldValue for RateLimitBody {
    fn rule() -> Cow<'static, str> {
        "must be an object".into()
    }

    fn parse(json: &Value) -> Option<Self> {
        let object = json.as_object()?;
        Self::deserialize(object).ok()
    }
}

/// At most `limit` successful requests in a UTC calendar day or month.
#[derive(Object, Deserialize)]
#[oai(rename = "NewQuota", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaBody {
    /// Requests.
    #[serde(default)]
    limit: Field<WholeNumber<{ *Quota::LIMITS.start() }, { *Quota::LIMITS.end() }>>,
    /// The period, in UTC.
    #[serde(default)]
    period: Field<QuotaPeriod>,
    #[oai(skip)]
    #[serde(flatten)]
    unknown: UnknownFields,
}

impl QuotaBody {
    /// Checks every field.
    pub(super) fn check(self, problems: &mut Problems) -> Option<Quota> {
        let limit = self.limit.check("quota.limit", problems);
        let period = self.period.check("quota.period", problems);
        problems.reject_unknown_fields("quota.", &self.unknown);
        Quota::new(limit?.0, period?)
    }
}

impl FieldValue for QuotaBody {
    fn rule() -> Cow<'static, str> {
        "must be an object".into()
    }

    fn parse(json: &Value) -> Option<Self> {
        let object = json.as_object()?;
        Self::deserialize(object).ok()
    }
}

scalar!(
    QuotaPeriod,
    [],
    "string",
    MetaSchema {
        enum_items: vec!["day".into(), "month".into()],
        ..MetaSchema::new("string")
    }
);

impl FieldValue for QuotaPeriod {
    fn rule() -> Cow<'static, str> {
        Self::RULE.into()
    }

    fn parse(json: &Value) -> Option<Self> {
        json.as_str()?.parse().ok()
    }
}

/// At most `limit` successful requests in any `windowSeconds` seconds.
#[derive(Object, Serialize)]
#[oai(rename = "RateLimit", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub(super) struct RateLimitOut {
    /// Requests.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    limit: i64,
    /// Seconds, at most 31 days.
    #[oai(validator(minimum(value = "1"), maximum(value = "2678400")))]
    window_seconds: i64,
}

impl From<RateLimit> for RateLimitOut {
    fn from(rate: RateLimit) -> Self {
        Self {
            limit: rate.limit(),
            window_seconds: rate.window_seconds(),
        }
    }
}

/// At most `limit` successful requests in a UTC calendar day or month.
#[derive(Object, Serialize)]
#[oai(rename = "Quota", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaOut {
    /// Requests.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    limit: i64,
    /// The period, in UTC.
    period: PeriodOut,
    /// Successful requests in the current period. Exceeds the limit if that was lowered.
    used: Count,
    /// When the next period starts.
    resets_at: DateTime,
}

impl From<QuotaState> for QuotaOut {
    fn from(state: QuotaState) -> Self {
        Self {
            limit: state.quota.limit(),
            period: state.quota.period().into(),
            used: Count(state.used),
            resets_at: DateTime(state.resets_at),
        }
    }
}

impl Example for QuotaOut {
    fn example() -> Self {
        Self {
            limit: 1_000_000,
            period: PeriodOut::Month,
            used: Count(17_208),
            resets_at: DateTime(Timestamp::from_millis(1_769_904_000_000)),
        }
    }
}

/// The period of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[oai(rename = "QuotaPeriod", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum PeriodOut {
    Day,
    Month,
}

impl From<QuotaPeriod> for PeriodOut {
    fn from(period: QuotaPeriod) -> Self {
        match period {
            QuotaPeriod::Day => Self::Day,
            QuotaPeriod::Month => Self::Month,
        }
    }
}
