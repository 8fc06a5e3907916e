-- What is known of these message ids. $1: ids.
SELECT id, sender, kind, received_at, decision, reason, score, due_at, judged_at, basis,
       sender_sealed
FROM messages WHERE id = ANY ($1::text[])
