//! A page of the keys of an organization, selected and sorted by a query.
//!
//! Called by [`crate::store::Store::keys`]. A page starts after the position of its cursor, so that its cost does not
//! depend on the pages before it. [`crate::model::KeyFilter`] and [`crate::model::KeyOrder`] define the list.

mod index;
#[cfg(test)]
mod plan_tests;
mod statement;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use rusqlite::{Connection, ToSql};

use super::{access, keys};
use crate::{
    model::{Actor, ApiKey, KeyCursor, KeyPage, KeyPageRequest, OrganizationRef, Timestamp},
    store::{AccessError, Error},
};
use statement::{Part, Statement, parts, statement};

/// See [`crate::store::Store::keys`].
pub(in crate::store) fn page(
    conn: &Connection,
    organization: &OrganizationRef,
    by: &Actor,
    request: &KeyPageRequest,
    now: Timestamp,
) -> Result<KeyPage, AccessError> {
    // One snapshot for the permission and the page.
    let snapshot = conn.unchecked_transaction()?;
    let organization = access::require_key_manager(&snapshot, organization, by)?;
    let KeyPageRequest {
        query,
        after,
        limit,
        days,
    } = request;
    let limit = *limit as usize;
    let mut keys = Vec::new();
    for part in parts(query) {
        let Some(after) = start(*part, parts(query), after.as_ref()) else {
            continue;
        };
        // One more key tells whether there is another page.
        let more = limit + 1 - keys.len();
        if more > 0 {
            let statement = statement(organization, query, *part, after, more, now);
            keys.extend(read(&snapshot, &statement, *days, now)?);
        }
    }
    let is_last = keys.len() <= limit;
    keys.truncate(limit);
    let last = keys.last().filter(|_| !is_last);
    let next = last.map(|last| KeyCursor::after(last, query));
    Ok(KeyPage { keys, next })
}

/// Returns from where a part is read: after the cursor, or from its start. `None` if the cursor is behind the part.
#[expect(clippy::option_option, reason = "the inner option is the cursor's")]
fn start<'a>(
    part: Part,
    parts: &[Part],
    cursor: Option<&'a KeyCursor>,
) -> Option<Option<&'a KeyCursor>> {
    let Some(cursor) = cursor else {
        return Some(None);
    };
    let of_cursor = match cursor.value {
        None if parts.contains(&Part::Nulls) => Part::Nulls,
        Some(0) if parts.contains(&Part::WithoutHits) => Part::WithoutHits,
        _ => Part::Values,
    };
    let position = |part| parts.iter().position(|other| *other == part);
    match position(part).cmp(&position(of_cursor)) {
        Ordering::Less => None,
        Ordering::Equal => Some(Some(cursor)),
        Ordering::Greater => Some(None),
    }
}

fn read(
    conn: &Connection,
    statement: &Statement,
    days: Option<u32>,
    now: Timestamp,
) -> Result<Vec<ApiKey>, Error> {
    let parameters = statement.parameters.iter();
    let parameters: Vec<(&str, &dyn ToSql)> = parameters
        .map(|(name, value)| (*name, value as &dyn ToSql))
        .collect();
    let mut prepared = conn.prepare_cached(&statement.sql)?;
    let keys = prepared.query_map(&*parameters, |row| {
        keys::api_key_with_days(conn, row, now, days)
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}
