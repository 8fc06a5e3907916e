"""``antirelou try``, typed at from a pipe: the SMS comes back, and nothing is left behind."""

import os
import subprocess
import sys
from pathlib import Path

LINES = (
    "Coucou t'es où ?\n06 39 98 00 02: Salut\n/don 5\n/don 1.500\n/don -5\n/foule ²\n/foule 0\n"
    "/foule 99999\n/don 5\n/foule\n"
)


def test_who_writes_gets_his_sms(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "ANTIRELOU_LANGUAGE": "fr"}
    environment |= {"ANTIRELOU_DAYLY_CAP": "of another house", "SETTINGS_FILE": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-m", "antirelou", "try"],
        input=LINES, env=environment, capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Inscrit : 5,00 €") == 2  # what it would have asked took no line
    for phone in ("+33639980001", "+33639980002"):
        assert f"  reçu de {phone}" in done.stdout
        assert f"  {phone} : Mérite une réponse." in done.stdout
        assert f"  SMS à {phone} (0,15 €) : " in done.stdout
    assert "--note" not in done.stdout, "a refusal says what he typed, not what we made of it"
    assert done.stdout.count("Une foule : de 1 à 2 000 téléphones.") == 3
    assert "  100 téléphones insultent le numéro." in done.stdout
    assert list(tmp_path.glob("antirelou-try-*")) == []
