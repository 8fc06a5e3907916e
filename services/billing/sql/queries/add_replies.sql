-- Replies that are new; one row each. One array a column, sorted by id.
INSERT INTO replies ({columns})
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[],
                     $6::double precision[], $7::timestamptz[], $8::timestamptz[], $9::interval[],
                     $10::double precision[], $11::bigint[], $12::bytea[], $13::timestamptz[],
                     $14::text[], $15::bigint[], $16::smallint[], $17::int[], $18::int[],
                     $19::timestamptz[])
ON CONFLICT DO NOTHING RETURNING reply_id
