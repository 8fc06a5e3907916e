-- How many of what.
SELECT name, count FROM tallies
