-- One fund entry. $1: id.
SELECT id, kind, amount_microeuros, note, at FROM entries WHERE id = $1
