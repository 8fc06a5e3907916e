-- Senders as they are now; all of them are locked by us. One array for each column.
UPDATE senders s
SET opted_out = u.opted_out, blocked = u.blocked, blocked_at = u.blocked_at,
    silenced = u.silenced, silenced_at = u.silenced_at, message_id = u.message_id, kind = u.kind,
    partition = u.partition, first_at = u.first_at, last_at = u.last_at, due_at = u.due_at,
    texts = u.texts, marks = u.marks, tokens = u.tokens, blocks = u.blocks,
    backfilled = u.backfilled, sender_sealed = u.sender_sealed
FROM unnest($1::text[], $2::boolean[], $3::boolean[], $4::timestamptz[], $5::text[],
            $6::timestamptz[], $7::text[], $8::text[], $9::smallint[], $10::timestamptz[],
            $11::timestamptz[], $12::timestamptz[], $13::int[], $14::bytea[], $15::bytea[],
            $16::bytea[], $17::boolean[], $18::bytea[])
     AS u (sender, opted_out, blocked, blocked_at, silenced, silenced_at, message_id, kind,
           partition, first_at, last_at, due_at, texts, marks, tokens, blocks, backfilled,
           sender_sealed)
WHERE s.sender = u.sender
