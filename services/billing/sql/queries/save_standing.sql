-- The posture and what it remembers; locked by us.
UPDATE standing SET posture = $1, cause = $2, attach = $3, sequence = $4, paused = $5,
    detached = $6, given_then = $7, at_donation = $8, day = $9, spent_before = $10,
    probe_at = $11, probes = $12, shown = $13, shown_at = $14
