"""Settings: what may be set, how it is read and checked; the data folder."""
