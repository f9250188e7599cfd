//! The request header `Prefer` (RFC 7240): `code` and `example`, which Prism introduced, and our own `delay`.
//!
//! Pure parsing; [`super::example_responses`] looks the response up. Other preferences are ignored, as the RFC
//! requires. A semicolon separates preferences like a comma: our preferences have no parameters, and ignoring
//! `code=404; example=x` silently would help no client.

use std::{fmt, time::Duration};

use poem::http::{HeaderMap, HeaderName};

use crate::api::error::ApiError;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The response header that confirms a preference.
pub(in crate::api::sandbox) const PREFERENCE_APPLIED: HeaderName =
    HeaderName::from_static("preference-applied");

/// The longest delay of a response.
pub(in crate::api::sandbox) const MAX_DELAY: Duration = Duration::from_secs(10);

/// A preference for a documented response, for a delay, or for both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::api::sandbox) struct Preference {
    /// The status code, as sent.
    pub(in crate::api::sandbox) code: Option<String>,
    /// The name of an example.
    pub(in crate::api::sandbox) example: Option<String>,
    /// The number of seconds, as sent.
    delay: Option<String>,
}

impl Preference {
    /// Parses the preference of a request. `None` if it has none of the three.
    pub(in crate::api::sandbox) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut preference = Self::default();
        for value in headers.get_all(PREFER) {
            // Text that is not UTF-8 matches no code and no name, so the lookup fails with a 400.
            let value = String::from_utf8_lossy(value.as_bytes());
            for part in split(&value) {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                let field = match name.trim().to_ascii_lowercase().as_str() {
                    "code" => &mut preference.code,
                    "example" => &mut preference.example,
                    "delay" => &mut preference.delay,
                    _ => continue,
                };
                // RFC 7240, section 2: the first of several counts.
                field.get_or_insert_with(|| unquote(value.trim()));
            }
        }
        (preference != Self::default()).then_some(preference)
    }

    /// Returns whether it selects a documented response.
    pub(in crate::api::sandbox) const fn selects_response(&self) -> bool {
        self.code.is_some() || self.example.is_some()
    }

    /// Returns the delay of the response. Zero if no delay is preferred.
    ///
    /// # Errors
    /// [`invalid_delay`] unless it is a whole number of seconds up to [`MAX_DELAY`].
    pub(in crate::api::sandbox) fn delay(&self) -> Result<Duration, ApiError> {
        let Some(text) = &self.delay else {
            return Ok(Duration::ZERO);
        };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = text.parse().ok().filter(|_| is_number);
        let delay = seconds.map(Duration::from_secs);
        delay
            .filter(|delay| *delay <= MAX_DELAY)
            .ok_or_else(invalid_delay)
    }
}

/// The error for a delay that is too long or not a whole number.
pub(in crate::api::sandbox) fn invalid_delay() -> ApiError {
    let longest = MAX_DELAY.as_secs();
    ApiError::BadRequest(format!(
        "Prefer: delay must be a whole number of seconds from 0 to {longest}"
    ))
}

/// Formats the preference for the response header `Preference-Applied`.
impl fmt::Display for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.iter().map(|code| format!("code={code}"));
        let example = self.example.iter().map(|name| format!("example={name}"));
        let delay = self.delay.iter().map(|delay| format!("delay={delay}"));
        f.write_str(
            &code
                .chain(example)
                .chain(delay)
                .collect::<Vec<_>>()
                .join(", "),
        )
    }
}

/// Splits at commas and semicolons outside quoted strings.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let separates = matches!(c, ',' | ';') && !quoted;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
        separates
    })
}

/// Removes the quotes and escapes of a quoted string. Returns a token unchanged.
fn unquote(value: &str) -> String {
    let quoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(quoted) = quoted else {
        return value.to_owned();
    };
    let mut escaped = false;
    let keep = |c: &char| {
        escaped = *c == '\\' && !escaped;
        !escaped
    };
    quoted.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<String> {
        let values = values
            .iter()
            .map(|value| (PREFER, value.as_bytes().try_into().unwrap()));
        Preference::from_headers(&values.collect()).map(|preference| preference.to_string())
    }

    #[test]
    fn preference_is_parsed_in_every_form_of_the_rfc() {
        for (values, expected) in [
            (&["code=404"][..], "code=404"),
            (&["example=busy"], "example=busy"),
            (&["code=200, example=busy"], "code=200, example=busy"),
            (&["example=busy,code=200"], "code=200, example=busy"),
            (&["code=200", "example=busy"], "code=200, example=busy"),
            (&["CODE = \"404\""], "code=404"),
            (&["return=minimal; a=\"x, code=500\", code=404"], "code=404"),
            (&["code=404; why=\"code=500\", code=503"], "code=404"),
            (&["code=200; example=busy"], "code=200, example=busy"),
            (&["code=\u{fc}"], "code=\u{fc}"),
            (&["code=404", "code=503"], "code=404"),
            (&["example=\"a\\\"b\\\\c,d\""], "example=a\"b\\c,d"),
            (&["code"], "code="),
        ] {
            assert_eq!(of(values).as_deref(), Some(expected), "{values:?}");
        }
    }

    #[test]
    fn delay_is_a_whole_number_of_seconds_up_to_ten() {
        let delay = |value: &'static str| {
            let headers = HeaderMap::from_iter([(PREFER, value.parse().unwrap())]);
            Preference::from_headers(&headers).unwrap().delay()
        };
        for (value, seconds) in [
            ("delay=0", 0),
            ("delay=10", 10),
            ("code=404; delay=\"3\"", 3),
            ("code=404", 0),
        ] {
            assert_eq!(delay(value), Ok(Duration::from_secs(seconds)), "{value}");
        }
        for value in [
            "delay",
            "delay=11",
            "delay=-1",
            "delay=+1",
            "delay=1.5",
            "delay=1s",
            "delay=99999999999999999999",
        ] {
            assert_eq!(delay(value), Err(invalid_delay()), "{value}");
        }
    }

    #[test]
    fn preference_ignores_other_names() {
        for values in [
            &[][..],
            &[""],
            &["respond-async, wait=10"],
            &["dynamic=true"],
        ] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }
}
