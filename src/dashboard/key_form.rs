//! The form of a key's settings: its fields, what they mean, and their problems.
//!
//! Used to create and to edit a key. Every field is a text; [`KeyForm::check`] converts them with the rules of the model,
//! and reports all problems together, each beside its field.

use maud::{Markup, html};
use serde::Deserialize;

use crate::model::{
    ApiKey, Description, ExternalId, KeySettings, Metadata, Name, Quota, QuotaPeriod, RateLimit,
    Scopes, Timestamp,
};

/// The texts of the form. A field that is left out is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct KeyForm {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) external_id: String,
    pub(super) scopes: String,
    pub(super) rate_limit: String,
    pub(super) rate_window: String,
    pub(super) quota: String,
    pub(super) quota_period: String,
    pub(super) expires: String,
    pub(super) metadata: String,
}

/// The problems of a form: the name of a field, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct FieldProblems(Vec<(&'static str, String)>);

impl FieldProblems {
    /// Returns the number of fields with a problem.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    fn add(&mut self, field: &'static str, problem: impl Into<String>) {
        self.0.push((field, problem.into()));
    }

    fn of(&self, field: &str) -> Option<&str> {
        let mut problems = self.0.iter();
        let found = problems.find(|(name, _)| *name == field);
        found.map(|(_, problem)| problem.as_str())
    }

    /// Returns the value, or records the problem.
    fn check<T>(&mut self, field: &'static str, value: Option<T>, rule: &str) -> Option<T> {
        if value.is_none() {
            self.add(field, rule);
        }
        value
    }
}

