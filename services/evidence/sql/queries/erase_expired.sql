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
