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
