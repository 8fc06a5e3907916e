-- The queries of billing: name, purpose, arguments; then the statement.

-- add_receipts --
-- Receipts that are new; one row each. One array a column, sorted by id.
INSERT INTO receipts (message_id, sender, kind, source, received_at, cost_microeuros, basis,
                      revision)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[],
                     $6::bigint[], $7::smallint[], $8::int[])
ON CONFLICT DO NOTHING RETURNING message_id

-- load_receipts --
-- These receipts, locked in the order of their ids. $1: ids.
SELECT message_id, sender, kind, source, received_at, cost_microeuros, basis, revision
FROM receipts WHERE message_id = ANY ($1::text[]) ORDER BY message_id FOR UPDATE

-- save_receipts --
-- Receipts that were booked again; all of them are locked by us.
UPDATE receipts r
SET cost_microeuros = u.cost_microeuros, basis = u.basis, revision = u.revision
FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::int[])
     AS u (message_id, cost_microeuros, basis, revision)
WHERE r.message_id = u.message_id

-- keep_costs --
-- What the log says of messages that are not booked yet. One array a column, sorted; $4: when.
INSERT INTO costs (message_id, segments, amount_microunits, at)
SELECT u.*, $4 FROM unnest($1::text[], $2::int[], $3::bigint[]) AS u
ON CONFLICT (message_id) DO UPDATE
    SET segments = excluded.segments, amount_microunits = excluded.amount_microunits

-- take_costs --
-- What was kept of these messages. $1: ids.
DELETE FROM costs WHERE message_id = ANY ($1::text[])
RETURNING message_id, segments, amount_microunits

-- add_verdicts --
-- Verdicts that are new; one row each. One array a column, sorted by id.
INSERT INTO verdicts (message_id, sender, received_at, decision, reason, basis, due_at)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[],
                     $6::json[], $7::timestamptz[])
ON CONFLICT DO NOTHING RETURNING message_id

-- load_replies --
-- These replies, locked in the order of their ids. $1: ids.
SELECT {columns} FROM replies WHERE reply_id = ANY ($1::text[]) ORDER BY reply_id FOR UPDATE

-- find_waiting --
-- What waits for these senders, locked in the order of the ids. $1: senders.
SELECT {columns} FROM replies
WHERE sender = ANY ($1::uuid[]) AND state = 'waiting' ORDER BY reply_id FOR UPDATE

-- find_withdrawals --
-- Who of these opted out or is blocked: by the last verdict that said so, and by the block list.
-- $1: senders, $2: senders as the block list has them.
SELECT s.sender, w.reason, w.received_at
FROM unnest($1::uuid[]) AS s (sender) CROSS JOIN LATERAL (
    SELECT reason, received_at FROM verdicts v
    WHERE v.sender = s.sender AND reason IN ('opted_out', 'blocked')
    ORDER BY received_at DESC LIMIT 1) AS w
UNION ALL
SELECT sender::uuid, 'blocked', NULL FROM blocks WHERE sender = ANY ($2::text[])

-- load_waiting --
-- Who is next in the waiting room: tests, then the best rank. What another has locked is left
-- out: he ends it. $1: how many, $2: tests only; as a bound of the index, or all who wait would be
-- read to find none.
SELECT {columns} FROM replies
WHERE state = 'waiting' AND (kind <> 'test') <= NOT $2::boolean
ORDER BY (kind <> 'test'), rank DESC, reply_id LIMIT $1 FOR UPDATE SKIP LOCKED

-- load_cards --
-- What a person may release, the best rank first, with what its sender wrote since. $1: how many.
SELECT w.*, v.basis AS judged_by, m.texts, m.last_at
FROM (SELECT {columns} FROM replies WHERE state = 'waiting' AND (kind <> 'test') = true
      ORDER BY (kind <> 'test'), rank DESC, reply_id LIMIT $1) AS w
