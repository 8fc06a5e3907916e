-- The few changes of posture that are still to be told, among all there ever were.
CREATE INDEX postures_untold ON postures (sequence) WHERE told_at IS NULL;
