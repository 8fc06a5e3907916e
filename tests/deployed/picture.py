"""Lag and replicas over time as an SVG: what KEDA did, to look at."""

import itertools
from collections.abc import Sequence

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 760, 320, 70, 40, 30
LAG, REPLICAS = "#0b6e99", "#c2410c"


def draw(series: Sequence[tuple[float, float, int]], *, title: str) -> str:
    """The picture.

    Args:
        series: seconds, lag in records, replicas; in time order, two at least.
    """
    seconds_max = series[-1][0] or 1.0
    lag_max = max(lag for _, lag, _ in series) or 1.0
    replicas_max = max(replicas for *_, replicas in series)
    wide, high = WIDTH - 2 * LEFT, HEIGHT - BOTTOM - TOP

    def x(at: float) -> float:
        return LEFT + wide * at / seconds_max

    def y(share: float) -> float:
        return TOP + high * (1 - share)

    lag = " ".join(f"{x(at):.1f},{y(value / lag_max):.1f}" for at, value, _ in series)
    steps = []
    for (at, _, replicas), (until, _, _) in itertools.pairwise(series):
        height = y(replicas / replicas_max)
        steps += [f"{x(at):.1f},{height:.1f}", f"{x(until):.1f},{height:.1f}"]
    ticks = [
        f'<text x="{x(seconds_max * n / 5):.0f}" y="{HEIGHT - 18}" text-anchor="middle">'
        f"{seconds_max * n / 5:.0f} s</text>"
        for n in range(6)
    ]
    ticks += [
        f'<text x="{LEFT - 8}" y="{y(n / 4) + 4:.0f}" text-anchor="end" fill="{LAG}">'
        f"{lag_max * n / 4:,.0f}</text>"
        for n in range(5)
    ]
    ticks += [
        f'<text x="{WIDTH - LEFT + 8}" y="{y(n / replicas_max) + 4:.0f}" fill="{REPLICAS}">'
        f"{n}</text>"
        for n in range(replicas_max + 1)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        f'<text x="{LEFT}" y="18" font-size="14">{title}: '
        f'<tspan fill="{LAG}">lag, records</tspan> · '
        f'<tspan fill="{REPLICAS}">replicas</tspan></text>'
        f'<path d="M{LEFT},{TOP}V{TOP + high}H{LEFT + wide}V{TOP}" fill="none" stroke="#999"/>'
        f'<polyline points="{lag}" fill="none" stroke="{LAG}" stroke-width="2"/>'
        f'<polyline points="{" ".join(steps)}" fill="none" stroke="{REPLICAS}" stroke-width="2"/>'
        f"{''.join(ticks)}</svg>\n"
    )
