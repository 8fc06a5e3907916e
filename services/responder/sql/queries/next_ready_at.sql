-- When the next authorised reply may be tried.
SELECT min(look_at) AS at FROM replies AS r
WHERE state = 'authorized' AND (kind = 'test' OR NOT $1)
    AND NOT EXISTS (
        SELECT FROM replies AS o WHERE o.sender = r.sender AND o.state IN ('sending', 'uncertain')
    )
