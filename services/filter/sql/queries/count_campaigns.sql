-- For each span the distinct senders of its text, counted up to $6: enough to tell a campaign,
-- however large it is, and the same whichever rows are read. A sender has at most one row a bucket.
-- $1: digests, $2: since, $3: until, $4, $5: the first and last bucket of each, $6: at most.
SELECT k.number, least(count(DISTINCT seen.sender), $6::int) AS senders
FROM unnest($1::bytea[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::bigint[])
         WITH ORDINALITY AS k (digest, since, until, first, last, number),
     LATERAL (SELECT sender FROM sightings
              WHERE digest = k.digest AND bucket BETWEEN k.first AND k.last
                AND seen_at > k.since AND seen_at <= k.until
              LIMIT $6::int * (k.last - k.first + 1)) AS seen
GROUP BY k.number
