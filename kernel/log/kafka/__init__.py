"""The log by a Kafka broker."""
