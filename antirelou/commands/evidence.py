"""``antirelou evidence``: cases, exports, verification.

``export`` runs where the private key is, which is not the server: the server hands out sealed
requests over the operator API, and they are opened here.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer

from antirelou.commands.client import Operator
from antirelou.commands.output import say, say_json, table
from antirelou.files import follow_links
from kernel.sealing.keys import read_private_key
from kernel.sealing.privacy import Unsealer
from kernel.settings.settings import load_settings
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal, Rejected

evidence = typer.Typer(help="Cases, exports, verification.", no_args_is_help=True)

FIELDS = {"id", "reason", "hold_until", "author", "senders", "numbers", "campaigns", "since",
          "until"}  # fmt: skip

KeyFile = Annotated[Path, typer.Option("--key", help="the evidence private key's file")]


def operator() -> Operator:
    """The operator API where the evidence is: ``EVIDENCE_URL``, else as for the others."""
    settings = load_settings()
    api = Operator(settings)
    api.url = settings.evidence_url or api.url
    return api


def unsealer(key: bytes) -> Callable[[bytes], bytes | None]:
    """Opens what was sealed for the key; None: for another."""
    opener = Unsealer(key)

    def unseal(sealed: bytes) -> bytes | None:
        try:
            return opener.unseal(sealed)
        except Rejected:
            return None

    return unseal


def read_case(path: Path) -> dict[str, Any]:
    """A case file, TOML.

    Raises:
        Fatal: ``use``: names what is wrong.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Fatal(f"--case: {path}: {error.strerror}", code="use") from None
    except ValueError as error:
        raise Fatal(f"--case: {path} is not TOML: {error}", code="use") from None
    unknown, missing = set(told) - FIELDS, {"id", "reason", "hold_until"} - set(told)
    if unknown or missing:
        names = ", ".join(sorted(unknown or missing))
        said = "unknown" if unknown else "missing"
        raise Fatal(f"--case: {path}: {said}: {names}; see docs/evidence.md", code="use")
    for name in ("hold_until", "since", "until"):
        at = told.get(name)
        if at is None:
            continue
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise Fatal(
                f"--case: {path}: {name}: a time with its offset, as 2017-10-27T16:00:00+02:00",
                code="use",
            )
        told[name] = at.isoformat()
    return told


@evidence.command()
def status(*, json: Annotated[bool, typer.Option("--json", help="for machines")] = False) -> None:
    """The log: how long it is, its keys, what was signed, stamped and cosigned."""
    answer = operator().get("/v1/evidence")
    if json:
        say_json(answer)
        return
    table("The evidence log", {name: value or "–" for name, value in answer.items()})


@evidence.command()
def cases() -> None:
    """The cases, and whether they hold their records now."""
    found = operator().get("/v1/evidence/cases")["cases"]
    for case in found:
        state = "holds until" if case["holds"] else "ended; was to hold until"
        say(f"{case['id']}  {state} {case['hold_until'][:10]}  {case['reason']}")
    if not found:
        say("None.")


@evidence.command()
def hold(*, case: Annotated[Path, typer.Option("--case", help="the case's file")]) -> None:
    """Open a case: its records are kept until its hold ends, whatever retention says."""
    answer = open_case(operator(), read_case(case))
    say(f"Case {answer['id']} holds its records until {answer['hold_until'][:10]}.")


@evidence.command()
def close(id: Annotated[str, typer.Argument(metavar="CASE")]) -> None:
    """End a case's hold: its records go with their retention again."""
    operator().post(f"/v1/evidence/cases/{quote(id, safe='')}/close")
    say("Closed. Retention and erasure reach its records again.")


def open_case(api: Operator, told: Mapping[str, Any]) -> Any:
    """Open a case on the server, or find it there. ``author`` stays here."""
    asked = {name: value for name, value in told.items() if name != "author"}
    return api.post("/v1/evidence/cases", asked)[1]


@evidence.command()
def prove(id: Annotated[str, typer.Argument(metavar="ID", help="a message's id")]) -> None:
    """Each record about one message with its proof in the tlog-proof format, as JSON."""
    say_json(operator().get(f"/v1/evidence/proofs/{quote(id, safe='')}"))


