-- Verdicts that are new; one row each. One array a column, sorted by id.
INSERT INTO verdicts (message_id, decision, reason, basis, due_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::timestamptz[])
ON CONFLICT DO NOTHING RETURNING message_id
