"""What ``antirelou doctor`` looks at in a cluster: schemas, topics, whether each group reads."""

import asyncio
from collections.abc import Mapping

from antirelou import compose
from antirelou.commands.finding import Finding, term
from kernel.database.migrations import find_missing
from kernel.facts.topics import READS
from kernel.log.port import Log
from kernel.settings.settings import Settings
from kernel.values.errors import AntirelouError, Rejected

LOOK_SECONDS = 3.0
"""Between two looks at a group: one that works has read something meanwhile, or had nothing to."""
LOOK_SECONDS_MAX = 60.0


async def examine_cluster(settings: Settings) -> list[Finding]:
    """Look at what `antirelou migrate`, `topics apply` and running members have left behind."""
    findings = [await _schemas(settings)]
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX), compose.open_log_alone(settings) as log:
            findings += await _groups(log)
    except (AntirelouError, TimeoutError) as error:
        findings.append(_describe_trouble(error))
    return findings


def _describe_trouble(error: Exception) -> Finding:
    if isinstance(error, AntirelouError) and error.code == "lag_unknown":
        found, fix = term("groups_unknown", error=error), term("groups_unknown_fix")
        return Finding(term("groups"), good=False, found=found, fix=fix)
    fix = term("groups_fix", error=type(error).__name__)
    return Finding(term("groups"), good=False, found=term("groups_away"), fix=fix)


async def _schemas(settings: Settings) -> Finding:
    try:
        url = compose.find_database(settings)
        if not url:
            return Finding(term("schemas"), good=True, found=term("schemas_embedded"))
        missing = await find_missing(url, compose.schemas())
    except AntirelouError as error:
        if error.code == "database_rights":
            return Finding(term("schemas"), good=True, found=term("schemas_hidden", error=error))
        return Finding(term("schemas"), good=False, found=term("unknown"), fix=str(error))
    if missing:
        return Finding(
            term("schemas"), good=False, found=term("schemas_missing", count=len(missing)),
            fix=term("schemas_fix", first=missing[0]),
        )  # fmt: skip
    return Finding(term("schemas"), good=True, found=term("up_to_date"))


async def _groups(log: Log) -> list[Finding]:
    """Each group twice: what is unread, and whether it becomes less."""
    try:
        before = {group: await _unread(log, group) for group in READS}
    except Rejected as missing:
        fix = term("topics_fix")
        return [Finding(term("topics"), good=False, found=str(missing), fix=fix)]
    findings = [Finding(term("topics"), good=True, found=term("all_there"))]
    if any(sum(unread.values()) for unread in before.values()):
        await asyncio.sleep(LOOK_SECONDS)
    for group, unread in before.items():
        findings.append(describe_group(group, unread, await _unread(log, group)))
    return findings


async def _unread(log: Log, group: str) -> Mapping[tuple[str, int], int]:
    """For each partition that the group reads, the records it has not committed."""
    found: dict[tuple[str, int], int] = {}
    for topic in READS[group]:
        lags = await log.group_lag(group, topic)
        found |= {(topic, partition): lag for partition, lag in lags.items()}
    return found


def describe_group(
    group: str,
    before: Mapping[tuple[str, int], int],
    after: Mapping[tuple[str, int], int],
) -> Finding:
    """What two looks at a group say: it works if each partition with a backlog has moved.

    Args:
        before, after: records unread, by topic and partition, some seconds apart.
    """
    left = sum(after.values())
    stuck = [place for place, lag in before.items() if lag and after[place] >= lag]
    if not stuck:
        return Finding(group, good=True, found=term("unread", left=f"{left:,}"))
    service = group.removeprefix("antirelou-")
    topic, partition = stuck[0]
    return Finding(
        group, good=False,
        found=term("stuck", left=f"{left:,}", count=len(stuck), place=f"{topic} {partition}"),
        fix=term("stuck_fix", service=service),
    )  # fmt: skip
