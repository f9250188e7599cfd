//! The audit log, for the operator.

use super::{Error, Store, sqlite};
use crate::model::{AuditEntry, OrganizationId, Timestamp};

#[expect(
    clippy::missing_errors_doc,
    reason = "documented in the module `store`"
)]
impl Store {
    /// Returns the entries of an organization's audit log from `since` on, oldest first.
    pub async fn audit_log(
        &self,
        organization: OrganizationId,
        since: Timestamp,
    ) -> Result<Vec<AuditEntry>, Error> {
        self.database
            .readers
            .read(move |conn| sqlite::audit::since(conn, organization, since))
            .await
    }
}
