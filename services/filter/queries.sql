-- The queries of filter: name, purpose, arguments; then the statement.

-- load_senders --
-- The senders of a batch and their answers, as of one instant, unlocked: what is worked out of them
-- is saved only where they are still as they were (lock_senders). $1: pseudonyms.
SELECT s.sender, opted_out, blocked, blocked_at, silenced, silenced_at, s.message_id, kind,
       partition, first_at, last_at, due_at, texts, marks, tokens, blocks, backfilled, sender_sealed,
       s.xmin AS version, a.message_id AS answer, answered_at, sequence, proof
FROM senders s LEFT JOIN answers a ON a.sender = s.sender
WHERE s.sender = ANY ($1::text[])

-- load_others --
-- What is known of other replies to these senders, in order. $1: pseudonyms.
SELECT sender, message_id, answered_at, sequence, proof
FROM other_replies WHERE sender = ANY ($1::text[])
ORDER BY answered_at, message_id

-- load_messages --
-- What is known of these message ids. $1: ids.
SELECT id, sender, kind, received_at, decision, reason, score, due_at, judged_at, basis,
       sender_sealed
FROM messages WHERE id = ANY ($1::text[])

-- load_nonces --
-- The messages these nonces were first seen with. $1: nonces.
SELECT nonce, message_id FROM nonces WHERE nonce = ANY ($1::text[])

-- load_due --
-- Senders whose deliberation is due, as load_senders gives them; if many, the longest due.
-- $1: partitions, $2: the instant before which it must be due, $3: how many at most.
SELECT s.sender, opted_out, blocked, blocked_at, silenced, silenced_at, s.message_id, kind,
       partition, first_at, last_at, due_at, texts, marks, tokens, blocks, backfilled, sender_sealed,
       s.version, a.message_id AS answer, answered_at, sequence, proof
FROM (SELECT p.*
      FROM unnest($1::smallint[]) AS held (number),
           LATERAL (SELECT *, xmin AS version FROM senders
                    WHERE partition = held.number AND due_at < $2
                    ORDER BY due_at LIMIT $3) AS p
      ORDER BY p.due_at
      LIMIT $3) AS s
     LEFT JOIN answers a ON a.sender = s.sender

-- lock_senders --
-- How many of these senders are still as they were read, locked in canonical order: whoever changes
-- a sender, or an answer of his, changes his version. $1: pseudonyms, $2: versions.
SELECT count(*) AS count
FROM (SELECT 1
      FROM senders s
      JOIN unnest($1::text[], $2::xid[]) AS u (sender, version) ON u.sender = s.sender
      WHERE s.xmin = u.version
      ORDER BY s.sender
      FOR UPDATE OF s) AS locked

-- add_counts --
-- Add to the counts; sorted by the key. $1: keys, $2: buckets, $3: by how much, $4: shard.
INSERT INTO counts AS c (key, bucket, shard, count)
SELECT key, bucket, $4::smallint, count
FROM unnest($1::bytea[], $2::bigint[], $3::int[]) AS u (key, bucket, count)
ON CONFLICT (key, bucket, shard) DO UPDATE SET count = c.count + excluded.count

-- answer --
-- How often each key was counted from one bucket to another; a row where it was at all.
-- $1: keys, $2: first buckets, $3: last buckets.
SELECT q.number, found.count
FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS q (key, first, last, number),
     LATERAL (SELECT sum(count)::int AS count FROM counts c
              WHERE c.key = q.key AND c.bucket BETWEEN q.first AND q.last) AS found
WHERE found.count IS NOT NULL

-- read_contacts --
-- First contacts by bucket. $1: their key.
SELECT bucket, sum(count)::int AS count FROM counts WHERE key = $1 GROUP BY bucket

-- read_learnt --
-- What was learnt of texts, of each shard that is not as we know it; -1: what was learnt before there
-- were shards. $1: shards that we know, $2: their versions.
SELECT l.shard, l.version, l.kept
FROM (SELECT (-1)::smallint AS shard, xmin AS version, kept FROM learnt
      UNION ALL
      SELECT shard, xmin, kept FROM learnt_shards) AS l
     LEFT JOIN unnest($1::smallint[], $2::xid[]) AS u (shard, version)
       ON u.shard = l.shard AND u.version = l.version
WHERE u.shard IS NULL

-- save_learnt --
-- What a shard learnt. No row: it is not as we knew it, another member writes to it.
-- $1: shard, $2: all of it, $3: the version that we knew; null: none was there.
INSERT INTO learnt_shards AS l (shard, kept) VALUES ($1, $2)
ON CONFLICT (shard) DO UPDATE SET kept = excluded.kept WHERE l.xmin = $3::xid

