"""``antirelou backup`` and ``antirelou restore`` (docs/decisions/0011).

An encrypted dump of the database, and how a house comes back from an older one without sending
anything twice.
"""
