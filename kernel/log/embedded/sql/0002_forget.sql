-- Erasing a person: what the topics hold of a key is changed in place, offset and time kept.
GRANT UPDATE (value) ON records TO antirelou_log;
