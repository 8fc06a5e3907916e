-- Receipts that are new; one row each. One array a column, sorted by id.
INSERT INTO receipts (message_id, sender, kind, source, received_at, cost_microeuros, basis,
                      revision)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[],
                     $6::bigint[], $7::smallint[], $8::int[])
ON CONFLICT DO NOTHING RETURNING message_id
