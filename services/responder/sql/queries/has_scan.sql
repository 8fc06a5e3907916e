-- Whether a scan goes on.
SELECT EXISTS (SELECT FROM scans WHERE name = $1) AS there
