-- Add to the counts; sorted by the key. $1: keys, $2: buckets, $3: by how much, $4: shard.
INSERT INTO counts AS c (key, bucket, shard, count)
SELECT key, bucket, $4::smallint, count
FROM unnest($1::bytea[], $2::bigint[], $3::int[]) AS u (key, bucket, count)
ON CONFLICT (key, bucket, shard) DO UPDATE SET count = c.count + excluded.count
