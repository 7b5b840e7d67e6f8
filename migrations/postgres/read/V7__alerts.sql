-- Which problems monitoring tools told of: one row for each own key within an incident, however often it is told of.
CREATE TABLE read_alert_list (
    -- Its place among all problems in the order in which they were first told of.
    number        bigint NOT NULL PRIMARY KEY,
    -- The number of its incident.
    incident      bigint NOT NULL,
    status        bigint NOT NULL,
    -- At its worst.
    severity      bigint NOT NULL,
    service       bytea  NOT NULL,
    team          bytea,
    integration   bytea  NOT NULL,
    first_seen_at bigint NOT NULL,
    ended_at      bigint,
    -- The first title and the key in lower case.
    words         text   NOT NULL
);
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

-- What was said of each problem. Rows that are written again leave room beside themselves, so that their index needs no
-- change.
CREATE TABLE read_alert_said (
    number         bigint NOT NULL PRIMARY KEY,
    key            text   NOT NULL,
    -- Whether the key is its own, or the incident's.
    own            bigint NOT NULL,
    first_delivery bytea  NOT NULL,
    last_delivery  bytea  NOT NULL,
    last_seen_at   bigint NOT NULL,
    occurrences    bigint NOT NULL,
    -- Until when monitoring tools have told what happened, where their messages can be ordered.
    told_until     bigint,
    title          text   NOT NULL,
    details        text,
    source         text,
    component      text,
    severity       bigint NOT NULL,
    rule           text
) WITH (fillfactor = 80);

-- How many problems there are of each kind, by the day in UTC on which they were first told of.
CREATE TABLE read_alert_counts (
    day         bigint NOT NULL,
    integration bytea  NOT NULL,
    service     bytea  NOT NULL,
    -- Empty: none.
    team        bytea  NOT NULL,
    severity    bigint NOT NULL,
    status      bigint NOT NULL,
    problems    bigint NOT NULL,
    PRIMARY KEY (day, integration, service, team, severity, status)
) WITH (fillfactor = 50);

-- The tables are folded anew from the log.
TRUNCATE read_incident_document, read_incident_list, read_timeline, read_escalations_due, read_pages_due,
    read_quiet_due, read_deliveries, read_page_log, read_who_is_on_call;
UPDATE read_progress SET generation = generation + 1, position = 0, hash = '' WHERE side = 'live';
DELETE FROM read_progress WHERE side <> 'live';
