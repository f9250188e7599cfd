//! Organizations, their members, and the rules about who may do what.
//!
//! The store reads a membership in the transaction of the operation and applies these rules to it, so that a removed
//! membership takes effect at once.

use std::str::FromStr;

use super::{Name, OrganizationId, Slug, Timestamp, UserId};

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

/// A member's role. Every role may read keys and statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Manages the organization and its keys.
    Owner,
    /// Manages its keys.
    Admin,
    /// Reads keys and statistics.
    Member,
}

impl Role {
    /// Returns the role's name in the database, in fixtures and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// Returns whether the role may list, create, rotate and revoke keys.
    #[must_use]
    pub fn manages_keys(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

/// The text is not the name of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be owner, admin or member")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let mut roles = [Self::Owner, Self::Admin, Self::Member].into_iter();
        roles.find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// A member of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user's id.
    pub user: UserId,
    /// The user's role.
    pub role: Role,
    /// The instant at which the membership began.
    pub created_at: Timestamp,
}

/// The outcome of adding a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddMemberOutcome {
    /// The user was not a member before.
    Added(Member),
    /// The user was a member with another role.
    RoleChanged {
        /// The member with the new role.
        member: Member,
        /// The previous role.
        from: Role,
    },
    /// The user already was a member with that role.
    Unchanged(Member),
}

impl AddMemberOutcome {
    /// Decides what adding `user` at `at` changes. `stored` is the membership that the user has, if any. Without a
    /// `role`, a new member gets [`Role::Member`] and an existing one keeps the role.
    #[must_use]
    pub fn decide(stored: Option<Member>, user: UserId, role: Option<Role>, at: Timestamp) -> Self {
        let Some(member) = stored else {
            return Self::Added(Member {
                user,
                role: role.unwrap_or(Role::Member),
                created_at: at,
            });
        };
        match role.filter(|role| *role != member.role) {
            Some(role) => Self::RoleChanged {
                from: member.role,
                member: Member { role, ..member },
            },
            None => Self::Unchanged(member),
        }
    }

    /// Returns the member.
    #[must_use]
    pub fn member(&self) -> &Member {
        match self {
            Self::Added(member) | Self::RoleChanged { member, .. } | Self::Unchanged(member) => {
                member
            }
        }
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

    fn member(role: Role, created_at: i64) -> Member {
        Member {
            user: UserId::new("u").unwrap(),
            role,
            created_at: Timestamp::from_millis(created_at),
        }
    }

    #[test]
    fn add_member_keeps_the_role_of_an_existing_member_unless_another_is_given() {
        use AddMemberOutcome::{Added, RoleChanged, Unchanged};
        let stored = || member(Role::Admin, 1);
        let promoted = RoleChanged {
            member: member(Role::Owner, 1),
            from: Role::Admin,
        };
        for (before, role, expected) in [
            (None, None, Added(member(Role::Member, 2))),
            (None, Some(Role::Owner), Added(member(Role::Owner, 2))),
            (Some(stored()), None, Unchanged(stored())),
            (Some(stored()), Some(Role::Admin), Unchanged(stored())),
            (Some(stored()), Some(Role::Owner), promoted),
        ] {
            let user = UserId::new("u").unwrap();
            let at = Timestamp::from_millis(2);
            assert_eq!(AddMemberOutcome::decide(before, user, role, at), expected);
        }
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
