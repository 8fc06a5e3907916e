"""``antirelou audit``: do the invariants hold? Facts are gathered, then judged, then said."""

from antirelou.cli.audit.gather import audit
from antirelou.cli.audit.judge import judge

__all__ = ["audit", "judge"]
