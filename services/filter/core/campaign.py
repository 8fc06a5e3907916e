"""Campaigns: one informative text, hardly changed, from many senders in a short time.

Near-identical is told by marks (``signature``): how many wrote a text like this one, from an hour
or a day before the first text of the judged sender until his reply is due, so that the first
sender of what proves to be a campaign is caught as well. It makes a campaign only if it is far
more than calm hours would bring: a greeting that everybody writes is none, however many write it.
"""

from dataclasses import dataclass

SENDERS_MIN = 10
RATIO_MIN = 8.0
"""So many times what calm hours would bring of it."""
CALM_KNOWN_MIN = 100
"""First contacts of calm hours that must be known before a small share can be a campaign."""
SUSPECT_SENDERS, SUSPECT_RATIO = 5, 4.0
SHARE_MIN = 0.12
"""Where calm is not known yet: the share of all first contacts that makes a campaign."""


@dataclass(frozen=True, slots=True)
class Alike:
    """How often a text like this one comes.

    Attributes:
        senders: of a text like it in the span, himself included; 0: it is not informative.
        contacts: first contacts in the span.
        calm_senders, calm_contacts: the same of calm hours, as far as known.
    """

    senders: int = 0
    contacts: int = 0
    calm_senders: int = 0
    calm_contacts: int = 0

    @property
    def usual(self) -> float:
        """What calm hours would bring of it among so many contacts."""
        share = (self.calm_senders + 0.5) / (self.calm_contacts + 150.0)
        return self.contacts * share

    @property
    def ratio(self) -> float:
        """How many times the usual it is; the least usual is one sender."""
        return self.senders / max(self.usual, 1.0)


def is_campaign(alike: Alike) -> bool:
    """Whether it makes a campaign."""
    if alike.senders < SENDERS_MIN or alike.ratio < RATIO_MIN:
        return False
    known = alike.calm_contacts >= CALM_KNOWN_MIN
    return known or alike.senders >= SHARE_MIN * alike.contacts


def is_suspect(alike: Alike) -> bool:
    """Whether it is nearly one: too few, or not enough is known of calm hours to tell."""
    return alike.senders >= SUSPECT_SENDERS and alike.ratio >= SUSPECT_RATIO
