-- A scan that is over.
DELETE FROM scans WHERE name = $1