-- add_texts --
-- Senders who texted once more while they waited; all of them are locked by us.
-- $1: senders, $2: last texts, $3: due, $4: how many texts, $5: marks.
UPDATE senders s
SET last_at = u.last_at, due_at = u.due_at, texts = u.texts, marks = u.marks
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::int[], $5::bytea[])
     AS u (sender, last_at, due_at, texts, marks)
WHERE s.sender = u.sender

-- update_senders --
-- Senders as they are now; all of them are locked by us. One array for each column.
UPDATE senders s
SET opted_out = u.opted_out, blocked = u.blocked, blocked_at = u.blocked_at,
    silenced = u.silenced, silenced_at = u.silenced_at, message_id = u.message_id, kind = u.kind,
    partition = u.partition, first_at = u.first_at, last_at = u.last_at, due_at = u.due_at,
    texts = u.texts, marks = u.marks, tokens = u.tokens, blocks = u.blocks,
    backfilled = u.backfilled, sender_sealed = u.sender_sealed
FROM unnest($1::text[], $2::boolean[], $3::boolean[], $4::timestamptz[], $5::text[],
            $6::timestamptz[], $7::text[], $8::text[], $9::smallint[], $10::timestamptz[],
            $11::timestamptz[], $12::timestamptz[], $13::int[], $14::bytea[], $15::bytea[],
            $16::bytea[], $17::boolean[], $18::bytea[])
     AS u (sender, opted_out, blocked, blocked_at, silenced, silenced_at, message_id, kind,
           partition, first_at, last_at, due_at, texts, marks, tokens, blocks, backfilled,
           sender_sealed)
WHERE s.sender = u.sender

-- delete_answers --
-- Replies that are not their sender's answer any more: they ended without an SMS, or another holds
-- longer. $1: senders, $2: messages.
DELETE FROM answers a
USING unnest($1::text[], $2::text[]) AS u (sender, message_id)
WHERE a.sender = u.sender AND a.message_id = u.message_id

-- put_answers --
-- The one answer of a sender's window. Fewer rows than asked for: somebody was faster (I3).
-- $1: senders, $2: message ids, $3: when due, $4: places of the word, $5: proofs, $6: the window;
-- sorted by sender.
INSERT INTO answers AS a (sender, message_id, answered_at, sequence, proof)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::text[])
ON CONFLICT (sender) DO UPDATE
    SET message_id = excluded.message_id, answered_at = excluded.answered_at,
        sequence = excluded.sequence, proof = excluded.proof
    WHERE a.message_id = excluded.message_id
       OR a.answered_at + $6::interval <= excluded.answered_at

-- delete_other_replies --
-- Replies of which no word can change anything any more, or that are an answer now. $1: messages.
DELETE FROM other_replies WHERE message_id = ANY ($1::text[])

-- put_other_replies --
-- What is known of replies that are not their sender's answer; the senders are locked by us.
-- $1: senders, $2: message ids, $3: when due, $4: places of the word, $5: proofs.
INSERT INTO other_replies (sender, message_id, answered_at, sequence, proof)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::text[])
ON CONFLICT (message_id) DO UPDATE SET sequence = excluded.sequence, proof = excluded.proof

-- judge_messages --
-- Verdicts on messages that were deliberated. Fewer rows than asked for: somebody was faster.
-- $1: ids, $2: decisions, $3: reasons, $4: scores, $5: due, $6: bases, $7: sealed, $8: judged at.
UPDATE messages m
SET decision = u.decision, reason = u.reason, score = u.score, due_at = u.due_at,
    basis = u.basis, sender_sealed = u.sender_sealed, judged_at = $8
FROM unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::timestamptz[],
            $6::json[], $7::bytea[])
     AS u (id, decision, reason, score, due_at, basis, sender_sealed)
WHERE m.id = u.id AND m.judged_at IS NULL

-- erase_sealed --
-- The replies to these messages have ended: their sealed numbers go. $1: ids.
UPDATE messages SET sender_sealed = NULL WHERE id = ANY ($1::text[]) AND sender_sealed IS NOT NULL

-- load_key --
-- The key of the hashes and of the jitter.
SELECT key FROM secret

-- load_unemitted --
-- Verdicts that nobody has been told yet, of the partitions held. $1: partitions, $2: at most.
SELECT m.id, m.sender, m.kind, m.received_at, m.decision, m.reason, m.score, m.due_at,
       m.judged_at, m.basis, m.sender_sealed
FROM unnest($1::smallint[]) AS held (partition),
     LATERAL (SELECT * FROM messages
              WHERE partition = held.partition AND judged_at IS NOT NULL AND emitted_at IS NULL
              ORDER BY judged_at LIMIT $2) AS m
