-- Senders whose deliberation is due, locked in canonical order. A row that changed while we waited
-- for its lock is given as it is now: the caller looks again whether it is due.
-- $1: partitions, $2: the instant before which it must be due, $3: how many at most.
WITH picked AS (
    SELECT p.sender
    FROM unnest($1::smallint[]) AS held (partition),
         LATERAL (SELECT sender, due_at FROM senders
                  WHERE partition = held.partition AND due_at < $2
                  ORDER BY due_at LIMIT $3) AS p
    ORDER BY p.due_at
    LIMIT $3
)
SELECT sender, opted_out, blocked, blocked_at, silenced, silenced_at, message_id, kind, partition,
       first_at, last_at, due_at, texts, marks, tokens, blocks, backfilled, sender_sealed
FROM senders
WHERE sender IN (SELECT sender FROM picked)
ORDER BY sender
FOR UPDATE
