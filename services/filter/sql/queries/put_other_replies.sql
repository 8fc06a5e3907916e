-- What is known of replies that are not their sender's answer; the senders are locked by us.
-- $1: senders, $2: message ids, $3: when due, $4: places of the word, $5: proofs.
INSERT INTO other_replies (sender, message_id, answered_at, sequence, proof)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::text[])
ON CONFLICT (message_id) DO UPDATE SET sequence = excluded.sequence, proof = excluded.proof
