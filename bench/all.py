"""Every measurement behind the README's figures, one after the other.

Each is a command of its own; this runs them all and says which missed its bound.
"""

import subprocess
import sys
from pathlib import Path

from rich.console import Console

HERE = Path(__file__).parent
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("ingest.py",),
    ("filter.py",),
    ("billing.py",),
    ("responder.py",),
    ("log.py",),
    ("evidence.py",),
    ("rest.py",),
    ("console.py",),
)


def main() -> None:
    """Run all; exit 1 if any missed."""
    console = Console()
    missed = []
    for command, *arguments in COMMANDS:
        console.rule(f"python bench/{' '.join([command, *arguments])}")
        done = subprocess.run([sys.executable, str(HERE / command), *arguments], check=False)
        if done.returncode:
            missed.append(command)
    console.rule()
    if missed:
        console.print(f"missed or failed: {', '.join(missed)}")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
