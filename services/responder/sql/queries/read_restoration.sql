-- The latest restore; no row: there was none.
SELECT id, backup_at, restored_at, base, stage, "offset", matched, recovered
FROM restorations ORDER BY number DESC LIMIT 1
