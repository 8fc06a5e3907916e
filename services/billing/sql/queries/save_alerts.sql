-- Overwrite what was told.
UPDATE alerts SET memory = $1