impl KeyForm {
    /// Returns the form with the settings of a key.
    pub(super) fn of(key: &ApiKey) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let metadata = key.metadata.as_object();
        let quota = key.quota.map(|state| state.quota);
        Self {
            name: key.name.to_string(),
            description: text(key.description.as_ref().map(Description::as_str)),
            external_id: text(key.external_id.as_ref().map(ExternalId::as_str)),
            scopes: key.scopes.iter().collect::<Vec<_>>().join(" "),
            rate_limit: number(key.rate_limit.map(RateLimit::limit)),
            rate_window: number(key.rate_limit.map(RateLimit::window_seconds)),
            quota: number(quota.map(Quota::limit)),
            quota_period: text(quota.map(|quota| quota.period().as_str())),
            expires: key.expires_at.map(input_time).unwrap_or_default(),
            metadata: if metadata.is_empty() {
                String::new()
            } else {
                serde_json::to_string_pretty(metadata).unwrap_or_default()
            },
        }
    }

    /// Returns the settings, or all problems.
    pub(super) fn check(&self, now: Timestamp) -> Result<KeySettings, FieldProblems> {
        let mut problems = FieldProblems::default();
        let name = Name::new(self.name.trim());
        let name = problems.check("name", name, "Write 1 to 100 characters.");
        let description = self.description(&mut problems);
        let scopes = self.scopes(&mut problems);
        let rate_limit = self.rate_limit(&mut problems);
        let quota = self.quota(&mut problems);
        let expires_at = self.expires_at(&mut problems, now);
        let external_id = self.external_id(&mut problems);
        let metadata = self.metadata(&mut problems);
        match name {
            Some(name) if problems.0.is_empty() => Ok(KeySettings {
                name,
                description,
                external_id,
                metadata,
                scopes,
                rate_limit,
                quota,
                expires_at,
            }),
            _ => Err(problems),
        }
    }

    fn description(&self, problems: &mut FieldProblems) -> Option<Description> {
        let text = non_empty(&self.description)?;
        problems.check(
            "description",
            Description::new(text),
            "Write at most 500 characters.",
        )
    }

    fn external_id(&self, problems: &mut FieldProblems) -> Option<ExternalId> {
        let text = non_empty(&self.external_id)?;
        problems.check(
            "external_id",
            ExternalId::new(text),
            "Write at most 255 characters.",
        )
    }

    fn scopes(&self, problems: &mut FieldProblems) -> Scopes {
        let scopes: Vec<&str> = self.scopes.split_whitespace().collect();
        let rule = "Write at most 50 scopes of letters, digits and : . _ * -, separated by spaces.";
        let scopes = problems.check("scopes", Scopes::new(&scopes), rule);
        scopes.unwrap_or_default()
    }

    fn rate_limit(&self, problems: &mut FieldProblems) -> Option<RateLimit> {
        let limit = non_empty(&self.rate_limit)?;
        let window = non_empty(&self.rate_window).unwrap_or("60");
        let rate = || RateLimit::new(whole(limit)?, whole(window)?);
        let rule = "Write 1 to 1,000,000,000 requests, and a window of 1 to 2,678,400 seconds.";
        problems.check("rate_limit", rate(), rule)
    }

    fn quota(&self, problems: &mut FieldProblems) -> Option<Quota> {
        let limit = non_empty(&self.quota)?;
        let period = self.quota_period.parse().unwrap_or(QuotaPeriod::Month);
        let quota = whole(limit).and_then(|limit| Quota::new(limit, period));
        problems.check("quota", quota, "Write 1 to 1,000,000,000 requests.")
    }

    fn expires_at(&self, problems: &mut FieldProblems, now: Timestamp) -> Option<Timestamp> {
        let text = non_empty(&self.expires)?;
        let at = parse_input_time(text).filter(|at| *at > now);
        problems.check("expires", at, "Choose a time in the future.")
    }

    fn metadata(&self, problems: &mut FieldProblems) -> Metadata {
        let Some(text) = non_empty(&self.metadata) else {
            return Metadata::default();
        };
        let metadata = serde_json::from_str(text).ok().and_then(Metadata::new);
        let rule = "Write a JSON object of at most 4,096 bytes, for instance {\"plan\": \"free\"}.";
        let metadata = problems.check("metadata", metadata, rule);
        metadata.unwrap_or_default()
    }

    /// Renders the fields, with the problems beside them.
    pub(super) fn fields(&self, problems: &FieldProblems) -> Markup {
        let input = |name: &'static str, value: &str, label: &str, hint: &str| {
            field(problems, name, label, hint, |invalid, described| {
                html! {
                    input id=(name) name=(name) value=(value) required[name == "name"] aria-invalid=[invalid] aria-describedby=[described];
                }
            })
        };
        html! {
            (input("name", &self.name, "Name", "What uses the key, for instance “Billing server”."))
            (input("description", &self.description, "Description", "Optional."))
            (input("scopes", &self.scopes, "Scopes", "Optional. What the key may do, separated by spaces: invoices:read invoices:write"))
            (field(problems, "rate_limit", "Rate limit", "Optional. At most so many successful requests in any window of this length.", |invalid, described| html! {
                div.inline {
                    input #rate_limit name="rate_limit" inputmode="numeric" value=(self.rate_limit) aria-invalid=[invalid] aria-describedby=[described];
                    span { "requests in any" }
                    input name="rate_window" inputmode="numeric" value=(self.rate_window) placeholder="60" aria-label="Seconds of the rate limit";
                    span { "seconds" }
                }
            }))
            (field(problems, "quota", "Quota", "Optional. At most so many successful requests in a calendar day or month (UTC).", |invalid, described| html! {
                div.inline {
                    input #quota name="quota" inputmode="numeric" value=(self.quota) aria-invalid=[invalid] aria-describedby=[described];
                    span { "requests per" }
                    select name="quota_period" aria-label="Period of the quota" {
                        @for period in ["month", "day"] {
                            option value=(period) selected[self.quota_period == period] { (period) }
                        }
                    }
                }
            }))
            (field(problems, "expires", "Expires (UTC)", "Optional. The key stops working then.", |invalid, described| html! {
                input #expires type="datetime-local" step="1" name="expires" value=(self.expires) aria-invalid=[invalid] aria-describedby=[described];
            }))
            (input("external_id", &self.external_id, "External id", "Optional. Your own id of the key's holder, such as a customer number."))
            (field(problems, "metadata", "Metadata", "Optional. A JSON object, returned by each validation.", |invalid, described| html! {
                textarea #metadata name="metadata" rows="4" spellcheck="false" aria-invalid=[invalid] aria-describedby=[described] { (self.metadata) }
            }))
        }
    }
}

