-- The schema of llavero's database.
--
-- Each "-- v N" line starts the statements that migrate a file from version N-1 to version N. All sections that a file
-- lacks run in one transaction. Statements of a released section are never edited; a change is a new section at the end.
--
-- Conventions: ids are lower-case UUIDs; *_at are milliseconds and `day` is whole days since
-- 1970-01-01T00:00Z, up to the year 9999. In a SQLite shell: datetime(created_at / 1000, 'unixepoch'), date(day * 86400, 'unixepoch').

-- v 1

-- The HS256 secret that the file was created with. It signs and verifies bearer tokens, unless a flag names another key.
-- Exactly one row.
CREATE TABLE signing_secret (
  id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  secret BLOB    NOT NULL CHECK (length(secret) = 32 AND secret <> zeroblob(32))
) STRICT;

-- `{organizationId}` in a path is the id or the slug, so a slug must not have the form of a UUID.
CREATE TABLE organizations (
  id         TEXT    NOT NULL PRIMARY KEY CHECK (id = lower(id) AND id GLOB '????????-????-????-????-????????????'),
  slug       TEXT    NOT NULL UNIQUE
                     CHECK (length(slug) BETWEEN 1 AND 63
                            AND slug NOT GLOB '*[^a-z0-9-]*'
                            AND slug NOT GLOB '-*'
                            AND slug NOT GLOB '*-'
                            AND slug NOT GLOB '????????-????-????-????-????????????'),
  name       TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999)
) STRICT, WITHOUT ROWID;

-- The members of organizations. A user id is the `sub` claim of a bearer token; users have no table of their own.
CREATE TABLE memberships (
  organization_id TEXT    NOT NULL REFERENCES organizations (id),
  user_id         TEXT    NOT NULL CHECK (length(user_id) > 0),
  role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  created_at      INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999),
  PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;

-- API keys with their lifetime usage, because the two are always read together.
-- The secret itself is not stored, only its SHA-256 and the preview that people recognise it by.
CREATE TABLE api_keys (
  id                  TEXT    NOT NULL PRIMARY KEY CHECK (id = lower(id) AND id GLOB '????????-????-????-????-????????????'),
  organization_id     TEXT    NOT NULL REFERENCES organizations (id),
  secret_hash         BLOB    NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
  preview             TEXT    NOT NULL CHECK (preview GLOB 'sk_...????'),
  name                TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  description         TEXT    CHECK (length(description) <= 500),
  scopes              TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(scopes) = 'array'),
  rate_limit          INTEGER CHECK (rate_limit BETWEEN 1 AND 1000000000),
  rate_window_seconds INTEGER CHECK (rate_window_seconds BETWEEN 1 AND 2678400),
  created_by          TEXT,
  created_at          INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999),
  expires_at          INTEGER CHECK (expires_at BETWEEN 0 AND 253402300799999),
  revoked_at          INTEGER CHECK (revoked_at BETWEEN 0 AND 253402300799999),
  last_used_at        INTEGER CHECK (last_used_at BETWEEN 0 AND 253402300799999),
  successful_requests INTEGER NOT NULL DEFAULT 0 CHECK (successful_requests >= 0),
  rate_limit_hits     INTEGER NOT NULL DEFAULT 0 CHECK (rate_limit_hits >= 0),
  errors              INTEGER NOT NULL DEFAULT 0 CHECK (errors >= 0),
  CHECK ((rate_limit IS NULL) = (rate_window_seconds IS NULL)),
  CHECK ((last_used_at IS NULL) = (successful_requests + rate_limit_hits + errors = 0))
) STRICT;

-- The five most recently used keys of an organization, newest first.
CREATE INDEX api_keys_by_last_use
  ON api_keys (organization_id, last_used_at DESC, id)
  WHERE last_used_at IS NOT NULL;

-- Counts expired keys by a range of the index, without reading the table. `revoked_at` is always null here, but SQLite
-- uses an index as a covering one only if it contains the columns of its own condition.
CREATE INDEX api_keys_by_expiry
  ON api_keys (organization_id, expires_at, revoked_at)
  WHERE revoked_at IS NULL AND expires_at IS NOT NULL;

-- Counts never-used and idle keys by a range of the index, without reading the table.
CREATE INDEX api_keys_by_idleness
  ON api_keys (organization_id, last_used_at, expires_at, revoked_at)
  WHERE revoked_at IS NULL;

