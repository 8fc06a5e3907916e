-- Informative texts that were seen; what is there stays. $1: digests, $2: buckets, $3: senders,
-- $4: when; sorted by the key.
INSERT INTO sightings (digest, bucket, sender, seen_at)
SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::timestamptz[])
ON CONFLICT DO NOTHING
