-- When an incident is over by itself unless another alert comes.
CREATE TABLE read_quiet_due (
    incident BLOB    NOT NULL PRIMARY KEY,
    due_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX read_quiet_due_at ON read_quiet_due (due_at, incident);
-- The document of an incident says where the event is that opened it: the tables are folded anew from the log.
DELETE FROM read_incident_document;
DELETE FROM read_incident_list;
DELETE FROM read_timeline;
DELETE FROM read_escalations_due;
DELETE FROM read_pages_due;
DELETE FROM read_deliveries;
DELETE FROM read_page_log;
DELETE FROM read_who_is_on_call;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = x'' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
