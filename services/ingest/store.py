"""An empty room: ingest keeps nothing. What it takes in is durable in the log, or refused.

Its only memory is that of nonces just seen (``core.nonce``), which a restart may lose: across
replicas and restarts the filter tells a replay by ``SmsReceived.nonce``.
"""