LEFT JOIN verdicts v ON v.message_id = w.reply_id
CROSS JOIN LATERAL (
    SELECT count(*)::int AS texts, max(r.received_at) AS last_at FROM receipts r
    WHERE r.sender = w.sender AND r.kind = 'message' AND r.received_at >= w.received_at) AS m
ORDER BY w.rank DESC, w.reply_id

-- read_last_rank --
-- The least rank of those who wait, tests left out.
SELECT rank FROM replies WHERE state = 'waiting' AND (kind <> 'test') = true
ORDER BY (kind <> 'test') DESC, rank, reply_id DESC LIMIT 1

-- add_act --
-- What a person did with a card. $1: reply, $2: when, $3: what, $4: who.
INSERT INTO releases (reply_id, at, action, actor) VALUES ($1, $2, $3, $4)

-- load_act --
-- What was last done with a card. $1: reply.
SELECT reply_id, at, action, actor FROM releases
WHERE reply_id = $1 ORDER BY number DESC LIMIT 1

-- load_expired --
-- Who has waited too long. $1: entered before, $2: how many.
SELECT {columns} FROM replies WHERE state = 'waiting' AND entered < $1
ORDER BY entered LIMIT $2 FOR UPDATE SKIP LOCKED

-- add_replies --
-- Replies that are new; one row each. One array a column, sorted by id.
INSERT INTO replies ({columns})
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[],
                     $6::double precision[], $7::timestamptz[], $8::timestamptz[], $9::interval[],
                     $10::double precision[], $11::bigint[], $12::bytea[], $13::timestamptz[],
                     $14::text[], $15::bigint[], $16::smallint[], $17::int[], $18::int[],
                     $19::timestamptz[])
ON CONFLICT DO NOTHING RETURNING reply_id

-- save_replies --
-- Replies as they are now; all of them are locked by us.
UPDATE replies r
SET state = u.state, reason = u.reason, rank = u.rank, sender_sealed = u.sender_sealed,
    changed_at = u.changed_at, reservation = u.reservation,
    price_microeuros = u.price_microeuros, cost_microeuros = u.cost_microeuros, basis = u.basis,
    revision = u.revision, sequence = u.sequence, told_at = u.told_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::bytea[],
            $6::timestamptz[], $7::text[], $8::bigint[], $9::bigint[], $10::smallint[], $11::int[],
            $12::int[], $13::timestamptz[])
     AS u (reply_id, state, reason, rank, sender_sealed, changed_at, reservation,
           price_microeuros, cost_microeuros, basis, revision, sequence, told_at)
WHERE r.reply_id = u.reply_id

-- ensure_tallies --
-- Counts that are new begin at zero. $1: names, sorted.
INSERT INTO tallies (name, count) SELECT name, 0 FROM unnest($1::text[]) AS name
ON CONFLICT DO NOTHING

-- add_tallies --
-- Count; locked in the order of the names. Gives those that are there. $1: names, $2: by how much.
WITH locked AS (SELECT name FROM tallies WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE)
UPDATE tallies t SET count = t.count + u.delta
FROM unnest($1::text[], $2::bigint[]) AS u (name, delta) JOIN locked USING (name)
WHERE t.name = u.name RETURNING t.name

-- read_tallies --
-- How many of what.
SELECT name, count FROM tallies

-- add_receiving --
-- What was asked of the fund, by the minute; sorted. $1: since, $2: spent on receiving, $3: asked
-- for replies, $4: surged, $5: latest webhook, $6: spent on replies, $7, $8: the highest price of a
-- segment received, and sent.
INSERT INTO receiving AS r (since, spent_microeuros, asked_microeuros, surged, webhook_at,
                            replied_microeuros, receive_price_microeuros, reply_price_microeuros)
SELECT * FROM unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::int[], $5::timestamptz[],
                     $6::bigint[], $7::bigint[], $8::bigint[])
