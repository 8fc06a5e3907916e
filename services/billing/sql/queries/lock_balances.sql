-- The balances, locked in the order of their names, as the trigger on transfers does.
SELECT name, balance_microeuros FROM accounts ORDER BY name FOR NO KEY UPDATE
