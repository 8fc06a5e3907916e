-- The few changes of posture that are still to be told, among all there ever were.
CREATE INDEX postures_untold ON postures (sequence) WHERE told_at IS NULL;

-- What the provider's log says that receiving cost, told before the message itself was booked.
CREATE TABLE costs (
    message_id text COLLATE "C" PRIMARY KEY,
    segments int NOT NULL,
    amount_microunits bigint NOT NULL CHECK (amount_microunits >= 0),
    at timestamptz NOT NULL
);
CREATE INDEX costs_at ON costs (at);
GRANT SELECT, INSERT, UPDATE, DELETE ON costs TO antirelou_billing;

-- After a restore: messages that came back by the log, not the live ones that came since.
CREATE OR REPLACE FUNCTION mark_restored(
    of_id text, of_backup_at timestamptz, of_now timestamptz, of_posture int
) RETURNS void LANGUAGE sql BEGIN ATOMIC
    INSERT INTO restorations (id, backup_at, restored_at, received_before,
                              receive_microeuros_before, reply_microeuros_before)
    SELECT of_id, of_backup_at, of_now,
           coalesce((SELECT count FROM tallies WHERE name = 'brought_back'), 0),
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
-- Of restores before this version nobody counted: nothing is said to have come back.
UPDATE restorations SET received_before = 0;
