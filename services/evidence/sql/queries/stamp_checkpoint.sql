-- The authority's time stamp.
UPDATE checkpoints SET stamp = $2, stamped_at = $3 WHERE size = $1
