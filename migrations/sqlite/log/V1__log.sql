-- The event log. Rows are only ever added.
CREATE TABLE events (
    -- Global and gapless, from 1.
    position INTEGER PRIMARY KEY CHECK (position > 0),
    -- The first part of the stream's name.
    category TEXT NOT NULL,
    stream TEXT NOT NULL,
    -- The place in the stream, from 1.
    version INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    -- Milliseconds since 1970.
    recorded_at INTEGER NOT NULL,
    -- JSON; hash covers these exact bytes.
    metadata TEXT NOT NULL,
    -- A JSON array of ids.
    subjects TEXT NOT NULL,
    -- SHA-256(previous hash || position || content).
    hash BLOB NOT NULL,
    -- JSON, the exact bytes that were appended. Last, because it may continue on other pages.
    payload BLOB NOT NULL
) STRICT;

-- Loading a stream, and finding its version.
CREATE UNIQUE INDEX events_stream ON events (stream, version);

-- Folding the configuration without passing through everything that alerts have left behind.
CREATE INDEX events_configuration ON events (position) WHERE category NOT IN ('delivery', 'incident', 'page');

-- The first outcome of each command. No row numbers: a command id is looked up or added, nothing else.
CREATE TABLE receipts (
    command_id BLOB PRIMARY KEY,
    position INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last event, remembered apart, so that a log cut off at the end is noticed.
CREATE TABLE log_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO log_head VALUES (1, 0, zeroblob(32));

-- Secrets under the vault key, which is not in this file.
CREATE TABLE secrets (
    id BLOB PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Who does the work that one should do. A released lease stays, because its epoch must not come again.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    -- Milliseconds since 1970.
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
