-- The messages these nonces were first seen with. $1: nonces.
SELECT nonce, message_id FROM nonces WHERE nonce = ANY ($1::text[])
