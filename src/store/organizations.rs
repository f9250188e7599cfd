//! What can be asked of the store about organizations, their members, and what was done in them.
//!
//! All of it is for the operator: whoever may open the file may do everything in it.

use super::{Error, Store, sqlite};
use crate::model::{
    AuditEntry, Member, MemberAdded, Organization, OrganizationId, OrganizationRef, Role, Seed,
    Timestamp, UserId,
};

impl Store {
    /// Creates an organization. Returns whether it did: a slug that is taken changes nothing.
    ///
    /// # Errors
    /// As every write: when the store cannot write, or when too many writes wait.
    pub async fn create_organization(&self, organization: Organization) -> Result<bool, Error> {
        self.write(move |tx| sqlite::organizations::create(tx, &organization))
            .await
    }

    /// The organization that is named, if there is one.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn organization(
        &self,
        organization: OrganizationRef,
    ) -> Result<Option<Organization>, Error> {
        self.read(move |conn| sqlite::organizations::find(conn, &organization))
            .await
    }

    /// All organizations, in the order of their slugs.
    ///
    /// # Errors
    /// As every read.
    pub async fn organizations(&self) -> Result<Vec<Organization>, Error> {
        self.read(sqlite::organizations::list).await
    }

    /// Makes a user a member of an organization that exists, as [`Role::Member`] unless `role` says otherwise. A
    /// member gets the role, if one is given, and stays as they are if none is.
    ///
    /// # Errors
    /// As every write.
    pub async fn add_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        role: Option<Role>,
        at: Timestamp,
    ) -> Result<MemberAdded, Error> {
        self.write(move |tx| sqlite::members::add(tx, organization, user, role, at))
            .await
    }

    /// Ends a membership, from the next request on. Returns who is a member no longer; `None` if the user was
    /// none.
    ///
    /// # Errors
    /// As every write.
    pub async fn remove_member(
        &self,
        organization: OrganizationId,
        user: UserId,
        at: Timestamp,
    ) -> Result<Option<Member>, Error> {
        self.write(move |tx| sqlite::members::remove(tx, organization, &user, at))
            .await
    }

    /// The members of an organization, in the order of their ids.
    ///
    /// # Errors
    /// As every read.
    pub async fn members(&self, organization: OrganizationId) -> Result<Vec<Member>, Error> {
        self.read(move |conn| sqlite::members::list(conn, organization))
            .await
    }

    /// What was done in an organization from `since` on, oldest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn audit_log(
        &self,
        organization: OrganizationId,
        since: Timestamp,
    ) -> Result<Vec<AuditEntry>, Error> {
        self.read(move |conn| sqlite::audit::since(conn, organization, since))
            .await
    }

    /// Fills a database that has no organizations. Returns whether it did; one that has any is not touched.
    ///
    /// # Errors
    /// When the seed breaks a rule of `schema.sql`; else as every write. Nothing is stored then.
    pub async fn seed_if_empty(&self, seed: Seed) -> Result<bool, Error> {
        self.write(move |tx| sqlite::organizations::seed_if_empty(tx, &seed))
            .await
    }
}
