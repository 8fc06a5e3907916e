-- After a restore: what was sent since the backup is looked up before anything is sent again
-- (core/restoration.py). One row a restore; no row: this database never was restored.
CREATE TABLE restorations (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    backup_at timestamptz NOT NULL,
    restored_at timestamptz NOT NULL,
    base int NOT NULL CHECK (base >= 0),
    stage text NOT NULL DEFAULT 'sent' CHECK (stage IN ('sent', 'received', 'done')),
    "offset" int NOT NULL DEFAULT 0,
    matched int NOT NULL DEFAULT 0,
    recovered int NOT NULL DEFAULT 0
);

-- An SMS that the provider sent for us and that no reply here knows of is a reply of its own.
ALTER TABLE replies DROP CONSTRAINT replies_kind_check;
ALTER TABLE replies ADD CONSTRAINT replies_kind_check
    CHECK (kind IN ('reply', 'test', 'recovered'));

-- This database is an older backup's. of_base: the highest sequence ever told of a reply, as the
-- log may know more than we; of_posture: likewise of a posture.
CREATE FUNCTION mark_restored(
    of_id text, of_backup_at timestamptz, of_now timestamptz, of_base int, of_posture int
) RETURNS void LANGUAGE sql BEGIN ATOMIC
    INSERT INTO restorations (id, backup_at, restored_at, base)
    VALUES (of_id, of_backup_at, of_now, of_base);
    -- What is told of these from now on counts above what was told after the backup.
    UPDATE replies SET sequence = of_base + 1 WHERE NOT final;
    -- Until billing says another posture than those of before.
    UPDATE pace SET paused = true;
    UPDATE link SET sequence = greatest(sequence, of_posture);
END;
REVOKE EXECUTE ON FUNCTION mark_restored FROM PUBLIC;

GRANT SELECT, UPDATE ON restorations TO antirelou_responder;
