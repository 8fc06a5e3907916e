-- Senders whose deliberation is due, locked in canonical order.
-- $1: partitions, $2: for each the instant before which it must be due, $3: how many at most.
WITH picked AS (
    SELECT p.sender
    FROM unnest($1::smallint[], $2::timestamptz[]) AS h (partition, horizon),
         LATERAL (SELECT sender, due_at FROM senders
                  WHERE partition = h.partition AND due_at < h.horizon
                  ORDER BY due_at LIMIT $3) AS p
    ORDER BY p.due_at
    LIMIT $3
)
SELECT s.*, a.message_id AS answer_id, a.answered_at
FROM senders s LEFT JOIN answers a USING (sender)
WHERE s.sender IN (SELECT sender FROM picked)
ORDER BY s.sender
FOR UPDATE OF s
