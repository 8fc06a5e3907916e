-- The same, changed.
UPDATE link SET check_at = $1, sequence = $2, attach = $3, attached = $4, tries = $5, link_at = $6
