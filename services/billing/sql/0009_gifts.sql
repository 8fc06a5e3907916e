-- Gifts that platforms report (core/gift.py). Nothing of a giver is here.

ALTER TABLE accounts DROP CONSTRAINT accounts_name_check;
ALTER TABLE accounts DROP CONSTRAINT accounts_check;
ALTER TABLE accounts DROP CONSTRAINT accounts_check1;
ALTER TABLE accounts ADD CONSTRAINT accounts_named CHECK (name IN (
    'donations', 'fund', 'reserved', 'spent.receive', 'spent.reply', 'fees',
    'gifts', 'raised', 'fees.platform'));
-- Below zero go the fund, for receiving is a fact and so is a refund; the outside world's sides; and
-- what a platform gave back of its fees.
ALTER TABLE accounts ADD CONSTRAINT accounts_owned CHECK (
    balance_microeuros >= 0 OR name IN ('donations', 'fund', 'gifts', 'fees.platform'));
ALTER TABLE accounts ADD CONSTRAINT accounts_given CHECK (
    balance_microeuros <= 0 OR name <> 'donations');
INSERT INTO accounts (name, balance_microeuros)
VALUES ('gifts', 0), ('raised', 0), ('fees.platform', 0);

ALTER TABLE transfers DROP CONSTRAINT transfers_check1;
ALTER TABLE transfers ADD CONSTRAINT transfers_kinds CHECK (CASE kind
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
    WHEN 'gift' THEN (debit, credit) IN (('gifts', 'raised'), ('raised', 'gifts'))
    WHEN 'count' THEN (debit, credit) IN (('raised', 'fund'), ('fund', 'raised'))
    WHEN 'platform_fee' THEN (debit, credit) IN (
        ('fund', 'fees.platform'), ('fees.platform', 'fund'), ('raised', 'gifts'), ('gifts', 'raised'))
    ELSE false END) NOT VALID;
ALTER TABLE transfers VALIDATE CONSTRAINT transfers_kinds;

ALTER TABLE entries DROP CONSTRAINT entries_kind_check;
ALTER TABLE entries ADD CONSTRAINT entries_kind_check
    CHECK (kind IN ('donation', 'fee', 'correction', 'transfer'));

-- What platforms reported, one row a thing of theirs, as last told.
CREATE TABLE gift_parts (
    id text COLLATE "C" PRIMARY KEY,
    payment text COLLATE "C" NOT NULL,
    source text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('gift', 'refund', 'dispute', 'reinstated', 'fee')),
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    at timestamptz NOT NULL,
    holds boolean NOT NULL,
    total boolean NOT NULL,
    version bigint NOT NULL,
    card boolean NOT NULL,
    about text[] NOT NULL,
    reported_at timestamptz NOT NULL,
    -- Why it is not counted; none: it is.
    uncounted text
);
CREATE INDEX gift_parts_payment ON gift_parts (payment);
CREATE INDEX gift_parts_about ON gift_parts USING gin (about);
CREATE INDEX gift_parts_reported ON gift_parts (reported_at);
CREATE INDEX gift_parts_uncounted ON gift_parts (reported_at) WHERE uncounted IS NOT NULL;

-- What their payments are worth, as booked.
CREATE TABLE payments (
    payment text COLLATE "C" PRIMARY KEY,
    worth_microeuros bigint NOT NULL,
    fees_microeuros bigint NOT NULL,
    card_microeuros bigint NOT NULL,
    at timestamptz NOT NULL,
    revision int NOT NULL
);
CREATE INDEX payments_card ON payments (at) WHERE card_microeuros > 0;

-- Their sums, and what was transferred, one row.
CREATE TABLE pot (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    worth_microeuros bigint NOT NULL DEFAULT 0,
    fees_microeuros bigint NOT NULL DEFAULT 0,
    transferred_microeuros bigint NOT NULL DEFAULT 0 CHECK (transferred_microeuros >= 0),
    revision int NOT NULL DEFAULT 0
);
INSERT INTO pot DEFAULT VALUES;

GRANT SELECT, INSERT ON gift_parts TO antirelou_billing;
-- Its id, its source and its kind stay.
GRANT UPDATE (payment, amount_minor, currency, at, holds, version, card, about, uncounted)
    ON gift_parts TO antirelou_billing;
GRANT SELECT, INSERT, UPDATE ON payments TO antirelou_billing;
GRANT SELECT, UPDATE ON pot TO antirelou_billing;
