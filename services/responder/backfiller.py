"""Turns what the provider logged of received messages into records."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kernel.facts.records import (
    LoggedCost,
    ProviderChecked,
    SignatureMode,
    SmsReceived,
    Source,
    derive_id,
    derive_trace,
)
from kernel.facts.topics import outgoing
from kernel.log.port import Outgoing
from kernel.provider.port import Away, LoggedMessage, Page, Provider
from kernel.provider.smsgate.wire import content_id
from kernel.sealing.identity import Identifier
from kernel.values.clock import Clock
from services.responder.core.backfill import Scan, ScanKind, is_passed_on, list_costs
from services.responder.settings import ResponderSettings


class Backfiller:
    """Reads pages of the log and describes what is on them."""

    def __init__(self, settings: ResponderSettings, clock: Clock) -> None:
        self._settings = settings
        self._identifier = Identifier(
            settings.pseudonym_key, settings.sending_public_key, settings.number, clock
        )

    async def read(self, provider: Provider, scan: Scan) -> Page | Away:
        """The next page of a scan."""
        assert scan.until is not None
        return await provider.list_received(
            since=scan.since,
            until=scan.until,
            undelivered=scan.kind is ScanKind.UNDELIVERED,
            offset=scan.offset,
        )

    def records(self, scan: Scan, page: Page, now: datetime) -> Sequence[Outgoing]:
        """What of a page is passed on, the earliest first, and what the others cost."""
        chosen = [message for message in page.messages if is_passed_on(scan.kind, message)]
        ordered = sorted(chosen, key=lambda message: (message.at, message.message_id))
        costs = list_costs(scan.kind, page.messages)
        told = [outgoing(self._describe(message)) for message in ordered]
        return [*told, outgoing(_describe_costs(costs, now))] if costs else told

    def space(self, scan: Scan, now: datetime) -> Scan:
        """The scan of everything leaves half of the budget to others."""
        if scan.kind is not ScanKind.WHOLE:
            return scan
        return replace(scan, look_at=max(scan.look_at, now + self._settings.page_pause))

    def _describe(self, message: LoggedMessage) -> SmsReceived:
        sender = self._identifier.identify(message.sender, message.recipient)
        # A phone's inbox has no ids of its own: as at the door, a text is known by what it says.
        message_id = message.message_id or content_id(sender.pseudonym, message.at, message.text)
        return SmsReceived(
            id=message_id,
            trace=derive_trace(message_id),
            at=message.at,
            sender=sender.pseudonym,
            source=Source.BACKFILL,
            sender_kind=sender.facts.kind,
            sender_sealed=sender.number_sealed,
            blocks=sender.blocks,
            country=sender.facts.country,
            to_ours=sender.to_ours,
            text=message.text,
            sms_type=message.message_type,
            segments=max(message.segments or 1, 1),
            amount_microunits=message.amount_microunits,
            signature=SignatureMode.NONE,
        )


def _describe_costs(costs: tuple[LoggedCost, ...], now: datetime) -> ProviderChecked:
    checked_id = derive_id("logged", *(cost.message_id for cost in costs))
    return ProviderChecked(
        id=checked_id,
        trace=derive_trace(checked_id),
        at=now,
        credit_microunits=None,
        received=costs,
    )
