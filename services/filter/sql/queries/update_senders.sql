-- Senders as they are now; all of them are locked by us. One array for each column.
UPDATE senders s
SET opted_out = u.opted_out, blocked = u.blocked, blocked_at = u.blocked_at,
    message_id = u.message_id, kind = u.kind, partition = u.partition, first_at = u.first_at,
    last_at = u.last_at, due_at = u.due_at, texts = u.texts, digest = u.digest,
    backfilled = u.backfilled, sender_sealed = u.sender_sealed
FROM unnest($1::text[], $2::boolean[], $3::boolean[], $4::timestamptz[], $5::text[], $6::text[],
            $7::smallint[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::int[],
            $12::bytea[], $13::boolean[], $14::bytea[])
     AS u (sender, opted_out, blocked, blocked_at, message_id, kind, partition, first_at, last_at,
           due_at, texts, digest, backfilled, sender_sealed)
WHERE s.sender = u.sender
