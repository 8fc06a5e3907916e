"""Statements of banks and pots: which lines are gifts, each by an id that stays."""

from datetime import date

import pytest

from antirelou.commands.statement import (
    Format,
    WrongStatement,
    decode_statement,
    read_statement,
)

BANK = """Compte;FR76 0000
Solde;1 234,56

Date opération;Libellé;Débit;Crédit;Devise
03/11/2026;VIR SEPA DE MME NOM-SECRET;;20,00;EUR
03/11/2026;VIR SEPA DE M AUTRE-SECRET;;20,00;EUR
04/11/2026;FRAIS DE TENUE;-2,50;;EUR
05/11/2026;VIR INSTANTANE;;1 250,00;EUR
06/11/2026;VIR DE GENEVE;;30,00;CHF
"""
POT = """id,Date,Participant,Montant,Statut
a-1,2026-11-03T10:00:00,Nom-Secret,15.00 €,Payé
a-2,2026-11-03,Nom-Secret,10,Remboursé
a-3,2026-11-04,Nom-Secret,5,
"""


def test_credits_of_a_bank_are_gifts() -> None:
    found = read_statement(BANK, Format.BANK)
    assert [(line.day, line.amount_microeuros) for line in found.lines] == [
        (date(2026, 11, 3), 20_000_000), (date(2026, 11, 3), 20_000_000),
        (date(2026, 11, 5), 1_250_000_000),
    ]  # fmt: skip
    assert found.passed == 2
    assert len({line.id for line in found.lines}) == 3
    assert not any("secret" in line.id.lower() for line in found.lines)


def test_what_was_paid_into_a_pot_is_a_gift_by_its_reference() -> None:
    found = read_statement(POT, Format.POT)
    assert [line.amount_microeuros for line in found.lines] == [15_000_000, 5_000_000]
    assert found.passed == 1
    moved = read_statement(POT.replace("2026-11-04", "2026-11-05"), Format.POT)
    assert [line.id for line in moved.lines] == [line.id for line in found.lines]


def test_an_export_that_overlaps_books_only_what_is_new() -> None:
    first = {line.id for line in read_statement(BANK, Format.BANK).lines}
    lines = BANK.splitlines()
    head, rows = lines[3], lines[4:]
    later = "\n".join([head, "07/11/2026;VIR;;8,00;EUR", *reversed(rows)])
    second = {line.id for line in read_statement(later, Format.BANK).lines}
    assert first < second
    assert len(second - first) == 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "headings"), ("Date;Libellé\n03/11/2026;x", "headings"),
        ("Date;Montant\n2026-13-03;5", "line 2: its day"), ("Date;Montant\nhier;5", "line 2"),
        ("Date;Montant\n03/11/2026;cinq", "line 2: its amount"),
        ("Date;Montant\n03/11/2026;1.500", "may mean two"),
        ("Date;Montant;id\n03/11/2026;5;a\n04/11/2026;6;a", "line 3: its reference"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_by_its_line(text: str, what: str) -> None:
    with pytest.raises(WrongStatement, match=what):
        read_statement(text, Format.BANK)


def test_a_file_is_read_as_french_banks_write_it() -> None:
    assert decode_statement("Crédit".encode("cp1252")) == "Crédit"
    assert decode_statement("Crédit".encode("utf-8-sig")) == "Crédit"
