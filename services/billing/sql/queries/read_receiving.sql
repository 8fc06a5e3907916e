-- What receiving cost since $1.
SELECT coalesce(sum(spent_microeuros), 0)::bigint AS spent FROM receiving WHERE since > $1
