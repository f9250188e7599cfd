//! Names, descriptions and slugs: texts that are validated at construction.
//!
//! Each type has a `RULE`, which error messages quote. `schema.sql` repeats the rules as constraints,
//! except that a name must not be only white space: a database of an earlier version may hold such names, and
//! [`Name::from_stored`] still reads them. Lengths are counted in Unicode characters.

use std::fmt;

/// A name of an organization or of a key: 1 to 100 characters, not only white space.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl Name {
    /// The rule for a name. Error messages put it after the name of the field.
    pub const RULE: &str =
        "must be a string of 1 to 100 characters other than NUL, not only white space";

    /// Validates a name. White space is Unicode's `White_Space`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        Self::from_stored(text).filter(|name| !name.0.trim().is_empty())
    }

    /// Reads a name from the database, which may hold names of only white space from earlier versions.
    #[must_use]
    pub fn from_stored(text: impl Into<String>) -> Option<Self> {
        check_length(text.into(), 1, 100).map(Self)
    }

    /// Returns the text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Derives a slug from the name: its letters and digits, transliterated to lower-case ASCII and joined by hyphens.
    /// `None` if the result is not a valid slug.
    #[must_use]
    pub fn slug(&self) -> Option<Slug> {
        let mut slug = slug::slugify(&self.0);
        slug.truncate(Slug::MAX_LENGTH);
        Slug::new(slug.trim_end_matches('-'))
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::new(text).ok_or(Self::RULE)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A description of a key: at most 500 characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Description(String);

impl Description {
    /// The rule for a description. Error messages put it after the name of the field.
    pub const RULE: &str = "must be a string of at most 500 characters other than NUL";

    /// Validates a description.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        check_length(text.into(), 0, 500).map(Self)
    }

    /// Returns the text of the description.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Description {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::new(text).ok_or(Self::RULE)
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An organization's name in URLs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Slug(String);

impl Slug {
    /// The rule for a slug. Error messages put it after the name of the field.
    pub const RULE: &str =
        "must be 1 to 63 lower-case letters, digits and inner hyphens, and not look like a UUID";

    const MAX_LENGTH: usize = 63;

    /// Validates a slug. A text of the form of a UUID is rejected, because a lookup would treat it as an id.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=Self::MAX_LENGTH).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !is_uuid_shaped(&text);
        valid.then_some(Self(text))
    }

    /// Returns the text of the slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::new(text).ok_or(Self::RULE)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks the length in characters, and rejects NUL: SQLite counts the length of a text up to the first NUL.
fn check_length(text: String, min: usize, max: usize) -> Option<String> {
    let length = text.chars().count();
    ((min..=max).contains(&length) && !text.contains('\0')).then_some(text)
}

/// Returns whether the text has the length and the hyphens of a UUID, as in `schema.sql`. Other characters are not checked.
fn is_uuid_shaped(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36 && [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_has_1_to_100_characters_of_any_size() {
        for text in ["x", &"ñ".repeat(100), "🔑", "two\nlines", " x ", "\u{200b}"] {
            assert_eq!(Name::new(text).as_ref().map(Name::as_str), Some(text));
        }
        for text in ["", &"n".repeat(101), "nul\0"] {
            assert_eq!(Name::new(text), None, "{text:?}");
            assert_eq!(Name::from_stored(text), None, "{text:?}");
        }
    }

    #[test]
    fn name_rejects_only_white_space_but_reads_it_from_the_database() {
        for text in [" ", "\t\n", "\u{85}\u{a0}", "\u{2003}\u{2028}\u{3000}"] {
            assert_eq!(Name::new(text), None, "{text:?}");
            assert!(Name::from_stored(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn description_may_be_empty_and_has_at_most_500_characters() {
        assert!(Description::new("").is_some());
        assert!(Description::new("ñ".repeat(500)).is_some());
        assert_eq!(Description::new("n".repeat(501)), None);
        assert_eq!(Description::new("\0"), None);
    }

    #[test]
    fn slug_rejects_other_characters_and_the_form_of_a_uuid() {
        for text in ["a", "acme-corp", "0", "a--b", &"x".repeat(63)] {
            assert!(Slug::new(text).is_some(), "{text}");
        }
        for text in [
            "",
            "-a",
            "a-",
            "Acme",
            "a_b",
            "ñandu",
            "a b",
            &"x".repeat(64),
            "550e8400-e29b-41d4-a716-446655440000",
            "notahexa-vers-ions-till-hastheshapes",
        ] {
            assert_eq!(Slug::new(text), None, "{text}");
        }
    }

    #[test]
    fn name_derives_a_slug() {
        for (name, slug) in [
            ("Acme Corp", "acme-corp"),
            (
                "  Panadería Ñandú & Hijos, S.A. ",
                "panaderia-nandu-hijos-s-a",
            ),
            ("東京", "dong-jing"),
        ] {
            let suggested = Name::new(name).and_then(|name| name.slug());
            assert_eq!(suggested, Slug::new(slug), "{name}");
            assert!(suggested.is_some());
        }
        for name in ["!?", "550e8400-e29b-41d4-a716-446655440000"] {
            assert_eq!(Name::new(name).and_then(|name| name.slug()), None, "{name}");
        }
        let long = Name::new("ab ".repeat(33)).and_then(|name| name.slug());
        assert_eq!(long.map(|slug| slug.as_str().len()), Some(62));
    }
}
