-- Checkpoints up to a size, the latest first.
SELECT size, note, at, stamp, stamped_at, witnessed_at FROM checkpoints
WHERE size <= $1 AND ($3 OR stamp IS NOT NULL) ORDER BY size DESC LIMIT $2
