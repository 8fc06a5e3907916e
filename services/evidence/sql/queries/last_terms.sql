-- The terms that hold now.
SELECT record FROM records WHERE kind = 'terms' ORDER BY leaf DESC LIMIT 1
