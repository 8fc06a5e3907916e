-- Replies as they are now; all of them are locked by us.
UPDATE replies r
SET state = u.state, reason = u.reason, sender_sealed = u.sender_sealed,
    changed_at = u.changed_at, reservation = u.reservation,
    price_microeuros = u.price_microeuros, cost_microeuros = u.cost_microeuros, basis = u.basis,
    revision = u.revision, sequence = u.sequence, told_at = u.told_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::text[],
            $7::bigint[], $8::bigint[], $9::smallint[], $10::int[], $11::int[], $12::timestamptz[])
     AS u (reply_id, state, reason, sender_sealed, changed_at, reservation, price_microeuros,
           cost_microeuros, basis, revision, sequence, told_at)
WHERE r.reply_id = u.reply_id
