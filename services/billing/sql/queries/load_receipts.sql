-- These receipts, locked in the order of their ids. $1: ids.
SELECT message_id, sender, kind, source, received_at, cost_microeuros, basis, revision
FROM receipts WHERE message_id = ANY ($1::text[]) ORDER BY message_id FOR UPDATE
