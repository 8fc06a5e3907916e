"""The report: one self-contained page, nothing loaded from elsewhere, drawn in SVG. Pure.

No number and no text of anybody is on it: counts, times and money only.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from antirelou.commands.rehearse.course import Course, Glance
from antirelou.commands.rehearse.outcome import Summary, thin_out
from kernel.facts.records import Decision
from kernel.settings.settings import Settings
from kernel.words.gloss import GLOSS, Voice

WIDTH, HEIGHT, LEFT, BOTTOM = 960, 190, 62, 22
BINS = 320
WAIT_BINS_HOURS = (0.25, 1, 3, 6, 12, 24, 48, 72, 120)
TICKS_MAX = 8
POSTURE_COLORS = {"normal": "#9bc7a5", "guarded": "#f0c15b", "suspended": "#d9705f"}
LAYER_COLORS = {"to_be_answered": "#4f8f67", "silent": "#c9c3ba", "away": "#8a6fb0"}
GROUP = "rehearsal"
"""Of the catalogue."""
SHOWN_SETTINGS = (
    "reply_delay", "reply_delay_jitter", "reply_quiet", "reply_delay_max", "quiet_hours",
    "timezone", "reply_window", "burst", "countries", "price_receive", "price_reply",
    "cap_per_exchange", "fund_floor", "fund_horizon", "daily_cap", "max_wait", "send_rate",
)  # fmt: skip
MONEY = ("price_receive", "price_reply", "cap_per_exchange", "fund_floor", "daily_cap")

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #2b2a33; background: #faf8f5; margin: 0; }
main { max-width: 1000px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 30px 0 6px; }
.lead { color: #66626e; margin: 0 0 18px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; }
.figure { background: #fff; border: 1px solid #e8e3db; border-radius: 8px; padding: 10px 14px; }
.figure b { display: block; font-size: 21px; } .figure span { color: #66626e; font-size: 13px; }
svg { width: 100%; height: auto; background: #fff; border: 1px solid #e8e3db; border-radius: 8px; }
svg text { font: 11px system-ui, sans-serif; fill: #66626e; }
.key { color: #66626e; font-size: 13px; margin: 4px 0 0; } .key i { display: inline-block;
  width: 11px; height: 11px; border-radius: 2px; margin: 0 5px 0 14px; }
table { border-collapse: collapse; font-size: 13px; } td { padding: 2px 18px 2px 0; }
.policy + .policy { border-top: 2px solid #e8e3db; margin-top: 44px; padding-top: 22px; }
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """One rehearsal: under which settings, what it saw, what it came to."""

    name: str
    settings: Settings
    course: Course
    summary: Summary


@dataclass(frozen=True, slots=True)
class Axis:
    """Time from left to right, and whom it is told to."""

    start: datetime
    end: datetime
    voice: Voice

    def x(self, at: datetime) -> float:
        """Where an instant is."""
        span = max((self.end - self.start).total_seconds(), 1.0)
        share = (at - self.start).total_seconds() / span
        return LEFT + share * (WIDTH - LEFT - 10)


def draw_page(policies: Sequence[Policy], voice: Voice) -> str:
    """The whole page; several policies one below the other, on the same axes of time."""
    glances = [glance for policy in policies for glance in policy.course.glances]
    times = [glance.at for glance in glances] or [datetime(2000, 1, 1, tzinfo=UTC)]
    axis = Axis(min(times), max(times), voice)
    body = "".join(_draw_policy(policy, axis, len(policies) > 1) for policy in policies)
    title = _words(voice, "title")
    lead = voice.word(GROUP, "lead", start=voice.time(axis.start), end=voice.time(axis.end))
    return (
        f'<!doctype html><html lang="{voice.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f'<p class="lead">{escape(lead)}</p>'
        f"{body}</main></body></html>\n"
    )


def _draw_policy(policy: Policy, axis: Axis, named: bool) -> str:
    voice = axis.voice

    def head(code: str) -> str:
        return f"<h2>{_words(voice, code)}</h2>"

    title = f"<h1>{escape(policy.name)}</h1>" if named else ""
    postures = {voice.word("posture", code): color for code, color in POSTURE_COLORS.items()}
    layers = {_words(voice, code): color for code, color in LAYER_COLORS.items()}
    fund = {_words(voice, "available"): "#33506b", **postures, _words(voice, "floor"): "#b23b3b"}
    spent = {_words(voice, "receiving"): "#8fa8bf", _words(voice, "replies"): "#4f8f67"}
    return (
        f'<section class="policy">{title}{_draw_figures(policy.summary, voice)}'
        f"{head('messages_a_minute')}{_draw_messages(policy.course, axis)}{_key(layers)}"
        f"{head('fund_falls')}{_draw_fund(policy, axis)}{_key(fund)}"
        f"{head('spent_on')}{_draw_spent(policy.course, axis)}{_key(spent)}"
        f"{head('verdicts')}{_draw_verdicts(policy.summary, voice)}"
        f"{head('waits')}{_draw_waits(policy.course, voice)}"
        f"{head('settings')}{_draw_settings(policy.settings, voice)}</section>"
    )


def _words(voice: Voice, code: str) -> str:
    """Of the catalogue, for HTML."""
    return escape(voice.word(GROUP, code))


def _draw_figures(summary: Summary, voice: Voice) -> str:
    figures = {
        "messages": voice.figure(summary.messages),
        "senders": voice.figure(summary.senders),
        "deserved": voice.figure(summary.replies),
        "were_answered": voice.figure(summary.answered),
        "spent_reply": voice.euros(summary.spent_reply_microeuros),
        "spent_receive": voice.euros(summary.spent_receive_microeuros),
        "left": voice.euros(summary.available_microeuros),
        "would_answer_all": voice.euros(summary.waiting_microeuros),
    }
    boxes = (
        f'<div class="figure"><b>{value}</b><span>{_words(voice, code)}</span></div>'
        for code, value in figures.items()
    )
    return f'<div class="figures">{"".join(boxes)}</div>'


def _draw_messages(course: Course, axis: Axis) -> str:
    """Stacked columns: to be answered, silent, did not arrive."""
    width = (axis.end - axis.start) / BINS
    bins = [Counter[str]() for _ in range(BINS)]
    for fate in course.fates.values():
        place = min(int((fate.at - axis.start) / width), BINS - 1) if width else 0
        bins[max(place, 0)][_layer(fate.decision, fate.reason)] += 1
    minutes = max(width / timedelta(minutes=1), 1e-9)
    top = max((sum(found.values()) for found in bins), default=0) / minutes or 1.0
    parts = []
    for place, found in enumerate(bins):
        base = 0.0
        x = axis.x(axis.start + place * width)
        for layer, color in LAYER_COLORS.items():
            rate = found[layer] / minutes
            if rate:
                y, height = _y(base + rate, top), _y(base, top) - _y(base + rate, top)
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="2.9" height="{height:.1f}" '
                    f'fill="{color}"/>'
                )
                base += rate
    return _frame("".join(parts), axis, top, "")


def _layer(decision: str, reason: str) -> str:
    if decision == Decision.REPLY:
        return "to_be_answered"
    return "away" if reason == "detached" else "silent"


def _draw_fund(policy: Policy, axis: Axis) -> str:
    glances = policy.course.glances
    top = max([policy.summary.fund_microeuros / 1e6, 1.0, *(g.available / 1e6 for g in glances)])
    bands = "".join(_band(before, after, axis) for before, after in _pairs(glances))
    line = " ".join(
        f"{axis.x(g.at):.1f},{_y(max(g.available, 0) / 1e6, top):.1f}" for g in thin_out(glances)
    )
    floor = _y(policy.settings.fund_floor / 1e6, top)
    drawn = (
        f'{bands}<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{floor:.1f}" y2="{floor:.1f}" '
        'stroke="#b23b3b" stroke-dasharray="5 4"/>'
        f'<polyline points="{line}" fill="none" stroke="#33506b" stroke-width="2"/>'
    )
    return _frame(drawn, axis, top, " €")


def _pairs(glances: Sequence[Glance]) -> Iterable[tuple[Glance, Glance]]:
    """Stretches of one posture: its first glance, and the first of the next."""
    first: Glance | None = None
    for glance in glances:
        if first is None:
            first = glance
        elif (glance.posture, glance.cause) != (first.posture, first.cause):
            yield first, glance
            first = glance
    if first is not None:
        yield first, glances[-1]


def _band(first: Glance, last: Glance, axis: Axis) -> str:
    x, end = axis.x(first.at), axis.x(last.at)
    color = POSTURE_COLORS.get(first.posture, "#ffffff")
    posture = axis.voice.word("posture", first.posture)
    cause = axis.voice.word("cause", first.cause)
    return (
        f'<rect x="{x:.1f}" y="10" width="{max(end - x, 0.6):.1f}" height="{HEIGHT - BOTTOM - 10}" '
        f'fill="{color}" opacity="0.45"><title>{escape(posture)}: {escape(cause)}'
        f"</title></rect>"
    )


def _draw_spent(course: Course, axis: Axis) -> str:
    glances = thin_out(course.glances)
    if not glances:
        return ""
    top = max(max(g.spent_receive + g.spent_reply for g in glances) / 1e6, 1.0)
    receive = [(axis.x(g.at), g.spent_receive / 1e6) for g in glances]
    both = [(axis.x(g.at), (g.spent_receive + g.spent_reply) / 1e6) for g in glances]
    drawn = _area(both, top, "#4f8f67") + _area(receive, top, "#8fa8bf")
    return _frame(drawn, axis, top, " €")


def _area(points: Sequence[tuple[float, float]], top: float, color: str) -> str:
    line = " ".join(f"{x:.1f},{_y(value, top):.1f}" for x, value in points)
    base = _y(0, top)
    return (
        f'<polygon points="{points[0][0]:.1f},{base:.1f} {line} {points[-1][0]:.1f},{base:.1f}" '
        f'fill="{color}"/>'
    )


def _draw_verdicts(summary: Summary, voice: Voice) -> str:
    rows = [(voice.word("status", "judged_reply"), summary.replies, LAYER_COLORS["to_be_answered"])]
    rows += [
        (name_silence(reason, voice), count, LAYER_COLORS["silent"])
        for reason, count in summary.silent.items()
    ]
    return _draw_bars(rows, voice)


def name_silence(reason: str, voice: Voice) -> str:
    """Why a message got no reply; a rehearsal knows more reasons than the judge."""
    return voice.word("reason" if reason in GLOSS["reason"] else GROUP, reason)


def _draw_waits(course: Course, voice: Voice) -> str:
    counts = Counter[int]()
    for fate in course.fates.values():
        if fate.replied_at is not None and fate.due_at is not None:
            hours = (fate.replied_at - fate.due_at) / timedelta(hours=1)
            counts[sum(hours > limit for limit in WAIT_BINS_HOURS)] += 1
    names = [voice.word(GROUP, "up_to", hours=_hours(limit)) for limit in WAIT_BINS_HOURS]
    names.append(voice.word(GROUP, "more_than", hours=_hours(WAIT_BINS_HOURS[-1])))
    rows = [(name, counts[place], "#8fa8bf") for place, name in enumerate(names)]
    return _draw_bars(rows, voice)


def _hours(hours: float) -> str:
    return f"{hours:g} h" if hours >= 1 else f"{hours * 60:g} min"


def _draw_bars(rows: Sequence[tuple[str, int, str]], voice: Voice) -> str:
    top = max((count for _, count, _ in rows), default=0) or 1
    left, height = 330, 22
    parts = []
    for place, (name, count, color) in enumerate(rows):
        y = 8 + place * height
        width = count / top * (WIDTH - left - 90)
        parts.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{left}" y="{y + 3}" width="{width:.1f}" height="15" fill="{color}"/>'
            f'<text x="{left + width + 6:.1f}" y="{y + 14}">{voice.figure(count)}</text>'
        )
    return f'<svg viewBox="0 0 {WIDTH} {16 + len(rows) * height}">{"".join(parts)}</svg>'


def _draw_settings(settings: Settings, voice: Voice) -> str:
    rows = "".join(
        f"<tr><td>{name.upper()}</td>"
        f"<td>{escape(_describe(name, getattr(settings, name), voice))}</td></tr>"
        for name in SHOWN_SETTINGS
    )
    return f"<table>{rows}</table>"


def _describe(name: str, value: object, voice: Voice) -> str:
    if value is None:
        return voice.word(GROUP, "none")
    if name in MONEY and isinstance(value, int):
        return voice.euros(value)
    if name == "quiet_hours" and isinstance(value, tuple):
        return f"{value[0]:%H:%M}-{value[1]:%H:%M}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - 10)


def _frame(drawn: str, axis: Axis, top: float, unit: str) -> str:
    """A picture with its axes: a few times below, three values at the side."""
    values = "".join(
        f'<text x="{LEFT - 6}" y="{_y(share * top, top) + 4:.1f}" text-anchor="end">'
        f"{axis.voice.figure(share * top, decimals=0 if top >= 10 else 1)}{unit}</text>"
        for share in (0.0, 0.5, 1.0)
    )
    base = HEIGHT - BOTTOM
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}">{drawn}{values}{_draw_times(axis)}'
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{base}" y2="{base}" stroke="#b9b2a7"/></svg>'
    )


def _draw_times(axis: Axis) -> str:
    """Days, or hours where there are few days."""
    span = axis.end - axis.start
    step = timedelta(days=1) if span > timedelta(days=2) else timedelta(hours=3)
    while span / step > TICKS_MAX:
        step *= 2
    midnight = axis.start.astimezone(axis.voice.zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    at = midnight.astimezone(UTC)
    parts = []
    while at <= axis.end:
        if at >= axis.start:
            said = axis.voice.day(at)
            if step < timedelta(days=1):
                said += f" {at.astimezone(axis.voice.zone):%H:%M}"
            parts.append(
                f'<text x="{axis.x(at):.1f}" y="{HEIGHT - 7}" text-anchor="middle">{said}</text>'
            )
        at += step
    return "".join(parts)


def _key(colors: dict[str, str]) -> str:
    items = (f'<i style="background:{color}"></i>{escape(name)}' for name, color in colors.items())
    return f'<p class="key">{"".join(items)}</p>'
