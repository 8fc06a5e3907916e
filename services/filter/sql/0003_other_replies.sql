-- A reply that was taken for never sent may turn out to have left: what was heard of it is kept.

ALTER TABLE answers
    -- The place of the responder's word that proof rests on; -1: none was heard.
    ADD COLUMN sequence int NOT NULL DEFAULT -1,
    ADD COLUMN proof text NOT NULL DEFAULT 'open' CHECK (proof IN ('open', 'left'));

-- Replies that are not their sender's answer, of which a later word may yet change something:
-- they never left as far as was heard, or another answer holds longer. Few.
CREATE TABLE other_replies (
    message_id text PRIMARY KEY,
    sender text COLLATE "C" NOT NULL REFERENCES senders,
    answered_at timestamptz NOT NULL,
    sequence int NOT NULL,
    proof text NOT NULL CHECK (proof IN ('open', 'left', 'none'))
);
CREATE INDEX other_replies_sender ON other_replies (sender);
CREATE INDEX other_replies_answered ON other_replies (answered_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON other_replies TO antirelou_filter;
