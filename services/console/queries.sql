-- The queries of the console: name, purpose, arguments; then the statement.

-- put_operator --
-- An operator, or his new role: name, role, handle, now.
INSERT INTO operators (name, role, handle, added_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET role = excluded.role

-- delete_operator --
-- An operator with all that lets him in.
DELETE FROM operators WHERE name = $1

-- list_operators --
-- The operators, and how many passkeys and sessions each has: sessions made after $1, seen after $2.
SELECT o.name, o.role, o.added_at,
    (SELECT count(*) FROM passkeys p WHERE p.operator = o.name) AS passkeys,
    (SELECT count(*) FROM sessions s
     WHERE s.operator = o.name AND s.made_at > $1 AND s.seen_at > $2) AS sessions
FROM operators o ORDER BY o.name

-- load_operator --
-- One operator.
SELECT name, role, handle, language FROM operators WHERE name = $1

-- set_language --
-- The language an operator chose.
UPDATE operators SET language = $2 WHERE name = $1

-- add_link --
-- A link: hash, operator, when it expires.
INSERT INTO links (hash, operator, expires_at) VALUES ($1, $2, $3)

-- find_link --
-- Whose link it is, while it holds; nothing is used up.
SELECT operator FROM links WHERE hash = $1 AND expires_at > $2

-- take_link --
-- The same, and it is used up.
DELETE FROM links WHERE hash = $1 AND expires_at > $2 RETURNING operator

-- add_challenge --
-- What is to be signed: hash, operator (none: whoever it is), state, when it expires.
INSERT INTO challenges (hash, operator, state, expires_at) VALUES ($1, $2, $3, $4)

-- take_challenge --
-- A challenge, while it holds, used up: hash, now.
DELETE FROM challenges WHERE hash = $1 AND expires_at > $2 RETURNING operator, state

-- add_passkey --
-- A passkey: id, operator, public half, counter, now.
INSERT INTO passkeys (id, operator, public, counter, added_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO NOTHING

-- load_passkey --
-- A passkey by its id.
SELECT p.operator, p.public, p.counter, o.handle FROM passkeys p
JOIN operators o ON o.name = p.operator WHERE p.id = $1

-- use_passkey --
-- A passkey was used: id, its counter, now. No row: its counter went back, so it was copied.
UPDATE passkeys SET counter = $2, used_at = $3
WHERE id = $1 AND (counter < $2 OR (counter = 0 AND $2 = 0)) RETURNING operator

-- list_passkeys --
-- The ids of an operator's passkeys.
SELECT id, added_at, used_at FROM passkeys WHERE operator = $1 ORDER BY added_at

-- add_session --
-- A session: hash, operator, way, agent, now.
INSERT INTO sessions (hash, operator, way, agent, made_at, seen_at) VALUES ($1, $2, $3, $4, $5, $5)

-- load_session --
-- A session and whose it is.
SELECT s.number, s.operator, o.role, o.language, s.way, s.made_at, s.seen_at, s.agent
FROM sessions s JOIN operators o ON o.name = s.operator WHERE s.hash = $1

-- see_session --
-- A session is used.
UPDATE sessions SET seen_at = $2 WHERE hash = $1

-- list_sessions --
-- The sessions that hold: made after $1, seen after $2.
SELECT s.number, s.operator, o.role, o.language, s.way, s.made_at, s.seen_at, s.agent
FROM sessions s JOIN operators o ON o.name = s.operator
WHERE s.made_at > $1 AND s.seen_at > $2 ORDER BY s.seen_at DESC LIMIT 200

-- end_session --
-- A session ends, by its hash.
DELETE FROM sessions WHERE hash = $1

-- revoke_session --
-- A session ends, by its number; whose it must be, where that is given.
DELETE FROM sessions WHERE number = $1 AND ($2::text IS NULL OR operator = $2) RETURNING operator

-- add_act --
-- An act that is about to be tried: id, now, actor, act, why. No row: it was tried before.
INSERT INTO acts (id, at, actor, act, why, outcome) VALUES ($1, $2, $3, $4, $5, 'asked')
ON CONFLICT (id) DO NOTHING

-- end_act --
-- What became of it: id, outcome, subject, what was said.
UPDATE acts SET outcome = $2, subject = $3, said = $4 WHERE id = $1

-- load_act --
-- One act.
SELECT number, id, at, actor, act, subject, why, outcome, said FROM acts WHERE id = $1

-- find_actors --
-- Who did these acts.
SELECT id, actor FROM acts WHERE id = ANY ($1::text[])

-- list_acts --
-- The latest acts before a number: number, how many, actor and act (none: any).
SELECT number, id, at, actor, act, subject, why, outcome, said FROM acts
WHERE number < $1 AND ($3::text IS NULL OR actor = $3) AND ($4::text IS NULL OR act = $4)
ORDER BY number DESC LIMIT $2

-- forget_links --
-- Links that expired.
DELETE FROM links WHERE hash IN (SELECT hash FROM links WHERE expires_at <= $1 LIMIT $2)

-- forget_challenges --
-- Challenges that expired.
DELETE FROM challenges WHERE hash IN (SELECT hash FROM challenges WHERE expires_at <= $1 LIMIT $2)

-- forget_sessions --
-- Sessions made before.
DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE made_at <= $1 LIMIT $2)
