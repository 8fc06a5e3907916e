-- Keep an audit's outcome, unless a later one is there. $1: when, $2: violations by invariant.
UPDATE audits SET at = $1, broken = $2 WHERE at IS NULL OR at < $1
