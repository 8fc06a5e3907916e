-- Note a decision; a row only if it is the first about this reply.
INSERT INTO decisions (reply_id, action, at, why) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING reply_id
