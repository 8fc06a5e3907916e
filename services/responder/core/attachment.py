"""Whether the number is linked to our application, as billing wants it (docs/design.md §5).

The wish persists until a later look at the provider confirms it: what the provider answers to the
change itself proves nothing (docs/plivo.md §9).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kernel.facts.records import PostureChanged


@dataclass(frozen=True, slots=True)
class Attachment:
    """The wish, and what was last seen.

    Attributes:
        sequence: of the last ``PostureChanged`` that counted; -1: none.
        attach: the wish; None: none was told yet, the number is left as it is.
        attached: as the provider last said; None: not known.
        tries: in vain, in a row, that the provider said it had taken.
        link_at: when to try to fulfil the wish; None: it is fulfilled.
        check_at: when to look at number and account again.
    """

    check_at: datetime
    sequence: int = -1
    attach: bool | None = None
    attached: bool | None = None
    tries: int = 0
    link_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttachmentRules:
    """When to look and to try.

    Attributes:
        enabled: there is something to link to (``PLIVO_APP_ID``, a phone's webhook).
        wanted: it is to be linked as long as nobody wishes otherwise: where detaching saves
            nothing, nobody would ever tell.
        check_every: number and account are looked at so often.
        retry_first, retry_longest: after a try that was taken and changed nothing; doubles.
        retry_away: after a try that was not answered: the wish is money, and the provider may be
            back at any moment.
    """

    enabled: bool
    check_every: timedelta
    retry_first: timedelta
    retry_longest: timedelta
    retry_away: timedelta
    wanted: bool = False

    def wish(self, attachment: Attachment) -> bool | None:
        """What is wished now; None: nothing."""
        if not self.enabled:
            return None
        return True if self.wanted and attachment.attach is None else attachment.attach


def apply_wish(
    attachment: Attachment, changed: PostureChanged, rules: AttachmentRules, now: datetime
) -> Attachment:
    """Billing changed its posture; an older change than the last seen says nothing."""
    if changed.sequence <= attachment.sequence:
        return attachment
    wished = replace(attachment, sequence=changed.sequence, attach=changed.attach)
    if not rules.enabled or changed.attach == attachment.attach:
        return wished
    if attachment.attached == changed.attach:
        return replace(wished, tries=0, link_at=None)
    if attachment.attached is None and changed.attach:
        return replace(wished, check_at=now)  # it may well be linked: look first
    return replace(wished, tries=0, link_at=now)


def apply_seen(
    attachment: Attachment, *, attached: bool | None, rules: AttachmentRules, now: datetime
) -> Attachment:
    """What the provider says now; None: it could not be read."""
    pause = rules.check_every if attached is not None else rules.retry_longest
    seen = replace(attachment, attached=attached, check_at=now + pause)
    wish = rules.wish(attachment)
    if wish is None:
        return seen
    if attached == wish:
        return replace(seen, tries=0, link_at=None)
    if attached is None and attachment.link_at is None:
        return seen  # it was right when it was last seen
    return replace(seen, link_at=attachment.link_at or now)


def apply_try(attachment: Attachment, rules: AttachmentRules, now: datetime) -> Attachment:
    """The link is about to be changed; again after a pause that doubles, unless confirmed."""
    pause = min(rules.retry_first * 2 ** min(attachment.tries, 16), rules.retry_longest)
    return replace(attachment, tries=attachment.tries + 1, link_at=now + pause)


def apply_away(
    attachment: Attachment, rules: AttachmentRules, now: datetime, after_seconds: float | None
) -> Attachment:
    """The try was not answered: it is made again soon.

    Args:
        after_seconds: as the provider asked.
    """
    if attachment.link_at is None:
        return attachment  # another wish came meanwhile, and it is as it is
    pause = max(rules.retry_away, timedelta(seconds=after_seconds or 0))
    return replace(attachment, tries=max(attachment.tries - 1, 0), link_at=now + pause)
