-- A place in the provider's log.
INSERT INTO scans (name, kind, since, until, "offset", look_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO UPDATE SET since = excluded.since, until = excluded.until,
    "offset" = excluded."offset", look_at = excluded.look_at