ORDER BY m.judged_at
LIMIT $2

-- mark_emitted --
-- These verdicts have been told. $1: ids, $2: when.
UPDATE messages SET emitted_at = $2 WHERE id = ANY ($1::text[]) AND emitted_at IS NULL

-- next_due --
-- When the next deliberation of the partitions held is due. $1: partitions.
SELECT min(d.due_at) AS at
FROM unnest($1::smallint[]) AS held (partition),
     LATERAL (SELECT due_at FROM senders
              WHERE partition = held.partition AND due_at IS NOT NULL
              ORDER BY due_at LIMIT 1) AS d

-- count_deliberating --
-- How many messages of the partitions held are deliberated. $1: partitions.
SELECT count(*) AS count FROM senders WHERE partition = ANY ($1::smallint[]) AND due_at IS NOT NULL

-- read_progress --
-- How far each partition was read, as whoever held it has told, and when.
SELECT partition, read_until, told_at FROM progress

-- tell_progress --
-- How far these partitions were read; never steps back.
-- $1: partitions, in order, $2: instants, $3: when this is told.
INSERT INTO progress AS p (partition, read_until, told_at)
SELECT u.partition, u.read_until, $3
FROM unnest($1::smallint[], $2::timestamptz[]) AS u (partition, read_until)
ON CONFLICT (partition) DO UPDATE
    SET read_until = greatest(p.read_until, excluded.read_until), told_at = excluded.told_at

-- prune_messages --
-- Messages so old that the log cannot bring them again. $1: judged before, $2: how many at most.
DELETE FROM messages WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM messages WHERE judged_at < $1 AND emitted_at IS NOT NULL
    ORDER BY judged_at LIMIT $2))

-- prune_nonces --
-- As messages. $1: seen before, $2: how many at most.
DELETE FROM nonces WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM nonces WHERE seen_at < $1 ORDER BY seen_at LIMIT $2))

-- prune_counts --
-- Counts that no verdict asks for any more. $1: the first byte of their keys, $2: for each the
-- bucket before which they go, $3: how many of each at most.
DELETE FROM counts WHERE ctid = ANY (ARRAY(
    SELECT old.ctid FROM unnest($1::bytea[], $2::bigint[]) AS k (kind, before),
         LATERAL (SELECT c.ctid FROM counts c
                  WHERE substr(c.key, 1, 1) = k.kind AND c.bucket < k.before
                  ORDER BY c.bucket LIMIT $3) AS old))

-- prune_answers --
-- Answers whose window is over. $1: answered before, $2: how many at most.
DELETE FROM answers WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM answers WHERE answered_at < $1 ORDER BY answered_at LIMIT $2))

-- prune_other_replies --
-- Replies whose window is over. $1: answered before, $2: how many at most.
DELETE FROM other_replies WHERE ctid IN (
    SELECT ctid FROM other_replies WHERE answered_at < $1 LIMIT $2)

-- prune_silences --
-- Silences that are over. $1: silenced before, $2: how many at most.
UPDATE senders SET silenced = NULL, silenced_at = NULL WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM senders WHERE silenced_at < $1
    ORDER BY silenced_at LIMIT $2 FOR UPDATE SKIP LOCKED))

-- prune_senders --
-- Of the next senders in the order of their keys, those of whom nothing is left to remember. Found
-- by walking: nothing says which they are. A subquery in place of NOT EXISTS is asked for each row,
-- by its key; the other might be answered by reading all answers.
-- $1: after this sender, $2: how many to look at. Gives the last one looked at, and both counts.
WITH looked AS MATERIALIZED (
    SELECT ctid AS place, sender,
           NOT opted_out AND blocked_at IS NULL AND silenced_at IS NULL AND message_id IS NULL
               AS idle
    FROM senders WHERE sender > $1 ORDER BY sender LIMIT $2
), gone AS (
    DELETE FROM senders WHERE ctid = ANY (ARRAY(
        SELECT s.ctid FROM senders s
        WHERE s.ctid = ANY (ARRAY(SELECT place FROM looked WHERE idle))
          AND NOT s.opted_out AND s.blocked_at IS NULL AND s.silenced_at IS NULL
          AND s.message_id IS NULL
          AND (SELECT true FROM answers a WHERE a.sender = s.sender) IS NULL
          AND (SELECT true FROM other_replies o WHERE o.sender = s.sender LIMIT 1) IS NULL
        FOR UPDATE OF s SKIP LOCKED))
    RETURNING 1
)
SELECT (SELECT max(sender) FROM looked) AS last, (SELECT count(*) FROM looked) AS looked,
       (SELECT count(*) FROM gone) AS gone
