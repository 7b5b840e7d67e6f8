-- What never changes of an incident and how it stands are two texts, so that an alert that joins rewrites little. The
-- tables are folded anew from the log, because all of them stand at one position.
DROP TABLE read_incident_document;
CREATE TABLE read_incident_document (
    number INTEGER NOT NULL PRIMARY KEY,
    -- JSON: what it is.
    facts  TEXT    NOT NULL,
    -- JSON: how it stands.
    stand  TEXT    NOT NULL
) STRICT;
DELETE FROM read_incident_list;
DELETE FROM read_timeline;
DELETE FROM read_escalations_due;
DELETE FROM read_pages_due;
DELETE FROM read_deliveries;
DELETE FROM read_page_log;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = x'' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
