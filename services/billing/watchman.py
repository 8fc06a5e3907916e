"""The watchman: looks at how things stand, keeps the gauges of it, and tells ``ALERT_URL``.

He runs beside the stage and never holds it up: what he cannot tell now he tells later. What was
told is saved in the transaction in which it is posted, so a restart does not repeat it; only a
crash between the answer and the commit does.
"""

import asyncio
import base64
from datetime import datetime

import msgspec
import structlog

from kernel.http import server as web
from kernel.log.port import Log
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.billing.core.alert import Memory, Situation, decide_alerts, find_alarms
from services.billing.core.notice import Notice, write_notice
from services.billing.core.posture import Cause
from services.billing.metrics import Metrics
from services.billing.operator import Status
from services.billing.operator_books import PostgresOperatorStore
from services.billing.operator_dead import DeadTopics
from services.billing.settings import BillingSettings
from services.billing.store import PostgresStore

LOG = structlog.get_logger("billing")

LOOK_SECONDS = 10.0
"""How old the gauges of it may be, and how late an alarm."""
POST_SECONDS_MAX = 10.0
RETRY_SECONDS_MIN, RETRY_SECONDS_MAX = 15.0, 600.0
"""After a message that was not taken; doubles."""
TAKEN = range(200, 300)


class Watchman:
    """Watches over one billing; of several replicas one at a time tells."""

    def __init__(
        self,
        operator: PostgresOperatorStore,
        store: PostgresStore,
        settings: BillingSettings,
        *,
        log: Log,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._operator, self._store, self._clock = operator, store, clock
        self._settings, self._metrics = settings, metrics
        self._dead, self._dead_last = DeadTopics(log), 0
        self._retry_at, self._pause = float("-inf"), RETRY_SECONDS_MIN

    async def run(self) -> None:
        """Watch until cancelled. No fault of his stops the house."""
        while True:
            try:
                await self.look()
            except Transient as trouble:
                LOG.warning("watchman_waits", code=trouble.code)
            except Exception:
                LOG.exception("watchman_failed")
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once: set the gauges, tell what is to be told."""
        now = self._clock.now()
        try:
            dead = self._dead_last = await self._dead.count()
            self._metrics.dead(dead)
        except Transient as trouble:  # the log is away: the rest is told all the same
            LOG.warning("watchman_waits", code=trouble.code)
            dead = self._dead_last
        if not self._settings.alerts.url:
            return
        status, waiting = await self._operator.read_status(now), await self._operator.read_waiting()
        situation = describe(status, dead, waiting.count, waiting.cost_microeuros)
        await self._tell(situation, now)

    async def _tell(self, situation: Situation, now: datetime) -> None:
        """Tell, one by one, whatever is to be told; after a failure not again for a while."""
        if self._clock.monotonic() < self._retry_at:
            return
        outcome: str | None = "told"
        while outcome == "told":
            outcome = await self._tell_next(situation, now)
        if outcome is None:
            self._pause = RETRY_SECONDS_MIN
        else:
            self._retry_at = self._clock.monotonic() + self._pause
            self._pause = min(self._pause * 2, RETRY_SECONDS_MAX)

    async def _tell_next(self, situation: Situation, now: datetime) -> str | None:
        """Decide, post, and note it, under the lock of what was told. None: there is nothing."""
        alerts = self._settings.alerts
        alarms = list(find_alarms(situation, alerts.rules, now))
        today = now.astimezone(self._settings.zone).date()
        async with self._store.transaction() as store:
            rows = await store.fetch("load_alerts")
            if not rows:
                return None
            memory = msgspec.json.decode(rows[0]["memory"] or b"{}", type=Memory)
            told = decide_alerts(memory, alarms, alerts.rules, now, today)
            outcome = None
            if told.alert is not None:
                notice = write_notice(told.alert, situation, self._settings.tariff, alerts.language)
                outcome = await post(alerts.url, notice)
                self._metrics.alerted(outcome)
                LOG.info("alert", outcome=outcome, alarm=told.alert.alarm, over=told.alert.over)
            after = told.memory if outcome == "told" else told.seen
            if after != memory:
                await store.fetch("save_alerts", msgspec.json.encode(after).decode())
        return outcome


def describe(status: Status, dead: int, waiting: int, waiting_cost: int) -> Situation:
    """What alerts are decided by."""
    fund, watched = status.fund, status.watched
    return Situation(
        posture=status.posture,
        cause=Cause(status.posture_cause),
        attached=status.attached,
        given=fund.donated_microeuros > 0,
        available=fund.available_microeuros,
        floor=fund.floor_microeuros,
        lasts=watched.outlook.lasts,
        provider_checked_at=watched.provider_checked_at,
        uncertain_since=watched.uncertain_since,
        dead=dead,
        unread_at=watched.unread_at,
        dear=watched.dear,
        uncounted=watched.uncounted,
        broken=sum(watched.audit.broken.values()) if watched.audit else 0,
        waiting=waiting,
        waiting_cost=waiting_cost,
    )


async def post(url: str, notice: Notice) -> str:
    """Post a message as ntfy takes it: the text as the body, the rest in headers.

    Returns:
        a metric label: ``told``, ``refused`` or ``away``.
    """
    title = base64.b64encode(notice.title.encode()).decode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Title": f"=?UTF-8?B?{title}?=",  # RFC 2047: headers are ASCII
        "Priority": "high" if notice.urgent else "default",
        "Tags": "telephone_receiver",
    }
    try:
        status, _ = await web.post(
            url, notice.body.encode(), headers, seconds_max=POST_SECONDS_MAX, bytes_max=0
        )
    except web.Unanswered:
        return "away"
    return "told" if status in TAKEN else "refused"
