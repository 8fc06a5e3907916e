-- The queries of donations: name, purpose, arguments; then the statement.

-- begin_counting --
-- Note the first start; a later one changes nothing. $1: now.
INSERT INTO starts (at) VALUES ($1) ON CONFLICT DO NOTHING

-- read_start --
-- The first start.
SELECT at FROM starts

-- load_mark --
-- How far a list was read. $1: which.
SELECT latest, since, walked_at, whole_at FROM marks WHERE list = $1

-- save_mark --
-- How far a list was read now.
INSERT INTO marks (list, latest, since, walked_at, whole_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (list) DO UPDATE SET latest = excluded.latest, since = excluded.since,
    walked_at = excluded.walked_at, whole_at = excluded.whole_at

-- load_told --
-- What was told, or is to be. $1: ids.
SELECT value FROM told WHERE id = ANY ($1::text[])

-- keep_news --
-- What is to be told. One array a column: id, source, version, value.
INSERT INTO told AS t (id, source, version, value, told)
SELECT u.*, false FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) AS u
ON CONFLICT (id) DO UPDATE
    SET version = excluded.version, value = excluded.value, told = false
    WHERE t.version <= excluded.version

-- note_told --
-- What stands on the topic. One array a column: id, source, version, value. What is to be told
-- instead stays.
INSERT INTO told AS t (id, source, version, value, told)
SELECT u.*, true FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) AS u
ON CONFLICT (id) DO UPDATE
    SET version = excluded.version, value = excluded.value, told = true
    WHERE t.version < excluded.version
       OR (t.version = excluded.version AND (t.told OR t.value = excluded.value))

-- load_untold --
-- What is still to be told, in order. $1: how many.
SELECT id, value FROM told WHERE NOT told ORDER BY number LIMIT $1

-- mark_told --
-- It was told, unless it has changed since. One array a column: id, value.
UPDATE told t SET told = true FROM unnest($1::text[], $2::bytea[]) AS u (id, value)
WHERE t.id = u.id AND t.value = u.value

-- list_told --
-- What was told of a platform, by the ids. $1: which, $2: after this id, $3: how many.
SELECT id, value FROM told WHERE source = $1 AND id > $2 ORDER BY id LIMIT $3