ON CONFLICT (since) DO UPDATE
    SET spent_microeuros = r.spent_microeuros + excluded.spent_microeuros,
        asked_microeuros = r.asked_microeuros + excluded.asked_microeuros,
        surged = r.surged + excluded.surged,
        webhook_at = greatest(r.webhook_at, excluded.webhook_at),
        replied_microeuros = r.replied_microeuros + excluded.replied_microeuros,
        receive_price_microeuros =
            greatest(r.receive_price_microeuros, excluded.receive_price_microeuros),
        reply_price_microeuros =
            greatest(r.reply_price_microeuros, excluded.reply_price_microeuros)

-- read_receiving --
-- What was asked of the fund since $1.
SELECT coalesce(sum(spent_microeuros), 0)::bigint AS spent,
       coalesce(sum(asked_microeuros), 0)::bigint AS asked,
       coalesce(sum(surged), 0)::int AS surged,
       coalesce(sum(replied_microeuros), 0)::bigint AS replied,
       coalesce(max(receive_price_microeuros), 0) AS receive_price,
       coalesce(max(reply_price_microeuros), 0) AS reply_price
FROM receiving WHERE since > $1

-- add_asked --
-- What was asked, by the hour; sorted by since and what. $1: since, $2: what, $3: by how much.
INSERT INTO asked AS a (since, what, amount)
SELECT * FROM unnest($1::timestamptz[], $2::smallint[], $3::bigint[])
ON CONFLICT (since, what) DO UPDATE SET amount = a.amount + excluded.amount

-- read_asked --
-- What was asked since $1, by the hour.
SELECT since, what, amount FROM asked WHERE since >= $1 ORDER BY since, what

-- prune_asked --
-- What is too old to foretell anything. $1: before.
DELETE FROM asked WHERE since < $1

-- lock_balances --
-- The balances, locked in the order of their names, as the trigger on transfers does.
SELECT name, balance_microeuros FROM accounts ORDER BY name FOR NO KEY UPDATE

-- read_balances --
-- The balances.
SELECT name, balance_microeuros FROM accounts

-- load_standing --
-- The posture and what it remembers, locked.
SELECT posture, cause, attach, sequence, paused, detached, given_then, at_donation, donated_at,
       replies_before, day, spent_before, probe_at, probes, shown, shown_at, restored,
       unread, unread_at
FROM standing FOR UPDATE

-- claim_standing --
-- As load_standing; no row: another decides.
SELECT posture, cause, attach, sequence, paused, detached, given_then, at_donation, donated_at,
       replies_before, day, spent_before, probe_at, probes, shown, shown_at, restored,
       unread, unread_at
FROM standing FOR UPDATE SKIP LOCKED

-- read_standing --
-- As load_standing, not locked.
SELECT posture, cause, attach, sequence, paused, detached, given_then, at_donation, donated_at,
       replies_before, day, spent_before, probe_at, probes, shown, shown_at, restored,
       unread, unread_at
FROM standing

-- save_standing --
-- The posture and what it remembers; locked by us.
UPDATE standing SET posture = $1, cause = $2, attach = $3, sequence = $4, paused = $5,
    detached = $6, given_then = $7, at_donation = $8, donated_at = $9, replies_before = $10,
    day = $11, spent_before = $12, probe_at = $13, probes = $14, shown = $15, shown_at = $16,
    restored = $17, unread = $18, unread_at = $19

-- add_posture --
-- A change of posture, to be told.
INSERT INTO postures (sequence, at, posture, cause, attach, detail) VALUES ($1, $2, $3, $4, $5, $6)

-- note_reconciled --
-- The responder has read the provider's log. $1: of which restore, $2: when, $3: replies that
-- had been sent, $4: SMS of no known reply.
UPDATE restorations SET reconciled_at = $2, matched = $3, recovered = $4
WHERE id = $1 AND reconciled_at IS NULL

