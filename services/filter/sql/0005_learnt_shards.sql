-- What was learnt of texts, a row for each member that learns at once; a reader adds them up, and what
-- stands in learnt from before. Members of an earlier version go on writing there.
CREATE TABLE learnt_shards (
    shard smallint PRIMARY KEY,
    kept bytea NOT NULL
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE ON learnt_shards TO antirelou_filter;