/// Renders a field with its label, its hint and its problem. `control` gets the values of `aria-invalid` and
/// `aria-describedby`.
fn field(
    problems: &FieldProblems,
    name: &'static str,
    label: &str,
    hint: &str,
    control: impl FnOnce(Option<&'static str>, Option<String>) -> Markup,
) -> Markup {
    let problem = problems.of(name);
    let described = format!("{name}-hint");
    html! {
        div.field {
            label for=(name) { (label) }
            (control(problem.map(|_| "true"), Some(described.clone())))
            p id=(described) class=(if problem.is_some() { "hint problem" } else { "hint" }) {
                @match problem { Some(problem) => (problem), None => (hint) }
            }
        }
    }
}

fn non_empty(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

/// Parses a whole number; thousands separators are ignored.
fn whole(text: &str) -> Option<i64> {
    text.replace([',', '_', ' '], "").parse().ok()
}

fn number(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// Formats an instant for `<input type="datetime-local">`, in UTC and whole seconds.
fn input_time(at: Timestamp) -> String {
    at.to_string()
        .chars()
        .take("2026-01-05T12:00:00".len())
        .collect()
}

/// Parses the value of `<input type="datetime-local">`, a time with or without seconds, as UTC. Browsers without such a
/// field send what was typed: a date, or an instant.
fn parse_input_time(text: &str) -> Option<Timestamp> {
    let forms = [
        text.to_owned(),
        format!("{text}Z"),
        format!("{text}:00Z"),
        format!("{text}T00:00:00Z"),
    ];
    forms.iter().find_map(|text| Timestamp::parse(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-15T12:00:00Z").unwrap()
    }

    #[test]
    fn form_with_a_name_has_no_limits() {
        let form = KeyForm {
            name: " x ".to_owned(),
            ..KeyForm::default()
        };
        let expected = KeySettings::named(Name::new("x").unwrap());
        assert_eq!(form.check(now()).unwrap(), expected);
    }

    #[test]
    fn check_reports_all_problems() {
        let form = KeyForm {
            name: " ".to_owned(),
            description: "x".repeat(501),
            external_id: "x".repeat(256),
            scopes: "a/b".to_owned(),
            rate_limit: "0".to_owned(),
            rate_window: String::new(),
            quota: "many".to_owned(),
            quota_period: "month".to_owned(),
            expires: "2026-01-15T12:00".to_owned(),
            metadata: "[1]".to_owned(),
        };
        let FieldProblems(problems) = form.check(now()).unwrap_err();
        let fields: Vec<&str> = problems.iter().map(|(field, _)| *field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "description",
                "scopes",
                "rate_limit",
                "quota",
                "expires",
                "external_id",
                "metadata"
            ]
        );
    }

    #[test]
    fn time_is_utc_with_or_without_seconds() {
        let noon = Timestamp::parse("2027-01-31T12:00:00Z");
        for text in [
            "2027-01-31T12:00",
            "2027-01-31T12:00:00",
            "2027-01-31T12:00:00Z",
        ] {
            assert_eq!(parse_input_time(text), noon, "{text}");
        }
        let midnight = Timestamp::parse("2027-01-31T00:00:00Z");
        assert_eq!(parse_input_time("2027-01-31"), midnight);
        assert_eq!(parse_input_time("soon"), None);
        assert_eq!(input_time(noon.unwrap()), "2027-01-31T12:00:00");
    }
}