-- read_deliveries --
-- Of the last ended replies, whether each was delivered. $1: how many.
-- One that the operator declared never sent says nothing about deliveries.
SELECT state = 'delivered' AS delivered FROM replies
WHERE state IN ('delivered', 'undelivered', 'failed')
    AND NOT (state = 'failed' AND reason = 'operator')
ORDER BY changed_at DESC, reply_id DESC
LIMIT $1

-- read_provider --
-- What was last read at the provider.
SELECT checked_at, credit_microeuros, spent_microeuros, attached FROM provider

-- save_provider --
-- What was read at the provider, unless something later is there.
-- $1: when, $2: credit, $3: spent by our books, $4: attached; NULL: as before.
UPDATE provider SET checked_at = $1,
    credit_microeuros = $2, spent_microeuros = $3, attached = coalesce($4, attached)
WHERE checked_at IS NULL OR checked_at < $1

-- load_untold --
-- Replies whose authorisation or end was not told yet: these, and what has lain. What the responder
-- has heard of already (no sealed number is left) is not told.
-- $1: ids, $2: changed so long ago, $3: how many.
SELECT {columns} FROM replies JOIN (
    SELECT reply_id FROM replies WHERE reply_id = ANY ($1::text[])
    UNION (SELECT reply_id FROM replies
           WHERE told_at IS NULL AND state IN ('authorized', 'expired', 'refused')
             AND (state <> 'authorized' OR sender_sealed IS NOT NULL) AND changed_at <= $2
           ORDER BY changed_at LIMIT $3)
) AS found USING (reply_id)
WHERE told_at IS NULL AND state IN ('authorized', 'expired', 'refused')
  AND (state <> 'authorized' OR sender_sealed IS NOT NULL)
ORDER BY changed_at, reply_id LIMIT $3

-- load_unanswered --
-- Authorisations told before $1 that nobody has answered. $2: how many.
SELECT {columns} FROM replies
WHERE state = 'authorized' AND sequence = 0 AND told_at < $1 ORDER BY told_at LIMIT $2

-- mark_told --
-- These were told. $1: ids, $2: when.
WITH locked AS (
    SELECT reply_id FROM replies WHERE reply_id = ANY ($1::text[]) ORDER BY reply_id FOR UPDATE)
UPDATE replies r SET told_at = $2 FROM locked WHERE r.reply_id = locked.reply_id

-- load_postures --
-- Changes of posture that were not told yet.
SELECT sequence, at, posture, cause, attach, detail FROM postures
WHERE told_at IS NULL ORDER BY sequence

-- mark_postures --
-- They were told. $1: sequences, $2: when.
UPDATE postures SET told_at = $2 WHERE sequence = ANY ($1::int[])

-- prune_receiving --
-- What no hour counts any more, but for the latest. $1: before.
DELETE FROM receiving
WHERE since < $1 AND since < (SELECT max(since) FROM receiving WHERE webhook_at IS NOT NULL)

-- prune_costs --
-- Costs of messages that never came. $1: kept before, $2: how many at most.
DELETE FROM costs WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM costs WHERE at < $1 ORDER BY at LIMIT $2))

-- read_webhook_at --
-- When the last webhook came.
SELECT max(webhook_at) AS at FROM receiving

-- read_watched --
-- What alerts go by beside the status.
SELECT (SELECT min(changed_at) FROM replies WHERE state = 'uncertain') AS uncertain_since,
       at AS audit_at, broken
FROM audits

-- save_audit --
-- Keep an audit's outcome, unless a later one is there. $1: when, $2: violations by invariant.
UPDATE audits SET at = $1, broken = $2 WHERE at IS NULL OR at < $1

