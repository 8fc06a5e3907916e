-- What was learnt of texts; locked by us. $1: all of it.
UPDATE learnt SET kept = $1
