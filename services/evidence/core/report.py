"""The report of an export: French, for a lawyer to read; one HTML file, nothing else. Pure.

It states facts and how they were kept. It accuses nobody: a sender is a number, a decision has a
reason.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from kernel.words.gloss import Language, gloss
from services.evidence.core.dossier import VERIFIER, Dossier
from services.evidence.core.verifier import read_form, reveal, text_of

SENDERS_SHOWN = 50
MESSAGES_SHOWN = 500
SAMPLE_LENGTH_MAX = 160
TEXT_LENGTH_MAX = 2000
"""Code points of a text that are shown; the whole of it is in messages.csv."""
BARS_MAX = 96
HOUR = timedelta(hours=1)
DAILY = (timedelta(days=1), "%d/%m/%Y", "jour")

REASONS = {
    "deserved": "réponse due",
    "burst": "beaucoup de messages du même expéditeur dans le délai",
    "campaign": "texte presque identique venu de nombreux expéditeurs",
    "range": "beaucoup de numéros voisins dans le même temps",
    "already_answered": "expéditeur à qui une réponse a déjà été faite",
    "already_deliberating": "suite d'un message encore en attente",
    "opted_out": "l'expéditeur a demandé à ne plus rien recevoir (STOP)",
    "blocked": "numéro écarté par l'opérateur du service",
    "not_mobile": "numéro auquel on ne peut pas répondre",
    "foreign": "numéro d'un pays non desservi",
    "short_code": "numéro court",
    "alphanumeric": "expéditeur sans numéro",
    "own_number": "notre propre numéro",
    "other_number": "adressé à un autre numéro",
    "replayed": "requête déjà présentée",
    "call": "appel, sans réponse par SMS",
}
STATES = {
    "waiting": "en attente", "authorized": "prévue", "sending": "en cours d'envoi",
    "delivered": "remise", "sent": "envoyée", "undelivered": "non remise", "failed": "échouée",
    "expired": "abandonnée, trop tard", "refused": "refusée", "unresolved": "incertaine",
    "uncertain": "incertaine",
}  # fmt: skip
ERASED = {
    "retention": "durée de conservation atteinte",
    "objection": "opposition de la personne",
    "request": "demande d'effacement de la personne",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What the report says of itself.

    Attributes:
        author: who answers for it: a person or an association, with an address.
        zone: in which its times are told, beside UTC in the data.
        verifier: the bytes of the file that comes with it.
    """

    author: str
    zone: ZoneInfo
    verifier: bytes

    def time(self, at: str | None) -> str:
        """A time of the records as a person reads it."""
        if at is None:
            return "–"
        return f"{datetime.fromisoformat(at).astimezone(self.zone):%d/%m/%Y %H:%M:%S}"


def write_report(dossier: Dossier, frame: Frame) -> str:
    """The whole page."""
    case = dossier.gathered.head["case"]
    parts = [
        f"<h1>Relevé de messages reçus</h1><p class=sub>Dossier {escape(case['id'])} — établi le "
        f"{frame.time(dossier.exported_at.isoformat())} (heure de {frame.zone.key})</p>",
        _subject(dossier, frame),
        _summary(dossier, frame),
        _course(dossier, frame),
        _senders(dossier, frame),
        _campaigns(dossier, frame),
        _decisions(dossier),
        _keeping(dossier),
        _checking(dossier, frame),
        LAW,
        _annex(dossier, frame),
        _contradictions(dossier, frame),
    ]
    return PAGE.format(title=f"Dossier {escape(case['id'])}", body="\n".join(parts))


def _subject(dossier: Dossier, frame: Frame) -> str:
    case = dossier.gathered.head["case"]
    chosen = [
        f"{len(case['senders'])} expéditeur(s) désigné(s)" if case["senders"] else "",
        f"{len(case['campaigns'])} série(s) de textes semblables" if case["campaigns"] else "",
        f"reçus à partir du {frame.time(case['since'])}" if case["since"] else "",
        f"reçus avant le {frame.time(case['until'])}" if case["until"] else "",
    ]
    return (
        f"<h2>1. Objet et auteur</h2><dl><dt>Auteur</dt><dd>{escape(frame.author)}</dd>"
        f"<dt>Motif de la conservation</dt><dd>{escape(case['reason'])}</dd>"
        f"<dt>Conservation prévue jusqu'au</dt><dd>{frame.time(case['hold_until'])}</dd>"
        f"<dt>Choix des messages</dt><dd>{', '.join(filter(None, chosen))}</dd></dl>"
        "<p>Ce document rapporte des faits enregistrés par un programme. Il ne qualifie personne "
        "et ne dit rien de l'intention d'un expéditeur.</p>"
    )


