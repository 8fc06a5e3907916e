-- These were told. $1: ids, $2: when.
WITH locked AS (
    SELECT reply_id FROM replies WHERE reply_id = ANY ($1::text[]) ORDER BY reply_id FOR UPDATE)
UPDATE replies r SET told_at = $2 FROM locked WHERE r.reply_id = locked.reply_id
