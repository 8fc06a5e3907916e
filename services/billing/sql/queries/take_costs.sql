-- What was kept of these messages. $1: ids.
DELETE FROM costs WHERE message_id = ANY ($1::text[])
RETURNING message_id, segments, amount_microunits
