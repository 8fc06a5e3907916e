-- Take a sender off the block list; a row only if he was on it.
DELETE FROM blocks WHERE sender = $1 RETURNING sender
