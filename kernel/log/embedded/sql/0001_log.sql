-- The embedded log: topics, their partitions, the records, and who has read how far.

CREATE TABLE topics (
    name text PRIMARY KEY,
    partitions int NOT NULL CHECK (partitions > 0),
    retention_seconds int CHECK (retention_seconds > 0),
    value_bytes_max int NOT NULL
);

-- The row of a partition hands out its offsets: a sequence would do so out of commit order, and
-- a reader would skip what commits late.
CREATE TABLE partitions (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL REFERENCES topics,
    number int NOT NULL,
    first_offset bigint NOT NULL DEFAULT 0,
    next_offset bigint NOT NULL DEFAULT 0,
    appended_at timestamptz NOT NULL DEFAULT '-infinity',
    UNIQUE (topic, number)
) WITH (fillfactor = 50);

CREATE TABLE records (
    partition_id int NOT NULL,
    record_offset bigint NOT NULL,
    appended_at timestamptz NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (partition_id, record_offset)
);
-- What is sealed does not compress; do not try.
ALTER TABLE records ALTER COLUMN value SET STORAGE EXTERNAL;

-- The generation changes with the members; a commit of an older one is refused.
CREATE TABLE consumer_groups (
    name text PRIMARY KEY,
    generation bigint NOT NULL DEFAULT 0
);

-- A member lives while its session holds the advisory lock (member_class, id).
CREATE SEQUENCE member_ids AS int CYCLE;
CREATE TABLE members (
    id int PRIMARY KEY,
    group_name text NOT NULL REFERENCES consumer_groups,
    topics text[] NOT NULL
);

CREATE TABLE commits (
    group_name text NOT NULL REFERENCES consumer_groups,
    partition_id int NOT NULL REFERENCES partitions,
    record_offset bigint NOT NULL,
    PRIMARY KEY (group_name, partition_id)
) WITH (fillfactor = 50);

-- Classes of advisory locks, (class, id).
CREATE FUNCTION partition_class() RETURNS int LANGUAGE sql IMMUTABLE RETURN 1819240033;
CREATE FUNCTION group_class() RETURNS int LANGUAGE sql IMMUTABLE RETURN 1819240034;
CREATE FUNCTION member_class() RETURNS int LANGUAGE sql IMMUTABLE RETURN 1819240035;

