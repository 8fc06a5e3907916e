-- A limit of size beside that of age: a flood of poison must not fill the disk with its dead.

ALTER TABLE topics ADD COLUMN retention_bytes bigint CHECK (retention_bytes > 0);

-- What a partition holds beyond its topic's limit, keys and values; 0 where there is none.
-- It reads the sizes alone, and only of topics that have a limit.
CREATE FUNCTION excess_bytes(of_partition int) RETURNS bigint LANGUAGE sql STABLE
RETURN coalesce((
    SELECT greatest(sum(octet_length(r.key) + octet_length(r.value)) - max(t.retention_bytes), 0)
    FROM topics t JOIN partitions p ON p.topic = t.name JOIN records r ON r.partition_id = p.id
    WHERE p.id = of_partition AND t.retention_bytes IS NOT NULL
), 0);

-- The partitions of which something is past its retention.
CREATE OR REPLACE FUNCTION expired_partitions() RETURNS SETOF int LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT p.id
    FROM partitions p JOIN topics t ON t.name = p.topic CROSS JOIN LATERAL (
        SELECT r.appended_at FROM records r
        WHERE r.partition_id = p.id AND r.record_offset >= p.first_offset
        ORDER BY r.record_offset LIMIT 1
    ) oldest
    WHERE p.first_offset < p.next_offset
      AND (oldest.appended_at < clock_timestamp() - make_interval(secs => t.retention_seconds)
           OR excess_bytes(p.id) > 0)
    ORDER BY p.id;
END;

-- Delete the oldest records of a partition as far as they are past its retention, by age or by
-- size, at most `records_max`; says how many went. Times never step back within a partition.
CREATE OR REPLACE FUNCTION expire(of_partition int, records_max int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz;
    excess bigint;
    cut bigint;
    gone bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT clock_timestamp() - make_interval(secs => t.retention_seconds) INTO since
    FROM partitions p JOIN topics t ON t.name = p.topic WHERE p.id = of_partition;
    excess := excess_bytes(of_partition);
    SELECT max(r.record_offset) + 1 INTO cut FROM (
        SELECT record_offset, appended_at,
               sum(octet_length(key) + octet_length(value)) OVER (ORDER BY record_offset)
               - octet_length(key) - octet_length(value) AS before
        FROM (
            SELECT * FROM records
            WHERE partition_id = of_partition ORDER BY record_offset LIMIT records_max
        ) oldest
    ) r WHERE r.appended_at < since OR r.before < excess;
    IF cut IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM records WHERE partition_id = of_partition AND record_offset < cut;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE partitions SET first_offset = greatest(first_offset, cut) WHERE id = of_partition;
    RETURN gone;
END $$;

DROP FUNCTION apply_topic(text, int, int, int);

-- Create or change a topic; says what was changed, NULL if nothing.
CREATE FUNCTION apply_topic(
    of_name text, of_partitions int, of_retention_seconds int, of_value_bytes_max int,
    of_retention_bytes bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    changed text;
BEGIN
    INSERT INTO topics (name, partitions, retention_seconds, value_bytes_max, retention_bytes)
    VALUES (of_name, of_partitions, of_retention_seconds, of_value_bytes_max, of_retention_bytes)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO partitions (topic, number)
        SELECT of_name, n FROM generate_series(0, of_partitions - 1) n;
        changed := format('%s: created, %s partitions', of_name, of_partitions);
    ELSE
        UPDATE topics SET retention_seconds = of_retention_seconds,
                          value_bytes_max = of_value_bytes_max,
                          retention_bytes = of_retention_bytes
        WHERE name = of_name AND (retention_seconds, value_bytes_max, retention_bytes)
              IS DISTINCT FROM (of_retention_seconds, of_value_bytes_max, of_retention_bytes);
        IF FOUND THEN
            changed := format('%s: retention %s s, %s bytes, values up to %s bytes', of_name,
                              coalesce(of_retention_seconds::text, 'without end'),
                              coalesce(of_retention_bytes::text, 'any number of'),
                              of_value_bytes_max);
        END IF;
    END IF;
    IF changed IS NOT NULL THEN
        PERFORM pg_notify('antirelou_log', 't');
    END IF;
    RETURN changed;
END $$;
