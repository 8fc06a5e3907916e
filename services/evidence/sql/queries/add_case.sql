-- A case; one of its id stays as it is.
INSERT INTO cases (id, reason, hold_until, senders, campaigns, since, until, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING
