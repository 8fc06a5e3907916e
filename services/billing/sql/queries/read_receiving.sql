-- What was asked of the fund since $1.
SELECT coalesce(sum(spent_microeuros), 0)::bigint AS spent,
       coalesce(sum(asked_microeuros), 0)::bigint AS asked,
       coalesce(sum(sure_microeuros), 0)::bigint AS sure,
       coalesce(sum(surged), 0)::int AS surged,
       coalesce(sum(replied_microeuros), 0)::bigint AS replied,
       coalesce(max(receive_price_microeuros), 0) AS receive_price,
       coalesce(max(reply_price_microeuros), 0) AS reply_price
FROM receiving WHERE since > $1
