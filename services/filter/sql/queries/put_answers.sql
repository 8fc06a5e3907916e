-- The one answer of a sender's window. Fewer rows than asked for: somebody was faster (I3).
-- $1: senders, $2: message ids, $3: when due, $4: places of the word, $5: proofs, $6: the window;
-- sorted by sender.
INSERT INTO answers AS a (sender, message_id, answered_at, sequence, proof)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::text[])
ON CONFLICT (sender) DO UPDATE
    SET message_id = excluded.message_id, answered_at = excluded.answered_at,
        sequence = excluded.sequence, proof = excluded.proof
    WHERE a.message_id = excluded.message_id
       OR a.answered_at + $6::interval <= excluded.answered_at
