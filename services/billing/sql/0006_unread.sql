-- What a look last went by: receipts that were in the log and not booked, and as of when.
ALTER TABLE standing ADD COLUMN unread bigint NOT NULL DEFAULT 0;
ALTER TABLE standing ADD COLUMN unread_at timestamptz;
