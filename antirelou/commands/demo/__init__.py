"""``antirelou demo``: the weekend of October 2017 through the real system.

``house`` starts and stops the processes, ``watch`` shows what happens, ``report`` decides whether
it went as it must. The end-to-end tests use the same three.
"""

from antirelou.commands.demo.run import run_demo

__all__ = ["run_demo"]
