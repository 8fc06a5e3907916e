-- Replies that are new; one row each. One array a column, sorted by id.
INSERT INTO replies ({columns})
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[],
                     $6::double precision[], $7::timestamptz[], $8::timestamptz[], $9::interval[],
                     $10::bigint[], $11::bytea[], $12::timestamptz[], $13::text[], $14::bigint[],
                     $15::smallint[], $16::int[], $17::int[], $18::timestamptz[])
ON CONFLICT DO NOTHING RETURNING reply_id
