"""``antirelou dead``: records that could not be handled, by cause; and back onto their topics."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from antirelou.commands.client import LONG_SECONDS_MAX, Operator
from antirelou.commands.output import say, say_json
from kernel.settings.settings import load_settings

AsJson = Annotated[bool, typer.Option("--json", help="for machines")]

PLACES_MAX = 5
"""So many places of each cause are named."""

dead = typer.Typer(help="Records that could not be handled.", no_args_is_help=True)


def _operator() -> Operator:
    return Operator(load_settings(), seconds_max=LONG_SECONDS_MAX)


@dead.command("list")
def dead_list(*, json: AsJson = False) -> None:
    """By cause: how many, where they were, why, and what to do. Never what they hold."""
    answer = _operator().get("/v1/dead")
    if json:
        say_json(answer)
        return
    for line in describe_dead(answer):
        say(line)


@dead.command("replay")
def dead_replay() -> None:
    """Put them back on their topics, after the cause was mended."""
    _, answer = _operator().post("/v1/dead/replay")
    say(f"Put back: {answer['replayed']}.")


def describe_dead(answer: Mapping[str, Any]) -> Iterator[str]:
    """The answer of ``GET /v1/dead`` for a person, cause by cause.

    What several services put aside is one record of one cause: each of them reads the topic.
    """
    if not answer["total"]:
        yield "None."
        return
    causes: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for record in answer["records"]:
        causes[record["topic"], record["reason"], record["error"]].append(record)
    shown = len(answer["records"])
    yield f"{answer['total']} dead, by {len(causes)} causes; a record counts for each service."
    if shown < answer["total"]:
        yield f"Described are the last {shown}."
    for (topic, reason, error), records in causes.items():
        yield ""
        yield f"{topic}: {reason}"
        yield from _describe_cause(error, records)
        explained = answer["explanations"][reason]
        yield f"  means  {explained['meaning']}"
        yield f"  do     {explained['fix']}"


def _describe_cause(error: str, records: list[Mapping[str, Any]]) -> Iterator[str]:
    places = list(dict.fromkeys((one["partition"], one["offset"]) for one in records))
    times = sorted(one["at"][:19].replace("T", " ") for one in records)
    services = Counter(one["service"] or "nobody of ours" for one in records)
    named = ", ".join(f"{partition}@{offset}" for partition, offset in places[:PLACES_MAX])
    more = ", …" if len(places) > PLACES_MAX else ""
    aside = ", ".join(f"{service} {count}" for service, count in sorted(services.items()))
    yield f"  what   {len(places)} records, put aside by {aside}"
    yield f"  where  partition@offset {named}{more}"
    yield f"  when   {times[0]} to {times[-1]}" if times[0] != times[-1] else f"  when   {times[0]}"
    yield f"  why    {error}"
