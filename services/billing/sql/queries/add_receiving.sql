-- What was asked of the fund, by the minute; sorted. $1: since, $2: spent on receiving, $3: asked
-- for replies, $4: of it for sure ones, $5: surged, $6: latest webhook, $7: spent on replies,
-- $8, $9: the highest price of a segment received, and sent.
INSERT INTO receiving AS r (since, spent_microeuros, asked_microeuros, sure_microeuros, surged,
                            webhook_at, replied_microeuros, receive_price_microeuros,
                            reply_price_microeuros)
SELECT * FROM unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[],
                     $6::timestamptz[], $7::bigint[], $8::bigint[], $9::bigint[])
ON CONFLICT (since) DO UPDATE
    SET spent_microeuros = r.spent_microeuros + excluded.spent_microeuros,
        asked_microeuros = r.asked_microeuros + excluded.asked_microeuros,
        sure_microeuros = r.sure_microeuros + excluded.sure_microeuros,
        surged = r.surged + excluded.surged,
        webhook_at = greatest(r.webhook_at, excluded.webhook_at),
        replied_microeuros = r.replied_microeuros + excluded.replied_microeuros,
        receive_price_microeuros =
            greatest(r.receive_price_microeuros, excluded.receive_price_microeuros),
        reply_price_microeuros =
            greatest(r.reply_price_microeuros, excluded.reply_price_microeuros)
