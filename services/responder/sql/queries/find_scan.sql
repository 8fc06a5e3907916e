-- The scan to go on with.
SELECT name, kind, since, until, "offset", look_at FROM scans WHERE look_at <= $1
ORDER BY array_position(ARRAY['undelivered', 'ordered', 'whole'], kind), look_at, name LIMIT 1
