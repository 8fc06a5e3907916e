-- Put a sender on the block list; a row only if he was not on it.
INSERT INTO blocks (sender, at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING sender
