-- Who was on call on each schedule: one row for each change, never changed again.
CREATE TABLE read_who_is_on_call (
    schedule BLOB    NOT NULL,
    at       INTEGER NOT NULL,
    -- JSON: who, why, and under which time zone data.
    entry    TEXT    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (schedule, at)
) STRICT, WITHOUT ROWID;
