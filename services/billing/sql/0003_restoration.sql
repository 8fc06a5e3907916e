-- After a restore nothing is paid for until a person resumes.
ALTER TABLE standing ADD COLUMN restored text;

-- One row a restore: the books as the backup had them, and what the provider's log then brought.
CREATE TABLE restorations (
    id text PRIMARY KEY,
    backup_at timestamptz NOT NULL,
    restored_at timestamptz NOT NULL,
    received_before bigint NOT NULL,
    receive_microeuros_before bigint NOT NULL,
    reply_microeuros_before bigint NOT NULL,
    reconciled_at timestamptz,
    matched int NOT NULL DEFAULT 0,
    recovered int NOT NULL DEFAULT 0
);

ALTER TABLE replies DROP CONSTRAINT replies_kind_check;
ALTER TABLE replies ADD CONSTRAINT replies_kind_check
    CHECK (kind IN ('reply', 'test', 'recovered'));

-- This database is an older backup's. of_posture: the highest sequence of a posture ever told.
CREATE FUNCTION mark_restored(
    of_id text, of_backup_at timestamptz, of_now timestamptz, of_posture int
) RETURNS void LANGUAGE sql BEGIN ATOMIC
    INSERT INTO restorations (id, backup_at, restored_at, received_before,
                              receive_microeuros_before, reply_microeuros_before)
    SELECT of_id, of_backup_at, of_now,
           coalesce((SELECT count FROM tallies WHERE name = 'received'), 0),
           (SELECT balance_microeuros FROM accounts WHERE name = 'spent.receive'),
           (SELECT balance_microeuros FROM accounts WHERE name = 'spent.reply');
    -- The waiting clock did not go on while there was no database.
    UPDATE standing SET restored = of_id, posture = 'suspended', cause = 'restored',
        sequence = greatest(sequence, of_posture) + 1, shown_at = of_now;
    INSERT INTO postures (sequence, at, posture, cause, attach, detail)
    SELECT sequence, of_now, posture, cause, attach, 'restored from a backup' FROM standing;
    -- What is authorised and unheard of is told again, as authorised by these books.
    UPDATE replies SET changed_at = of_now, told_at = NULL
    WHERE state = 'authorized' AND sequence = 0;
END;
REVOKE EXECUTE ON FUNCTION mark_restored FROM PUBLIC;

GRANT SELECT, UPDATE ON restorations TO antirelou_billing;
