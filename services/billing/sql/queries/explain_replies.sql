-- What these replies cost, and the states they came into. $1: ids.
SELECT r.reply_id, r.price_microeuros, r.cost_microeuros, r.basis, s.at, s.state, s.reason
FROM replies r JOIN steps s USING (reply_id)
WHERE r.reply_id = ANY ($1::text[]) ORDER BY s.number
