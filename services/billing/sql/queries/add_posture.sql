-- A change of posture, to be told.
INSERT INTO postures (sequence, at, posture, cause, attach, detail) VALUES ($1, $2, $3, $4, $5, $6)
