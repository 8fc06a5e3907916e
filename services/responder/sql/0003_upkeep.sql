-- After a restore every batch asks what was sent to its numbers: by the number, not by reading all.
CREATE INDEX replies_sender ON replies (sender);
CREATE INDEX replies_unended ON replies (reply_id) WHERE NOT final;
