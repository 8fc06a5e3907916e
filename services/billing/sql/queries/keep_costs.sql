-- What the log says of messages that are not booked yet. One array a column, sorted; $4: when.
INSERT INTO costs (message_id, segments, amount_microunits, at)
SELECT u.*, $4 FROM unnest($1::text[], $2::int[], $3::bigint[]) AS u
ON CONFLICT (message_id) DO UPDATE
    SET segments = excluded.segments, amount_microunits = excluded.amount_microunits