-- Append records: of partition `of_partitions[i]`, the `ranks[i]`-th of this call there.
-- `ids` are the distinct partitions in ascending order, so that no two appends lock crosswise;
-- `counts` how many records each gets. The lock outlives the commit's becoming visible, which
-- is what `look` relies on.
CREATE FUNCTION append(
    ids int[], counts int[], of_partitions int[], ranks int[], keys bytea[], bodies bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    id_to_lock int;
    appended timestamptz;
BEGIN
    FOREACH id_to_lock IN ARRAY ids LOOP
        PERFORM pg_advisory_xact_lock(partition_class(), id_to_lock);
    END LOOP;
    appended := clock_timestamp();
    UPDATE partitions p
    SET next_offset = p.next_offset + a.count, appended_at = greatest(p.appended_at, appended)
    FROM unnest(ids, counts) AS a (id, count)
    WHERE p.id = a.id;
    INSERT INTO records (partition_id, record_offset, appended_at, key, value)
    SELECT r.id, p.next_offset - a.count + r.rank, p.appended_at, r.key, r.value
    FROM unnest(of_partitions, ranks, keys, bodies) AS r (id, rank, key, value)
    JOIN unnest(ids, counts) AS a (id, count) USING (id)
    JOIN partitions p USING (id);
    PERFORM pg_notify('antirelou_log', 'p' || array_to_string(ids, ','));
END $$;

-- How long the partitions are now, and whether an append to each is under way: then records with
-- a time before `looked_at` may still become visible.
CREATE FUNCTION look(
    of_group text, ids int[], OUT generation bigint, OUT looked_at timestamptz,
    OUT quiet boolean[], OUT firsts bigint[], OUT ends bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    id_to_try int;
    got boolean;
BEGIN
    looked_at := clock_timestamp();
    quiet := '{}';
    FOREACH id_to_try IN ARRAY ids LOOP
        got := pg_try_advisory_lock_shared(partition_class(), id_to_try);
        IF got THEN
            PERFORM pg_advisory_unlock_shared(partition_class(), id_to_try);
        END IF;
        quiet := quiet || got;
    END LOOP;
    -- A statement of its own: its snapshot is younger than the locks.
    SELECT array_agg(p.first_offset ORDER BY u.i), array_agg(p.next_offset ORDER BY u.i)
    INTO firsts, ends
    FROM unnest(ids) WITH ORDINALITY AS u (id, i) JOIN partitions p USING (id);
    SELECT g.generation INTO generation FROM consumer_groups g WHERE g.name = of_group;
END $$;

CREATE FUNCTION is_dead(member int) RETURNS boolean LANGUAGE sql STABLE RETURN NOT EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
      AND l.classid = member_class()::oid AND l.objid = member::oid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
);

-- Tell the members that the group is another now.
CREATE FUNCTION begin_generation(of_group text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE consumer_groups SET generation = generation + 1 WHERE name = of_group;
    PERFORM pg_notify('antirelou_log', 'g' || of_group);
END $$;

-- Enter a group; the caller's session already holds the member's lock.
CREATE FUNCTION join_group(of_group text, member int, of_topics text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(group_class(), hashtext(of_group));
    INSERT INTO consumer_groups (name) VALUES (of_group) ON CONFLICT DO NOTHING;
    DELETE FROM members WHERE group_name = of_group AND is_dead(id);
    INSERT INTO members (id, group_name, topics) VALUES (member, of_group, of_topics);
    PERFORM begin_generation(of_group);
END $$;

-- Take out of a group who leaves (0: nobody) and who is dead.
CREATE FUNCTION leave_group(of_group text, member int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(group_class(), hashtext(of_group));
    DELETE FROM members WHERE group_name = of_group AND (id = member OR is_dead(id));
    IF FOUND THEN
        PERFORM begin_generation(of_group);
    END IF;
END $$;

-- Take the dead out of these groups.
CREATE FUNCTION sweep(of_groups text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name_to_sweep text;
BEGIN
    FOR name_to_sweep IN
        SELECT DISTINCT m.group_name FROM members m
        WHERE m.group_name = ANY (of_groups) AND is_dead(m.id) ORDER BY 1
    LOOP
        PERFORM leave_group(name_to_sweep, 0);
    END LOOP;
END $$;

-- Commit positions, if the member is of the present generation; says whether it was.
CREATE FUNCTION commit_positions(
    of_group text, member int, of_generation bigint, ids int[], positions bigint[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- Lost in a crash of the server it is read again: not worth a wait for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_advisory_xact_lock_shared(group_class(), hashtext(of_group));
    PERFORM FROM members m JOIN consumer_groups g ON g.name = m.group_name
    WHERE m.id = member AND g.name = of_group AND g.generation = of_generation;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO commits (group_name, partition_id, record_offset)
    SELECT of_group, u.id, u.place FROM unnest(ids, positions) AS u (id, place)
    ON CONFLICT (group_name, partition_id)
    DO UPDATE SET record_offset = greatest(commits.record_offset, excluded.record_offset);
    RETURN true;
END $$;

-- The partitions whose oldest record is past its retention.
CREATE FUNCTION expired_partitions() RETURNS SETOF int LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT p.id
    FROM partitions p JOIN topics t ON t.name = p.topic CROSS JOIN LATERAL (
        SELECT r.appended_at FROM records r
        WHERE r.partition_id = p.id AND r.record_offset >= p.first_offset
        ORDER BY r.record_offset LIMIT 1
    ) oldest
    WHERE p.first_offset < p.next_offset
      AND oldest.appended_at < clock_timestamp() - make_interval(secs => t.retention_seconds)
    ORDER BY p.id;
END;

-- Delete the oldest records of a partition as far as they are past its retention, at most
-- `records_max`; says how many went. Times never step back within a partition.
CREATE FUNCTION expire(of_partition int, records_max int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz;
    cut bigint;
    gone bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT clock_timestamp() - make_interval(secs => t.retention_seconds) INTO since
    FROM partitions p JOIN topics t ON t.name = p.topic WHERE p.id = of_partition;
    SELECT max(r.record_offset) + 1 INTO cut FROM (
        SELECT record_offset, appended_at FROM records
        WHERE partition_id = of_partition ORDER BY record_offset LIMIT records_max
    ) r WHERE r.appended_at < since;
    IF cut IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM records WHERE partition_id = of_partition AND record_offset < cut;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE partitions SET first_offset = greatest(first_offset, cut) WHERE id = of_partition;
    RETURN gone;
END $$;

-- Create or change a topic; says what was changed, NULL if nothing.
CREATE FUNCTION apply_topic(
    of_name text, of_partitions int, of_retention_seconds int, of_value_bytes_max int
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    changed text;
BEGIN
    INSERT INTO topics VALUES (of_name, of_partitions, of_retention_seconds, of_value_bytes_max)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO partitions (topic, number)
        SELECT of_name, n FROM generate_series(0, of_partitions - 1) n;
        changed := format('%s: created, %s partitions', of_name, of_partitions);
    ELSE
        UPDATE topics SET retention_seconds = of_retention_seconds,
                          value_bytes_max = of_value_bytes_max
        WHERE name = of_name AND (retention_seconds, value_bytes_max)
              IS DISTINCT FROM (of_retention_seconds, of_value_bytes_max);
        IF FOUND THEN
            changed := format('%s: retention %s s, values up to %s bytes', of_name,
                              coalesce(of_retention_seconds::text, 'without end'),
                              of_value_bytes_max);
        END IF;
    END IF;
    IF changed IS NOT NULL THEN
        PERFORM pg_notify('antirelou_log', 't');
    END IF;
    RETURN changed;
END $$;

GRANT SELECT, INSERT, UPDATE ON topics, partitions, consumer_groups, commits TO antirelou_log;
GRANT SELECT, INSERT, DELETE ON records, members TO antirelou_log;
GRANT USAGE ON SEQUENCE member_ids TO antirelou_log;
