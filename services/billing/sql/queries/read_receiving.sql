-- What was asked of the fund since $1.
SELECT coalesce(sum(spent_microeuros), 0)::bigint AS spent,
       coalesce(sum(asked_microeuros), 0)::bigint AS asked,
       coalesce(sum(sure_microeuros), 0)::bigint AS sure,
       coalesce(sum(surged), 0)::int AS surged
FROM receiving WHERE since > $1
