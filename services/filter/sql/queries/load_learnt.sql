-- What was learnt of texts, locked.
SELECT kept FROM learnt FOR UPDATE
