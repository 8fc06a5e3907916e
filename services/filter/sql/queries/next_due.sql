-- When the next deliberation of the partitions held is due. $1: partitions.
SELECT min(d.due_at) AS at
FROM unnest($1::smallint[]) AS held (partition),
     LATERAL (SELECT due_at FROM senders
              WHERE partition = held.partition AND due_at IS NOT NULL
              ORDER BY due_at LIMIT 1) AS d
