-- The block list, the latest first.
SELECT sender, at FROM blocks ORDER BY at DESC, sender
