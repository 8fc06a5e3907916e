-- The state of sending; its lock lets one claim at a time.
SELECT free_at, held_until, probing, holds, hold_reason, paused FROM pace FOR UPDATE
