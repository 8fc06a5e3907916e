-- What was decided about a reply.
SELECT action FROM decisions WHERE reply_id = $1
