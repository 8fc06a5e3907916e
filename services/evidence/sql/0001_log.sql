-- The evidence: records with what is needed to show them, and the tree over their commitments.

-- One row a leaf. An erased one keeps its index and its name; its hash stays in the tiles.
CREATE TABLE records (
    leaf bigint PRIMARY KEY CHECK (leaf >= 0),
    name bytea NOT NULL UNIQUE CHECK (length(name) = 16),
    kind text CHECK (kind IN ('received', 'judged', 'replied', 'terms')),
    message_id text COLLATE "C",
    sender text COLLATE "C" CHECK (length(sender) = 32),
    campaign text COLLATE "C",
    at timestamptz,
    salt bytea CHECK (length(salt) = 32),
    record bytea,
    sealed bytea,
    erased_at timestamptz,
    erased_why text CHECK (erased_why IN ('retention', 'objection', 'request')),
    CHECK (num_nulls(kind, at, salt, record) IN (0, 4)),
    CHECK (num_nulls(erased_at, erased_why) IN (0, 2)),
    CHECK ((kind IS NULL) = (erased_at IS NOT NULL)),
    CHECK (kind IS NOT NULL OR num_nonnulls(message_id, sender, campaign, sealed) = 0),
    CHECK (kind IS NULL OR (kind = 'terms') = (message_id IS NULL))
);
-- What is sealed or salted does not compress.
ALTER TABLE records ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX records_message ON records (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX records_sender ON records (sender) WHERE kind = 'received';
CREATE INDEX records_campaign ON records (campaign) WHERE campaign IS NOT NULL;
CREATE INDEX records_at ON records USING brin (at);

-- The tree: tiles of 256 hashes (c2sp.org/tlog-tiles), and its head, one row, whose lock lets one
-- member append at a time.
CREATE TABLE tiles (
    level smallint,
    number bigint,
    hashes bytea NOT NULL CHECK (length(hashes) % 32 = 0 AND length(hashes) BETWEEN 32 AND 8192),
    PRIMARY KEY (level, number)
);
ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TABLE tree (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    size bigint NOT NULL,
    root bytea NOT NULL CHECK (length(root) = 32)
);
INSERT INTO tree (size, root) VALUES (0, sha256(''));

-- What we signed. A time stamp and a cosignature come later, or never.
CREATE TABLE checkpoints (
    size bigint PRIMARY KEY,
    note text NOT NULL,
    at timestamptz NOT NULL,
    stamp bytea,
    stamped_at timestamptz,
    witnessed_at timestamptz
);

CREATE TABLE cases (
    id text COLLATE "C" PRIMARY KEY,
    reason text NOT NULL,
    hold_until timestamptz NOT NULL,
    senders text[] NOT NULL,
    campaigns text[] NOT NULL,
    since timestamptz,
    until timestamptz,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);

-- Who objected: what no case holds of his is kept as briefly as a text.
CREATE TABLE objections (
    sender text COLLATE "C" PRIMARY KEY CHECK (length(sender) = 32),
    at timestamptz NOT NULL
);

-- The messages of a selection.
CREATE FUNCTION selected(
    of_senders text[], of_campaigns text[], of_since timestamptz, of_until timestamptz
) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT r.message_id FROM records r
    WHERE r.kind = 'received'
      AND (of_since IS NULL OR r.at >= of_since) AND (of_until IS NULL OR r.at < of_until)
      AND ((of_senders = '{}' AND of_campaigns = '{}')
           OR r.sender = ANY (of_senders)
           OR r.message_id IN (
               SELECT c.message_id FROM records c WHERE c.campaign = ANY (of_campaigns)
           ))
$$;

-- Which message is held by which case at an instant.
CREATE FUNCTION held(at_instant timestamptz) RETURNS TABLE (case_id text, message_id text)
LANGUAGE sql STABLE AS $$
    SELECT c.id, s.id FROM cases c
    CROSS JOIN LATERAL selected(c.senders, c.campaigns, c.since, c.until) AS s (id)
    WHERE c.closed_at IS NULL AND c.hold_until > at_instant
$$;

GRANT SELECT, INSERT, UPDATE ON records, tiles, cases TO antirelou_evidence;
GRANT SELECT, UPDATE ON tree TO antirelou_evidence;
GRANT SELECT, INSERT, UPDATE ON checkpoints TO antirelou_evidence;
GRANT SELECT, INSERT ON objections TO antirelou_evidence;
