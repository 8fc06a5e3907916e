-- Between which leaves a selection's messages may be, erased ones too: after the last that was
-- received before its time, and before the first that was received after it.
SELECT coalesce(max(leaf) FILTER (WHERE at < $1), -1) + 1 AS first,
       coalesce(min(leaf) FILTER (WHERE at >= $2), $3) - 1 AS last
FROM records WHERE kind = 'received' AND leaf < $3
