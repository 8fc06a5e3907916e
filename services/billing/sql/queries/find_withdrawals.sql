-- Who of these opted out or is blocked: by the last verdict that said so, and by the block list.
-- $1: senders, $2: senders as the block list has them.
SELECT s.sender, w.reason, w.received_at
FROM unnest($1::uuid[]) AS s (sender) CROSS JOIN LATERAL (
    SELECT reason, received_at FROM verdicts v
    WHERE v.sender = s.sender AND reason IN ('opted_out', 'blocked')
    ORDER BY received_at DESC LIMIT 1) AS w
UNION ALL
SELECT sender::uuid, 'blocked', NULL FROM blocks WHERE sender = ANY ($2::text[])