def _summary(dossier: Dossier, frame: Frame) -> str:
    rows = dossier.messages
    times = sorted(row["received_at"] for row in rows)
    replied = [row for row in rows if row["reply"] in {"sent", "delivered", "undelivered"}]
    facts = {
        "Messages et appels reçus": len(rows),
        "Expéditeurs différents": len({row["sender"] for row in rows}),
        "Premier message": frame.time(times[0] if times else None),
        "Dernier message": frame.time(times[-1] if times else None),
        "Réponses envoyées": len(replied),
        "Messages restés sans réponse": len(rows) - len(replied),
        "Coût de la réception": _amount(dossier, [row["cost_microunits"] for row in rows]),
        "Messages dont le coût n'est pas connu": sum(
            1 for row in rows if row["cost_microunits"] is None
        ),
        "Coût des réponses": _amount(dossier, [row["reply_cost_microunits"] for row in rows]),
    }
    return f"<h2>2. Synthèse</h2>{_table(None, facts.items())}"


def _amount(dossier: Dossier, amounts: Sequence[int | None]) -> str:
    told = [amount for amount in amounts if amount is not None]
    terms = [entry["record"] for entry in dossier.entries if entry["record"]["kind"] == "terms"]
    currency = terms[-1]["currency"] if terms else ""
    sign = "€" if currency == "EUR" else escape(currency)
    return f"{sum(told) / 1e6:,.2f} {sign}".replace(",", " ").replace(".", ",")


def _course(dossier: Dossier, frame: Frame) -> str:
    """How many an hour, or a day where that were too many bars; empty ones are shown as such."""
    times = sorted(datetime.fromisoformat(row["received_at"]) for row in dossier.messages)
    if not times:
        return ""
    hours = (times[-1] - times[0]) / HOUR
    step, form, unit = (HOUR, "%d/%m %Hh", "heure") if hours <= BARS_MAX else DAILY
    counts = Counter(int((at - times[0]) / step) for at in times)
    total, highest = max(counts) + 1, max(counts.values())
    width = 720 / max(total, 12)
    bars = "".join(
        f"<rect x='{i * width:.1f}' y='{120 - 110 * count / highest:.1f}' "
        f"width='{width * 0.8:.1f}' height='{110 * count / highest:.1f}'>"
        f"<title>{(times[0] + i * step).astimezone(frame.zone):{form}} : {count}</title></rect>"
        for i, count in counts.items()
    )
    first, last = (at.astimezone(frame.zone).strftime(form) for at in (times[0], times[-1]))
    return (
        f"<h2>3. Déroulement</h2><p>Messages reçus par {unit} (au plus : {highest}).</p>"
        f"<svg viewBox='0 0 720 140' role=img aria-label='Messages par {unit}'>{bars}"
        f"<text x=0 y=136>{first}</text><text x=720 y=136 text-anchor=end>{last}</text></svg>"
    )


def _senders(dossier: Dossier, frame: Frame) -> str:
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for row in dossier.messages:
        grouped.setdefault(row["sender"], []).append(row)
    most = sorted(grouped.values(), key=len, reverse=True)
    rows = [
        (
            _shown(next((row["from"] for row in theirs if row["from"]), None)),
            len(theirs),
            frame.time(min(row["received_at"] for row in theirs)),
            frame.time(max(row["received_at"] for row in theirs)),
            _amount(dossier, [row["cost_microunits"] for row in theirs]),
        )
        for theirs in most[:SENDERS_SHOWN]
    ]
    more = len(most) - len(rows)
    rest = f"<p>… et {more} autres expéditeurs : voir messages.csv.</p>" if more else ""
    head = ("Numéro", "Messages", "Premier", "Dernier", "Coût")
    return f"<h2>4. Expéditeurs</h2>{_table(head, rows)}{rest}"


