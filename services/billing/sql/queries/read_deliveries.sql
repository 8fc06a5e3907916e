-- Of the last ended replies, whether each was delivered. $1: how many.
-- One that the operator declared never sent says nothing about deliveries.
SELECT state = 'delivered' AS delivered FROM replies
WHERE state IN ('delivered', 'undelivered', 'failed')
    AND NOT (state = 'failed' AND reason = 'operator')
ORDER BY changed_at DESC, reply_id DESC
LIMIT $1
