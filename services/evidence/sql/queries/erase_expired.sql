-- Erase what is past its time and no case holds, the oldest first.
UPDATE records SET
    kind = NULL, message_id = NULL, sender = NULL, campaign = NULL, at = NULL, salt = NULL,
    record = NULL, sealed = NULL, erased_at = $3, erased_why = gone.why
FROM (
    SELECT r.leaf, CASE WHEN r.at < $1 THEN 'retention' ELSE 'objection' END AS why
    FROM records r
    WHERE r.kind <> 'terms'
      AND (r.at < $1
           OR (r.at < $2 AND r.sender IN (SELECT o.sender FROM objections o)))
      AND r.message_id NOT IN (SELECT h.message_id FROM held($3) h)
    ORDER BY r.leaf LIMIT $4
) AS gone
WHERE records.leaf = gone.leaf
RETURNING erased_why
