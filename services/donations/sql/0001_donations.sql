-- What was told of gifts, and how far their platforms were read. Nothing of a giver is here.

-- When this house began to count gifts, one row.
CREATE TABLE starts (
    id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    at timestamptz NOT NULL
);

-- How far a platform's list was read (core/walk.py).
CREATE TABLE marks (
    list text PRIMARY KEY,
    latest timestamptz,
    since timestamptz,
    walked_at timestamptz,
    whole_at timestamptz
);

-- What is told, one row a thing of a platform's, as last told; first noted, then told.
CREATE TABLE told (
    id text COLLATE "C" PRIMARY KEY,
    source text NOT NULL,
    version bigint NOT NULL,
    value bytea NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    told boolean NOT NULL
);
CREATE INDEX told_untold ON told (number) WHERE NOT told;
CREATE INDEX told_source ON told (source, id);

GRANT SELECT, INSERT ON starts TO antirelou_donations;
GRANT SELECT, INSERT, UPDATE ON marks, told TO antirelou_donations;
