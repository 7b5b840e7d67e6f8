-- Which events concern whom: the positions of one subject in a stretch of the log are one row. What is in the own streams
-- of pages and deliveries is read from the log itself.
DROP TABLE read_timeline;
CREATE TABLE read_timeline (
    subject   bytea  NOT NULL,
    stretch   bigint NOT NULL,
    positions bytea  NOT NULL,
    PRIMARY KEY (subject, stretch)
) WITH (fillfactor = 90);
-- Compressing a row that grows again in a moment is work in vain.
ALTER TABLE read_timeline ALTER positions SET STORAGE EXTERNAL;
-- The tables are folded anew from the log.
TRUNCATE read_incident_document, read_incident_list, read_escalations_due, read_pages_due, read_quiet_due,
    read_deliveries, read_page_log, read_who_is_on_call;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = '' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
