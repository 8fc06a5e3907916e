"""An audit from beginning to end, for the command and for whoever tests a house."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from antirelou.commands.audit.facts import Judgement, ProviderLog
from antirelou.commands.audit.gather import Say, gather
from antirelou.commands.audit.judge import judge
from antirelou.commands.audit.provider_log import QUESTIONS_MAX, ProviderReader, plan_stretch
from antirelou.compose import open_database, open_log
from kernel.provider.table import open_provider
from kernel.sealing.privacy import Pseudonymizer
from kernel.settings.settings import Settings
from kernel.values.clock import SystemClock

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """How far an audit goes.

    Attributes:
        since: how far back in the provider's log; None: the provider is not asked.
        questions_max: to the provider, a minute.
    """

    since: timedelta | None = DAY
    questions_max: int = QUESTIONS_MAX


async def audit(
    settings: Settings, scope: Scope | None = None, say: Say = lambda _: None
) -> list[Judgement]:
    """Read a house, beside whatever runs there, and judge it.

    Raises:
        Transient: log, database or provider are away.
        Fatal: ``settings``: the provider is to be asked, and credentials are missing.
    """
    scope = scope or Scope()
    async with AsyncExitStack() as stack:
        read_provider: Callable[[], Awaitable[ProviderLog]] | None = None
        if scope.since is not None:
            provider = await stack.enter_async_context(open_provider(settings))
            clock = SystemClock()
            reader = ProviderReader(
                provider,
                settings,
                clock=clock,
                pseudonymizer=_pseudonymizer(settings),
                say=say,
                questions_max=scope.questions_max,
            )
            stretch = plan_stretch(settings, scope.since, clock.now())
            read_provider = lambda: reader.read(stretch)  # noqa: E731 - one call, given once
        url = await stack.enter_async_context(open_database(settings))
        log = await stack.enter_async_context(open_log(settings, url))
        facts = await gather(
            settings, database_url=url, log=log, read_provider=read_provider, say=say
        )
    say("the judgement")
    return judge(facts)


def _pseudonymizer(settings: Settings) -> Pseudonymizer | None:
    """With the key of the settings or of ``DATA_DIR``; an audit makes none."""
    key = settings.pseudonym_key.get_secret_value()
    path = settings.data_dir / "keys" / "pseudonym_key"
    if not key and path.is_file():
        key = path.read_text(encoding="utf-8").strip()
    return Pseudonymizer(bytes.fromhex(key)) if key else None
