"""A flood while operators look on: how fast pages are, and whether the door is slower for it.

A whole house on embedded defaults takes the same flood twice: nobody looks; then so many browsers
hold a stream of *Now* open and load page after page.
"""

import argparse
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from antirelou.commands.demo.house import House, embedded_house
from antirelou.commands.demo.run import operate
from antirelou.commands.demo.watch import call

PAGE_MS_P95_MAX = 300.0
SLOWER_MAX = 1.25
"""The door's mean time may be so many times as long: runs of the same differ by as much."""
PATHS = ("/", "/money", "/events", "/acts", "/explain")
BATCH = 50
BATCHES_A_SECOND = 2
"""Together 100 texts a second, a thousand times the mean of October 2017 (docs/design.md §1)."""
SECONDS_MAX = 300.0
_SUM = re.compile(r"^antirelou_webhook_seconds_(sum|count)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class Browser:
    """Somebody who is signed in, as far as a bench needs him."""

    def __init__(self, house: House, name: str) -> None:
        self._url = house.services[0].settings["console_url"]
        asked = {"name": name, "role": "operate"}
        path = urlsplit(operate(house, "POST", "/v1/operators", asked)["link"]).path
        answer = self.ask("POST", path, Origin=self._url)
        self._cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        assert self._cookie, answer.status

    def ask(self, method: str, path: str, **headers: str) -> HTTPResponse:
        """One request, its body still to be read."""
        where = urlsplit(self._url).netloc
        connection = HTTPConnection("127.0.0.1", int(where.rpartition(":")[2]), timeout=60)
        told = {"Host": where, "User-Agent": "bench", **headers}
        if hasattr(self, "_cookie"):
            told["Cookie"] = self._cookie
        connection.request(method, path, None, told)
        return connection.getresponse()

    def load(self, path: str) -> float:
        """Load a page. Returns how long it took, in milliseconds."""
        began = time.perf_counter()
        answer = self.ask("GET", path)
        answer.read()
        assert answer.status == 200, (path, answer.status)
        return (time.perf_counter() - began) * 1000


def door_seconds(house: House) -> tuple[float, float]:
    """The door's time so far, and for how many webhooks."""
    connection = HTTPConnection(urlsplit(house.operator_url).netloc, timeout=60)
    connection.request("GET", "/metrics")
    found = dict(_SUM.findall(connection.getresponse().read().decode()))
    return float(found["sum"]), float(found["count"])


def flood(house: House, messages: int, start: int) -> float:
    """Let so many text, and wait until all are in. Returns the door's mean, in milliseconds."""
    seconds, count = door_seconds(house)
    began = time.monotonic()
    for first in range(0, messages, BATCH):
        time.sleep(max(began + first / (BATCH * BATCHES_A_SECOND) - time.monotonic(), 0))
        crowd = [
            {"from": f"+3363998{(start + first + i) % 10_000:04d}", "to": "+33937000000",
             "text": f"Coucou {first + i}"}
            for i in range(BATCH)
        ]  # fmt: skip
        call(f"{house.provider_url}/_sim/messages", method="POST", body={"messages": crowd})
    deadline = time.monotonic() + SECONDS_MAX
    while (now := door_seconds(house))[1] < count + messages:
        assert time.monotonic() < deadline, now
        time.sleep(0.2)
    return (now[0] - seconds) / (now[1] - count) * 1000


@contextmanager
def looking(browsers: list[Browser], took: list[float]) -> Iterator[None]:
    """While it is open, each browser has a stream and loads page after page, one a second."""
    over = threading.Event()

    def look(browser: Browser) -> None:
        stream = browser.ask("GET", "/now/live")
        assert stream.status == 200
        for path in cycle(PATHS):
            if over.wait(1):
                break
            took.append(browser.load(path))
        stream.close()

    threads = [threading.Thread(target=look, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def main() -> None:
    """Measure, print, and fail if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--browsers", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="antirelou-console-") as folder,
        embedded_house(Path(folder), {"clock_speed": "3600", "quiet_hours": "off"}) as house,
    ):
        operate(house, "POST", "/v1/donations", {"id": "x", "amount_eur": "500", "note": "bench"})
        browsers = [Browser(house, f"looker-{i}") for i in range(arguments.browsers)]
        flood(house, BATCH * 10, 0)  # warm
        alone = flood(house, arguments.messages, 1000)
        took: list[float] = []
        with looking(browsers, took):
            beside = flood(house, arguments.messages, 6000)
    p95 = statistics.quantiles(took, n=20)[-1]
    title = f"{arguments.browsers} look on, {arguments.messages:,} texts"
    table = Table(title, "measured", "bound")
    table.add_row(f"a page, p95 of {len(took):,}", f"{p95:.0f} ms", f"{PAGE_MS_P95_MAX:.0f} ms")
    table.add_row("the door, mean, nobody looks", f"{alone:.1f} ms", "")
    table.add_row("the door, mean, while they look", f"{beside:.1f} ms", f"× {SLOWER_MAX}")
    Console().print(table)
    if p95 > PAGE_MS_P95_MAX or beside > alone * SLOWER_MAX:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
