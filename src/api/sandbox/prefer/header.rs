//! The request header `Prefer` (RFC 7240), with the preferences `code` and `example` that Prism introduced.
//!
//! Pure parsing; [`super::example_responses`] looks the response up. Other preferences are ignored, as the RFC
//! requires. A semicolon separates preferences like a comma: `code` and `example` have no parameters, and ignoring
//! `code=404; example=x` silently would help no client.

use std::fmt;

use poem::http::{HeaderMap, HeaderName};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// A preference for a documented response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::api::sandbox) struct Preference {
    /// The status code, as sent.
    pub(in crate::api::sandbox) code: Option<String>,
    /// The name of an example.
    pub(in crate::api::sandbox) example: Option<String>,
}

impl Preference {
    /// Parses the preference of a request. `None` if it has neither `code` nor `example`.
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
                    _ => continue,
                };
                // RFC 7240, section 2: the first of several counts.
                field.get_or_insert_with(|| unquote(value.trim()));
            }
        }
        (preference != Self::default()).then_some(preference)
    }
}

/// Formats the preference for the response header `Preference-Applied`.
impl fmt::Display for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.iter().map(|code| format!("code={code}"));
        let example = self.example.iter().map(|name| format!("example={name}"));
        f.write_str(&code.chain(example).collect::<Vec<_>>().join(", "))
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