@evidence.command()
def export(
    *,
    case: Annotated[Path, typer.Option("--case", help="the case's file")],
    key: KeyFile,
    out: Annotated[Path | None, typer.Option("--out", help="a new folder")] = None,
) -> None:
    """Write a case's folder: report, messages, proofs, and what it takes to verify them."""
    told, private_key = read_case(case), read_private_key(key)
    folder = out or Path(f"case-{told['id']}")
    if folder.exists():
        raise Fatal(f"--out: {folder} exists; it is not overwritten", code="use")
    target = follow_links(folder)
    files = gather(operator(), told, private_key)
    for name, data in files.items():
        path = target / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data)
    say(f"Written: {folder} ({len(files)} files, {sum(map(len, files.values())) / 1e6:.1f} MB).")
    raise typer.Exit(_report(folder, {}))


def gather(api: Operator, told: Mapping[str, Any], private_key: bytes) -> dict[str, bytes]:
    """The files of a case's folder: fetched, opened, signed."""
    from services.evidence.core.dossier import Gathered, open_records, write_files
    from services.evidence.core.note import export_signer
    from services.evidence.core.report import Frame, write_report

    open_case(api, told)
    base = f"/v1/evidence/cases/{quote(told['id'], safe='')}"
    head = api.post(f"{base}/head")[1]
    records = list(_fetch_records(api, base, head["size"]))
    inclusion = api.get(f"{base}/inclusion?size={head['size']}")
    if [record["index"] for record in records] != inclusion["leaves"]:
        raise Fatal("records were erased while they were fetched; export again", code="changed")
    gathered = Gathered(head, records, inclusion)
    signer, now = export_signer(private_key), SystemClock().now()
    dossier = open_records(gathered, unsealer(private_key), signer, now)
    if dossier.unopened:
        say(f"{dossier.unopened} requests were sealed for another key; they stay sealed.")
    verifier = (resources.files("services.evidence.core") / "verifier.py").read_bytes()
    author = str(told.get("author", "(auteur à désigner : champ author du dossier)"))
    frame = Frame(author, ZoneInfo(load_settings().timezone), verifier)
    return write_files(dossier, report=write_report(dossier, frame), verifier=verifier)


def _fetch_records(api: Operator, base: str, size: int) -> Iterator[Mapping[str, Any]]:
    after: int | None = 0
    while after is not None:
        page = api.get(f"{base}/records?size={size}&after={after}")
        yield from page["records"]
        after = page["after"]


@evidence.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="what `evidence export` wrote")],
    *,
    log: Annotated[str, typer.Option(help="the log's key, from elsewhere")] = "",
    signer: Annotated[str, typer.Option(help="the exporter's key, from elsewhere")] = "",
    witness: Annotated[str, typer.Option(help="the witness's key, from elsewhere")] = "",
    authority: Annotated[
        Path | None, typer.Option(help="root certificate of the time stamps, PEM")
    ] = None,
) -> None:
    """Check a folder, offline; names every file that was changed, added or is missing."""
    if not folder.is_dir():
        raise Fatal(f"FOLDER: no folder at {folder}", code="use")
    given = {"log": log, "signer": signer, "witness": witness}
    code = _report(folder, {name: value for name, value in given.items() if value})
    if authority is not None:
        code = max(code, _check_stamps(folder, authority))
    raise typer.Exit(code)


def _report(folder: Path, trusted: Mapping[str, str]) -> int:
    from services.evidence.core.verifier import check_folder, read_folder

    findings = check_folder(read_folder(folder), trusted)
    for line in findings.lines():
        say(line)
    return 1 if findings.wrong else 0


def _check_stamps(folder: Path, authority: Path) -> int:
    """The authority's own signatures, which the lone verifier leaves to others."""
    import cryptography.x509

    from services.evidence.authority import verify_stamp
    from services.evidence.core.verifier import read_note

    try:
        roots = cryptography.x509.load_pem_x509_certificates(authority.read_bytes())
    except (OSError, ValueError):
        raise Fatal("--authority: not a file of certificates in PEM", code="use") from None
    wrong = 0
    for path in sorted(folder.glob("checkpoints/*.tsr")):
        note = read_note(path.with_suffix(".txt").read_bytes())
        at = verify_stamp(path.read_bytes(), note.text.encode(), roots)
        wrong += at is None
        said = "not stamped by this authority" if at is None else f"stamped at {at.isoformat()}"
        say(f"{'WRONG  ' if at is None else '  '}{path.relative_to(folder)}: {said}")
    return 1 if wrong else 0
