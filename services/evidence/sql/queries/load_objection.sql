-- When he objected.
SELECT at FROM objections WHERE sender = $1
