-- How far each partition was read, as whoever held it has told, and when.
SELECT partition, read_until, told_at FROM progress
