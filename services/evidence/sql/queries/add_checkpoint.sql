-- A checkpoint; one of its size stays as it is.
INSERT INTO checkpoints (size, note, at) VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING
