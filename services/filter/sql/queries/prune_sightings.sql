-- Sightings that no verdict can count any more. $1: seen before, $2: how many at most.
DELETE FROM sightings WHERE ctid IN (SELECT ctid FROM sightings WHERE seen_at < $1 LIMIT $2)
