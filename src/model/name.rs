//! Names, descriptions and slugs: texts that are validated at construction.
//!
//! Each type has a `RULE`, the sentence that error messages quote. `schema.sql` repeats the rules as constraints,
//! except that a name must not be only white space: a database of an earlier version may hold such names, and
//! [`Name::from_stored`] still reads them. Lengths are counted in Unicode characters.

use std::fmt;

/// A name of an organization or of a key: 1 to 100 characters, not only white space.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl Name {
    /// The rule for a name, to follow its field in an error message.
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

    /// The name as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The slug that the name suggests: its letters and digits in ASCII, lower-case, joined by hyphens. `None`
    /// when nothing is left of it.
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

/// What a key is for: at most 500 characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Description(String);

impl Description {
    /// What a description must be.
    pub const RULE: &str = "must be a string of at most 500 characters other than NUL";

    /// The description, if `text` is one.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        check_length(text.into(), 0, 500).map(Self)
    }

    /// The description as a text.
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
    /// What a slug must be.
    pub const RULE: &str =
        "must be 1 to 63 lower-case letters, digits and inner hyphens, and not look like a UUID";

    const MAX_LENGTH: usize = 63;

    /// The slug, if `text` is one. A text of the shape of a UUID is none: it would be read as an id.
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

    /// The slug as a text.
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

/// SQLite measures a text up to its first NUL, so there must be none.
fn check_length(text: String, min: usize, max: usize) -> Option<String> {
    let length = text.chars().count();
    ((min..=max).contains(&length) && !text.contains('\0')).then_some(text)
}

/// Whatever the characters between the hyphens, as `schema.sql` has it.
fn is_uuid_shaped(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36 && [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_100_characters_whatever_their_bytes() {
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
    fn a_description_may_be_empty_and_has_at_most_500_characters() {
        assert!(Description::new("").is_some());
        assert!(Description::new("ñ".repeat(500)).is_some());
        assert_eq!(Description::new("n".repeat(501)), None);
        assert_eq!(Description::new("\0"), None);
    }

    #[test]
    fn a_slug_is_a_plain_word_that_is_no_id() {
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
    fn a_name_suggests_a_slug() {
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
