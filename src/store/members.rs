//! Members of an organization, for the operator: added, removed, listed.
//!
//! Called by the commands. A change writes to the audit log in its transaction.

use super::{Error, Store, sqlite};
use crate::model::{
    AddMemberOutcome, Member, Organization, OrganizationId, RemoveMemberOutcome, Role, Timestamp,
    UserId,
};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Adds a member to an existing organization, or changes the role of one: see [`AddMemberOutcome::decide`]. `force`
    /// changes the role even of the last owner.
    pub async fn add_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Option<Role>,
        at: Timestamp,
        force: bool,
    ) -> Result<AddMemberOutcome, Error> {
        self.database
            .write(move |tx| sqlite::members::add(tx, organization, user, role, at, force))
            .await
    }

    /// Removes a member, with effect from the next request: see [`RemoveMemberOutcome::decide`]. `force` removes even the
    /// last owner.
    pub async fn remove_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        at: Timestamp,
        force: bool,
    ) -> Result<RemoveMemberOutcome, Error> {
        self.database
            .write(move |tx| sqlite::members::remove(tx, organization, &user, at, force))
            .await
    }

    /// Counts the keys of an organization that a user created and that are active at `now`. Reads all enabled keys of the
    /// organization, on the blocking pool.
    pub async fn active_keys_created_by(
        &self,
        organization: OrganizationId,
        user: UserId,
        now: Timestamp,
    ) -> Result<i64, Error> {
        self.database
            .readers
            .read_in_background(move |conn| {
                sqlite::members::active_keys_created_by(conn, organization, &user, now)
            })
            .await
    }

    /// Returns the memberships of a user with their organizations, in the order of the slugs.
    pub async fn memberships(&self, user: UserId) -> Result<Vec<(Organization, Member)>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::members::memberships(conn, &user))
            .await
    }

    /// Returns the members of an organization, in the order of their ids.
    pub async fn members(&self, organization: OrganizationId) -> Result<Vec<Member>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::members::list(conn, organization))
            .await
    }
}
