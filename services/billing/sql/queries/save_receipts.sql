-- Receipts that were booked again; all of them are locked by us.
UPDATE receipts r
SET cost_microeuros = u.cost_microeuros, basis = u.basis, revision = u.revision
FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::int[])
     AS u (message_id, cost_microeuros, basis, revision)
WHERE r.message_id = u.message_id
