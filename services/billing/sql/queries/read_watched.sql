-- What alerts go by beside the status.
SELECT (SELECT min(changed_at) FROM replies WHERE state = 'uncertain') AS uncertain_since,
       at AS audit_at, broken
FROM audits
