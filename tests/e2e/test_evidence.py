"""Evidence on the whole house: exported where the key is, verified alone, erased to the byte."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from antirelou.commands.demo.house import (
    House,
    clustered_house,
    embedded_house,
    run_once,
)
from antirelou.commands.demo.run import operate
from kernel.log.kafka.log import open_kafka_log
from kernel.sealing.keys import EVIDENCE_PRIVATE_FILE
from kernel.settings.settings import load_settings
from services.evidence.core.verifier import check_folder, read_folder
from tests.e2e.conftest import SETTINGS, forget_house
from tests.support.eventually import eventually
from tests.support.house import donate, status_when, text_in

ONE, TWO = "+33639980011", "+33639980022"
SECRET = "Je-suis-un-texte-que-personne-ne-retrouve"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house that two people texted, the private key taken away from it."""
    data = tmp_path / "house"
    data.mkdir()
    with embedded_house(data, SETTINGS) as house:
        key = data / "data" / EVIDENCE_PRIVATE_FILE
        shutil.move(key, tmp_path / "offline.key")
        donate(house, "100.00")
        text_in(house, ONE, SECRET)
        text_in(house, TWO, "Bonjour, c'est Léa")
        yield house


def run(house: House, *arguments: str, folder: Path) -> str:
    return run_once(arguments, house.settings, folder)


def verify_alone(folder: Path) -> tuple[int, str]:
    """The lone verifier, by a Python that knows nothing of us."""
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py")],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


async def settled(house: House) -> None:
    await status_when(house, lambda now: now["replies"]["delivered"] == 2)

    async def told() -> bool:
        subject = operate(house, "POST", "/v1/subjects/show", {"number": ONE})
        kinds = [json.loads(each["record"]) for each in subject["records"]]
        return any(kind.get("final") for kind in kinds)

    await eventually(told, seconds_max=30)


def write_case(folder: Path, **more: Any) -> Path:
    told = {"numbers": [ONE, TWO], "author": "Association d'essai", **more}
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    path = folder / "case.toml"
    path.write_text(
        'id = "essai-1"\nreason = "plainte"\nhold_until = 2099-01-01T00:00:00Z\n' + "\n".join(lines)
    )
    return path


async def test_a_case_is_exported_and_verified_by_the_lone_verifier(
    house: House, tmp_path: Path
) -> None:
    await settled(house)
    case = write_case(tmp_path)
    said = run(
        house, "evidence", "export", "--case", str(case), "--key", str(tmp_path / "offline.key"),
        "--out", "folder", folder=tmp_path,
    )  # fmt: skip
    assert said.rstrip().endswith("OK"), said
    folder = tmp_path / "folder"
    messages = json.loads((folder / "messages.json").read_text())
    assert [row["text"] for row in messages] == [SECRET, "Bonjour, c'est Léa"]
    assert [row["from"].lstrip("+") for row in messages] == [ONE[1:], TWO[1:]]
    assert {row["reply"] for row in messages} == {"delivered"}
    code, said = verify_alone(folder)
    assert code == 0, said
    assert "Noted." in run(house, "subject", "object", TWO, folder=tmp_path)
    assert len(operate(house, "GET", "/v1/blocks")["blocks"]) == 1
    (folder / "messages.csv").write_bytes((folder / "messages.csv").read_bytes()[:-1])
    code, said = verify_alone(folder)
    assert code == 1
    assert "messages.csv: changed" in said


async def test_an_erased_sender_is_nowhere_in_the_data_folder(house: House, tmp_path: Path) -> None:
    await settled(house)
    subject = operate(house, "POST", "/v1/subjects/show", {"number": ONE})
    traces = traces_of(subject)
    assert found(house.folder / "data", traces) == set(traces)

    async def read_by_all() -> bool:
        answer = operate(house, "POST", "/v1/subjects/erase", {"number": ONE})
        assert answer["holds"] == []
        return not answer["remains"]

    await eventually(read_by_all, seconds_max=30)
    assert found(house.folder / "data", traces) == set()
    assert operate(house, "POST", "/v1/subjects/show", {"number": ONE})["records"] == []

    case = write_case(tmp_path, numbers=[], since="@", until="@")
    case.write_text(case.read_text().replace('"@"', "2000-01-01T00:00:00Z", 1))
    case.write_text(case.read_text().replace('"@"', "2099-01-01T00:00:00Z", 1))
    case.write_text(case.read_text().replace("numbers = []\n", ""))
    run(
        house, "evidence", "export", "--case", str(case), "--key", str(tmp_path / "offline.key"),
        "--out", "folder", folder=tmp_path,
    )  # fmt: skip
    files = read_folder(tmp_path / "folder")
    assert check_folder(files, {}).wrong == []
    gone = json.loads(files["erased.json"])
    assert len(gone) == len(subject["records"])
    assert {each["why"] for each in gone} == {"request"}
    assert "demande d'effacement" in files["report.html"].decode()
    assert SECRET not in files["messages.csv"].decode()


