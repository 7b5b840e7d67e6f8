-- What can be read. Everything here except `read_checkpoint` is folded from the log and may be dropped and folded
-- again; a rebuild copies these definitions under other names, creates the indexes after the load, and swaps.

-- How far the folds are: one row for the live tables, and one for their successors while those are built.
CREATE TABLE read_progress (
    side       TEXT    NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    -- The hash of the event at `position`, which tells whose log it was.
    hash       BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO read_progress (side, generation, position, hash) VALUES ('live', 1, 0, x'');

-- How far each reactor is; not rebuilt.
CREATE TABLE read_checkpoint (
    name     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What incidents are searched by; narrow, so that a search may walk over it.
CREATE TABLE read_incident_list (
    number    INTEGER NOT NULL PRIMARY KEY,
    id        BLOB    NOT NULL,
    -- Names the service and the key together: all episodes of one problem share it.
    thread    BLOB    NOT NULL,
    episode   INTEGER NOT NULL,
    status    INTEGER NOT NULL,
    severity  INTEGER NOT NULL,
    service   BLOB    NOT NULL,
    team      BLOB,
    opened_at INTEGER NOT NULL,
    -- Title and key in lower case.
    words     TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX read_incident_list_id ON read_incident_list (id);
CREATE INDEX read_incident_list_thread ON read_incident_list (thread, episode);
-- Newest first, whatever is asked for: each filter is a walk along one of these, from its newest end.
CREATE INDEX read_incident_list_opened ON read_incident_list (opened_at, number);
CREATE INDEX read_incident_list_status ON read_incident_list (status, severity, opened_at, number);
CREATE INDEX read_incident_list_service ON read_incident_list (service, status, severity, opened_at, number);
CREATE INDEX read_incident_list_team ON read_incident_list (team, status, severity, opened_at, number)
    WHERE team IS NOT NULL;

-- What a responder sees of each incident, as JSON.
CREATE TABLE read_incident_document (
    number   INTEGER NOT NULL PRIMARY KEY,
    document TEXT    NOT NULL
) STRICT;

-- Which events concern whom. The key is a byte for the kind and the UUID; the events stay in the log.
CREATE TABLE read_timeline (
    subject  BLOB    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;

-- When the next level of an incident is paged unless somebody acknowledges, and the climb it was armed for.
CREATE TABLE read_escalations_due (
    incident BLOB    NOT NULL PRIMARY KEY,
    due_at   INTEGER NOT NULL,
    cycle    INTEGER NOT NULL,
    pass     INTEGER NOT NULL,
    level    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX read_escalations_due_at ON read_escalations_due (due_at, incident);

-- When a page is to be sent, for the first time or again.
CREATE TABLE read_pages_due (
    page   BLOB    NOT NULL PRIMARY KEY,
    due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX read_pages_due_at ON read_pages_due (due_at, page);

-- One row per delivery; its bytes stay in the log.
CREATE TABLE read_deliveries (
    id            BLOB    NOT NULL PRIMARY KEY,
    position      INTEGER NOT NULL,
    integration   BLOB    NOT NULL,
    service       BLOB    NOT NULL,
    format        TEXT    NOT NULL,
    proof         TEXT    NOT NULL,
    received_at   INTEGER NOT NULL,
    verdict       INTEGER,
    verdict_count INTEGER NOT NULL,
    incident      BLOB,
    reason        TEXT,
    decided_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX read_deliveries_integration ON read_deliveries (integration, position);
CREATE INDEX read_deliveries_undecided ON read_deliveries (position) WHERE verdict IS NULL;

-- One row per page: what was asked for and what became of it, as JSON.
CREATE TABLE read_page_log (
    id       BLOB    NOT NULL PRIMARY KEY,
    incident BLOB    NOT NULL,
    position INTEGER NOT NULL,
    request  TEXT    NOT NULL,
    attempts INTEGER NOT NULL,
    state    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX read_page_log_incident ON read_page_log (incident, position);
