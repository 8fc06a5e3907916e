-- The books. Senders are pseudonyms; no text and no number is here but sealed.

-- Balances follow from the transfers, by a trigger: the role may not touch them.
CREATE TABLE accounts (
    name text PRIMARY KEY,
    balance_microeuros bigint NOT NULL,
    CHECK (name IN ('donations', 'fund', 'reserved', 'spent.receive', 'spent.reply', 'fees')),
    -- Only the fund may go below zero: receiving is a fact. Donations are the other side.
    CHECK (balance_microeuros >= 0 OR name IN ('donations', 'fund')),
    CHECK (balance_microeuros <= 0 OR name <> 'donations')
);
INSERT INTO accounts (name, balance_microeuros)
VALUES ('donations', 0), ('fund', 0), ('reserved', 0), ('spent.receive', 0), ('spent.reply', 0),
       ('fees', 0);

-- Append-only: never updated, never deleted (see the grants).
CREATE TABLE transfers (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    debit text NOT NULL REFERENCES accounts,
    credit text NOT NULL REFERENCES accounts,
    amount_microeuros bigint NOT NULL CHECK (amount_microeuros > 0),
    at timestamptz NOT NULL,
    CHECK (debit <> credit),
    CHECK (CASE kind
        WHEN 'donation' THEN debit = 'donations' AND credit = 'fund'
        WHEN 'fee' THEN debit = 'fund' AND credit = 'fees'
        WHEN 'correction' THEN (debit, credit) IN (('fund', 'donations'), ('fees', 'fund'))
        WHEN 'receive' THEN debit = 'fund' AND credit = 'spent.receive'
        WHEN 'reserve' THEN debit = 'fund' AND credit = 'reserved'
        WHEN 'post' THEN debit = 'reserved' AND credit = 'spent.reply'
        WHEN 'release' THEN debit = 'reserved' AND credit = 'fund'
        WHEN 'void' THEN debit = 'reserved' AND credit = 'fund'
        WHEN 'adjustment' THEN (debit = 'fund' AND credit IN ('spent.receive', 'spent.reply'))
                            OR (credit = 'fund' AND debit IN ('spent.receive', 'spent.reply'))
        ELSE false END)
);

-- Balances by the transfers of one statement. Whoever reserves must leave the fund at zero or
-- above: no reply is ever paid for with money that is not there, whatever the code believes.
CREATE FUNCTION book_transfers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = billing AS $$
BEGIN
    PERFORM 1 FROM accounts ORDER BY name FOR UPDATE;
    UPDATE accounts a SET balance_microeuros = a.balance_microeuros + m.amount
    FROM (SELECT name, sum(amount) AS amount
          FROM (SELECT credit AS name, amount_microeuros AS amount FROM booked
                UNION ALL SELECT debit, -amount_microeuros FROM booked) AS sides
          GROUP BY name) AS m
    WHERE a.name = m.name;
    IF (SELECT balance_microeuros FROM accounts WHERE name = 'fund') < 0
       AND EXISTS (SELECT 1 FROM booked WHERE kind = 'reserve') THEN
        RAISE EXCEPTION 'a reservation would overdraw the fund' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER transfers_booked AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS booked FOR EACH STATEMENT EXECUTE FUNCTION book_transfers();

-- What receiving cost, one row a provider id.
CREATE TABLE receipts (
    message_id text COLLATE "C" PRIMARY KEY,
    sender uuid NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    received_at timestamptz NOT NULL,
    cost_microeuros bigint NOT NULL CHECK (cost_microeuros >= 0),
    basis smallint NOT NULL,
    revision int NOT NULL
);
CREATE INDEX receipts_sender ON receipts (sender);

-- The verdicts, one row a provider id, for status and explanation.
CREATE TABLE verdicts (
    message_id text COLLATE "C" PRIMARY KEY,
    sender uuid NOT NULL,
    received_at timestamptz NOT NULL,
    decision text NOT NULL,
    reason text NOT NULL,
    basis json NOT NULL,
    due_at timestamptz NOT NULL
);
-- Who is not to be answered any more for what came before.
CREATE INDEX verdicts_withdrawn ON verdicts (sender, received_at)
    WHERE reason IN ('opted_out', 'blocked');

