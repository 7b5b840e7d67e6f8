-- The event log. Positions are gapless and commit order is position order, because every batch locks the one
-- row of `log_head` before it looks at anything.

CREATE TABLE events (
    -- The columns that the stock repository of `postgres-es` reads: the stream's name in two parts, split at the
    -- first hyphen, the version in the stream, the stored name and its version.
    aggregate_type text   COLLATE "C" NOT NULL,
    aggregate_id   text   COLLATE "C" NOT NULL,
    sequence       bigint NOT NULL CHECK (sequence > 0),
    event_type     text   NOT NULL,
    event_version  text   NOT NULL,
    -- `json` keeps the exact bytes, which the hash covers, and costs much less than `jsonb`.
    payload        json   NOT NULL,
    metadata       json   NOT NULL,

    position       bigint NOT NULL CHECK (position > 0),
    event_id       uuid   NOT NULL,
    -- The command, the event's place among the events of that command, and how many those are: the first one
    -- is the receipt that a repeated command is answered from.
    command        uuid   NOT NULL,
    command_index  int    NOT NULL,
    command_size   int    NOT NULL,
    recorded_at    timestamptz NOT NULL,
    -- A JSON array of ids, as the exact text that the hash covers.
    subjects       text   NOT NULL,
    -- SHA-256 over the previous event's hash, the position and the content digest.
    hash           bytea  NOT NULL,

    PRIMARY KEY (position),
    UNIQUE (aggregate_type, aggregate_id, sequence)
);

CREATE UNIQUE INDEX events_receipt ON events (command) WHERE command_index = 0;

-- Configuration is a sliver of the log and is read as a whole at every start.
CREATE INDEX events_configuration ON events (position)
    WHERE aggregate_type NOT IN ('delivery', 'incident', 'page');

-- An ordinary event stays in its row. Longer payloads move out as they are: compressing them would happen while
-- everybody waits for the head.
ALTER TABLE events SET (toast_tuple_target = 4080, autovacuum_analyze_scale_factor = 0.2);
ALTER TABLE events ALTER payload SET STORAGE EXTERNAL, ALTER metadata SET STORAGE EXTERNAL;

