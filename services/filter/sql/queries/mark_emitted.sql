-- These verdicts have been told. $1: ids, $2: when.
UPDATE messages SET emitted_at = $2 WHERE id = ANY ($1::text[]) AND emitted_at IS NULL
