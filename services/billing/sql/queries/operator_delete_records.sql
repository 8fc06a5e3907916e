-- They were told.
DELETE FROM operator_records WHERE number = ANY ($1::bigint[])
