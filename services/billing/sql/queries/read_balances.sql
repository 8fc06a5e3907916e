-- The balances.
SELECT name, balance_microeuros FROM accounts
