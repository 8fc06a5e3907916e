-- Senders whose deliberation is due, locked in canonical order. A row that changed while we waited
-- for its lock is given as it is now: the caller looks again whether it is due.
-- $1: partitions, $2: for each the instant before which it must be due, $3: the same for those
-- whose text could make a campaign, $4: how many at most.
WITH picked AS (
    SELECT p.sender
    FROM unnest($1::smallint[], $2::timestamptz[]) AS h (partition, horizon),
         LATERAL (SELECT sender, due_at FROM senders
                  WHERE partition = h.partition AND due_at < h.horizon
                    AND (digest IS NULL OR due_at < $3)
                  ORDER BY due_at LIMIT $4) AS p
    ORDER BY p.due_at
    LIMIT $4
)
SELECT sender, opted_out, blocked, blocked_at, message_id, kind, partition, first_at, last_at,
       due_at, texts, digest, backfilled, sender_sealed
FROM senders
WHERE sender IN (SELECT sender FROM picked)
ORDER BY sender
FOR UPDATE
