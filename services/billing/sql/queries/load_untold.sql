-- Replies whose authorisation or end was not told yet. What the responder has heard of already (no
-- sealed number is left) is not told. $1: how many.
SELECT {columns} FROM replies
WHERE told_at IS NULL AND state IN ('authorized', 'expired', 'refused')
  AND (state <> 'authorized' OR sender_sealed IS NOT NULL)
ORDER BY changed_at LIMIT $1
