-- What no hour counts any more, but for the latest. $1: before.
DELETE FROM receiving
WHERE since < $1 AND since < (SELECT max(since) FROM receiving WHERE webhook_at IS NOT NULL)
