-- They were told. $1: sequences, $2: when.
UPDATE postures SET told_at = $2 WHERE sequence = ANY ($1::int[])
