-- The note with the witness's cosignature.
UPDATE checkpoints SET note = $2, witnessed_at = $3 WHERE size = $1
