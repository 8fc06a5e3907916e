"""The log: an append-only, partitioned, replayable record of facts. One port, two adapters."""
