-- Verdicts that are new; one row each. One array a column, sorted by id.
INSERT INTO verdicts (message_id, sender, received_at, decision, reason, basis, due_at)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[],
                     $6::json[], $7::timestamptz[])
ON CONFLICT DO NOTHING RETURNING message_id