def traces_of(subject: Mapping[str, Any]) -> dict[str, bytes]:
    """What is looked for in the bytes: text and number as they might stand there, salt, seal."""
    import base64

    received = subject["records"][0]
    sealed = base64.b64decode(received["sealed"])
    return {
        "text": SECRET.encode(),
        "salt": bytes.fromhex(received["salt"]),
        "sealed": sealed[40:90],
        "sealed in the topic": base64.b64encode(sealed[:90])[4:100],
    }


def found(folder: Path, traces: Mapping[str, bytes]) -> set[str]:
    """Which of the traces any file holds; the number in none, ever."""
    names = set()
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        names |= {name for name, trace in traces.items() if trace in data}
        for spelling in (ONE, ONE[1:], "0" + ONE[3:]):
            assert spelling.encode() not in data, path
    return names


async def test_no_service_needs_the_private_key(house: House, tmp_path: Path) -> None:
    await settled(house)
    run(house, "evidence", "status", folder=tmp_path)
    look_for_key(house, tmp_path)


def look_for_key(house: House, tmp_path: Path) -> None:
    key = (tmp_path / "offline.key").read_text().splitlines()[-1].strip()
    for secret in (key.encode(), bytes.fromhex(key)):
        for path in house.folder.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes(), path
        environment = Path(f"/proc/{house.services[0].pid}/environ").read_bytes()
        assert secret not in environment


async def test_a_killed_house_has_every_message_in_its_log_once(
    house: House, tmp_path: Path
) -> None:
    service, ids = house.services[0], set[str]()
    for number in range(60):
        ids.add(text_in(house, f"+3363998{1000 + number}", f"Texte {number}"))
        if number in (20, 40):
            service.kill()
            service.start()
            service.wait_ready()
    case = write_case(tmp_path, numbers=[f"+3363998{1000 + number}" for number in range(60)])

    def exported(name: str) -> list[str]:
        run(
            house, "evidence", "export", "--case", str(case), "--key",
            str(tmp_path / "offline.key"), "--out", name, folder=tmp_path,
        )  # fmt: skip
        files = read_folder(tmp_path / name)
        assert check_folder(files, {}).wrong == []
        records = [json.loads(line) for line in files["records.jsonl"].splitlines()]
        told = [json.loads(record["record"]) for record in records]
        received = [record for record in told if record["kind"] == "received"]
        # A webhook that the provider tried again, as our 200 was lost, is a request of its own.
        digests = [one["request_sha256"] for one in received if one["request_sha256"]]
        assert digests
        assert len(set(digests)) == len(digests)
        assert json.loads(files["messages.json"])[-1]["contradicted_by"] == []
        return [row["id"] for row in json.loads(files["messages.json"])]

    names = iter(f"folder-{n}" for n in range(100))
    await eventually(lambda: len(set(exported(next(names)))) == 60, seconds_max=60, every=1)
    last = exported(next(names))
    assert set(last) == ids
    assert len(last) == 60


async def test_on_kafka_evidence_is_a_process_of_its_own_and_erases_as_well(
    kafka_bootstrap: str, fresh_database: str, tmp_path: Path
) -> None:
    await forget_house(kafka_bootstrap)
    with clustered_house(
        tmp_path, SETTINGS, kafka_bootstrap=kafka_bootstrap, database_url=fresh_database
    ) as house:
        await erase_on_kafka(replace(house, operator_url=house.settings["evidence_url"]), house)


async def erase_on_kafka(evidence: House, house: House) -> None:
    donate(house, "100.00")
    text_in(house, ONE, SECRET)
    text_in(house, TWO, "Bonjour")
    await status_when(house, lambda now: now["replies"]["delivered"] == 2)
    settings = load_settings(kafka_bootstrap=house.settings["kafka_bootstrap"])

    async def gone() -> bool:
        answer = operate(evidence, "POST", "/v1/subjects/erase", {"number": ONE})
        assert any("segment" in line for line in answer["remains"])
        async with open_kafka_log(settings) as log:
            values = [r.value async for r in log.scan("sms.received")]
        return not any(SECRET.encode() in value for value in values)

    await eventually(gone, seconds_max=30, every=1)
    assert operate(evidence, "POST", "/v1/subjects/show", {"number": ONE})["records"] == []
    assert operate(evidence, "POST", "/v1/subjects/show", {"number": TWO})["records"]