-- add_entry --
-- A fund entry that is new; one row then. $1: id, $2: kind, $3: amount, $4: note, $5: when.
INSERT INTO entries (id, kind, amount_microeuros, note, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING id

-- load_entry --
-- One fund entry. $1: id.
SELECT id, kind, amount_microeuros, note, at FROM entries WHERE id = $1

-- list_entries --
-- The fund's entries, the oldest first.
SELECT id, kind, amount_microeuros, note, at FROM entries ORDER BY number

-- read_restoration --
-- The latest restore, and what the books have gained since.
SELECT r.backup_at, r.restored_at, r.reconciled_at, s.restored IS DISTINCT FROM r.id AS resumed,
       r.matched, r.recovered,
       coalesce((SELECT count FROM tallies WHERE name = 'brought_back'), 0) - r.received_before
           AS received,
       (SELECT balance_microeuros FROM accounts WHERE name = 'spent.receive')
           - r.receive_microeuros_before AS receive_microeuros,
       (SELECT balance_microeuros FROM accounts WHERE name = 'spent.reply')
           - r.reply_microeuros_before AS reply_microeuros
FROM restorations r, standing s ORDER BY r.restored_at DESC LIMIT 1

-- read_waiting --
-- What waits to be paid for.
SELECT count(*) AS count, coalesce(sum(price_microeuros), 0)::bigint AS cost
FROM replies WHERE state = 'waiting'

-- explain_sender --
-- A sender's messages, calls and tests with their verdicts, the latest first.
-- $1: sender, $2: how many.
SELECT coalesce(c.message_id, p.reply_id) AS id, coalesce(c.kind, p.kind) AS kind,
       coalesce(c.received_at, p.received_at) AS received_at, c.cost_microeuros,
       v.decision, v.reason, v.basis, v.due_at
FROM (SELECT * FROM receipts WHERE sender = $1) AS c
FULL JOIN (SELECT * FROM replies WHERE sender = $1) AS p ON p.reply_id = c.message_id
LEFT JOIN verdicts v ON v.message_id = coalesce(c.message_id, p.reply_id)
ORDER BY coalesce(c.received_at, p.received_at) DESC LIMIT $2

-- explain_message --
-- One message, call or test with its verdict. $1: id.
SELECT i.id, coalesce(c.kind, p.kind) AS kind, coalesce(c.received_at, p.received_at) AS received_at,
       c.cost_microeuros, v.decision, v.reason, v.basis, v.due_at
FROM (SELECT $1::text AS id) AS i
LEFT JOIN receipts c ON c.message_id = i.id
LEFT JOIN replies p ON p.reply_id = i.id
LEFT JOIN verdicts v ON v.message_id = i.id
WHERE num_nonnulls(c.message_id, p.reply_id) > 0

-- explain_replies --
-- What these replies cost, and the states they came into. $1: ids.
SELECT r.reply_id, r.price_microeuros, r.cost_microeuros, r.basis, s.at, s.state, s.reason
FROM replies r JOIN steps s USING (reply_id)
WHERE r.reply_id = ANY ($1::text[]) ORDER BY s.number

-- list_unresolved --
-- Replies that nobody knows were sent, and that nobody has decided about; the oldest first.
SELECT reply_id, changed_at, price_microeuros, reason FROM replies r
WHERE state = 'unresolved' AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.reply_id = r.reply_id)
ORDER BY changed_at, reply_id

