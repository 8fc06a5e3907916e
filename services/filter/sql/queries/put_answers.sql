-- The one answer of a sender's window. Fewer rows than asked for: somebody was faster (I3).
-- $1: senders, $2: message ids, $3: when due, $4: the window; sorted by sender.
INSERT INTO answers AS a (sender, message_id, answered_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (sender) DO UPDATE
    SET message_id = excluded.message_id, answered_at = excluded.answered_at
    WHERE a.answered_at + $4::interval <= excluded.answered_at
