-- Deliveries can be decided again, and are listed by when they came and by what became of them. The tables are folded
-- anew from the log, because all of them stand at one position.
DROP TABLE read_deliveries;
CREATE TABLE read_deliveries (
    id            bytea  NOT NULL PRIMARY KEY,
    position      bigint NOT NULL,
    integration   bytea  NOT NULL,
    service       bytea  NOT NULL,
    format        text   NOT NULL,
    proof         text   NOT NULL,
    received_at   bigint NOT NULL,
    -- The event that asks for a verdict: that it came, or the last replay.
    asked         bigint NOT NULL,
    asked_at      bigint NOT NULL,
    replays       bigint NOT NULL,
    verdict       bigint,
    verdict_count bigint NOT NULL,
    incident      bytea,
    reason        text,
    decided_at    bigint
);
CREATE INDEX read_deliveries_integration ON read_deliveries (integration, received_at, position);
CREATE INDEX read_deliveries_verdict ON read_deliveries (integration, verdict, received_at, position);
CREATE INDEX read_deliveries_undecided ON read_deliveries (asked) WHERE verdict IS NULL;
TRUNCATE read_incident_list, read_incident_document, read_timeline, read_escalations_due, read_pages_due,
    read_page_log, read_who_is_on_call;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = '' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
