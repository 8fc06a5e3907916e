-- Who inserts a transfer holds a share of its accounts' keys, by the foreign keys, when the trigger
-- locks the balances. FOR UPDATE conflicts with another's share: two that booked at once waited for
-- each other until PostgreSQL ended one of them. A balance is no key: this lock is enough.
CREATE OR REPLACE FUNCTION book_transfers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = billing AS $$
BEGIN
    PERFORM 1 FROM accounts ORDER BY name FOR NO KEY UPDATE;
    UPDATE accounts a SET balance_microeuros = a.balance_microeuros + m.amount
    FROM (SELECT name, sum(amount) AS amount
          FROM (SELECT credit AS name, amount_microeuros AS amount FROM booked
                UNION ALL SELECT debit, -amount_microeuros FROM booked) AS sides
          GROUP BY name) AS m
    WHERE a.name = m.name;
    IF (SELECT balance_microeuros FROM accounts WHERE name = 'fund') < 0
       AND EXISTS (SELECT 1 FROM booked WHERE kind = 'reserve') THEN
        RAISE EXCEPTION 'a reservation would overdraw the fund' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
