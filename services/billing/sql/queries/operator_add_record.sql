-- Note a record that is to be appended to the log.
INSERT INTO operator_records (topic, key, value) VALUES ($1, $2, $3)
