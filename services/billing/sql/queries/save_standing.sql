-- The posture and what it remembers; locked by us.
UPDATE standing SET posture = $1, cause = $2, attach = $3, sequence = $4, paused = $5,
    detached = $6, given_then = $7, at_donation = $8, donated_at = $9, replies_before = $10,
    day = $11, spent_before = $12, probe_at = $13, probes = $14, shown = $15, shown_at = $16,
    restored = $17, unread = $18, unread_at = $19
