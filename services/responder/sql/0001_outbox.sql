-- The outbox: one row a reply, its states as in core/outbox.py.
CREATE TABLE replies (
    reply_id text PRIMARY KEY,
    sender text NOT NULL CHECK (sender ~ '^[0-9a-f]{32}$'),
    kind text NOT NULL CHECK (kind IN ('reply', 'test')),
    trace text NOT NULL,
    due_at timestamptz NOT NULL,
    authorized_at timestamptz NOT NULL,
    sender_sealed bytea,
    text_index int,
    state text NOT NULL CHECK (state IN (
        'authorized', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'uncertain',
        'unresolved'
    )),
    look_at timestamptz,
    changed_at timestamptz NOT NULL,
    attempts int NOT NULL,
    looks int NOT NULL,
    sending_at timestamptz,
    message_id text,
    reason text NOT NULL,
    segments int,
    amount_microunits bigint,
    nothing_charged boolean NOT NULL,
    final boolean NOT NULL,
    state_order bigint NOT NULL,
    amount_order bigint NOT NULL,
    sequence int NOT NULL,
    CHECK (sequence >= 0 AND attempts >= 0),
    -- What is to be sent, or looked for by number, has the number.
    CHECK (sender_sealed IS NOT NULL OR state NOT IN ('authorized', 'sending', 'uncertain')),
    -- What has ended keeps no number.
    CHECK (NOT final OR sender_sealed IS NULL),
    CHECK (NOT nothing_charged OR coalesce(amount_microunits, 0) = 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- One open send a number: else the provider's log could not tell two apart.
CREATE UNIQUE INDEX replies_open ON replies (sender) WHERE state IN ('sending', 'uncertain');
CREATE INDEX replies_message ON replies (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX replies_waiting ON replies (due_at, reply_id) WHERE state = 'authorized';
CREATE INDEX replies_look ON replies (state, look_at) WHERE look_at IS NOT NULL;
CREATE INDEX replies_sending_at ON replies (sending_at) WHERE sending_at IS NOT NULL;

-- Changes committed and not yet told: records as they go to replies.changed.
CREATE TABLE changes (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key bytea NOT NULL,
    value bytea NOT NULL
);

-- The state of sending, one row (core/rate.py); its lock lets one replica claim at a time.
CREATE TABLE pace (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    free_at timestamptz NOT NULL,
    held_until timestamptz,
    probing boolean NOT NULL DEFAULT false,
    holds int NOT NULL DEFAULT 0,
    hold_reason text NOT NULL DEFAULT '',
    paused boolean NOT NULL DEFAULT false
);
INSERT INTO pace (free_at) VALUES ('2000-01-01T00:00:00Z');

-- What billing wants of the number, and what the provider last said of it, one row.
CREATE TABLE link (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    sequence int NOT NULL DEFAULT -1,
    attach boolean,
    attached boolean,
    tries int NOT NULL DEFAULT 0,
    link_at timestamptz,
    check_at timestamptz NOT NULL DEFAULT '2000-01-01T00:00:00Z'
);
INSERT INTO link DEFAULT VALUES;

-- Places in the provider's log of received messages (core/backfill.py).
CREATE TABLE scans (
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('undelivered', 'whole', 'ordered')),
    since timestamptz NOT NULL,
    until timestamptz,
    "offset" int NOT NULL,
    look_at timestamptz NOT NULL
);

-- Who of the replicas asks the provider, one row.
CREATE TABLE leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    until timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON replies TO antirelou_responder;
GRANT SELECT, INSERT, DELETE ON changes TO antirelou_responder;
GRANT SELECT, UPDATE ON pace, link TO antirelou_responder;
GRANT SELECT, INSERT, UPDATE, DELETE ON scans TO antirelou_responder;
GRANT SELECT, INSERT, UPDATE ON leases TO antirelou_responder;
