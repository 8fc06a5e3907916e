-- Replies that nobody knows were sent, and that nobody has decided about; the oldest first.
SELECT reply_id, changed_at, price_microeuros, reason FROM replies r
WHERE state = 'unresolved' AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.reply_id = r.reply_id)
ORDER BY changed_at, reply_id
