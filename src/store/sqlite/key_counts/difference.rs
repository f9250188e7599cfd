//! How the counts of an organization differ between two instants.
//!
//! Called by the statistics, to add what has changed since the counts were kept, and by [`mod@super::advance`]. Repeats the
//! definition of [`crate::model::KeyState::counts`] for ranges of keys.

use rusqlite::{Connection, named_params};

use super::PORTION;
use crate::model::{KeyCounts, KeyStats, OrganizationId, Timestamp};

/// Counts the unrevoked keys that expire after `:from` and until `:to`, by what they were at `:from`.
pub(in crate::store::sqlite) const EXPIRED: &str = "
    SELECT count(*),
           count(*) FILTER (WHERE disabled_at IS NOT NULL),
           count(*) FILTER (WHERE disabled_at IS NULL
                              AND last_used_at IS NULL),
           count(*) FILTER (WHERE disabled_at IS NULL
                              AND last_used_at <= :idle_from)
      FROM (SELECT disabled_at,
                   last_used_at
              FROM api_keys
             WHERE organization_id = :organization
               AND revoked_at IS NULL
               AND expires_at > :from
               AND expires_at <= :to
             LIMIT :limit)";

/// Counts the enabled keys whose last use becomes too old to be active, and those of them that have not expired at `:to`.
pub(in crate::store::sqlite) const IDLE: &str = "
    SELECT count(*),
           count(*) FILTER (WHERE expires_at IS NULL
                               OR expires_at > :to)
      FROM (SELECT expires_at
              FROM api_keys
             WHERE organization_id = :organization
               AND revoked_at IS NULL
               AND disabled_at IS NULL
               AND last_used_at > :idle_from
               AND last_used_at <= :idle_to
             LIMIT :limit)";

/// How counts differ between two instants.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::sqlite) struct Difference {
    /// To be added to the counts at the first instant.
    pub(in crate::store::sqlite) counts: KeyCounts,
    /// The number of keys that were read.
    pub(in crate::store::sqlite) keys: i64,
}

/// Returns how the counts of an organization at `to` differ from those at `from`, which may be later.
pub(in crate::store::sqlite) fn difference(
    conn: &Connection,
    organization: OrganizationId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Difference> {
    // SQLite reads all rows if the limit is negative.
    read(conn, organization, from, to, -1)
}

/// Returns the [`difference()`], or `None` if it needs more keys than a portion.
pub(in crate::store::sqlite) fn short_difference(
    conn: &Connection,
    organization: OrganizationId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Option<Difference>> {
    let difference = read(conn, organization, from, to, PORTION + 1)?;
    Ok(Some(difference).filter(|difference| difference.keys <= PORTION))
}

/// Reads up to `limit` keys that expire, and as many that become inactive.
fn read(
    conn: &Connection,
    organization: OrganizationId,
    from: Timestamp,
    to: Timestamp,
    limit: i64,
) -> rusqlite::Result<Difference> {
    if from > to {
        let Difference { counts, keys } = read(conn, organization, to, from, limit)?;
        let counts = KeyCounts::default() - counts;
        return Ok(Difference { counts, keys });
    }
    let idle_from = from.before(KeyStats::INACTIVE_AFTER);
    let mut statement = conn.prepare_cached(EXPIRED)?;
    let parameters = named_params! {
        ":organization": organization,
        ":from": from,
        ":to": to,
        ":idle_from": idle_from,
        ":limit": limit,
    };
    let [expired, disabled, never_used, inactive] = statement.query_row(parameters, |row| {
        Ok::<[i64; 4], _>([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    })?;
    let mut statement = conn.prepare_cached(IDLE)?;
    let parameters = named_params! {
        ":organization": organization,
        ":to": to,
        ":idle_from": idle_from,
        ":idle_to": to.before(KeyStats::INACTIVE_AFTER),
        ":limit": limit,
    };
    let [idle, became_inactive] = statement.query_row(parameters, |row| {
        Ok::<[i64; 2], _>([row.get(0)?, row.get(1)?])
    })?;
    let counts = KeyCounts {
        total: 0,
        revoked: 0,
        expired,
        disabled: -disabled,
        never_used: -never_used,
        inactive: became_inactive - inactive,
    };
    let keys = expired + idle;
    Ok(Difference { counts, keys })
}
