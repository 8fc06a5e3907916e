"""A real Chromium for tests: found, or installed where this account may install Debian's."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL_SECONDS_MAX = 600
NAMED = "ANTIRELOU_TEST_CHROMIUM"


def find_chromium() -> str:
    """Where Chromium is: named by ``ANTIRELOU_TEST_CHROMIUM``, on the path, or just installed.

    Raises:
        AssertionError: there is none, and this account may not install one.
    """
    found = os.environ.get(NAMED) or _look()
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        for arguments in (["update", "-qq"], ["install", "-qq", "--no-install-recommends",
                                              "-y", "chromium"]):  # fmt: skip
            subprocess.run(
                ["apt-get", *arguments],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                check=True,
                capture_output=True,
                timeout=INSTALL_SECONDS_MAX,
            )
        found = _look()
    assert found, f"no Chromium: install Debian's `chromium`, or name one in {NAMED}"
    return found


def _look() -> str:
    return next((path for name in NAMES if (path := shutil.which(name))), "")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser of its own, without a window."""
    with sync_playwright() as playwright:
        # As root, as in CI's container, Chromium has no sandbox; what it loads is ours alone.
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), chromium_sandbox=os.geteuid() != 0
        )
        try:
            yield browser
        finally:
            browser.close()
