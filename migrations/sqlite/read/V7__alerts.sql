-- Which problems monitoring tools told of: one row for each own key within an incident, however often it is told of.
CREATE TABLE read_alert_list (
    -- Its place among all problems in the order in which they were first told of.
    number        INTEGER NOT NULL PRIMARY KEY,
    -- The number of its incident.
    incident      INTEGER NOT NULL,
    status        INTEGER NOT NULL,
    -- At its worst.
    severity      INTEGER NOT NULL,
    service       BLOB    NOT NULL,
    team          BLOB,
    integration   BLOB    NOT NULL,
    first_seen_at INTEGER NOT NULL,
    ended_at      INTEGER,
    -- The first title and the key in lower case.
    words         TEXT    NOT NULL
) STRICT;
-- Unique, so that a rebuild has it from its beginning on: problems are looked up by it while batches are folded.
CREATE UNIQUE INDEX read_alert_list_incident ON read_alert_list (incident, first_seen_at, number);
-- Newest first, whatever is asked for. All of these grow at few places only.
CREATE INDEX read_alert_list_seen ON read_alert_list (first_seen_at, number);
CREATE INDEX read_alert_list_status ON read_alert_list (status, severity, first_seen_at, number);
CREATE INDEX read_alert_list_service ON read_alert_list (service, status, severity, first_seen_at, number);
CREATE INDEX read_alert_list_team ON read_alert_list (team, status, severity, first_seen_at, number)
    WHERE team IS NOT NULL;
CREATE INDEX read_alert_list_integration
    ON read_alert_list (integration, status, severity, first_seen_at, number);

-- What was said of each problem.
CREATE TABLE read_alert_said (
    number         INTEGER NOT NULL PRIMARY KEY,
    key            TEXT    NOT NULL,
    -- Whether the key is its own, or the incident's.
    own            INTEGER NOT NULL,
    first_delivery BLOB    NOT NULL,
    last_delivery  BLOB    NOT NULL,
    last_seen_at   INTEGER NOT NULL,
    occurrences    INTEGER NOT NULL,
    -- Until when monitoring tools have told what happened, where their messages can be ordered.
    told_until     INTEGER,
    title          TEXT    NOT NULL,
    details        TEXT,
    source         TEXT,
    component      TEXT,
    severity       INTEGER NOT NULL,
    rule           TEXT
) STRICT;

-- How many problems there are of each kind, by the day in UTC on which they were first told of.
CREATE TABLE read_alert_counts (
    day         INTEGER NOT NULL,
    integration BLOB    NOT NULL,
    service     BLOB    NOT NULL,
    -- Empty: none.
    team        BLOB    NOT NULL,
    severity    INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    problems    INTEGER NOT NULL,
    PRIMARY KEY (day, integration, service, team, severity, status)
) STRICT, WITHOUT ROWID;

-- The tables are folded anew from the log.
DELETE FROM read_incident_document;
DELETE FROM read_incident_list;
DELETE FROM read_timeline;
DELETE FROM read_escalations_due;
DELETE FROM read_pages_due;
DELETE FROM read_quiet_due;
DELETE FROM read_deliveries;
DELETE FROM read_page_log;
DELETE FROM read_who_is_on_call;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = x'' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
