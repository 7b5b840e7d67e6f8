-- Which events concern whom: the positions of one subject in a stretch of the log are one row. What is in the own streams
-- of pages and deliveries is read from the log itself.
DROP TABLE read_timeline;
CREATE TABLE read_timeline (
    subject   BLOB    NOT NULL,
    stretch   INTEGER NOT NULL,
    positions BLOB    NOT NULL,
    PRIMARY KEY (subject, stretch)
) STRICT, WITHOUT ROWID;
-- The tables are folded anew from the log.
DELETE FROM read_incident_document;
DELETE FROM read_incident_list;
DELETE FROM read_escalations_due;
DELETE FROM read_pages_due;
DELETE FROM read_quiet_due;
DELETE FROM read_deliveries;
DELETE FROM read_page_log;
DELETE FROM read_who_is_on_call;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = x'' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
