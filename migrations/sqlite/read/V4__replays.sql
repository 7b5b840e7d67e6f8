-- Deliveries can be decided again, and are listed by when they came and by what became of them. The tables are folded
-- anew from the log, because all of them stand at one position.
DROP TABLE read_deliveries;
CREATE TABLE read_deliveries (
    id            BLOB    NOT NULL PRIMARY KEY,
    position      INTEGER NOT NULL,
    integration   BLOB    NOT NULL,
    service       BLOB    NOT NULL,
    format        TEXT    NOT NULL,
    proof         TEXT    NOT NULL,
    received_at   INTEGER NOT NULL,
    -- The event that asks for a verdict: that it came, or the last replay.
    asked         INTEGER NOT NULL,
    asked_at      INTEGER NOT NULL,
    replays       INTEGER NOT NULL,
    verdict       INTEGER,
    verdict_count INTEGER NOT NULL,
    incident      BLOB,
    reason        TEXT,
    decided_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX read_deliveries_integration ON read_deliveries (integration, received_at, position);
CREATE INDEX read_deliveries_verdict ON read_deliveries (integration, verdict, received_at, position);
CREATE INDEX read_deliveries_undecided ON read_deliveries (asked) WHERE verdict IS NULL;
DELETE FROM read_incident_list;
DELETE FROM read_incident_document;
DELETE FROM read_timeline;
DELETE FROM read_escalations_due;
DELETE FROM read_pages_due;
DELETE FROM read_page_log;
DELETE FROM read_who_is_on_call;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = x'' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
