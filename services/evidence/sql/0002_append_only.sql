-- What was noted stays: the service's own role may add, prolong and erase, and rewrite nothing.

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the evidence is only added to' USING ERRCODE = 'check_violation';
END $$;

-- A record changes once: into an erased one, which keeps its leaf and its name.
CREATE TRIGGER records_stay BEFORE UPDATE ON records FOR EACH ROW
WHEN (current_user = 'antirelou_evidence'
      AND (NEW.kind IS NOT NULL OR NEW.leaf <> OLD.leaf OR NEW.name <> OLD.name))
EXECUTE FUNCTION refuse_rewriting();

-- A tile only grows.
CREATE TRIGGER tiles_stay BEFORE UPDATE ON tiles FOR EACH ROW
WHEN (current_user = 'antirelou_evidence'
      AND (NEW.level <> OLD.level OR NEW.number <> OLD.number
           OR substring(NEW.hashes FROM 1 FOR length(OLD.hashes)) <> OLD.hashes))
EXECUTE FUNCTION refuse_rewriting();

-- So does the tree.
CREATE TRIGGER tree_stays BEFORE UPDATE ON tree FOR EACH ROW
WHEN (current_user = 'antirelou_evidence' AND NEW.size < OLD.size)
EXECUTE FUNCTION refuse_rewriting();

REVOKE UPDATE ON checkpoints, cases FROM antirelou_evidence;
GRANT UPDATE (note, stamp, stamped_at, witnessed_at) ON checkpoints TO antirelou_evidence;
GRANT UPDATE (closed_at) ON cases TO antirelou_evidence;
