-- What is past its time, and who it is about, is found by an index: the table is never read whole.

CREATE INDEX records_due ON records (at, leaf) WHERE kind <> 'terms';
CREATE INDEX records_subject ON records (sender, at) WHERE sender IS NOT NULL;
CREATE INDEX records_terms ON records (leaf) WHERE kind = 'terms';
CREATE INDEX checkpoints_witnessed ON checkpoints (size) WHERE witnessed_at IS NOT NULL;
DROP INDEX records_at, records_sender;

-- Which cases hold a message at an instant. (held() stays for members of the version before.)
CREATE FUNCTION holding(of_message text, at_instant timestamptz) RETURNS SETOF text
LANGUAGE sql STABLE AS $$
    SELECT c.id FROM cases c
    WHERE c.closed_at IS NULL AND c.hold_until > at_instant AND EXISTS (
        SELECT FROM records r
        WHERE r.message_id = of_message AND r.kind = 'received'
          AND (c.since IS NULL OR r.at >= c.since) AND (c.until IS NULL OR r.at < c.until)
          AND ((c.senders = '{}' AND c.campaigns = '{}')
               OR r.sender = ANY (c.senders)
               OR EXISTS (
                   SELECT FROM records j
                   WHERE j.message_id = of_message AND j.campaign = ANY (c.campaigns)
               ))
    )
$$;
