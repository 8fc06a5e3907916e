"""The kernel of antirelou: records, log, stage, money, privacy. It knows no service."""

__version__ = "0.1.0"
