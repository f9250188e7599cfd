//! Ids of organizations, keys and users, as paths, tokens and tables contain them.
//!
//! A UUID is parsed only in its hyphenated form of 36 characters (RFC 9562, section 4), in either case. Other forms
//! could also be slugs.

use std::fmt;

use uuid::Uuid;

/// The id of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationId(pub Uuid);

/// The id of an API key. Ids are public; secrets are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub Uuid);

impl KeyId {
    /// Parses an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hyphenated(text).map(Self)
    }

    /// Parses a path segment. Never fails: a text that is not an id becomes the nil UUID. No key has that id, since all
    /// generated ids are of version 7, so the lookup fails as it does for any unknown key.
    #[must_use]
    pub fn parse_or_nil(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self(Uuid::nil()))
    }
}

/// The id of a user: the `sub` claim of a bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct UserId(String);

impl UserId {
    /// Creates a user id. `None` for the empty string.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        (!id.is_empty()).then_some(Self(id))
    }

    /// Returns the id as it is in the token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UserId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, &'static str> {
        Self::new(id).ok_or("a user id must not be empty")
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A reference to an organization by id or by slug. A slug never has the form of a UUID (`schema.sql`), so a text
/// refers to at most one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationRef {
    /// The organization's id.
    Id(OrganizationId),
    /// The organization's slug. Any text is accepted here; the lookup fails if no organization has the slug.
    Slug(String),
}

impl OrganizationRef {
    /// Parses a path segment or a command-line argument. Never fails.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match hyphenated(text) {
            Some(id) => Self::Id(OrganizationId(id)),
            None => Self::Slug(text.to_owned()),
        }
    }
}

fn hyphenated(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: &str = "550e8400-e29b-41d4-a716-446655440000";

    #[test]
    fn hyphenated_uuid_in_either_case_is_an_id() {
        let id = OrganizationRef::parse(ACME);
        assert!(matches!(id, OrganizationRef::Id(_)));
        assert_eq!(id, OrganizationRef::parse(&ACME.to_uppercase()));
    }

    #[test]
    fn other_forms_of_a_uuid_are_not_ids() {
        for text in [
            ACME.replace('-', ""),
            format!("{{{ACME}}}"),
            format!("urn:uuid:{ACME}"),
            format!("{ACME} "),
            String::new(),
        ] {
            assert_eq!(KeyId::parse(&text), None, "{text}");
            assert_eq!(KeyId::parse_or_nil(&text), KeyId(Uuid::nil()), "{text}");
            assert_eq!(OrganizationRef::parse(&text), OrganizationRef::Slug(text));
        }
    }
}
