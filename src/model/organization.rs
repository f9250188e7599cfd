//! Organizations, their names, and the permissions of actors in them.
//!
//! The store reads a membership in the transaction of the operation and applies these rules to it, so that a removed
//! membership takes effect at once.

use super::{Changes, Name, OrganizationId, Role, Slug, Timestamp, UserId};

/// An organization, which owns keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The id.
    pub id: OrganizationId,
    /// The name in URLs.
    pub slug: Slug,
    /// The display name.
    pub name: Name,
    /// The instant of creation.
    pub created_at: Timestamp,
}

/// The outcome of renaming an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenameOutcome {
    /// The organization has the new name and slug.
    Renamed(Organization),
    /// The organization already had that name and slug.
    Unchanged(Organization),
    /// Another organization has the slug. Nothing was changed.
    SlugTaken(Slug),
}

impl Organization {
    /// Returns the organization with another name or slug, and what that changes. `None` keeps the current one.
    #[must_use]
    pub fn renamed(&self, name: Option<Name>, slug: Option<Slug>) -> (Self, Changes) {
        let renamed = Self {
            name: name.unwrap_or_else(|| self.name.clone()),
            slug: slug.unwrap_or_else(|| self.slug.clone()),
            ..self.clone()
        };
        let mut changes = Changes::default();
        let mut record =
            |field, from: &str, to: &str| changes.record(field, from.into(), to.into());
        record("name", self.name.as_str(), renamed.name.as_str());
        record("slug", self.slug.as_str(), renamed.slug.as_str());
        (renamed, changes)
    }
}

/// The actor on whose behalf an operation runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user, with the permissions of the user's role.
    User(UserId),
    /// The operator at the command line, who has access to the database file and may do everything.
    Operator,
}

/// An actor may not do an operation in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessDenied {
    /// The user is not a member.
    NotAMember,
    /// The user is a member, but the role does not permit the operation.
    RoleTooLow,
}

impl Actor {
    /// Decides whether the actor may manage the keys of an organization in which a user has `role`, if any.
    ///
    /// # Errors
    /// For a user who is not a member, or whose role does not [manage keys](Role::manages_keys).
    pub fn require_key_manager(&self, role: Option<Role>) -> Result<(), AccessDenied> {
        match (self, role) {
            (Self::Operator, _) => Ok(()),
            (Self::User(_), Some(role)) if role.manages_keys() => Ok(()),
            (Self::User(_), Some(_)) => Err(AccessDenied::RoleTooLow),
            (Self::User(_), None) => Err(AccessDenied::NotAMember),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rename_changes_only_what_is_given_and_different() {
        let before = Organization {
            id: OrganizationId(uuid::Uuid::nil()),
            slug: Slug::new("a").unwrap(),
            name: Name::new("A").unwrap(),
            created_at: Timestamp::from_millis(0),
        };
        let name = |name| Some(Name::new(name).unwrap());
        let slug = |slug| Some(Slug::new(slug).unwrap());
        let (renamed, changes) = before.renamed(None, slug("b"));
        assert_eq!((renamed.name.as_str(), renamed.slug.as_str()), ("A", "b"));
        let expected = serde_json::json!({ "slug": { "from": "a", "to": "b" } });
        assert_eq!(changes.to_json(), expected);
        let (renamed, changes) = before.renamed(name("A"), slug("a"));
        assert_eq!(renamed, before);
        assert!(changes.is_empty());
        let (_, changes) = before.renamed(name("B"), slug("b"));
        assert_eq!(changes.iter().count(), 2);
    }

    #[test]
    fn keys_are_managed_by_owners_admins_and_the_operator() {
        let user = Actor::User(UserId::new("u").unwrap());
        for (role, expected) in [
            (Some(Role::Owner), Ok(())),
            (Some(Role::Admin), Ok(())),
            (Some(Role::Member), Err(AccessDenied::RoleTooLow)),
            (None, Err(AccessDenied::NotAMember)),
        ] {
            assert_eq!(user.require_key_manager(role), expected, "{role:?}");
            assert_eq!(Actor::Operator.require_key_manager(role), Ok(()));
        }
    }
}
