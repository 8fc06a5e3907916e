-- The queries of evidence: name, purpose, arguments; then the statement.

-- lock_tree --
-- The head, locked: one member appends at a time.
SELECT size, root FROM tree FOR UPDATE

-- find_names --
-- Which of these are in the log; of an erased one the record is NULL.
SELECT name, record FROM records WHERE name = ANY ($1::bytea[])

-- load_tiles --
-- These tiles, each by its key: the table is not read whole, however the server guesses.
SELECT t.level, t.number, t.hashes
FROM unnest($1::smallint[], $2::bigint[]) AS wanted (level, number)
CROSS JOIN LATERAL (
    SELECT * FROM tiles WHERE tiles.level = wanted.level AND tiles.number = wanted.number LIMIT 1
) t

-- last_terms --
-- The terms that hold now.
SELECT record FROM records WHERE kind = 'terms' ORDER BY leaf DESC LIMIT 1

-- save_tiles --
-- Tiles that are new or longer.
INSERT INTO tiles (level, number, hashes)
SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes

-- save_tree --
-- The head after an append.
UPDATE tree SET size = $1, root = $2

-- read_tree --
-- The head.
SELECT size, root FROM tree

-- add_checkpoint --
-- A checkpoint; one of its size stays as it is.
INSERT INTO checkpoints (size, note, at) VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING

-- load_checkpoints --
-- Checkpoints up to a size, the latest first.
SELECT size, note, at, stamp, stamped_at, witnessed_at FROM checkpoints
WHERE size <= $1 AND ($3 OR stamp IS NOT NULL) ORDER BY size DESC LIMIT $2

-- witnessed_size --
-- The largest size that the witness has cosigned.
SELECT coalesce(max(size), 0) AS size FROM checkpoints WHERE witnessed_at IS NOT NULL

-- stamp_checkpoint --
-- The authority's time stamp.
UPDATE checkpoints SET stamp = $2, stamped_at = $3 WHERE size = $1

-- witness_checkpoint --
-- The note with the witness's cosignature.
UPDATE checkpoints SET note = $2, witnessed_at = $3 WHERE size = $1

-- add_case --
-- A case; one of its id stays as it is.
INSERT INTO cases (id, reason, hold_until, senders, campaigns, since, until, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING

-- load_cases --
-- All cases, or one.
SELECT id, reason, hold_until, senders, campaigns, since, until, opened_at, closed_at FROM cases
WHERE $1::text IS NULL OR id = $1 ORDER BY opened_at, id

-- close_case --
-- End a hold.
UPDATE cases SET closed_at = coalesce(closed_at, $2) WHERE id = $1

-- case_leaves --
-- The leaves of a selection below a size, and of the terms that held.
SELECT r.leaf FROM records r
WHERE r.leaf < $5 AND r.message_id IN (SELECT selected($1, $2, $3, $4))
UNION SELECT r.leaf FROM records r WHERE r.leaf < $5 AND r.kind = 'terms'
ORDER BY leaf

-- case_window --
-- Between which leaves a selection's messages may be, erased ones too: after the last that was
-- received before its time, and before the first that was received after it.
SELECT coalesce(max(leaf) FILTER (WHERE at < $1), -1) + 1 AS first,
       coalesce(min(leaf) FILTER (WHERE at >= $2), $3) - 1 AS last
FROM records WHERE kind = 'received' AND leaf < $3

-- message_leaves --
-- The leaves about one message.
SELECT leaf FROM records WHERE message_id = $1 ORDER BY leaf

-- subject_leaves --
-- The leaves about a sender.
SELECT leaf FROM records WHERE message_id IN (
    SELECT message_id FROM records WHERE sender = $1 AND kind = 'received'
) UNION SELECT leaf FROM records WHERE sender = $1 ORDER BY leaf

-- load_records --
-- These records, in order.
SELECT leaf, name, kind, message_id, sender, campaign, at, salt, record, sealed FROM records
WHERE leaf = ANY ($1::bigint[]) AND kind IS NOT NULL ORDER BY leaf

-- load_erased --
-- What was erased between two leaves.
SELECT leaf, erased_at, erased_why FROM records
WHERE leaf BETWEEN $1 AND $2 AND erased_at IS NOT NULL ORDER BY leaf

-- load_holds --
-- The cases that hold records of a sender now.
SELECT c.id, c.reason, c.hold_until, count(*) AS records
FROM records r CROSS JOIN LATERAL holding(r.message_id, $2) AS h (case_id)
JOIN cases c ON c.id = h.case_id
WHERE r.sender = $1 GROUP BY c.id ORDER BY c.id

-- erase_subject --
-- Erase what no case holds of a sender.
UPDATE records SET
    kind = NULL, message_id = NULL, sender = NULL, campaign = NULL, at = NULL, salt = NULL,
    record = NULL, sealed = NULL, erased_at = $2, erased_why = 'request'
WHERE sender = $1 AND NOT EXISTS (SELECT FROM holding(records.message_id, $2))
RETURNING leaf

-- erase_expired --
-- Look at the next records past their time, the oldest first; erase those that no case holds.
-- Gives how far it looked; no row: there are no more. $1: before, $3 and $4: after, $5: how many.
WITH due AS MATERIALIZED (
    SELECT at, leaf, message_id FROM records
    WHERE kind <> 'terms' AND at < $1 AND (at, leaf) > ($3, $4)
    ORDER BY at, leaf LIMIT $5
), gone AS (
    UPDATE records SET
        kind = NULL, message_id = NULL, sender = NULL, campaign = NULL, at = NULL, salt = NULL,
        record = NULL, sealed = NULL, erased_at = $2, erased_why = 'retention'
    WHERE kind IS NOT NULL AND leaf = ANY (ARRAY(
        SELECT d.leaf FROM due d WHERE NOT EXISTS (SELECT FROM holding(d.message_id, $2))
    ))
    RETURNING leaf
)
SELECT at, leaf, (SELECT count(*) FROM due) AS looked, (SELECT count(*) FROM gone) AS erased
FROM due ORDER BY at DESC, leaf DESC LIMIT 1

-- erase_objected --
-- Of the next who objected, erase what is older than that and no case holds, some of each.
-- Gives up to whom; no row: there are no more. $3: after whom, $4: how many, $5: records of each.
WITH asked AS MATERIALIZED (
    SELECT sender FROM objections WHERE sender > $3 ORDER BY sender LIMIT $4
), gone AS (
    UPDATE records SET
        kind = NULL, message_id = NULL, sender = NULL, campaign = NULL, at = NULL, salt = NULL,
        record = NULL, sealed = NULL, erased_at = $2, erased_why = 'objection'
    WHERE kind IS NOT NULL AND leaf = ANY (ARRAY(
        SELECT d.leaf FROM asked CROSS JOIN LATERAL (
            SELECT r.leaf FROM records r
            WHERE r.sender = asked.sender AND r.at < $1
              AND NOT EXISTS (SELECT FROM holding(r.message_id, $2))
            ORDER BY r.at LIMIT $5
        ) d
    ))
    RETURNING leaf
)
SELECT sender, (SELECT count(*) FROM asked) AS looked, (SELECT count(*) FROM gone) AS erased
FROM asked ORDER BY sender DESC LIMIT 1

-- add_objection --
-- He objected; the first time counts.
INSERT INTO objections (sender, at) VALUES ($1, $2) ON CONFLICT (sender) DO NOTHING

-- load_objection --
-- When he objected.
SELECT at FROM objections WHERE sender = $1
