//! Sessions of the dashboard and the codes of sign-in links.
//!
//! Called by [`crate::store::Store`], and by [`super::members`] when a member is removed. Invariant: a session exists
//! only while its user is a member of an organization. Each insertion deletes at most [`PORTION`] expired rows, so that
//! no request waits for a long deletion.

use rusqlite::{Connection, OptionalExtension, Savepoint, params};

use crate::{
    model::{
        NewSession, Organization, Session, SignInCode, SignInOutcome, Timestamp, TokenHash, UserId,
        UserMembership,
    },
    store::Error,
};

/// The maximum number of expired rows that an insertion deletes.
const PORTION: i64 = 100;

pub(super) const HAS_MEMBERSHIP: &str = "
    SELECT 1
      FROM memberships
     WHERE user_id = ?1
     LIMIT 1";

pub(super) const INSERT_CODE: &str = "
    INSERT INTO sign_in_codes (code_hash, user_id, reusable, expires_at)
    VALUES (?1, ?2, ?3, ?4)";

pub(super) const DELETE_EXPIRED_CODES: &str = "
    DELETE FROM sign_in_codes
     WHERE code_hash IN (SELECT code_hash
                           FROM sign_in_codes
                          WHERE expires_at <= ?1
                          ORDER BY expires_at
                          LIMIT ?2)";

pub(super) const CODE: &str = "
    SELECT user_id
      FROM sign_in_codes
     WHERE code_hash = ?1
       AND expires_at > ?2";

pub(super) const DELETE_USED_CODE: &str = "
    DELETE FROM sign_in_codes
     WHERE code_hash = ?1
       AND reusable = 0";

pub(super) const INSERT: &str = "
    INSERT INTO sessions (token_hash, user_id, expires_at)
    VALUES (?1, ?2, ?3)";

pub(super) const DELETE_EXPIRED: &str = "
    DELETE FROM sessions
     WHERE token_hash IN (SELECT token_hash
                            FROM sessions
                           WHERE expires_at <= ?1
                           ORDER BY expires_at
                           LIMIT ?2)";

pub(super) const DELETE: &str = "
    DELETE FROM sessions
     WHERE token_hash = ?1";

pub(super) const DELETE_WITHOUT_MEMBERSHIP: &str = "
    DELETE FROM sessions
     WHERE user_id = ?1
       AND NOT EXISTS (SELECT 1
                         FROM memberships
                        WHERE user_id = ?1)";

/// One row per membership of the user.
pub(super) const SESSION: &str = "
    SELECT s.user_id,
           m.role,
           o.id,
           o.slug,
           o.name,
           o.created_at
      FROM sessions AS s
      JOIN memberships AS m
        ON m.user_id = s.user_id
      JOIN organizations AS o
        ON o.id = m.organization_id
     WHERE s.token_hash = ?1
       AND s.expires_at > ?2";

pub(super) const SET_PUBLIC_URL: &str = "
    INSERT INTO public_url (id, url)
    VALUES (1, ?1)
        ON CONFLICT (id) DO UPDATE
       SET url = excluded.url";

pub(super) const PUBLIC_URL: &str = "
    SELECT url
      FROM public_url
     WHERE id = 1";

pub(super) const DELETE_ALL: [&str; 2] = [
    "
    DELETE FROM sessions",
    "
    DELETE FROM sign_in_codes",
];

/// Deletes all sessions and sign-in codes: they are never part of a copy. Versions before 3 have none.
pub(super) fn delete_all(conn: &Connection) -> rusqlite::Result<()> {
    if super::schema::version(conn)? >= 3 {
        for statement in DELETE_ALL {
            conn.execute(statement, [])?;
        }
    }
    Ok(())
}

/// See [`crate::store::Store::create_sign_in_code`].
pub(in crate::store) fn create_code(
    tx: &Savepoint<'_>,
    code: &SignInCode,
    now: Timestamp,
) -> Result<bool, Error> {
    if !has_membership(tx, &code.user)? {
        return Ok(false);
    }
    tx.prepare_cached(DELETE_EXPIRED_CODES)?
        .execute(params![now, PORTION])?;
    tx.prepare_cached(INSERT_CODE)?.execute(params![
        code.hash.as_bytes(),
        code.user,
        code.reusable,
        code.expires_at
    ])?;
    Ok(true)
}

