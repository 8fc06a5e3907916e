"""What services tell each other: records, and the topics that carry them."""
