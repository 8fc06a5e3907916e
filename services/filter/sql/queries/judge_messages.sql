-- Verdicts on messages that were deliberated. Fewer rows than asked for: somebody was faster.
-- $1: ids, $2: decisions, $3: reasons, $4: scores, $5: due, $6: bases, $7: sealed, $8: judged at.
UPDATE messages m
SET decision = u.decision, reason = u.reason, score = u.score, due_at = u.due_at,
    basis = u.basis, sender_sealed = u.sender_sealed, judged_at = $8
FROM unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::timestamptz[],
            $6::json[], $7::bytea[])
     AS u (id, decision, reason, score, due_at, basis, sender_sealed)
WHERE m.id = u.id AND m.judged_at IS NULL
