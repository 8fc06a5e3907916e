-- How far these partitions were read; never steps back.
-- $1: partitions, in order, $2: instants, $3: when this is told.
INSERT INTO progress AS p (partition, read_until, told_at)
SELECT u.partition, u.read_until, $3
FROM unnest($1::smallint[], $2::timestamptz[]) AS u (partition, read_until)
ON CONFLICT (partition) DO UPDATE
    SET read_until = greatest(p.read_until, excluded.read_until), told_at = excluded.told_at
