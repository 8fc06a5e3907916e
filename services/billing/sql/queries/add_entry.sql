-- A fund entry that is new; one row then. $1: id, $2: kind, $3: amount, $4: note, $5: when.
INSERT INTO entries (id, kind, amount_microeuros, note, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING id
