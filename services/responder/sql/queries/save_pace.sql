-- The state of sending, changed.
UPDATE pace SET free_at = $1, held_until = $2, probing = $3, holds = $4, hold_reason = $5,
    paused = $6
