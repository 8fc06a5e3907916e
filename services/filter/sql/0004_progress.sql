-- How far each partition of sms.received was read, told by whoever held it: what was appended before
-- is in these tables. A member judges nothing before the others have read past it (core/group.py).
CREATE TABLE progress (
    partition smallint PRIMARY KEY,
    read_until timestamptz NOT NULL,
    told_at timestamptz NOT NULL
) WITH (fillfactor = 20);

GRANT SELECT, INSERT, UPDATE ON progress TO antirelou_filter;
