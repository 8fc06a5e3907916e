-- As load_standing, not locked.
SELECT posture, cause, attach, sequence, paused, detached, given_then, at_donation, donated_at,
       replies_before, day, spent_before, probe_at, probes, shown, shown_at, restored,
       unread, unread_at
FROM standing
