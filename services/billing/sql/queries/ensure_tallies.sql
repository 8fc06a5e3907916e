-- Counts that are new begin at zero. $1: names, sorted.
INSERT INTO tallies (name, count) SELECT name, 0 FROM unnest($1::text[]) AS name
ON CONFLICT DO NOTHING