def _campaigns(dossier: Dossier, frame: Frame) -> str:
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for row in dossier.messages:
        if row["campaign"]:
            grouped.setdefault(row["campaign"], []).append(row)
    if not grouped:
        return "<h2>5. Textes semblables</h2><p>Aucune série n'a été relevée.</p>"
    rows = [
        (
            _shown(name),
            _shown(next((row["text"] for row in theirs if row["text"]), None), SAMPLE_LENGTH_MAX),
            len(theirs),
            len({row["sender"] for row in theirs}),
            frame.time(min(row["received_at"] for row in theirs)),
        )
        for name, theirs in sorted(grouped.items(), key=lambda item: -len(item[1]))
    ]
    head = ("Série", "Un des textes", "Messages", "Expéditeurs", "Premier")
    return f"<h2>5. Textes semblables</h2>{_table(head, rows)}"


def _decisions(dossier: Dossier) -> str:
    reasons = Counter(row["reason"] or "–" for row in dossier.messages)
    rows = [(_shown(REASONS.get(name, name)), count) for name, count in reasons.most_common()]
    return (
        "<h2>6. Ce qui est automatique</h2><p>Un programme reçoit les messages, décide sans "
        "intervention humaine s'il envoie une réponse type par SMS, et compte ce que cela coûte. "
        "La décision porte sur cette réponse et sur rien d'autre ; son motif est enregistré. Le "
        "choix des messages de ce dossier a été fait par son auteur.</p>"
        f"{_table(('Motif de la décision', 'Messages'), rows)}"
    )


def _keeping(dossier: Dossier) -> str:
    head = dossier.gathered.head
    signed = Counter(_vouched(row) for row in dossier.messages)
    without = sum(1 for row in dossier.messages if row["from"] is None)
    erased = ", ".join(f"{n} ({_shown(ERASED.get(why, why))})" for why, n in dossier.erased.items())
    stamps = head["earlier"]
    facts = {
        "Requêtes dont le prestataire a signé le contenu": signed["body"],
        "Requêtes dont il a signé l'adresse seule (signature V2)": signed["address"],
        "Messages connus par le seul relevé du prestataire": signed["log"],
        "Messages rapportés par plusieurs requêtes qui ne disent pas la même chose": sum(
            1 for row in dossier.messages if row["contradicted_by"]
        ),
        "Messages sans requête d'origine lisible ici": without,
        "Enregistrements de cette plage effacés depuis": erased or "aucun",
        "Point de contrôle du journal": f"{head['size']} enregistrements",
        "Horodatages RFC 3161 joints": len(stamps),
        "Témoin du journal": escape(head["witness_key"].split("+")[0])
        if head["witness_key"] else "aucun",
    }  # fmt: skip
    return (
        f"<h2>7. Comment les messages ont été conservés</h2>{KEEPING}{_table(None, facts.items())}"
    )


def _vouched(row: Mapping[str, Any]) -> str:
    if row["signature"] == "none":
        return "log"
    return "body" if row["body_signed"] else "address"


def _contradictions(dossier: Dossier, frame: Frame) -> str:
    """Two requests of one message that say two things: both, side by side."""
    entries = {entry["index"]: entry for entry in dossier.entries}
    rows = []
    for row in dossier.messages:
        for index in (row["record"], *row["contradicted_by"]) if row["contradicted_by"] else ():
            record, form = entries[index]["record"], read_form(entries[index]["request"])
            rows.append((
                index, frame.time(record["at"]), _shown(record["signature"]),
                "oui" if record["body_signed"] else "non", _shown(form.get("From")),
                _shown(text_of(form)),
                "" if index == row["record"] else f"contredit le n° {row['record']}",
            ))  # fmt: skip
    if not rows:
        return ""
    head = ("N°", "Reçue", "Signature", "Contenu signé", "De", "Texte", "")
    return (
        "<h2>Annexe : requêtes contradictoires</h2><p>Plusieurs requêtes ont porté le même "
        "identifiant de message et ne disent pas la même chose, ou l'une d'elles est restée "
        "scellée. La première reçue figure dans les autres tableaux ; toutes sont ici. Une requête "
        "dont le contenu n'est pas signé a pu être contrefaite par qui a vu une requête "
        f"authentique.</p>{_table(head, rows, 'messages')}"
    )


