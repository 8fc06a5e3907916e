-- What is deleted by age is found by age, not by reading the table.
CREATE INDEX messages_judged ON messages (judged_at) WHERE emitted_at IS NOT NULL;
CREATE INDEX nonces_seen ON nonces (seen_at);
CREATE INDEX answers_answered ON answers (answered_at);

-- By the kind of the key, as each has its own life. A BRIN does not forget what was deleted: once
-- pages had been used again, every one of them would have been read.
DROP INDEX counts_bucket;
CREATE INDEX counts_kind ON counts (substr(key, 1, 1), bucket);
