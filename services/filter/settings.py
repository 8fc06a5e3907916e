"""The settings that the filter needs, and the house's own durations."""

from dataclasses import dataclass
from datetime import timedelta

from kernel.facts.topics import OUTAGE_MAX, TEXT_KEPT_SECONDS_MIN
from kernel.settings.settings import QuietHours, Settings, require
from services.filter.core.due import Delays
from services.filter.core.retention import DAY, Retention
from services.filter.core.verdict import Rules

BUCKET = timedelta(minutes=10)
"""In which contacts are counted."""
SILENCED_FOR = timedelta(hours=72)
"""Who was silenced for how he came is not deliberated anew so soon."""

PROVIDER_LOG = timedelta(days=90)
"""The provider keeps its message log so long, and a backfill may read all of it."""

PRUNE_EVERY = timedelta(minutes=10)
PRUNE_EVERY_MIN = timedelta(seconds=5)
"""Deleting takes real time under any ``CLOCK_SPEED``."""


@dataclass(frozen=True, slots=True)
class FilterSettings:
    """The filter's part of the settings; ``Rules`` once the store has told its key.

    Attributes:
        prune_every: how often what is no longer needed is deleted.
    """

    countries: frozenset[str]
    call_counts: bool
    window: timedelta
    burst: int
    delay: timedelta
    jitter: timedelta
    quiet: timedelta
    longest: timedelta
    hours: QuietHours | None
    silenced_for: timedelta
    bucket: timedelta
    without: frozenset[str]
    retention: Retention
    prune_every: timedelta

    def build_rules(self, key: bytes) -> Rules:
        """The rules, with the key of the hashes and of the jitter."""
        return Rules(
            countries=self.countries,
            call_counts=self.call_counts,
            window=self.window,
            burst=self.burst,
            delays=Delays(self.delay, self.jitter, self.quiet, self.longest, self.hours, key),
            silenced_for=self.silenced_for,
            bucket=self.bucket,
            key=key,
            without=self.without,
        )


def read_settings(settings: Settings) -> FilterSettings:
    """Take what the filter needs.

    Raises:
        Fatal: ``settings``: NUMBER is missing.
    """
    require(settings, "number")
    text_kept = max(settings.retain_text, timedelta(seconds=TEXT_KEPT_SECONDS_MIN))
    provider_log = settings.scaled(PROVIDER_LOG)
    return FilterSettings(
        countries=frozenset(settings.countries),
        call_counts=settings.call_counts,
        window=settings.reply_window,
        burst=settings.burst,
        delay=settings.reply_delay,
        jitter=settings.reply_delay_jitter,
        quiet=settings.reply_quiet,
        longest=settings.reply_delay_max,
        hours=settings.quiet,
        silenced_for=settings.scaled(SILENCED_FOR),
        bucket=settings.scaled(BUCKET),
        without=frozenset(settings.judge_without),
        retention=Retention(
            messages=max(text_kept, provider_log, settings.reply_window) + OUTAGE_MAX,
            window=settings.reply_window,
            silenced=settings.scaled(SILENCED_FOR),
            deliberated=settings.reply_delay_max + DAY + settings.reply_delay_jitter,
            bucket=settings.scaled(BUCKET),
        ),
        prune_every=max(settings.scaled(PRUNE_EVERY), PRUNE_EVERY_MIN),
    )
