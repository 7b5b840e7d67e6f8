-- What never changes of an incident and how it stands are two texts, so that an alert that joins rewrites little. The
-- tables are folded anew from the log, because all of them stand at one position.
DROP TABLE read_incident_document;
CREATE TABLE read_incident_document (
    number bigint NOT NULL PRIMARY KEY,
    -- JSON: how it stands.
    stand  text   NOT NULL,
    -- JSON: what it is.
    facts  text   NOT NULL
);
-- The long text stays where it is when the short one beside it is written again, and is never compressed on the way.
ALTER TABLE read_incident_document SET (fillfactor = 70, toast_tuple_target = 512);
ALTER TABLE read_incident_document ALTER facts SET STORAGE EXTERNAL, ALTER stand SET STORAGE MAIN;
TRUNCATE read_incident_list, read_timeline, read_escalations_due, read_pages_due, read_deliveries, read_page_log;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = '' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
