-- A new place, unless it is there.
INSERT INTO scans (name, kind, since, until, "offset", look_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO NOTHING