def _reply(row: Mapping[str, Any]) -> str:
    """What became of the reply, and why."""
    state, reason = row["reply"], row["reply_reason"]
    if not state:
        return "–"
    said = STATES.get(state, state)
    if state == "refused" and reason:
        said += f" : {gloss('refusal', reason, Language.FR)}"
    return _shown(said)


def _shown(text: str | None, length_max: int = TEXT_LENGTH_MAX) -> str:
    """A text of anybody's as the content of an element that shows all of it, and does nothing.

    What is not seen or turns the writing round is named; what is too long is cut between two signs.
    """
    if text is None:
        return "–"
    if text == "":
        return "<i>(vide)</i>"
    kept = _cut(text, length_max)
    return f"<bdi>{escape(reveal(kept), quote=False)}</bdi>{'…' if kept != text else ''}"


def _cut(text: str, length_max: int) -> str:
    """The beginning of a text; a sign of several code points is not parted."""
    end = length_max
    while 0 < end < len(text) and _joins(text, end):
        end -= 1
    return text[: end or length_max]


def _joins(text: str, place: int) -> bool:
    """Whether the code point at a place belongs to the sign before it."""
    sign = text[place]
    if unicodedata.category(sign)[0] == "M" or sign == "\u200d" or text[place - 1] == "\u200d":
        return True
    if _is_flag(sign):
        before = 0
        while before < place and _is_flag(text[place - 1 - before]):
            before += 1
        return before % 2 == 1
    return "\U0001f3fb" <= sign <= "\U0001f3ff"  # the colour of a skin


def _is_flag(sign: str) -> bool:
    """Whether it is half of a flag."""
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def _checking(dossier: Dossier, frame: Frame) -> str:
    digest = hashlib.sha256(frame.verifier).hexdigest()
    keys = {
        "Clé du journal": escape(dossier.gathered.head["log_key"]),
        "Clé du signataire de ce dossier": escape(str(dossier.signer.key)),
        f"SHA-256 de {VERIFIER}": digest,
    }
    return (
        "<h2>8. Vérifier ce dossier</h2><p>Avec Python 3 seul, hors ligne : "
        f"<code>python3 {VERIFIER}</code>. Le programme nomme tout octet changé, manquant, ajouté "
        "ou déplacé. Pour que la vérification vaille, comparez ces valeurs à un exemplaire remis "
        "par une autre voie :</p>"
        f"{_table(None, keys.items(), 'mono')}<p>Un horodatage se contrôle aussi par <code>openssl "
        "ts -verify</code> sur le texte du point de contrôle (docs/evidence.md).</p>"
    )


def _annex(dossier: Dossier, frame: Frame) -> str:
    rows = [
        (
            row["record"],
            frame.time(row["received_at"]),
            _shown(row["from"]),
            _shown(row["text"]),
            _shown(REASONS.get(row["reason"] or "", row["reason"])),
            _reply(row),
        )
        for row in dossier.messages[:MESSAGES_SHOWN]
    ]
    more = len(dossier.messages) - len(rows)
    rest = f"<p>… et {more} autres : messages.csv les donne tous.</p>" if more else ""
    head = ("N°", "Reçu", "De", "Texte", "Motif de la décision", "Réponse")
    return f"<h2>Annexe : les messages</h2>{_table(head, rows, 'messages')}{rest}"