-- operator_add_block --
-- Put a sender on the block list; a row only if he was not on it.
INSERT INTO blocks (sender, at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING sender

-- operator_delete_block --
-- Take a sender off the block list; a row only if he was on it.
DELETE FROM blocks WHERE sender = $1 RETURNING sender

-- operator_list_blocks --
-- The block list, the latest first.
SELECT sender, at FROM blocks ORDER BY at DESC, sender

-- operator_load_decision --
-- What was decided about a reply.
SELECT action FROM decisions WHERE reply_id = $1

-- operator_add_decision --
-- Note a decision; a row only if it is the first about this reply.
INSERT INTO decisions (reply_id, action, at, why) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING reply_id

-- operator_load_records --
-- What was not told yet, in order; locked, so that one tells at a time.
SELECT number, topic, key, value FROM operator_records ORDER BY number LIMIT $1 FOR UPDATE

-- operator_delete_records --
-- They were told.
DELETE FROM operator_records WHERE number = ANY ($1::bigint[])

-- operator_add_record --
-- Note a record that is to be appended to the log.
INSERT INTO operator_records (topic, key, value) VALUES ($1, $2, $3)

-- load_alerts --
-- What was told, locked; no row: another replica has it.
SELECT memory FROM alerts FOR UPDATE SKIP LOCKED

-- save_alerts --
-- Overwrite what was told.
UPDATE alerts SET memory = $1

-- find_gift_parts --
-- All parts of the payments that these are about. $1: ids, $2: names of payments at the platform.
SELECT id, payment, source, kind, amount_minor, currency, at, holds, total, version, card, about,
       reported_at
FROM gift_parts WHERE payment IN (
    SELECT payment FROM gift_parts WHERE id = ANY ($1::text[])
    UNION SELECT payment FROM gift_parts WHERE about && $2::text[])
ORDER BY id

-- save_gift_part --
-- One part as it is now. $1 to $13: as found; $14: why it is not counted.
INSERT INTO gift_parts (id, payment, source, kind, amount_minor, currency, at, holds, total,
                        version, card, about, reported_at, uncounted)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (id) DO UPDATE SET payment = excluded.payment, amount_minor = excluded.amount_minor,
    currency = excluded.currency, at = excluded.at, holds = excluded.holds,
    version = excluded.version, card = excluded.card, about = excluded.about,
    uncounted = excluded.uncounted

-- load_payments --
-- These payments as booked. $1: their names.
SELECT payment, worth_microeuros, fees_microeuros, card_microeuros, at, revision
FROM payments WHERE payment = ANY ($1::text[])

-- save_payment --
-- One payment as booked now.
INSERT INTO payments (payment, worth_microeuros, fees_microeuros, card_microeuros, at, revision)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (payment) DO UPDATE SET worth_microeuros = excluded.worth_microeuros,
    fees_microeuros = excluded.fees_microeuros, card_microeuros = excluded.card_microeuros,
    at = excluded.at, revision = excluded.revision

-- load_pot --
-- The sums, locked.
SELECT worth_microeuros, fees_microeuros, transferred_microeuros, revision FROM pot FOR UPDATE

-- read_pot --
-- As load_pot, not locked.
SELECT worth_microeuros, fees_microeuros, transferred_microeuros, revision FROM pot

-- save_pot --
-- The sums; locked by us.
UPDATE pot SET worth_microeuros = $1, fees_microeuros = $2, transferred_microeuros = $3,
    revision = $4

-- read_held --
-- What card gifts of so much or more, given since, are worth. $1: so much, $2: since.
SELECT coalesce(sum(greatest(worth_microeuros, 0)), 0)::bigint AS held
FROM payments WHERE card_microeuros > 0 AND card_microeuros >= $1 AND at > $2

-- list_gift_parts --
-- What platforms reported and counts, the latest heard of first. $1: how many.
SELECT id, payment, source, kind, amount_minor, currency, at, holds, total, version, card, about,
       reported_at
FROM gift_parts ORDER BY reported_at DESC, id LIMIT $1

-- list_uncounted --
-- What platforms reported and does not count, the latest heard of first; of a gift in another
-- currency the fee is no news. $1: how many.
SELECT id, payment, source, kind, amount_minor, currency, at, holds, total, version, card, about,
       reported_at
FROM gift_parts
WHERE uncounted IS NOT NULL AND (kind <> 'fee' OR uncounted <> 'currency')
ORDER BY reported_at DESC, id LIMIT $1

-- count_uncounted --
-- How many of these were heard of since $1.
SELECT count(*) AS count FROM gift_parts
WHERE uncounted IS NOT NULL AND (kind <> 'fee' OR uncounted <> 'currency') AND reported_at > $1