-- Where the log ends. Its one row is the lock that orders all appends.
CREATE TABLE log_head (
    id       int    PRIMARY KEY CHECK (id = 1),
    position bigint NOT NULL,
    hash     bytea  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO log_head VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- Appends a batch and returns an outcome for each append, in order. The arrays up to `same_command` have an element
-- for each append, the others one for each event in the order of the appends: `append_of` is the 1-based place of
-- its append, `index_of` its place among the events of that append, from 0.
--
-- `same_stream` and `same_command` hold the 1-based place of the batch's previous append with that stream or
-- command, or 0: appends of one batch behave as if they came one after another.
--
-- outcomes: 0 committed; 1 conflict; 2 the command had been recorded before. positions and versions: of the
-- append's last event; after a conflict, 0 and the version that the stream has. `hash_before` is the hash of the
-- event at `head_before`, from which the caller can link the new events as it is done here.
CREATE FUNCTION append_batch(
    categories text[], ids text[], expected bigint[], commands uuid[], recorded timestamptz[], metadatas json[],
    sizes int[], same_stream int[], same_command int[],
    append_of int[], index_of int[], kinds text[], event_ids uuid[], subject_lists text[], payloads json[],
    digests bytea[],
    OUT outcomes int[], OUT positions bigint[], OUT versions bigint[], OUT head_before bigint, OUT hash_before bytea
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found record;
    head bigint;
    link bytea;
    hashes bytea[] := '{}';
    -- The version of each append's stream after that append.
    reached bigint[] := '{}';
    version bigint;
    earlier int;
    event int := 0;
BEGIN
    outcomes := '{}';
    positions := '{}';
    versions := '{}';

    -- The lock comes first, by itself: a statement that both locks and compares would see the log as it was
    -- before the wait for the lock, and several racing writers would win.
    SELECT log_head.position, log_head.hash INTO STRICT head_before, hash_before
    FROM log_head WHERE id = 1 FOR UPDATE;

    -- A later statement has a later snapshot, with everything that was committed before the lock was won. If somebody
    -- has moved the head back, new events still find a place; `verify` tells of it.
    FOR found IN SELECT e.position, e.hash FROM events e ORDER BY e.position DESC LIMIT 1 LOOP
        IF found.position > head_before THEN
            head_before := found.position;
            hash_before := found.hash;
        END IF;
    END LOOP;
    head := head_before;
    link := hash_before;

    FOR found IN
        SELECT a.n::int AS n, coalesce(last.sequence, 0) AS version,
               receipt.position + receipt.command_size - 1 AS receipt_position,
               receipt.sequence + receipt.command_size - 1 AS receipt_version
        FROM unnest(categories, ids, commands) WITH ORDINALITY AS a (category, id, command, n)
        LEFT JOIN LATERAL (
            SELECT e.sequence FROM events e
            WHERE e.aggregate_type = a.category AND e.aggregate_id = a.id
            ORDER BY e.sequence DESC LIMIT 1
        ) AS last ON true
        LEFT JOIN LATERAL (
            SELECT e.position, e.sequence, e.command_size FROM events e
            WHERE e.command = a.command AND e.command_index = 0
            LIMIT 1
        ) AS receipt ON true
        ORDER BY a.n
    LOOP
        earlier := same_stream[found.n];
        version := CASE WHEN earlier = 0 THEN found.version ELSE reached[earlier] END;
        earlier := same_command[found.n];
        IF found.receipt_position IS NOT NULL THEN
            outcomes[found.n] := 2;
            positions[found.n] := found.receipt_position;
            versions[found.n] := found.receipt_version;
            event := event + sizes[found.n];
        ELSIF earlier > 0 AND outcomes[earlier] <> 1 THEN
            outcomes[found.n] := 2;
            positions[found.n] := positions[earlier];
            versions[found.n] := versions[earlier];
            event := event + sizes[found.n];
        ELSIF version <> expected[found.n] THEN
            outcomes[found.n] := 1;
            positions[found.n] := 0;
            versions[found.n] := version;
            event := event + sizes[found.n];
        ELSE
            FOR i IN 1..sizes[found.n] LOOP
                event := event + 1;
                head := head + 1;
                link := sha256(link || int8send(head) || digests[event]);
                hashes[event] := link;
            END LOOP;
            version := version + sizes[found.n];
            outcomes[found.n] := 0;
            positions[found.n] := head;
            versions[found.n] := version;
        END IF;
        reached[found.n] := version;
    END LOOP;

    IF head > head_before THEN
        INSERT INTO events (
            aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
            position, event_id, command, command_index, command_size, recorded_at, subjects, hash
        )
        SELECT categories[a], ids[a], versions[a] - sizes[a] + i + 1, kinds[n], split_part(kinds[n], '.v', -1),
               payloads[n], metadatas[a], positions[a] - sizes[a] + i + 1, event_ids[n], commands[a], i, sizes[a],
               recorded[a], subject_lists[n], hashes[n]
        FROM (SELECT n, append_of[n] AS a, index_of[n] AS i FROM generate_series(1, cardinality(kinds)) AS n) AS event
        WHERE outcomes[a] = 0;
        UPDATE log_head SET position = head, hash = link WHERE id = 1;
        PERFORM pg_notify('midwatch_log', head::text);
    END IF;
END
$$;

-- Who may do what alone, for a time. Correctness never rests on it.
CREATE TABLE leases (
    name       text        PRIMARY KEY,
    owner      uuid        NOT NULL,
    -- Rises with each holder.
    epoch      bigint      NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Secrets, sealed before they get here.
CREATE TABLE vault (
    id     uuid  PRIMARY KEY,
    sealed bytea NOT NULL
);

-- The key that seals them where the operator gives none.
CREATE TABLE vault_key (
    id  int   PRIMARY KEY CHECK (id = 1),
    key bytea NOT NULL
);
