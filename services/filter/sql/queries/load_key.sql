-- The key of the hashes and of the jitter.
SELECT key FROM secret