CREATE TABLE replies (
    reply_id text COLLATE "C" PRIMARY KEY,
    sender uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('reply', 'test')),
    state text NOT NULL CHECK (state IN (
        'waiting', 'authorized', 'sending', 'sent', 'delivered', 'undelivered', 'failed',
        'uncertain', 'unresolved', 'expired', 'refused')),
    reason text NOT NULL,
    score double precision NOT NULL,
    received_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    entered interval NOT NULL,
    rank double precision NOT NULL,
    price_microeuros bigint NOT NULL CHECK (price_microeuros >= 0),
    sender_sealed bytea,
    changed_at timestamptz NOT NULL,
    reservation text NOT NULL CHECK (reservation IN ('none', 'pending', 'posted', 'voided')),
    cost_microeuros bigint NOT NULL CHECK (cost_microeuros >= 0),
    basis smallint,
    revision int NOT NULL,
    sequence int NOT NULL,
    told_at timestamptz,
    -- Nothing waits with money reserved, nothing is on its way without.
    CHECK ((reservation = 'none') = (state IN ('waiting', 'expired', 'refused'))),
    CHECK (state NOT IN ('expired', 'refused') OR sender_sealed IS NULL),
    CHECK (state <> 'waiting' OR sender_sealed IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX replies_waiting ON replies ((kind <> 'test'), rank DESC, reply_id)
    WHERE state = 'waiting';
CREATE INDEX replies_entered ON replies (entered) WHERE state = 'waiting';
CREATE INDEX replies_waiting_sender ON replies (sender) WHERE state = 'waiting';
CREATE INDEX replies_untold ON replies (changed_at)
    WHERE told_at IS NULL AND state IN ('authorized', 'expired', 'refused');
CREATE INDEX replies_unanswered ON replies (told_at) WHERE state = 'authorized' AND sequence = 0;
CREATE INDEX replies_unresolved ON replies (changed_at) WHERE state = 'unresolved';
CREATE INDEX replies_ended ON replies (changed_at, reply_id)
    WHERE state IN ('delivered', 'undelivered', 'failed');
CREATE INDEX replies_sender ON replies (sender);

-- Every state a reply came into.
CREATE TABLE steps (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reply_id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    state text NOT NULL,
    reason text NOT NULL
);
CREATE INDEX steps_reply ON steps (reply_id);

-- What a person booked.
CREATE TABLE entries (
    id text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('donation', 'fee', 'correction')),
    amount_microeuros bigint NOT NULL,
    note text NOT NULL,
    at timestamptz NOT NULL
);

-- How many of what, for the status.
CREATE TABLE tallies (
    name text PRIMARY KEY,
    count bigint NOT NULL CHECK (count >= 0)
);

-- What was asked of the fund, by the minute; only the last hours count.
CREATE TABLE receiving (
    since timestamptz PRIMARY KEY,
    spent_microeuros bigint NOT NULL,
    asked_microeuros bigint NOT NULL,
    sure_microeuros bigint NOT NULL,
    surged int NOT NULL,
    webhook_at timestamptz
);

-- The posture and what it remembers (core/posture.py), one row; its lock lets one decide at a time.
CREATE TABLE standing (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    posture text NOT NULL DEFAULT 'normal',
    cause text NOT NULL DEFAULT 'calm',
    attach boolean NOT NULL DEFAULT true,
    sequence int NOT NULL DEFAULT 0,
    paused text,
    detached boolean NOT NULL DEFAULT false,
    given_then bigint NOT NULL DEFAULT 0,
    at_donation bigint NOT NULL DEFAULT 0,
    donated_at timestamptz,
    replies_before bigint NOT NULL DEFAULT 0,
    day date,
    spent_before bigint NOT NULL DEFAULT 0,
    probe_at timestamptz,
    probes int NOT NULL DEFAULT 0,
    -- The waiting clock (core/room.py): what it showed at an instant.
    shown interval NOT NULL DEFAULT '0',
    shown_at timestamptz
);
INSERT INTO standing DEFAULT VALUES;

-- Every change of posture, told as posture.changed.
CREATE TABLE postures (
    sequence int PRIMARY KEY,
    at timestamptz NOT NULL,
    posture text NOT NULL,
    cause text NOT NULL,
    attach boolean NOT NULL,
    detail text NOT NULL,
    told_at timestamptz
);

-- What was last read at the provider, one row.
CREATE TABLE provider (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    checked_at timestamptz,
    credit_microeuros bigint,
    -- Spent so far, by our books, when the credit was read.
    spent_microeuros bigint NOT NULL DEFAULT 0,
    attached boolean
);
INSERT INTO provider DEFAULT VALUES;

GRANT SELECT ON accounts TO antirelou_billing;
GRANT UPDATE (name) ON accounts TO antirelou_billing; -- to lock them, no more
GRANT SELECT, INSERT ON transfers, steps, entries, verdicts TO antirelou_billing;
GRANT SELECT, INSERT, UPDATE ON receipts, replies, tallies, postures TO antirelou_billing;
GRANT SELECT, INSERT, UPDATE, DELETE ON receiving TO antirelou_billing;
GRANT SELECT, UPDATE ON standing, provider TO antirelou_billing;
