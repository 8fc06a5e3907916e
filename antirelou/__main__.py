"""``python -m antirelou``: the command line, as the console script runs it."""

from antirelou.commands.main import run

run()
