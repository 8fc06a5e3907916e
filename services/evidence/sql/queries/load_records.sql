-- These records, in order.
SELECT leaf, name, kind, message_id, sender, campaign, at, salt, record, sealed FROM records
WHERE leaf = ANY ($1::bigint[]) AND kind IS NOT NULL ORDER BY leaf