-- Totals of an organization, updated in the transaction that updates its keys. Each equals the count or the sum over
-- api_keys, so that the cost of statistics does not depend on the number of requests.
CREATE TABLE organization_totals (
  organization_id     TEXT    NOT NULL PRIMARY KEY REFERENCES organizations (id),
  total_keys          INTEGER NOT NULL DEFAULT 0 CHECK (total_keys >= 0),
  revoked_keys        INTEGER NOT NULL DEFAULT 0 CHECK (revoked_keys BETWEEN 0 AND total_keys),
  successful_requests INTEGER NOT NULL DEFAULT 0 CHECK (successful_requests >= 0),
  rate_limit_hits     INTEGER NOT NULL DEFAULT 0 CHECK (rate_limit_hits >= 0),
  errors              INTEGER NOT NULL DEFAULT 0 CHECK (errors >= 0)
) STRICT, WITHOUT ROWID;

-- The same counts by UTC day; a day without use has no row.
CREATE TABLE organization_daily_usage (
  organization_id     TEXT    NOT NULL REFERENCES organizations (id),
  day                 INTEGER NOT NULL CHECK (day >= 0),
  successful_requests INTEGER NOT NULL CHECK (successful_requests >= 0),
  rate_limit_hits     INTEGER NOT NULL CHECK (rate_limit_hits >= 0),
  errors              INTEGER NOT NULL CHECK (errors >= 0),
  PRIMARY KEY (organization_id, day)
) STRICT, WITHOUT ROWID;

-- v 2

-- The keys of an organization, newest first. A page of the list is a range of this index.
CREATE INDEX api_keys_by_creation
  ON api_keys (organization_id, created_at DESC, id DESC);

-- The previous secret of a key. It works besides the newest one until its grace period ends. A key has at most one,
-- because a rotation replaces it.
CREATE TABLE retiring_secrets (
  key_id      TEXT    NOT NULL PRIMARY KEY REFERENCES api_keys (id),
  secret_hash BLOB    NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
  valid_until INTEGER NOT NULL CHECK (valid_until BETWEEN 0 AND 253402300799999)
) STRICT, WITHOUT ROWID;

-- Successes of rate-limited keys within their windows, so that a restart does not reset a limit. Grouped into slots of
-- 1/1,024 of the window.
CREATE TABLE rate_slots (
  key_id    TEXT    NOT NULL REFERENCES api_keys (id),
  slot      INTEGER NOT NULL CHECK (slot >= 0),
  last_at   INTEGER NOT NULL CHECK (last_at BETWEEN 0 AND 253402300799999),
  successes INTEGER NOT NULL CHECK (successes > 0),
  PRIMARY KEY (key_id, slot)
) STRICT, WITHOUT ROWID;

-- Imports of usage with a batch id, each of which is counted once.
CREATE TABLE usage_batches (
  id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) > 0),
  requests   INTEGER NOT NULL CHECK (requests >= 0),
  created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999)
) STRICT, WITHOUT ROWID;

-- The audit log. A row is written in the transaction of the change, and never changed or removed. `actor_id` is a user,
-- or null for the operator at the command line.
CREATE TABLE audit_log (
  id              INTEGER NOT NULL PRIMARY KEY,
  organization_id TEXT    NOT NULL REFERENCES organizations (id),
  created_at      INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999),
  actor_id        TEXT    CHECK (length(actor_id) > 0),
  action          TEXT    NOT NULL
                          CHECK (action IN ('org.created',
                                            'member.added', 'member.changed', 'member.removed',
                                            'key.created', 'key.rotated', 'key.revoked')),
  key_id          TEXT    REFERENCES api_keys (id),
  member_id       TEXT,
  role            TEXT    CHECK (role IN ('owner', 'admin', 'member')),
  CHECK ((key_id IS NOT NULL) = (action GLOB 'key.*')),
  CHECK ((member_id IS NOT NULL) = (action GLOB 'member.*')),
  CHECK ((role IS NOT NULL) = (action IN ('member.added', 'member.changed')))
) STRICT;

CREATE INDEX audit_log_by_time
  ON audit_log (organization_id, created_at);

-- v 3

-- The newest id that was generated for a key; null before the first. Ids are UUIDs of version 7, each greater than
-- the one before, so that keys of one millisecond are listed in the order of their creation. It is stored because
-- max(id) over api_keys may be a random id from schema version 1 or 2, which can be greater. Exactly one row.
CREATE TABLE key_id_generator (
  id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  newest TEXT    CHECK (newest = lower(newest) AND newest GLOB '????????-????-7???-[89ab]???-????????????')
) STRICT;

