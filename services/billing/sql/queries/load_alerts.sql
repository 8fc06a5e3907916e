-- What was told, locked; no row: another replica has it.
SELECT memory FROM alerts FOR UPDATE SKIP LOCKED
