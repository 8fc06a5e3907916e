-- How far it is.
UPDATE restorations SET stage = $2, "offset" = $3, matched = $4, recovered = $5 WHERE id = $1
