-- Who was on call on each schedule: one row for each change, never changed again.
CREATE TABLE read_who_is_on_call (
    schedule bytea  NOT NULL,
    at       bigint NOT NULL,
    -- JSON: who, why, and under which time zone data.
    entry    text   NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (schedule, at)
);
