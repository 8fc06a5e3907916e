-- The queries of responder: name, purpose, arguments; then the statement.

-- load_replies --
-- Replies by id, locked in one order.
SELECT {columns} FROM replies WHERE reply_id = ANY($1::text[]) ORDER BY reply_id FOR UPDATE

-- find_by_message --
-- Replies by the provider's id.
SELECT message_id, reply_id FROM replies WHERE message_id = ANY($1::text[])

-- add_replies --
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

-- save_replies --
-- Replies that are there and locked, changed; what was authorised stays as it was.
UPDATE replies SET
    sender_sealed = given.sender_sealed,
    state = given.state,
    look_at = given.look_at,
    changed_at = given.changed_at,
    attempts = given.attempts,
    looks = given.looks,
    sending_at = given.sending_at,
    message_id = given.message_id,
    reason = given.reason,
    segments = given.segments,
    amount_microunits = given.amount_microunits,
    nothing_charged = given.nothing_charged,
    final = given.final,
    state_order = given.state_order,
    amount_order = given.amount_order,
    sequence = given.sequence
FROM unnest(
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
WHERE replies.reply_id = given.reply_id

-- add_changes --
-- Changes to be told, in the order given.
INSERT INTO changes (key, value)
SELECT key, value FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS c (key, value, place)
ORDER BY place

-- load_pace --
-- The state of sending; its lock lets one claim at a time.
SELECT free_at, held_until, probing, holds, hold_reason, paused FROM pace FOR UPDATE

-- save_pace --
-- The state of sending, changed.
UPDATE pace SET free_at = $1, held_until = $2, probing = $3, holds = $4, hold_reason = $5,
    paused = $6

-- load_ready --
-- Authorised replies that may be tried, the longest due; none to a number with an open send.
SELECT {columns} FROM replies WHERE reply_id IN (
    SELECT reply_id FROM replies AS r
    WHERE state = 'authorized' AND look_at <= $1 AND (kind = 'test' OR NOT $3)
        AND NOT EXISTS (
            SELECT FROM replies AS o
            WHERE o.sender = r.sender AND o.state IN ('sending', 'uncertain')
        )
    ORDER BY due_at, reply_id LIMIT $2
) AND state = 'authorized'
ORDER BY reply_id
FOR UPDATE

-- next_ready_at --
-- When the next authorised reply may be tried.
SELECT min(look_at) AS at FROM replies AS r
WHERE state = 'authorized' AND (kind = 'test' OR NOT $1)
    AND NOT EXISTS (
        SELECT FROM replies AS o WHERE o.sender = r.sender AND o.state IN ('sending', 'uncertain')
    )

-- load_attachment --
-- The wish about the number, and what was last seen.
SELECT check_at, sequence, attach, attached, tries, link_at FROM link FOR UPDATE

-- save_attachment --
-- The same, changed.
UPDATE link SET check_at = $1, sequence = $2, attach = $3, attached = $4, tries = $5, link_at = $6

-- save_scan --
-- A place in the provider's log.
INSERT INTO scans (name, kind, since, until, "offset", look_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO UPDATE SET since = excluded.since, until = excluded.until,
    "offset" = excluded."offset", look_at = excluded.look_at

-- add_scan --
-- A new place, unless it is there.
INSERT INTO scans (name, kind, since, until, "offset", look_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO NOTHING

-- delete_scan --
-- A scan that is over.
DELETE FROM scans WHERE name = $1

-- save_restoration --
-- How far it is.
UPDATE restorations SET stage = $2, "offset" = $3, matched = $4, recovered = $5 WHERE id = $1

-- find_unsent --
-- Replies to these numbers, in these states, that no SMS is known of; locked in one order.
SELECT {columns} FROM replies
WHERE sender = ANY($1::text[]) AND state = ANY($2::text[]) AND message_id IS NULL
ORDER BY reply_id FOR UPDATE

-- find_sent_to --
-- Replies to these numbers that an SMS left for, recovered ones too; locked in one order.
SELECT {columns} FROM replies
WHERE sender = ANY($1::text[]) AND kind <> 'test' AND sending_at IS NOT NULL
    AND state IN ('sent', 'delivered', 'undelivered')
ORDER BY reply_id FOR UPDATE

-- find_unended --
-- Replies that have not ended, locked in one order.
SELECT {columns} FROM replies WHERE NOT final ORDER BY reply_id FOR UPDATE

-- load_changes --
-- Changes not told yet.
SELECT number, key, value FROM changes ORDER BY number LIMIT $1

-- delete_changes --
-- Changes that were told.
DELETE FROM changes WHERE number = ANY($1::bigint[])

-- take_lease --
-- Take a free lease or prolong our own.
INSERT INTO leases (name, holder, until) VALUES ($1, $2, $4)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE leases.holder = excluded.holder OR leases.until <= $3
RETURNING name

-- find_due --
-- Replies of the states given whose time to be looked at has come, in the order of the states; of
-- each state as many as are asked for at most, by its index. $1: states, $2: until, $3: how many.
SELECT due.* FROM unnest($1::text[]) WITH ORDINALITY AS s (state, place),
    LATERAL (SELECT {columns} FROM replies WHERE replies.state = s.state AND look_at <= $2
             ORDER BY look_at, reply_id LIMIT $3) AS due
ORDER BY place, look_at, reply_id LIMIT $3

-- read_attachment --
-- The wish about the number, and what was last seen, not locked.
SELECT check_at, sequence, attach, attached, tries, link_at FROM link

-- count_sent --
-- How many were handed over in a stretch of time, by the index of it. $3: no more need be counted.
SELECT count(*) FROM (
    SELECT 1 FROM replies WHERE sending_at BETWEEN $1 AND $2 ORDER BY sending_at LIMIT $3) AS sent

-- find_scan --
-- The scan to go on with.
SELECT name, kind, since, until, "offset", look_at FROM scans WHERE look_at <= $1
ORDER BY array_position(ARRAY['undelivered', 'ordered', 'whole'], kind), look_at, name LIMIT 1

-- has_scan --
-- Whether a scan goes on.
SELECT EXISTS (SELECT FROM scans WHERE name = $1) AS there

-- read_restoration --
-- The latest restore; no row: there was none.
SELECT id, backup_at, restored_at, base, stage, "offset", matched, recovered
FROM restorations ORDER BY number DESC LIMIT 1
