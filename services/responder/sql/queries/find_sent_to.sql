-- Replies to these numbers that an SMS left for, recovered ones too; locked in one order.
SELECT {columns} FROM replies
WHERE sender = ANY($1::text[]) AND kind <> 'test' AND sending_at IS NOT NULL
    AND state IN ('sent', 'delivered', 'undelivered')
ORDER BY reply_id FOR UPDATE
