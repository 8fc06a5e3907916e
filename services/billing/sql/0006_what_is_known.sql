-- What a look last went by: receipts that were in the log and not booked, and as of when.
ALTER TABLE standing ADD COLUMN unread bigint NOT NULL DEFAULT 0;
ALTER TABLE standing ADD COLUMN unread_at timestamptz;

-- What replies were found to have cost, and what the provider asked for a segment at the most.
ALTER TABLE receiving ADD COLUMN replied_microeuros bigint NOT NULL DEFAULT 0;
ALTER TABLE receiving ADD COLUMN receive_price_microeuros bigint NOT NULL DEFAULT 0;
ALTER TABLE receiving ADD COLUMN reply_price_microeuros bigint NOT NULL DEFAULT 0;

-- The order of the ledger; of what is older it is not known. Whoever reserves, or changes what was
-- given, holds the standing first: among these it is the order in which they were booked.
ALTER TABLE transfers ADD COLUMN number bigint;
CREATE SEQUENCE transfers_number OWNED BY transfers.number;
ALTER TABLE transfers ALTER COLUMN number SET DEFAULT nextval('transfers_number');
GRANT USAGE ON SEQUENCE transfers_number TO antirelou_billing;
