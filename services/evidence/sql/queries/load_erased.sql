-- What was erased between two leaves.
SELECT leaf, erased_at, erased_why FROM records
WHERE leaf BETWEEN $1 AND $2 AND erased_at IS NOT NULL ORDER BY leaf
