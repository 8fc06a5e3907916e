-- The largest size that the witness has cosigned.
SELECT coalesce(max(size), 0) AS size FROM checkpoints WHERE witnessed_at IS NOT NULL