INSERT INTO key_id_generator (id, newest)
VALUES (1, NULL);

-- The caller's own data of a key, its pause, and its quota.
ALTER TABLE api_keys
  ADD COLUMN external_id TEXT
      CHECK (length(external_id) BETWEEN 1 AND 255);

ALTER TABLE api_keys
  ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}'
      CHECK (json_type(metadata) = 'object' AND length(CAST(metadata AS BLOB)) <= 4096);

ALTER TABLE api_keys
  ADD COLUMN disabled_at INTEGER
      CHECK (disabled_at BETWEEN 0 AND 253402300799999);

ALTER TABLE api_keys
  ADD COLUMN quota_limit INTEGER
      CHECK (quota_limit BETWEEN 1 AND 1000000000);

ALTER TABLE api_keys
  ADD COLUMN quota_period TEXT
      CHECK (quota_period IN ('day', 'month'))
      CHECK ((quota_limit IS NULL) = (quota_period IS NULL));

-- Successes up to this instant do not count against the rate limit: the instant at which an unlimited key got a limit,
-- or the one before which, when the limit was last changed, every success had left its window. Null if the limit has not
-- been changed since the key's creation, or the key has none.
ALTER TABLE api_keys
  ADD COLUMN rate_limit_counts_after INTEGER
      CHECK (rate_limit_counts_after BETWEEN 0 AND 253402300799999)
      CHECK (rate_limit_counts_after IS NULL OR rate_limit IS NOT NULL);

-- The newest UTC month that has a day in `key_daily_usage`, by its first day, and the sum of its successful requests, so that
-- a monthly quota does not sum days. Null and 0 before the first use.
ALTER TABLE api_keys
  ADD COLUMN newest_month INTEGER
      CHECK (newest_month >= 0);

ALTER TABLE api_keys
  ADD COLUMN newest_month_successes INTEGER NOT NULL DEFAULT 0
      CHECK (newest_month_successes >= 0)
      CHECK (newest_month_successes = 0 OR newest_month IS NOT NULL);

-- Lists of keys. Each index is in the order of one list, ties by creation, so that a page is a range of it. The
-- statistics use the same indexes.
DROP INDEX api_keys_by_last_use;
DROP INDEX api_keys_by_expiry;
DROP INDEX api_keys_by_idleness;

-- All keys by last use, and the most recently used ones.
CREATE INDEX api_keys_by_last_use
  ON api_keys (organization_id, last_used_at, created_at, id);

-- All keys by expiry.
CREATE INDEX api_keys_by_expiry
  ON api_keys (organization_id, expires_at, created_at, id);

-- The most rate-limited keys. It is partial because an update of a key replaces its entry, and most keys have no hits. The
-- condition is not a range, so that SQLite does not use it instead of the position from which a page starts.
CREATE INDEX api_keys_rate_limited
  ON api_keys (organization_id, rate_limit_hits, created_at, id)
  WHERE rate_limit_hits <> 0;

-- Never-used and inactive keys; a query skips expired ones. The last three columns let a count read the index alone: SQLite
-- uses an index as a covering one only if it contains the columns of its own condition.
CREATE INDEX api_keys_enabled_by_last_use
  ON api_keys (organization_id, last_used_at, created_at, id, expires_at, revoked_at, disabled_at)
  WHERE revoked_at IS NULL AND disabled_at IS NULL;

-- Revoked keys that are still in use somewhere.
CREATE INDEX api_keys_used_after_revocation
  ON api_keys (organization_id, last_used_at, created_at, id)
  WHERE last_used_at > revoked_at;

-- Keys that will expire, and keys whose expiry changes the counts of `organization_totals`. The last two columns let a count
-- read the index alone.
CREATE INDEX api_keys_expiring
  ON api_keys (organization_id, expires_at, created_at, id, disabled_at, revoked_at)
  WHERE revoked_at IS NULL AND expires_at IS NOT NULL;

-- Keys by status, newest first. A query skips expired keys among the enabled and disabled ones, and keys that have not
-- expired yet among those with an expiry.
CREATE INDEX api_keys_enabled_by_creation
  ON api_keys (organization_id, created_at DESC, id DESC)
  WHERE revoked_at IS NULL AND disabled_at IS NULL;

CREATE INDEX api_keys_disabled_by_creation
  ON api_keys (organization_id, created_at DESC, id DESC)
  WHERE revoked_at IS NULL AND disabled_at IS NOT NULL;

