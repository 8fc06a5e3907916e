-- Of the last ended replies, whether each was delivered. $1: how many.
SELECT state = 'delivered' AS delivered FROM replies
WHERE state IN ('delivered', 'undelivered', 'failed') ORDER BY changed_at DESC, reply_id DESC
LIMIT $1
