-- New replies; one that another member has just added stays as it is now.
INSERT INTO replies ({columns})
SELECT {columns} FROM unnest(
    $1::text[],
    $2::text[],
    $3::text[],
    $4::text[],
    $5::timestamptz[],
    $6::timestamptz[],
    $7::bytea[],
    $8::int[],
    $9::text[],
    $10::timestamptz[],
    $11::timestamptz[],
    $12::int[],
    $13::int[],
    $14::timestamptz[],
    $15::text[],
    $16::text[],
    $17::int[],
    $18::bigint[],
    $19::boolean[],
    $20::boolean[],
    $21::bigint[],
    $22::bigint[],
    $23::int[]
) AS given ({columns})
ON CONFLICT (reply_id) DO NOTHING
RETURNING reply_id
