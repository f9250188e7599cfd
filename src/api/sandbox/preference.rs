//! `Prefer`: which documented answer a request would like to have (RFC 7240; `code` and `example` are Prism's words).
//!
//! Pure: a header in, a wish out. Other preferences are ignored, as the RFC wants it; whether there is such an answer
//! is known to [`super::answers`]. A semicolon is taken for a comma: what follows it would be a parameter, of which ours
//! have none, and a wish that is passed over in silence helps nobody.

use std::fmt;

use poem::http::{HeaderMap, HeaderName};

pub(super) const PREFER: HeaderName = HeaderName::from_static("prefer");

/// A wish for one of the documented answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Preference {
    /// A status.
    pub(super) code: Option<String>,
    /// The name of an example.
    pub(super) example: Option<String>,
}

impl Preference {
    /// What a request wishes for; `None` when it does not say, or wishes for other things only.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut wish = Self::default();
        for value in headers.get_all(PREFER) {
            // What is not ASCII is no answer's code or name, and is refused as such.
            let value = String::from_utf8_lossy(value.as_bytes());
            for preference in split(&value) {
                let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
                let wished = match name.trim().to_ascii_lowercase().as_str() {
                    "code" => &mut wish.code,
                    "example" => &mut wish.example,
                    _ => continue,
                };
                // Of several, the first counts.
                wished.get_or_insert_with(|| unquote(value.trim()));
            }
        }
        (wish != Self::default()).then_some(wish)
    }
}

/// As `Preference-Applied` has it.
impl fmt::Display for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.iter().map(|code| format!("code={code}"));
        let example = self.example.iter().map(|name| format!("example={name}"));
        f.write_str(&code.chain(example).collect::<Vec<_>>().join(", "))
    }
}

/// The parts between commas and semicolons, of which those in quotes are none.
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

/// A token as it stands; a quoted string without its quotes and backslashes.
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
        Preference::of(&values.collect()).map(|wish| wish.to_string())
    }

    #[test]
    fn a_wish_is_read_in_every_form_that_the_rfc_allows() {
        for (values, wish) in [
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
            assert_eq!(of(values).as_deref(), Some(wish), "{values:?}");
        }
    }

    #[test]
    fn other_wishes_are_none_of_ours() {
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
