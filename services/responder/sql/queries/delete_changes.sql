-- Changes that were told.
DELETE FROM changes WHERE number = ANY($1::bigint[])
