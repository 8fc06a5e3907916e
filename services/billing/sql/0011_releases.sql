-- What persons did with replies that waited for them (core/release.py).
CREATE TABLE releases (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reply_id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL CHECK (action IN ('send', 'skip', 'later')),
    actor text NOT NULL
);
CREATE INDEX releases_reply ON releases (reply_id, number);
-- One act, one message.
CREATE UNIQUE INDEX releases_once ON releases (reply_id) WHERE action <> 'later';
GRANT SELECT, INSERT ON releases TO antirelou_billing;
