-- What was asked of the fund, by the minute; sorted. $1: since, $2: spent on receiving, $3: asked
-- for replies, $4: of it for sure ones, $5: surged, $6: latest webhook.
INSERT INTO receiving AS r (since, spent_microeuros, asked_microeuros, sure_microeuros, surged,
                            webhook_at)
SELECT * FROM unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[],
                     $6::timestamptz[])
ON CONFLICT (since) DO UPDATE
    SET spent_microeuros = r.spent_microeuros + excluded.spent_microeuros,
        asked_microeuros = r.asked_microeuros + excluded.asked_microeuros,
        sure_microeuros = r.sure_microeuros + excluded.sure_microeuros,
        surged = r.surged + excluded.surged,
        webhook_at = greatest(r.webhook_at, excluded.webhook_at)
