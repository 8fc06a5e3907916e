"""``python -m antirelou.cli``: the command line, as the console script runs it."""

from antirelou.cli.main import run

run()