CREATE INDEX api_keys_revoked_by_creation
  ON api_keys (organization_id, created_at DESC, id DESC)
  WHERE revoked_at IS NOT NULL;

CREATE INDEX api_keys_expiring_by_creation
  ON api_keys (organization_id, created_at DESC, id DESC)
  WHERE revoked_at IS NULL AND expires_at IS NOT NULL;

CREATE INDEX api_keys_by_external_id
  ON api_keys (organization_id, external_id, created_at DESC, id DESC)
  WHERE external_id IS NOT NULL;

-- Counts of keys whose status depends on the time, as of `counted_at` (which may lie in the past or, after the clock was
-- set back, in the future). Statistics add what has changed since, by ranges of the indexes above, so that they do not
-- read all keys. `never_used_keys` and `inactive_keys` are parts of the active keys.
ALTER TABLE organization_totals
  ADD COLUMN counted_at INTEGER NOT NULL DEFAULT 0
      CHECK (counted_at BETWEEN 0 AND 253402300799999);

ALTER TABLE organization_totals
  ADD COLUMN expired_keys INTEGER NOT NULL DEFAULT 0
      CHECK (expired_keys >= 0);

ALTER TABLE organization_totals
  ADD COLUMN disabled_keys INTEGER NOT NULL DEFAULT 0
      CHECK (disabled_keys >= 0);

ALTER TABLE organization_totals
  ADD COLUMN never_used_keys INTEGER NOT NULL DEFAULT 0
      CHECK (never_used_keys >= 0);

ALTER TABLE organization_totals
  ADD COLUMN inactive_keys INTEGER NOT NULL DEFAULT 0
      CHECK (inactive_keys >= 0)
      CHECK (revoked_keys + expired_keys + disabled_keys + never_used_keys + inactive_keys <= total_keys);

UPDATE organization_totals
   SET counted_at = CAST(unixepoch('subsec') * 1000 AS INTEGER);

UPDATE organization_totals AS t
   SET expired_keys = counted.expired,
       never_used_keys = counted.never_used,
       inactive_keys = counted.inactive
  FROM (SELECT k.organization_id,
               count(*) FILTER (WHERE k.expires_at <= t.counted_at) AS expired,
               count(*) FILTER (WHERE k.last_used_at IS NULL
                                  AND (k.expires_at IS NULL OR k.expires_at > t.counted_at)) AS never_used,
               count(*) FILTER (WHERE k.last_used_at <= t.counted_at - 30 * 86400000
                                  AND (k.expires_at IS NULL OR k.expires_at > t.counted_at)) AS inactive
          FROM api_keys AS k
          JOIN organization_totals AS t
            ON t.organization_id = k.organization_id
         WHERE k.revoked_at IS NULL
         GROUP BY k.organization_id) AS counted
 WHERE counted.organization_id = t.organization_id;

-- Counts of a key by UTC day; a day without use has no row. By day first: the uses of one day are written next to each
-- other, however many keys they are spread over, and the oldest days are deleted as one range.
CREATE TABLE key_daily_usage (
  day                 INTEGER NOT NULL CHECK (day >= 0),
  key_id              TEXT    NOT NULL REFERENCES api_keys (id),
  successful_requests INTEGER NOT NULL CHECK (successful_requests >= 0),
  rate_limit_hits     INTEGER NOT NULL CHECK (rate_limit_hits >= 0),
  errors              INTEGER NOT NULL CHECK (errors >= 0),
  PRIMARY KEY (day, key_id)
) STRICT, WITHOUT ROWID;

-- Rebuilds the audit log with further actions, the name of the key before the change, the role of a removed member, and
-- `changes`: a JSON object with `from` and `to` by field. Members who were removed before this version have no role.
ALTER TABLE audit_log RENAME TO audit_log_v2;

