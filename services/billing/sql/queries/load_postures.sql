-- Changes of posture that were not told yet.
SELECT sequence, at, posture, cause, attach, detail FROM postures
WHERE told_at IS NULL ORDER BY sequence
