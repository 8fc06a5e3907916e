-- Count; locked in the order of the names. $1: names, $2: by how much.
WITH locked AS (SELECT name FROM tallies WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE)
UPDATE tallies t SET count = t.count + u.delta
FROM unnest($1::text[], $2::bigint[]) AS u (name, delta) JOIN locked USING (name)
WHERE t.name = u.name
