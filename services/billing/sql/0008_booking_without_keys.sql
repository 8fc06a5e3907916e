-- A transfer's kind names its accounts (the CHECK), and no account is ever deleted: the keys held
-- nothing more. They cost half of what booking costs, and put a share of each booking, a multixact,
-- on the hottest rows of the house.
ALTER TABLE transfers DROP CONSTRAINT transfers_debit_fkey;
ALTER TABLE transfers DROP CONSTRAINT transfers_credit_fkey;
