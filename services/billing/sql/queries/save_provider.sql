-- What was read at the provider, unless something later is there.
-- $1: when, $2: credit, $3: spent by our books, $4: attached; NULL: as before.
UPDATE provider SET checked_at = $1,
    credit_microeuros = $2, spent_microeuros = $3, attached = coalesce($4, attached)
WHERE checked_at IS NULL OR checked_at < $1
