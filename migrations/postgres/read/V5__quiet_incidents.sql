-- When an incident is over by itself unless another alert comes.
CREATE TABLE read_quiet_due (
    incident bytea  NOT NULL PRIMARY KEY,
    due_at   bigint NOT NULL
);
CREATE INDEX read_quiet_due_at ON read_quiet_due (due_at, incident);
-- The document of an incident says where the event is that opened it: the tables are folded anew from the log.
TRUNCATE read_incident_document, read_incident_list, read_timeline, read_escalations_due, read_pages_due,
    read_deliveries, read_page_log, read_who_is_on_call;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = '' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
