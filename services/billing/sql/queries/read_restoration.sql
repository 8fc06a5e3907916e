-- The latest restore, and what the books have gained since.
SELECT r.backup_at, r.restored_at, r.reconciled_at, s.restored IS DISTINCT FROM r.id AS resumed,
       r.matched, r.recovered,
       coalesce((SELECT count FROM tallies WHERE name = 'brought_back'), 0) - r.received_before
           AS received,
       (SELECT balance_microeuros FROM accounts WHERE name = 'spent.receive')
           - r.receive_microeuros_before AS receive_microeuros,
       (SELECT balance_microeuros FROM accounts WHERE name = 'spent.reply')
           - r.reply_microeuros_before AS reply_microeuros
FROM restorations r, standing s ORDER BY r.restored_at DESC LIMIT 1
