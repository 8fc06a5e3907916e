-- What a person decides, and what of it is still to be told to the other services.

-- The block list: pseudonyms only.
CREATE TABLE blocks (
    sender text PRIMARY KEY CHECK (sender ~ '^[0-9a-f]{32}$'),
    at timestamptz NOT NULL
);

-- What was decided about unresolved replies: once, for good.
CREATE TABLE decisions (
    reply_id text PRIMARY KEY,
    action text NOT NULL CHECK (action IN ('reply_sent', 'reply_void')),
    at timestamptz NOT NULL,
    why text NOT NULL
);

-- Records to append, in this order; gone once they are durable in the log.
CREATE TABLE operator_records (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL
);

GRANT SELECT, INSERT, DELETE ON blocks TO antirelou_billing;
GRANT SELECT, INSERT ON decisions TO antirelou_billing;
GRANT SELECT, INSERT, UPDATE, DELETE ON operator_records TO antirelou_billing;
