-- Senders who texted once more while they waited; all of them are locked by us.
-- $1: senders, $2: last texts, $3: due, $4: how many texts, $5: marks.
UPDATE senders s
SET last_at = u.last_at, due_at = u.due_at, texts = u.texts, marks = u.marks
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::int[], $5::bytea[])
     AS u (sender, last_at, due_at, texts, marks)
WHERE s.sender = u.sender
