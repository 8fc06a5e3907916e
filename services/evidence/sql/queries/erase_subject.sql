-- Erase what no case holds of a sender.
UPDATE records SET
    kind = NULL, message_id = NULL, sender = NULL, campaign = NULL, at = NULL, salt = NULL,
    record = NULL, sealed = NULL, erased_at = $2, erased_why = 'request'
WHERE sender = $1 AND NOT EXISTS (SELECT FROM holding(records.message_id, $2))
RETURNING leaf
