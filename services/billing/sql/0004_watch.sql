-- What alerts go by, and what they told.

CREATE INDEX replies_uncertain ON replies (changed_at) WHERE state = 'uncertain';

-- The last audit that was told of, one row.
CREATE TABLE audits (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    at timestamptz,
    broken json
);
INSERT INTO audits DEFAULT VALUES;

-- What was told to ALERT_URL (core/alert.py), one row; its lock lets one replica tell.
CREATE TABLE alerts (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    memory text
);
INSERT INTO alerts DEFAULT VALUES;

GRANT SELECT, UPDATE ON audits, alerts TO antirelou_billing;
