-- The console: who may get in, who is in, and who did what.

CREATE TABLE operators (
    name text COLLATE "C" PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('view', 'operate', 'owner')),
    -- What an authenticator knows him by; it says nothing of him.
    handle bytea NOT NULL UNIQUE CHECK (length(handle) = 16),
    language text CHECK (language IN ('fr', 'en')),
    added_at timestamptz NOT NULL
);

-- Of each secret its hash alone.
CREATE TABLE links (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    operator text COLLATE "C" NOT NULL REFERENCES operators ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX links_expire ON links (expires_at);
CREATE INDEX links_operator ON links (operator);

CREATE TABLE passkeys (
    id bytea PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 1023),
    operator text COLLATE "C" NOT NULL REFERENCES operators ON DELETE CASCADE,
    public bytea NOT NULL,
    counter bigint NOT NULL,
    added_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX passkeys_operator ON passkeys (operator);

-- What an authenticator was asked to sign; once.
CREATE TABLE challenges (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    operator text COLLATE "C" REFERENCES operators ON DELETE CASCADE,
    state json NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX challenges_expire ON challenges (expires_at);

CREATE TABLE sessions (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    operator text COLLATE "C" NOT NULL REFERENCES operators ON DELETE CASCADE,
    way text NOT NULL CHECK (way IN ('link', 'passkey')),
    agent text NOT NULL CHECK (length(agent) <= 200),
    made_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX sessions_operator ON sessions (operator);
CREATE INDEX sessions_made ON sessions (made_at);

-- Who did what, noted before it is tried; the outcome comes after. No number is in it.
CREATE TABLE acts (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL DEFAULT '',
    why text NOT NULL DEFAULT '',
    outcome text NOT NULL CHECK (outcome IN ('asked', 'done', 'refused')),
    said text NOT NULL DEFAULT ''
);

GRANT SELECT, INSERT, UPDATE, DELETE ON operators, links, passkeys, challenges, sessions
    TO antirelou_console;
GRANT SELECT, INSERT ON acts TO antirelou_console;
GRANT UPDATE (subject, outcome, said) ON acts TO antirelou_console;
