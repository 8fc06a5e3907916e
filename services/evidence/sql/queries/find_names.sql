-- Which of these are in the log; of an erased one the record is NULL.
SELECT name, record FROM records WHERE name = ANY ($1::bytea[])