/// See [`crate::store::Store::sign_in_code_user`].
pub(in crate::store) fn code_user(
    conn: &Connection,
    code: TokenHash,
    now: Timestamp,
) -> Result<Option<UserId>, Error> {
    let mut statement = conn.prepare_cached(CODE)?;
    let user = statement.query_row(params![code.as_bytes(), now], |row| row.get(0));
    Ok(user.optional()?)
}

/// See [`crate::store::Store::sign_in_with_code`].
pub(in crate::store) fn sign_in_with_code(
    tx: &Savepoint<'_>,
    code: TokenHash,
    session: &NewSession,
    now: Timestamp,
) -> Result<SignInOutcome, Error> {
    let Some(user) = code_user(tx, code, now)? else {
        return Ok(SignInOutcome::InvalidCode);
    };
    let outcome = sign_in(tx, user, session, now)?;
    if matches!(outcome, SignInOutcome::SignedIn(_)) {
        tx.prepare_cached(DELETE_USED_CODE)?
            .execute([code.as_bytes()])?;
    }
    Ok(outcome)
}

/// See [`crate::store::Store::sign_in`].
pub(in crate::store) fn sign_in(
    tx: &Savepoint<'_>,
    user: UserId,
    session: &NewSession,
    now: Timestamp,
) -> Result<SignInOutcome, Error> {
    if !has_membership(tx, &user)? {
        return Ok(SignInOutcome::NoMembership(user));
    }
    tx.prepare_cached(DELETE_EXPIRED)?
        .execute(params![now, PORTION])?;
    if let Some(replaced) = session.replaces {
        end(tx, replaced)?;
    }
    tx.prepare_cached(INSERT)?.execute(params![
        session.hash.as_bytes(),
        user,
        session.expires_at
    ])?;
    Ok(SignInOutcome::SignedIn(user))
}

fn has_membership(conn: &Connection, user: &UserId) -> Result<bool, Error> {
    Ok(conn.prepare_cached(HAS_MEMBERSHIP)?.exists([user])?)
}

/// See [`crate::store::Store::session`].
pub(in crate::store) fn session(
    conn: &Connection,
    token: TokenHash,
    now: Timestamp,
) -> Result<Option<Session>, Error> {
    let mut statement = conn.prepare_cached(SESSION)?;
    let mut rows = statement.query(params![token.as_bytes(), now])?;
    let mut session: Option<Session> = None;
    while let Some(row) = rows.next()? {
        let membership = UserMembership {
            role: row.get(1)?,
            organization: Organization {
                id: row.get(2)?,
                slug: row.get(3)?,
                name: row.get(4)?,
                created_at: row.get(5)?,
            },
        };
        match &mut session {
            Some(session) => session.memberships.push(membership),
            None => {
                session = Some(Session {
                    user: row.get(0)?,
                    memberships: vec![membership],
                });
            }
        }
    }
    if let Some(session) = &mut session {
        let slug = |membership: &UserMembership| membership.organization.slug.as_str().to_owned();
        session.memberships.sort_by_cached_key(slug);
    }
    Ok(session)
}

/// See [`crate::store::Store::end_session`].
pub(in crate::store) fn end(tx: &Savepoint<'_>, token: TokenHash) -> Result<(), Error> {
    tx.prepare_cached(DELETE)?.execute([token.as_bytes()])?;
    Ok(())
}

/// Ends the sessions of a user who is no longer a member of any organization.
pub(super) fn end_without_membership(tx: &Savepoint<'_>, user: &UserId) -> Result<(), Error> {
    tx.prepare_cached(DELETE_WITHOUT_MEMBERSHIP)?
        .execute([user])?;
    Ok(())
}

/// See [`crate::store::Store::set_public_url`].
pub(in crate::store) fn set_public_url(tx: &Savepoint<'_>, url: &str) -> Result<(), Error> {
    tx.prepare_cached(SET_PUBLIC_URL)?.execute([url])?;
    Ok(())
}

/// See [`crate::store::Store::public_url`].
pub(in crate::store) fn public_url(conn: &Connection) -> Result<Option<String>, Error> {
    let mut statement = conn.prepare_cached(PUBLIC_URL)?;
    let url = statement.query_row([], |row| row.get(0));
    Ok(url.optional()?)
}
