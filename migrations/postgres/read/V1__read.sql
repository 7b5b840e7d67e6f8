-- What can be read. Everything here except `read_checkpoint` is folded from the log and may be dropped and folded
-- again; a rebuild copies these definitions under other names, creates the indexes after the load, and swaps. Keys
-- are `bytea` rather than `uuid`, so that they are the same, and in the same order, as in SQLite.

-- How far the folds are: one row for the live tables, and one for their successors while those are built.
CREATE TABLE read_progress (
    side       text   COLLATE "C" NOT NULL PRIMARY KEY,
    generation bigint NOT NULL,
    position   bigint NOT NULL,
    -- The hash of the event at `position`, which tells whose log it was.
    hash       bytea  NOT NULL
);
INSERT INTO read_progress (side, generation, position, hash) VALUES ('live', 1, 0, '');

-- How far each reactor is; not rebuilt.
CREATE TABLE read_checkpoint (
    name     text   COLLATE "C" NOT NULL PRIMARY KEY,
    position bigint NOT NULL
);

-- What incidents are searched by; narrow, so that a search may walk over it.
CREATE TABLE read_incident_list (
    number    bigint NOT NULL PRIMARY KEY,
    id        bytea  NOT NULL,
    -- Names the service and the key together: all episodes of one problem share it.
    thread    bytea  NOT NULL,
    episode   bigint NOT NULL,
    status    bigint NOT NULL,
    severity  bigint NOT NULL,
    service   bytea  NOT NULL,
    team      bytea,
    opened_at bigint NOT NULL,
    -- Title and key in lower case.
    words     text   NOT NULL
);
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
    number   bigint NOT NULL PRIMARY KEY,
    document text   NOT NULL
);

-- Which events concern whom. The key is a byte for the kind and the UUID; the events stay in the log.
CREATE TABLE read_timeline (
    subject  bytea  NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (subject, position)
);

-- When the next level of an incident is paged unless somebody acknowledges, and the climb it was armed for.
CREATE TABLE read_escalations_due (
    incident bytea  NOT NULL PRIMARY KEY,
    due_at   bigint NOT NULL,
    cycle    bigint NOT NULL,
    pass     bigint NOT NULL,
    level    bigint NOT NULL
);
CREATE INDEX read_escalations_due_at ON read_escalations_due (due_at, incident);

-- When a page is to be sent, for the first time or again.
CREATE TABLE read_pages_due (
    page   bytea  NOT NULL PRIMARY KEY,
    due_at bigint NOT NULL
);
CREATE INDEX read_pages_due_at ON read_pages_due (due_at, page);

-- One row per delivery; its bytes stay in the log.
CREATE TABLE read_deliveries (
    id            bytea  NOT NULL PRIMARY KEY,
    position      bigint NOT NULL,
    integration   bytea  NOT NULL,
    service       bytea  NOT NULL,
    format        text   NOT NULL,
    proof         text   NOT NULL,
    received_at   bigint NOT NULL,
    verdict       bigint,
    verdict_count bigint NOT NULL,
    incident      bytea,
    reason        text,
    decided_at    bigint
);
CREATE INDEX read_deliveries_integration ON read_deliveries (integration, position);
CREATE INDEX read_deliveries_undecided ON read_deliveries (position) WHERE verdict IS NULL;

-- One row per page: what was asked for and what became of it, as JSON.
CREATE TABLE read_page_log (
    id       bytea  NOT NULL PRIMARY KEY,
    incident bytea  NOT NULL,
    position bigint NOT NULL,
    request  text   NOT NULL,
    attempts bigint NOT NULL,
    state    text
);
CREATE INDEX read_page_log_incident ON read_page_log (incident, position);

-- Rows that are written again and again leave room beside themselves, so that their indexes need no change.
ALTER TABLE read_progress SET (fillfactor = 10);
ALTER TABLE read_incident_document SET (fillfactor = 70);
