-- What receiving cost, by the time of receipt; sorted. $1: since, $2: spent, $3: latest webhook.
INSERT INTO receiving AS r (since, spent_microeuros, webhook_at)
SELECT * FROM unnest($1::timestamptz[], $2::bigint[], $3::timestamptz[])
ON CONFLICT (since) DO UPDATE
    SET spent_microeuros = r.spent_microeuros + excluded.spent_microeuros,
        webhook_at = greatest(r.webhook_at, excluded.webhook_at)