def _table(head: Sequence[str] | None, rows: Any, kind: str = "facts") -> str:
    """A table; a cell is escaped already, or a number."""
    top = "".join(f"<th scope=col>{name}</th>" for name in head) if head else ""
    body = "".join(
        "<tr>" + "".join(_cell(cell, first=head is None and i == 0) for i, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )  # fmt: skip
    return f"<table class={kind}>{f'<thead><tr>{top}</tr></thead>' if top else ''}{body}</table>"


def _cell(value: object, *, first: bool) -> str:
    if first:
        return f"<th scope=row>{value}</th>"
    return f"<td class=n>{value}</td>" if isinstance(value, int) else f"<td>{value}</td>"


KEEPING = """<ol>
<li>Chaque message est transmis par le prestataire téléphonique au moyen d'une requête signée ;
une requête dont la signature est fausse n'entre pas.</li>
<li>La requête, telle qu'elle est venue, est aussitôt scellée pour une clé dont la partie privée
n'est pas sur le serveur. Le serveur ne peut plus l'ouvrir ; une modification se verrait.</li>
<li>Chaque fait (message reçu, décision, suite donnée à une réponse) devient une entrée d'un journal
qui ne fait que croître : un arbre de Merkle (RFC 6962) sur des engagements salés. Une entrée n'est
jamais modifiée.</li>
<li>Le journal signe régulièrement un point de contrôle (Ed25519). Une autorité d'horodatage et un
témoin peuvent l'attester : il ne peut alors plus être réécrit sans contredire un tiers.</li>
<li>Ce dossier a été établi là où se trouve la clé privée ; le serveur n'a remis que des requêtes
scellées. La liste des fichiers (MANIFEST) est signée.</li></ol>
<p>L'intégrité est établie à partir de l'entrée au journal. Auparavant, elle repose sur la signature
du prestataire, dont les propres relevés permettent un recoupement.</p>
<p>Le numéro d'un expéditeur est celui que l'opérateur a présenté ; il peut être usurpé. Son
titulaire se demande à l'opérateur, qui garde ces données environ un an.</p>"""

LAW = """<h2>9. Textes que ce dossier peut servir</h2>
<p class=note>À vérifier par un avocat : ce programme ne donne pas de conseil juridique.</p><ul>
<li>Code pénal, art. 222-16 : messages malveillants réitérés (deux suffisent, même à des personnes
différentes).</li>
<li>Code pénal, art. 222-33-2-2 : harcèlement moral, y compris par plusieurs personnes de
concert.</li>
<li>Code pénal, art. 323-2 : entrave au fonctionnement d'un système de traitement automatisé de
données.</li>
<li>Code civil, art. 1366 : l'écrit électronique a la même force probante si son auteur est dûment
identifié et s'il est conservé dans des conditions qui en garantissent l'intégrité.</li></ul>"""

PAGE = """<!doctype html>
<html lang=fr><meta charset=utf-8><meta name=viewport content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light }}
body {{ font: 15px/1.5 Georgia, 'Times New Roman', serif; color: #1a1a1a; background: #fff;
  max-width: 52rem; margin: 2.5rem auto; padding: 0 1.5rem }}
h1 {{ font-size: 1.9rem; margin: 0 }}
h2 {{ font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #bbb;
  padding-bottom: .2rem }}
.sub, .note {{ color: #555 }} .note {{ font-style: italic }}
dl {{ display: grid; grid-template-columns: 15rem 1fr; gap: .3rem 1rem }}
dt {{ color: #555 }} dd {{ margin: 0 }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid #e3e3e3 }}
th[scope=row] {{ font-weight: normal; color: #555; width: 22rem }}
thead th {{ border-bottom: 1px solid #888 }}
.n {{ text-align: right; padding-right: 1.2rem; font-variant-numeric: tabular-nums }}
.facts td.n {{ text-align: left }}
.facts thead ~ * td.n {{ text-align: right }}
.mono td {{ font: .75rem/1.4 monospace; word-break: break-all }}
.mono th[scope=row] {{ width: 14rem }}
.messages {{ font-size: .8rem }} .messages bdi {{ overflow-wrap: anywhere; white-space: pre-wrap }}
svg {{ width: 100%; height: auto }} svg rect {{ fill: #345 }}
svg text {{ font: 11px sans-serif; fill: #555 }}
code {{ font-size: .85em; background: #f2f2f2; padding: 0 .25em }}
@media print {{
  body {{ margin: 0; max-width: none }} h2 {{ break-after: avoid }} tr {{ break-inside: avoid }}
}}
</style>
{body}
</html>
"""
