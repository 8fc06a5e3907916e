-- The responder has read the provider's log. $1: of which restore, $2: when, $3: replies that
-- had been sent, $4: SMS of no known reply.
UPDATE restorations SET reconciled_at = $2, matched = $3, recovered = $4
WHERE id = $1 AND reconciled_at IS NULL
