-- The balances, locked in the order of their names.
SELECT name, balance_microeuros FROM accounts ORDER BY name FOR UPDATE
