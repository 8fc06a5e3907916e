-- The fund's entries, the oldest first.
SELECT id, kind, amount_microeuros, note, at FROM entries ORDER BY number
