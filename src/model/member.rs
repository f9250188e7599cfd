//! Members of an organization, their roles, and the rules for adding and removing them.
//!
//! The store reads the memberships in the transaction that changes them, and applies these rules to them. An organization
//! keeps an owner unless the operator forces the change.

use std::str::FromStr;

use super::{Timestamp, UserId};

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

    /// Returns whether the role permits less than `other`.
    #[must_use]
    pub fn permits_less_than(self, other: Self) -> bool {
        let rank = |role| match role {
            Self::Owner => 2,
            Self::Admin => 1,
            Self::Member => 0,
        };
        rank(self) < rank(other)
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
    /// The member is the last owner and keeps the role.
    LastOwner(Member),
}

impl AddMemberOutcome {
    /// Decides what adding `user` at `at` changes. `stored` is the membership that the user has, if any. Without a
    /// `role`, a new member gets [`Role::Member`] and an existing one keeps the role.
    #[must_use]
    pub fn decide(
        stored: Option<Member>,
        user: UserId,
        role: Option<Role>,
        at: Timestamp,
        owner_loss: OwnerLoss,
    ) -> Self {
        let Some(member) = stored else {
            return Self::Added(Member {
                user,
                role: role.unwrap_or(Role::Member),
                created_at: at,
            });
        };
        match role.filter(|role| *role != member.role) {
            Some(_) if owner_loss.keeps(&member) => Self::LastOwner(member),
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
            Self::Added(member)
            | Self::RoleChanged { member, .. }
            | Self::Unchanged(member)
            | Self::LastOwner(member) => member,
        }
    }
}

/// The outcome of removing a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoveMemberOutcome {
    /// The member was removed.
    Removed(Member),
    /// The member is the last owner and stays.
    LastOwner,
    /// The user was not a member.
    NotAMember,
}

impl RemoveMemberOutcome {
    /// Decides what removing a user changes. `stored` is the membership that the user has, if any.
    #[must_use]
    pub fn decide(stored: Option<Member>, owner_loss: OwnerLoss) -> Self {
        match stored {
            None => Self::NotAMember,
            Some(member) if owner_loss.keeps(&member) => Self::LastOwner,
            Some(member) => Self::Removed(member),
        }
    }
}

/// The facts that decide whether an owner may be removed or get another role. An organization without an owner can be
/// repaired only at the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerLoss {
    /// Whether the organization has another owner.
    pub has_other_owner: bool,
    /// Whether the operator wants the change even if it leaves the organization without an owner.
    pub force: bool,
}

impl OwnerLoss {
    /// Returns whether the member is an owner and must stay one.
    fn keeps(self, member: &Member) -> bool {
        member.role == Role::Owner && !self.has_other_owner && !self.force
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The only owner, without `--force`.
    const LAST: OwnerLoss = OwnerLoss {
        has_other_owner: false,
        force: false,
    };

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
            let outcome = AddMemberOutcome::decide(before, user, role, at, LAST);
            assert_eq!(outcome, expected);
        }
    }

    #[test]
    fn last_owner_stays_owner_unless_forced() {
        let user = || UserId::new("u").unwrap();
        for (has_other_owner, force, stays) in [
            (false, false, true),
            (true, false, false),
            (false, true, false),
            (true, true, false),
        ] {
            let owner_loss = OwnerLoss {
                has_other_owner,
                force,
            };
            for role in [Role::Owner, Role::Admin, Role::Member] {
                let stored = || Some(member(role, 1));
                let stays = stays && role == Role::Owner;
                let removed = RemoveMemberOutcome::decide(stored(), owner_loss);
                assert_eq!(removed == RemoveMemberOutcome::LastOwner, stays);
                let demoted = |to| {
                    let at = Timestamp::from_millis(2);
                    AddMemberOutcome::decide(stored(), user(), to, at, owner_loss)
                };
                let admin = demoted(Some(Role::Admin));
                assert_eq!(matches!(admin, AddMemberOutcome::LastOwner(_)), stays);
                let same = AddMemberOutcome::Unchanged(member(role, 1));
                assert_eq!(demoted(None), same);
                assert_eq!(demoted(Some(role)), same);
            }
        }
        let stranger = RemoveMemberOutcome::decide(None, LAST);
        assert_eq!(stranger, RemoveMemberOutcome::NotAMember);
    }
}
