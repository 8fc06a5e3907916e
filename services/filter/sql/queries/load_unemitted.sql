-- Verdicts that nobody has been told yet, of the partitions held. $1: partitions, $2: at most.
SELECT m.id, m.sender, m.kind, m.received_at, m.decision, m.reason, m.score, m.due_at,
       m.judged_at, m.basis, m.sender_sealed
FROM unnest($1::smallint[]) AS held (partition),
     LATERAL (SELECT * FROM messages
              WHERE partition = held.partition AND judged_at IS NOT NULL AND emitted_at IS NULL
              ORDER BY judged_at LIMIT $2) AS m
ORDER BY m.judged_at
LIMIT $2
