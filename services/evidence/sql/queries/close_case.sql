-- End a hold.
UPDATE cases SET closed_at = coalesce(closed_at, $2) WHERE id = $1
