-- What a look last went by: receipts that were in the log and not booked, and as of when.
ALTER TABLE standing ADD COLUMN unread bigint NOT NULL DEFAULT 0;
ALTER TABLE standing ADD COLUMN unread_at timestamptz;

-- What replies were found to have cost, and what the provider asked for a segment at the most.
ALTER TABLE receiving ADD COLUMN replied_microeuros bigint NOT NULL DEFAULT 0;
ALTER TABLE receiving ADD COLUMN receive_price_microeuros bigint NOT NULL DEFAULT 0;
ALTER TABLE receiving ADD COLUMN reply_price_microeuros bigint NOT NULL DEFAULT 0;
