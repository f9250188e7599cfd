//! What is asked with a body: the settings of a new key, the grace of a rotation.
//!
//! The annotated structs are what the document says; [`settings`] and [`rotation`] are what is checked, field by
//! field, by the model's rules. schemathesis holds the two together in CI.

use std::time::Duration;

use poem_openapi::{Object, types::Example};
use serde_json::Value;

use crate::{
    api::{error::Failure, extract::Fields, problems::Problems, scalars::DateTime},
    model::{Description, KeySettings, Name, RateLimit, Rotation, Scopes, Timestamp},
};

/// A key to be created.
#[derive(Object)]
#[oai(rename = "CreateApiKey", rename_all = "camelCase", example)]
pub(super) struct CreateKeyIn {
    /// 1 to 100 characters, not only white space.
    #[oai(validator(
        min_length = 1,
        max_length = 100,
        // At least one character outside Unicode's White_Space; `\s` differs between regular-expression engines.
        pattern = r"^[^\x00]*[^\x00\x09-\x0d\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\x00]*$"
    ))]
    name: String,
    /// At most 500 characters.
    #[oai(validator(max_length = 500, pattern = r"^[^\x00]*$"))]
    description: Option<String>,
    /// What the key may be used for. Duplicates count once.
    #[oai(validator(max_items = 50, max_length = 64, pattern = "^[A-Za-z0-9:._*-]{1,64}$"))]
    scopes: Option<Vec<String>>,
    /// How often the key may be used; unlimited if left out.
    rate_limit: Option<RateLimitIn>,
    /// When the key stops working: an instant in the future.
    expires_at: Option<DateTime>,
}

/// At most `limit` successful requests in any `windowSeconds` seconds.
#[derive(Object)]
#[oai(rename = "NewRateLimit", rename_all = "camelCase")]
struct RateLimitIn {
    /// Requests.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    limit: i64,
    /// Seconds, at most 31 days.
    #[oai(validator(minimum(value = "1"), maximum(value = "2678400")))]
    window_seconds: i64,
}

/// A new secret to be given to a key.
#[derive(Object)]
#[oai(rename = "RotateApiKey", rename_all = "camelCase", example)]
pub(super) struct RotateKeyIn {
    /// How long the previous secret works beside the new one, in seconds, at most a week. 0 ends all older secrets at
    /// once.
    #[oai(validator(minimum(value = "0"), maximum(value = "604800")))]
    grace_seconds: i64,
    /// During the grace period of an earlier rotation, replace the newest secret; the previous one keeps its end. For
    /// a client that lost the response with the newest secret. No effect outside a grace period, or with
    /// `graceSeconds` 0.
    replace_new: Option<bool>,
}

/// Reads the settings of a new key, as [`CreateKeyIn`] documents them.
pub(super) fn settings(fields: &mut Fields<'_>, now: Timestamp) -> Option<KeySettings> {
    let name = fields.required("name", Name::RULE, |value| Name::new(value.as_str()?));
    let description = fields.optional("description", Description::RULE, |value| {
        Description::new(value.as_str()?)
    });
    let scopes = fields.optional("scopes", Scopes::RULE, |value| {
        let texts: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
        Scopes::new(&texts?)
    });
    let rate_limit = fields.object("rateLimit", |fields| {
        let limit = fields.whole_number("limit", RateLimit::LIMITS);
        let window = fields.whole_number("windowSeconds", RateLimit::WINDOWS);
        RateLimit::new(limit?, window?)
    });
    let rule = "must be a date-time in the future, like 2030-01-31T12:00:00Z";
    let expires_at = fields.optional("expiresAt", rule, |value| {
        Timestamp::parse(value.as_str()?).filter(|at| *at > now)
    });
    Some(KeySettings {
        name: name?,
        description,
        scopes: scopes.unwrap_or_default(),
        rate_limit,
        expires_at,
    })
}

/// Reads the grace period and `replaceNew` of a rotation, as [`RotateKeyIn`] documents them.
pub(super) fn rotation(fields: &mut Fields<'_>) -> Option<(Duration, bool)> {
    let longest = i64::try_from(Rotation::LONGEST_GRACE.as_secs()).unwrap_or(i64::MAX);
    let seconds = fields.whole_number("graceSeconds", 0..=longest);
    let replace_new = fields.boolean("replaceNew").unwrap_or(false);
    let grace = Duration::from_secs(seconds?.try_into().ok()?);
    Some((grace, replace_new))
}

/// The response to a body with several problems, for the document.
pub(super) fn example_of_problems() -> Option<Failure> {
    let body = br#"{ "name": "", "scopes": ["not ok"], "colour": "red" }"#;
    let mut problems = Problems::default();
    let read = |fields: &mut Fields<'_>| settings(fields, Timestamp::from_millis(0));
    let settings = Fields::read(body, &mut problems, read);
    problems.finish(settings).err()
}

impl Example for CreateKeyIn {
    fn example() -> Self {
        Self {
            name: "Deployment".to_owned(),
            description: Some("Releases of the customer portal".to_owned()),
            scopes: Some(vec!["releases:write".to_owned()]),
            rate_limit: Some(RateLimitIn {
                limit: 100,
                window_seconds: 60,
            }),
            expires_at: Some(DateTime(Timestamp::from_millis(4_102_444_800_000))),
        }
    }
}

impl Example for RotateKeyIn {
    fn example() -> Self {
        Self {
            grace_seconds: 86_400,
            replace_new: Some(false),
        }
    }
}
