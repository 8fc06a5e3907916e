"""``antirelou audit``: do the invariants hold? Facts are gathered, then judged, then said."""
