-- All cases, or one.
SELECT id, reason, hold_until, senders, campaigns, since, until, opened_at, closed_at FROM cases
WHERE $1::text IS NULL OR id = $1 ORDER BY opened_at, id
