-- What was learnt of texts.
SELECT kept FROM learnt
