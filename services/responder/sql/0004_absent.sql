-- What was unresolved for want of any trace waited for a person for ever: it is looked for once more,
-- and void if the log has gone on without it (core/outbox.py).
UPDATE replies SET look_at = now()
WHERE state = 'unresolved' AND reason = 'absent' AND look_at IS NULL;
