-- Of the next senders in the order of their keys, those of whom nothing is left to remember. Found
-- by walking: nothing says which they are. A subquery in place of NOT EXISTS is asked for each row,
-- by its key; the other might be answered by reading all answers.
-- $1: after this sender, $2: how many to look at. Gives the last one looked at, and both counts.
WITH looked AS MATERIALIZED (
    SELECT ctid AS place, sender,
           NOT opted_out AND blocked_at IS NULL AND silenced_at IS NULL AND message_id IS NULL
               AS idle
    FROM senders WHERE sender > $1 ORDER BY sender LIMIT $2
), gone AS (
    DELETE FROM senders WHERE ctid = ANY (ARRAY(
        SELECT s.ctid FROM senders s
        WHERE s.ctid = ANY (ARRAY(SELECT place FROM looked WHERE idle))
          AND NOT s.opted_out AND s.blocked_at IS NULL AND s.silenced_at IS NULL
          AND s.message_id IS NULL
          AND (SELECT true FROM answers a WHERE a.sender = s.sender) IS NULL
        FOR UPDATE OF s SKIP LOCKED))
    RETURNING 1
)
SELECT (SELECT max(sender) FROM looked) AS last, (SELECT count(*) FROM looked) AS looked,
       (SELECT count(*) FROM gone) AS gone
