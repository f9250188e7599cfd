-- The database of llavero: what is stored, and what must always hold.
--
-- Each "-- v N" line starts the statements that bring a file from version N-1 to version N. A section runs
-- once, in one transaction with the others that a file lacks, and is never edited after its release: a change is a
-- new section at the end.
--
-- Conventions: ids are lower-case UUIDs; *_at are milliseconds and `day` is whole days since
-- 1970-01-01T00:00Z, up to the year 9999. In a SQLite shell: datetime(created_at / 1000, 'unixepoch'), date(day * 86400, 'unixepoch').

-- v 1

-- The HS256 secret that this file was created with: it signs and checks bearer tokens unless a flag names
-- another key. One row, always.
CREATE TABLE signing_secret (
  id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  secret BLOB    NOT NULL CHECK (length(secret) = 32 AND secret <> zeroblob(32))
) STRICT;

-- `{organizationId}` in a path is the id or the slug, so a slug must never look like a UUID.
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

-- Who may read what. A user is whatever the token's `sub` says: users have no table of their own.
CREATE TABLE memberships (
  organization_id TEXT    NOT NULL REFERENCES organizations (id),
  user_id         TEXT    NOT NULL CHECK (length(user_id) > 0),
  role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  created_at      INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999),
  PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;

-- A key's settings, and its lifetime usage beside them: both are read together, always.
-- The secret itself is nowhere: only its SHA-256 and the preview that people recognise it by.
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

-- Expired keys: counted by range, without touching the table. `revoked_at` is always null here, but SQLite
-- takes an index for a covering one only if the columns of its own condition are in it.
CREATE INDEX api_keys_by_expiry
  ON api_keys (organization_id, expires_at, revoked_at)
  WHERE revoked_at IS NULL AND expires_at IS NOT NULL;

-- Never-used and idle keys: counted by range, without touching the table.
CREATE INDEX api_keys_by_idleness
  ON api_keys (organization_id, last_used_at, expires_at, revoked_at)
  WHERE revoked_at IS NULL;

-- Kept totals of an organization, moved in the transaction that moves its keys: each equals the count or the
-- sum over api_keys, so that statistics cost the same after ten requests as after ten billion.
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

-- The keys of an organization, newest first: a page of the list is a range of this index.
CREATE INDEX api_keys_by_creation
  ON api_keys (organization_id, created_at DESC, id DESC);

-- The secret that a key had before its last rotation. It works beside the new one until its grace ends; there is
-- one a key at most, since a further rotation ends the grace of the one before.
CREATE TABLE retiring_secrets (
  key_id      TEXT    NOT NULL PRIMARY KEY REFERENCES api_keys (id),
  secret_hash BLOB    NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
  valid_until INTEGER NOT NULL CHECK (valid_until BETWEEN 0 AND 253402300799999)
) STRICT, WITHOUT ROWID;

-- Successes of rate-limited keys that may still count against their limits, gathered in slots of a 1,024th of the
-- window: a restart must not let a key over.
CREATE TABLE rate_slots (
  key_id    TEXT    NOT NULL REFERENCES api_keys (id),
  slot      INTEGER NOT NULL CHECK (slot >= 0),
  last_at   INTEGER NOT NULL CHECK (last_at BETWEEN 0 AND 253402300799999),
  successes INTEGER NOT NULL CHECK (successes > 0),
  PRIMARY KEY (key_id, slot)
) STRICT, WITHOUT ROWID;

-- Imports of uses that were given a name: the same one is counted once.
CREATE TABLE usage_batches (
  id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) > 0),
  requests   INTEGER NOT NULL CHECK (requests >= 0),
  created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999)
) STRICT, WITHOUT ROWID;

-- Who did what to which key or member. A row is written in the transaction of the act, and never changed or
-- removed. `actor_id` is a user, or null for the command line, which speaks for whoever may open this file.
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
-- the one before, so that keys of one millisecond are listed in the order of their creation. max(id) over api_keys
-- would not do: keys of version 1 and 2 have random ids, which may be greater than any of version 7. One row, always.
CREATE TABLE key_id_generator (
  id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  newest TEXT    CHECK (newest = lower(newest) AND newest GLOB '????????-????-7???-[89ab]???-????????????')
) STRICT;

INSERT INTO key_id_generator (id, newest)
VALUES (1, NULL);

-- The audit log, built anew: further actions, what a change was from and to, and the role that a removed member had.
-- A member who was removed before this version has no role. `changes` is a JSON object: by field, `from` and `to`.
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
  member_id       TEXT,
  role            TEXT    CHECK (role IN ('owner', 'admin', 'member')),
  changes         TEXT    CHECK (json_type(changes) = 'object'),
  CHECK ((key_id IS NOT NULL) = (action GLOB 'key.*')),
  CHECK ((member_id IS NOT NULL) = (action GLOB 'member.*')),
  CHECK (role IS NULL OR action GLOB 'member.*'),
  CHECK (role IS NOT NULL OR action NOT IN ('member.added', 'member.changed')),
  CHECK (changes IS NOT NULL OR action NOT IN ('org.renamed', 'key.updated', 'usage.imported'))
) STRICT;

INSERT INTO audit_log (id, organization_id, created_at, actor_id, action, key_id, member_id, role)
SELECT id,
       organization_id,
       created_at,
       actor_id,
       action,
       key_id,
       member_id,
       role
  FROM audit_log_v2
 ORDER BY id;

DROP TABLE audit_log_v2;

CREATE INDEX audit_log_by_time
  ON audit_log (organization_id, created_at);
