//! Who and which: the ids that paths, tokens and tables share.
//!
//! A UUID is taken only in its 36-character hyphenated form (RFC 9562, section 4), in either case, so that
//! nothing that could also be a slug is read as an id.

use std::fmt;

use uuid::Uuid;

/// An organization's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganizationId(pub Uuid);

/// An API key's id: public, never its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub Uuid);

impl KeyId {
    /// The id that `text` spells, or `None` when it spells none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hyphenated(text).map(Self)
    }
}

/// A user's id: the `sub` of a bearer token, whatever its issuer puts there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct UserId(String);

impl UserId {
    /// A user id, or `None` for the empty string, which names nobody.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        (!id.is_empty()).then_some(Self(id))
    }

    /// The id as the token had it.
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

/// How a caller names an organization: by id or by slug. A slug never looks like a UUID (`schema.sql`), so
/// one text names at most one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganizationRef {
    /// By id.
    Id(OrganizationId),
    /// By slug: any other text. Most texts are no slug of anybody, which is not an error here.
    Slug(String),
}

impl OrganizationRef {
    /// Reads a path segment or an argument. Every text is a reference; few refer to something.
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
    fn a_hyphenated_uuid_in_either_case_is_an_id() {
        let id = OrganizationRef::parse(ACME);
        assert!(matches!(id, OrganizationRef::Id(_)));
        assert_eq!(id, OrganizationRef::parse(&ACME.to_uppercase()));
    }

    #[test]
    fn other_spellings_of_a_uuid_are_no_ids() {
        for text in [
            ACME.replace('-', ""),
            format!("{{{ACME}}}"),
            format!("urn:uuid:{ACME}"),
            format!("{ACME} "),
            String::new(),
        ] {
            assert_eq!(KeyId::parse(&text), None, "{text}");
            assert_eq!(OrganizationRef::parse(&text), OrganizationRef::Slug(text));
        }
    }
}
