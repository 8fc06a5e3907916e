-- What was asked of the fund by the hour (core/price.py): verdicts by bin of their score, and what
-- else tells how many better ones are to come. Some forty rows an hour, of four days.
CREATE TABLE asked (
    since timestamptz NOT NULL,
    what smallint NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (since, what)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON asked TO antirelou_billing;

-- Nobody counts any more what the sure asked for; earlier code still does.
ALTER TABLE receiving ALTER COLUMN sure_microeuros SET DEFAULT 0;

-- Ranks of who waits now: nobody is in doubt, and two days of waiting are a nat of score.
UPDATE replies SET rank = score - extract(epoch FROM entered) / 172800 WHERE state = 'waiting';
