-- Which of these are in the log, erased or not.
SELECT name FROM records WHERE name = ANY ($1::bytea[])
