-- How many messages of the partitions held are deliberated. $1: partitions.
SELECT count(*) AS count FROM senders WHERE partition = ANY ($1::smallint[]) AND due_at IS NOT NULL