CREATE TABLE audit_log (
  id              INTEGER NOT NULL PRIMARY KEY,
  organization_id TEXT    NOT NULL REFERENCES organizations (id),
  created_at      INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999),
  actor_id        TEXT    CHECK (length(actor_id) > 0),
  action          TEXT    NOT NULL
                          CHECK (action IN ('org.created', 'org.renamed',
                                            'member.added', 'member.changed', 'member.removed',
                                            'key.created', 'key.updated', 'key.disabled', 'key.enabled',
                                            'key.rotated', 'key.revoked',
                                            'usage.imported')),
  key_id          TEXT    REFERENCES api_keys (id),
  key_name        TEXT,
  member_id       TEXT,
  role            TEXT    CHECK (role IN ('owner', 'admin', 'member')),
  changes         TEXT    CHECK (json_type(changes) = 'object'),
  CHECK ((key_id IS NOT NULL) = (action GLOB 'key.*')),
  CHECK ((key_name IS NOT NULL) = (key_id IS NOT NULL)),
  CHECK ((member_id IS NOT NULL) = (action GLOB 'member.*')),
  CHECK (role IS NULL OR action GLOB 'member.*'),
  CHECK (role IS NOT NULL OR action NOT IN ('member.added', 'member.changed')),
  CHECK (changes IS NOT NULL OR action NOT IN ('org.renamed', 'key.updated', 'usage.imported'))
) STRICT;

INSERT INTO audit_log (id, organization_id, created_at, actor_id, action, key_id, key_name, member_id, role)
SELECT a.id,
       a.organization_id,
       a.created_at,
       a.actor_id,
       a.action,
       a.key_id,
       k.name,
       a.member_id,
       a.role
  FROM audit_log_v2 AS a
  LEFT JOIN api_keys AS k
    ON k.id = a.key_id
 ORDER BY a.id;

DROP TABLE audit_log_v2;

CREATE INDEX audit_log_by_time
  ON audit_log (organization_id, created_at);

CREATE INDEX audit_log_by_key
  ON audit_log (key_id, created_at)
  WHERE key_id IS NOT NULL;

-- The organizations of a user, for the dashboard. The primary key is by organization.
CREATE INDEX memberships_by_user
  ON memberships (user_id, organization_id);

-- Codes of sign-in links. Only the SHA-256 of a code is stored. A code works once, unless it is reusable.
CREATE TABLE sign_in_codes (
  code_hash  BLOB    NOT NULL PRIMARY KEY CHECK (length(code_hash) = 32),
  user_id    TEXT    NOT NULL CHECK (length(user_id) > 0),
  reusable   INTEGER NOT NULL CHECK (reusable IN (0, 1)),
  expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999)
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_codes_by_expiry
  ON sign_in_codes (expires_at);

-- Sessions of the dashboard. Only the SHA-256 of the token in the cookie is stored. The sessions of a user are deleted
-- in the transaction that removes the user's last membership.
CREATE TABLE sessions (
  token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
  user_id    TEXT    NOT NULL CHECK (length(user_id) > 0),
  expires_at INTEGER NOT NULL CHECK (expires_at BETWEEN 0 AND 253402300799999)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_expiry
  ON sessions (expires_at);

CREATE INDEX sessions_by_user
  ON sessions (user_id);

-- Forms that created or rotated a key, so that a form that is sent again does not make another secret. Only the SHA-256 of
-- the token in the form is stored.
CREATE TABLE submitted_forms (
  form_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(form_hash) = 32),
  key_id    TEXT    NOT NULL REFERENCES api_keys (id),
  forget_at INTEGER NOT NULL CHECK (forget_at BETWEEN 0 AND 253402300799999)
) STRICT, WITHOUT ROWID;

CREATE INDEX submitted_forms_by_end
  ON submitted_forms (forget_at);

-- The origin at which browsers reach the server that was started last, for links that commands print. At most one row.
CREATE TABLE public_url (
  id  INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  url TEXT    NOT NULL CHECK (length(url) > 0)
) STRICT;

-- The mark of the last commit, and the mark of the one before. A write-ahead log that neither follows nor contains the mark
-- of the file belongs to another file. `schema_cookie` is the one in the file's header. Exactly one row. Its columns are
-- found in the bytes of the log, so that they must not change.
CREATE TABLE commit_mark (
  id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  previous      BLOB    NOT NULL CHECK (length(previous) = 16),
  current       BLOB    NOT NULL CHECK (length(current) = 16),
  schema_cookie INTEGER NOT NULL
) STRICT;

INSERT INTO commit_mark (id, previous, current, schema_cookie) VALUES (1, zeroblob(16), zeroblob(16), 0);

-- The JWK set that was fetched last, so that a restart does not depend on its issuer. It is used for its URL only. At most
-- one row.
CREATE TABLE fetched_key_set (
  id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  url        TEXT    NOT NULL CHECK (length(url) > 0),
  body       TEXT    NOT NULL CHECK (length(CAST(body AS BLOB)) <= 65536),
  fetched_at INTEGER NOT NULL CHECK (fetched_at BETWEEN 0 AND 253402300799999)
) STRICT;
