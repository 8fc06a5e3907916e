-- What the filter keeps. Senders are pseudonyms; texts are keyed hashes with a bounded life.

-- One row a sender we have something to remember of; locked while he is judged.
CREATE TABLE senders (
    sender text COLLATE "C" PRIMARY KEY CHECK (length(sender) = 32),
    opted_out boolean NOT NULL,
    blocked boolean NOT NULL,
    blocked_at timestamptz,
    -- The last verdict for how he came.
    silenced text,
    silenced_at timestamptz,
    -- What is deliberated: all of it or nothing.
    message_id text,
    kind text,
    partition smallint,
    first_at timestamptz,
    last_at timestamptz,
    due_at timestamptz,
    texts int,
    marks bytea,
    tokens bytea,
    blocks bytea,
    backfilled boolean,
    sender_sealed bytea,
    CHECK (num_nulls(message_id, kind, partition, first_at, last_at, due_at, texts, marks, tokens,
                     blocks, backfilled)
           IN (0, 11)),
    CHECK (message_id IS NOT NULL OR sender_sealed IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX senders_silenced ON senders (silenced_at) WHERE silenced_at IS NOT NULL;
CREATE INDEX senders_due ON senders (partition, due_at) WHERE due_at IS NOT NULL;

-- The one answer of a sender's window (I3): the key is the sender, and an answer gives way to
-- another only when its window is over or it ended without an SMS (queries/put_answers.sql).
CREATE TABLE answers (
    sender text COLLATE "C" PRIMARY KEY REFERENCES senders,
    message_id text NOT NULL UNIQUE,
    answered_at timestamptz NOT NULL
);

-- Every provider id ever seen, with its verdict once there is one.
CREATE TABLE messages (
    id text COLLATE "C" PRIMARY KEY,
    sender text COLLATE "C" NOT NULL,
    partition smallint NOT NULL,
    kind text NOT NULL,
    received_at timestamptz NOT NULL,
    decision text CHECK (decision IN ('reply', 'silent')),
    reason text,
    score double precision,
    due_at timestamptz,
    judged_at timestamptz,
    basis json,
    sender_sealed bytea,
    emitted_at timestamptz,
    CHECK (num_nulls(decision, reason, score, due_at, judged_at, basis) IN (0, 6)),
    CHECK ((decision = 'reply') = (reason = 'deserved')),
    CHECK (sender_sealed IS NULL OR decision = 'reply'),
    CHECK (emitted_at IS NULL OR judged_at IS NOT NULL)
);
CREATE INDEX messages_unemitted ON messages (partition, judged_at)
    WHERE judged_at IS NOT NULL AND emitted_at IS NULL;

-- Hashes of signature nonces, and the message each was first seen with.
CREATE TABLE nonces (
    nonce text COLLATE "C" PRIMARY KEY,
    message_id text NOT NULL,
    seen_at timestamptz NOT NULL
);

-- What is counted of first contacts (core/tally.py); a shard for each member that counts at once.
CREATE TABLE counts (
    key bytea,
    bucket bigint,
    shard smallint,
    count int NOT NULL,
    PRIMARY KEY (key, bucket, shard)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX counts_bucket ON counts USING brin (bucket);

-- What was learnt of texts (core/learner.py): counts of keyed hashes, one row.
CREATE TABLE learnt (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    kept bytea NOT NULL
);
INSERT INTO learnt (kept) VALUES ('');

-- The key of the hashes and of the jitter, made here once. The clear texts live in the log longer
-- than their hashes do here, so the key need not be kept apart from them.
CREATE TABLE secret (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key bytea NOT NULL CHECK (length(key) = 32)
);
INSERT INTO secret (key)
    SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

GRANT SELECT, INSERT, UPDATE, DELETE ON senders, answers, messages TO antirelou_filter;
GRANT SELECT, INSERT, DELETE ON nonces TO antirelou_filter;
GRANT SELECT, INSERT, UPDATE, DELETE ON counts TO antirelou_filter;
GRANT SELECT, UPDATE ON learnt TO antirelou_filter;
GRANT SELECT ON secret TO antirelou_filter;
