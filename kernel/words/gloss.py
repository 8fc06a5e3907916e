"""One table of the house's words, French and English: for ``status``, alerts, dashboards, docs.

Codes stay what they are in records, metrics and ``--json``; this is how a person is told of them.
A test holds the table to the enums it explains, and ``docs/gloss.md`` to the table.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kernel.values.money import format_euros

UNKNOWN = "–"
"""What stands where nothing is known."""

FRENCH_FIGURES = str.maketrans(",.", " ,")
"""From English separators to French ones."""


class Language(enum.StrEnum):
    """A language that a person is spoken to in."""

    FR = "fr"
    EN = "en"


class Term(NamedTuple):
    """One meaning in each language."""

    fr: str
    en: str


GLOSS: Mapping[str, Mapping[str, Term]] = {
    "posture": {
        "normal": Term("normale", "normal"),
        "guarded": Term("prudente", "guarded"),
        "suspended": Term("suspendue", "suspended"),
    },
    "cause": {
        "calm": Term("tout est calme", "all is calm"),
        "restored": Term(
            "la base vient d'une sauvegarde ; à relancer à la main",
            "the database was restored from a backup; resume by hand",
        ),
        "operator": Term("mise en pause à la main", "paused by hand"),
        "credit": Term(
            "le crédit chez l'opérateur est presque épuisé", "the provider's credit is nearly gone"
        ),
        "floor": Term(
            "la cagnotte est à sa réserve, gardée pour recevoir",
            "the fund is at its floor, kept for receiving",
        ),
        "daily_cap": Term("le plafond du jour est atteint", "today's cap is spent"),
        "deliveries_failing": Term(
            "la plupart des réponses n'arrivent pas", "most replies do not arrive"
        ),
        "surge": Term(
            "bien plus de nouveaux contacts que d'habitude", "far more first contacts than usual"
        ),
        "burn": Term("la cagnotte fond trop vite", "the fund burns too fast"),
    },
    "reason": {
        "deserved": Term("mérite une réponse", "deserves a reply"),
        "replayed": Term(
            "requête rejouée : sa signature a déjà servi", "replayed: its signature was used before"
        ),
        "other_number": Term("pas adressé à notre numéro", "not sent to our number"),
        "own_number": Term("vient de notre propre numéro", "comes from our own number"),
        "short_code": Term("numéro court", "short code"),
        "alphanumeric": Term("expéditeur en lettres", "alphanumeric sender"),
        "not_mobile": Term("pas un mobile", "not a mobile"),
        "foreign": Term(
            "mobile d'un pays auquel on ne répond pas", "mobile of a country we do not answer"
        ),
        "call": Term("appel, pas un SMS", "a call, not an SMS"),
        "opted_out": Term("a demandé l'arrêt (STOP)", "opted out (STOP)"),
        "blocked": Term("bloqué à la main", "blocked by hand"),
        "already_answered": Term("a déjà eu sa réponse", "was answered already"),
        "already_deliberating": Term(
            "un premier message de lui est en délibéré", "his first message is being deliberated"
        ),
        "burst": Term("rafale de messages", "a burst of messages"),
        "campaign": Term(
            "campagne : le même texte de nombreux numéros",
            "campaign: the same text from many numbers",
        ),
        "range": Term(
            "bloc de numéros loués : ses voisins écrivent aussi",
            "a rented block: his neighbours wrote as well",
        ),
    },
    "reply": {
        "waiting": Term("attend son tour et l'argent", "waits for its turn and the money"),
        "authorized": Term("payée, à envoyer", "paid for, to be sent"),
        "sending": Term("en cours d'envoi", "being sent"),
        "sent": Term("envoyée, pas encore confirmée", "sent, not yet reported on"),
        "delivered": Term("arrivée", "delivered"),
        "undelivered": Term("pas arrivée", "not delivered"),
        "failed": Term("échouée, rien n'est parti", "failed, nothing went out"),
        "uncertain": Term("incertaine : partie ou non ?", "uncertain: sent or not?"),
        "unresolved": Term("à trancher par une personne", "to be decided by a person"),
        "expired": Term("périmée, a trop attendu", "expired, waited too long"),
        "refused": Term("refusée après coup", "refused after all"),
    },
    "alert": {
        "suspended": Term("aucune réponse n'est plus payée", "no reply is paid for any more"),
        "guarded": Term(
            "les réponses sont payées au compte-gouttes, les plus sincères d'abord",
            "replies are paid for by the pace, the most sincere first",
        ),
        "detached": Term(
            "le numéro est débranché : plus rien n'arrive",
            "the number is detached: nothing comes in any more",
        ),
        "fund_low": Term(
            "la cagnotte ne tiendra pas jusqu'à son horizon",
            "the fund will not last to its horizon",
        ),
        "provider_away": Term(
            "l'opérateur SMS ne répond pas, ou nous refuse",
            "the SMS provider does not answer, or refuses us",
        ),
        "dead": Term("des messages n'ont pas pu être traités", "records could not be handled"),
        "uncertain": Term(
            "un envoi reste incertain depuis plus de dix minutes",
            "a send has been uncertain for more than ten minutes",
        ),
        "audit": Term("l'audit a trouvé une faute", "the audit found a violation"),
    },
    "alert_line": {
        "over": Term("c'est fini : {what}", "all clear: {what}"),
        "fund": Term(
            "Il reste {available} (réserve : {floor}). {waiting} réponses attendent ({cost}).",
            "{available} left (floor: {floor}). {waiting} replies wait ({cost}).",
        ),
        "lasts": Term(
            "À ce train la cagnotte tient {days} jours.", "At this rate the fund lasts {days} days."
        ),
        "costs_all": Term(
            "Coûte encore : chaque SMS reçu, {receive} ; chaque réponse, {reply}.",
            "Still costs: each SMS received, {receive}; each reply, {reply}.",
        ),
        "costs_receiving": Term(
            "Coûte encore : chaque SMS reçu, {receive}. Aucune réponse n'est payée. "
            "Pour tout arrêter : antirelou detach",
            "Still costs: each SMS received, {receive}. No reply is paid for. "
            "To stop all: antirelou detach",
        ),
        "costs_nothing": Term(
            "Ne coûte plus que l'abonnement du numéro.",
            "Costs nothing any more but the number's rental.",
        ),
        "command": Term("À taper : {command}", "Type: {command}"),
        "no_command": Term("Rien à faire.", "Nothing to do."),
        "last_today": Term(
            "C'est le dernier message d'ici demain ; la suite : antirelou status",
            "This is the last message until tomorrow; what follows: antirelou status",
        ),
    },
    "panel": {
        "the_number": Term("Le numéro", "The number"),
        "is_it_up": Term("Le numéro répond-il ?", "Is the number up?"),
        "up": Term("oui", "yes"),
        "down": Term("non", "no"),
        "posture": Term("Posture", "Posture"),
        "cause": Term("Pourquoi", "Why"),
        "wrote": Term("Messages reçus", "Messages received"),
        "answered": Term("Réponses arrivées", "Replies delivered"),
        "waiting": Term("Attendent une réponse", "Wait for a reply"),
        "cost": Term("Dépensé en tout", "Spent in all"),
        "left": Term("Reste dans la cagnotte", "Left in the fund"),
        "lasts": Term("La cagnotte tient encore", "The fund lasts"),
        "for_ever": Term("rien n'est demandé", "nothing is asked"),
        "traffic": Term("Messages et réponses par minute", "Messages and replies a minute"),
        "fund": Term("La cagnotte", "The fund"),
        "received": Term("reçus", "received"),
        "delivered": Term("arrivées", "delivered"),
        "available": Term("disponible", "available"),
        "floor": Term("réserve", "floor"),
        "spent": Term("dépensé", "spent"),
    },
    "remedy": {
        "calm": Term("rien à faire", "nothing to do"),
        "restored": Term(
            "lire ce qui a été retrouvé, puis antirelou resume",
            "read what was found, then antirelou resume",
        ),
        "operator": Term("antirelou resume", "antirelou resume"),
        "credit": Term(
            "recharger à la main chez l'opérateur SMS ; cela repart dans les dix minutes",
            "recharge by hand at the provider; it goes on within ten minutes",
        ),
        "floor": Term(
            'un don : antirelou fund add 50,00 --note "…" ; rien ne se perd d\'ici là',
            'a donation: antirelou fund add 50.00 --note "…"; nothing is lost meanwhile',
        ),
        "daily_cap": Term(
            "attendre minuit : le plafond repart à zéro", "wait for midnight: the cap begins anew"
        ),
        "deliveries_failing": Term(
            "demander pourquoi à l'opérateur SMS, changer REPLY_TEXTS ; des essais partent seuls",
            "ask the provider why, change REPLY_TEXTS; a few are tried by themselves",
        ),
        "surge": Term(
            "rien : cela passe tout seul quand l'afflux retombe",
            "nothing: it ends by itself with the surge",
        ),
        "burn": Term(
            "rien, ou un don : cela passe quand la cagnotte suffit pour tous",
            "nothing, or a donation: it ends when the fund is enough for all",
        ),
    },
    "entry": {
        "donation": Term("don", "donation"),
        "fee": Term("frais", "fee"),
        "correction": Term("annulation", "correction"),
    },
    "log_says": {
        "absent": Term(
            "le journal de l'opérateur n'a aucun SMS qui pourrait l'être",
            "the provider's log has no SMS that could be it",
        ),
        "ambiguous": Term(
            "le journal de l'opérateur a plusieurs SMS qui pourraient l'être",
            "the provider's log has several SMS that could be it",
        ),
        "unsealable": Term(
            "son numéro ne peut être ouvert : le journal de l'opérateur n'a pas été lu",
            "its number cannot be opened, so the provider's log was not searched",
        ),
    },
    "restoration": {
        "title": Term("Base reprise d'une sauvegarde", "Restored from a backup"),
        "backup_at": Term("date de la sauvegarde", "the backup's time"),
        "restored_at": Term("reprise", "restored"),
        "reconciled_at": Term("rapprochée de l'opérateur", "reconciled"),
        "reading": Term(
            "le journal de l'opérateur est en cours de lecture",
            "the provider's log is being read",
        ),
        "matched": Term("réponses déjà parties", "replies sent already"),
        "recovered": Term("SMS sans réponse connue ici", "SMS without a reply here"),
        "received": Term("messages retrouvés", "messages brought back"),
        "receive_microeuros": Term(
            "compté depuis pour recevoir", "booked for receiving since"
        ),
        "reply_microeuros": Term("compté depuis pour répondre", "booked for replies since"),
        "resumed": Term("relancée", "resumed"),
        "yes": Term("oui", "yes"),
        "not_yet": Term("pas encore : antirelou resume", "not yet: antirelou resume"),
    },
    "explain": {
        "message": Term("message", "message"),
        "call": Term("appel", "call"),
        "test": Term("test", "test"),
        "came": Term("Reçu le {at}.", "Received {at}."),
        "tested": Term("Test demandé le {at}.", "Test asked for {at}."),
        "deliberating": Term(
            "Pas encore jugé : la décision se prend plus tard, exprès.",
            "Not judged yet: the decision is taken later, on purpose.",
        ),
        "silent": Term("Pas de réponse : {reason}.", "No reply: {reason}."),
        "deserved": Term("Mérite une réponse.", "Deserves a reply."),
        "reply_is": Term(
            "La réponse : {state} (le {at}).", "The reply: {state} ({at})."
        ),
        "nothing": Term("On n'en sait rien.", "Nothing is known of it."),
        "trace": Term("trace", "trace"),
        "receive_cost": Term("coût de la réception", "receiving cost"),
        "due": Term("à juger le", "due"),
        "reply_cost": Term("coût de la réponse", "reply cost"),
    },
    "basis": {
        "texts": Term("  textes envoyés pendant l'attente", "  texts while waiting"),
        "campaign": Term("  empreinte du texte commun", "  mark of the shared text"),
        "campaign_senders": Term(
            "  numéros au même texte", "  senders of the same text"
        ),
        "campaign_usual": Term("  d'habitude, pour ce texte", "  usual for such a text"),
        "neighbours": Term("  numéros voisins qui écrivent", "  neighbours who wrote"),
        "neighbours_ratio": Term(
            "  voisins, fois l'attendu", "  neighbours, times chance"
        ),
        "surge": Term("  afflux, fois l'habituel", "  surge, times usual"),
        "weight_surge": Term("  poids de l'afflux", "  weight of the surge"),
        "weight_text": Term("  poids des mots", "  weight of the words"),
        "weight_alike": Term("  poids des textes voisins", "  weight of like texts"),
        "weight_neighbours": Term("  poids des voisins", "  weight of neighbours"),
        "weight_texts": Term("  poids de l'insistance", "  weight of insistence"),
    },
    "step": {
        "over_cap": Term("coûterait plus que le plafond", "would cost more than the cap"),
        "no_number": Term("le numéro manque", "the number is missing"),
        "opted_out": Term("a demandé l'arrêt (STOP)", "opted out (STOP)"),
        "blocked": Term("bloqué à la main", "blocked by hand"),
        "operator": Term("tranché par une personne", "decided by a person"),
        "matched": Term("retrouvée après reprise", "found after a restore"),
        "already_answered": Term("avait déjà eu sa réponse", "was answered already"),
        "absent": Term("absente du journal de l'opérateur", "not in the provider's log"),
        "ambiguous": Term(
            "plusieurs possibles au journal de l'opérateur", "several in the provider's log"
        ),
        "unsealable": Term("le numéro ne peut être ouvert", "the number cannot be opened"),
    },
    "say": {
        "paused": Term(
            "En pause. Aucune réponse n'est payée jusqu'à antirelou resume ; ce qui arrive est "
            "gardé.",
            "Paused. No reply is paid for until `antirelou resume`; what is received is kept.",
        ),
        "paused_costs": Term(
            "Recevoir coûte encore. Pour arrêter cela aussi : antirelou detach",
            "Receiving still costs money. To stop that as well: antirelou detach",
        ),
        "waiting": Term(
            "Réponses en attente : {waiting} ; elles coûtent {cost} et partent en {minutes} min "
            "environ.",
            "{waiting} replies wait; they cost {cost} and take about {minutes} min to send.",
        ),
        "resume?": Term("Relancer ?", "Resume?"),
        "yes_no": Term("[o/N]", "[y/N]"),
        "resumed": Term(
            "Relancé : les réponses sont de nouveau payées.",
            "Resumed: replies are paid for again.",
        ),
        "resumed_guarded": Term(
            "Relancé, posture prudente ({cause}) : les réponses partent au compte-gouttes, les "
            "plus sincères d'abord.",
            "Resumed, posture guarded ({cause}): replies are paid for by the pace, the most "
            "sincere first.",
        ),
        "still_suspended": Term(
            "Toujours suspendu : aucune réponse n'est payée ({cause}).",
            "Still suspended: no reply is paid for ({cause}).",
        ),
        "to_do": Term("À faire : {remedy}", "To do: {remedy}"),
        "detaching": Term(
            "Débranchement demandé : c'est fait quand antirelou status le dit.",
            "Detaching: it is done when `antirelou status` says so.",
        ),
        "detached_loses": Term(
            "Ce qu'on envoie au numéro entre-temps est perdu pour nous, sauf dans le journal de "
            "l'opérateur. Pour rebrancher : antirelou attach",
            "What is sent to the number meanwhile is lost to us but for the provider's log. "
            "Again on: antirelou attach",
        ),
        "attaching": Term(
            "Branchement demandé : c'est fait quand antirelou status le dit.",
            "Attaching: it is done when `antirelou status` says so.",
        ),
        "blocked": Term("Bloqué.", "Blocked."),
        "unblocked": Term("N'est plus bloqué.", "No longer blocked."),
        "not_blocked": Term("N'était pas bloqué.", "It was not blocked."),
        "blocks": Term("Numéros bloqués : {count}", "Blocked numbers: {count}"),
        "block": Term("{sender}  bloqué le {at}", "{sender}  blocked {at}"),
        "blocks_note": Term(
            "Seul un pseudonyme est gardé : d'ici, personne ne peut lire le numéro. Pour en "
            "débloquer un, il faut le connaître : antirelou unblock NUMBER",
            "Only a pseudonym is kept: nobody can read the number from here. To unblock one you "
            "must know it: antirelou unblock NUMBER",
        ),
        "blocks_none": Term("Aucun numéro n'est bloqué.", "No number is blocked."),
        "test_sent": Term("En route sous {id}.", "On its way as {id}."),
        "what_became": Term(
            "Ce qu'il en est : antirelou explain {id}",
            "What became of it: antirelou explain {id}",
        ),
        "backfill": Term(
            "Demandé. Ce qui se retrouve paraît dans antirelou status.",
            "Asked for. What it finds appears in `antirelou status`.",
        ),
        "booked": Term("Inscrit : {amount}", "Booked: {amount}"),
        "booked_before": Term(
            "Déjà inscrit, rien n'a changé : {amount}", "Already booked, nothing changed: {amount}"
        ),
        "entry_id": Term("Identifiant : {id}", "Its id: {id}"),
        "once_a_day": Term(
            "Le même montant avec la même note compte une fois par jour ; pour un autre, un autre "
            "--id.",
            "The same amount with the same note counts once a day; another takes another --id.",
        ),
        "available": Term("Disponible : {amount}", "Available: {amount}"),
        "reversed": Term("Annulé.", "Reversed."),
        "unresolved": Term("{id}  depuis le {at}  {price}", "{id}  since {at}  {price}"),
        "none": Term("Aucune.", "None."),
        "booked_sent": Term("Inscrite comme envoyée.", "Booked as sent."),
        "freed": Term("Son argent est de nouveau libre.", "Its money is free again."),
    },
    "wrong": {
        "nobody": Term(
            "--yes : personne n'est là pour répondre ; l'ajouter pour continuer",
            "--yes: nobody is there to be asked; add it to go on",
        ),
        "number": Term(
            "NUMBER : pas un numéro ; l'écrire au format E.164, comme +33639980000",
            "NUMBER: not a number; write it in E.164, such as +33639980000",
        ),
        "amount": Term(
            "{argument} : un montant en euros au-dessus de zéro, comme 12,50",
            "{argument}: decimal euros above zero, such as 12.50",
        ),
        "amount_or_none": Term(
            "{argument} : un montant en euros, comme 12,50",
            "{argument}: decimal euros, such as 12.50",
        ),
        "amount_twofold": Term(
            "{argument} : {typed} peut être {small} ou {large} ; écrire {small_plain} ou "
            "{large_plain}",
            "{argument}: {typed} may be {small} or {large}; write {small_plain} or {large_plain}",
        ),
        "which_amount": Term(
            "{typed} : 1) {small}   2) {large}   Lequel ? [1/2]",
            "{typed}: 1) {small}   2) {large}   Which? [1/2]",
        ),
    },
    "rehearsal": {
        "title": Term("Un déferlement, répété", "A flood, rehearsed"),
        "lead": Term(
            "Ce que le juge et la cagnotte d'antirelou auraient fait de cette trace, du {start} "
            "au {end}.",
            "What the judge and the ledger of antirelou would have done with this trace, from "
            "{start} to {end}.",
        ),
        "as_set": Term("tel que réglé", "as set"),
        "left_right": Term(
            "à gauche : tel que réglé ; à droite : {name}", "left: as set; right: {name}"
        ),
        "the_rehearsal": Term("La répétition", "The rehearsal"),
        "the_fund": Term("la cagnotte", "the fund"),
        "passes": Term("le déferlement passe", "the flood passes"),
        "settles": Term(
            "ce qui attend est payé ou périme", "what waits is paid or expires"
        ),
        "messages": Term("messages", "messages"),
        "from_senders": Term("numéros", "from senders"),
        "senders": Term("numéros qui écrivent", "senders"),
        "deserved": Term("méritaient une réponse", "deserved an answer"),
        "were_answered": Term("l'ont eue", "were answered"),
        "to_be_answered": Term("à répondre", "to be answered"),
        "answered": Term("répondus", "answered"),
        "silent_for": Term("silence : {reason}", "silent: {reason}"),
        "waited_median": Term("attente au-delà du délai, médiane", "waited past due, median"),
        "waited_most": Term(
            "attente au-delà du délai, 95 sur 100", "waited past due, 95 of 100"
        ),
        "spent_receive": Term("dépensé à recevoir", "spent on receiving"),
        "spent_reply": Term("dépensé à répondre", "spent on replies"),
        "left": Term("reste", "left"),
        "left_of_fund": Term("reste de la cagnotte", "left of the fund"),
        "left_of": Term("{left} sur {fund}", "{left} of {fund}"),
        "to_answer_all": Term(
            "pour répondre à tous ceux qui attendent encore", "to answer all who still wait"
        ),
        "would_answer_all": Term(
            "suffirait pour tous ceux qui attendent encore", "would answer all who still wait"
        ),
        "hours": Term("heures, posture {posture}", "hours {posture}"),
        "messages_a_minute": Term("Messages par minute", "Messages a minute"),
        "silent": Term("silence", "silent"),
        "away": Term("jamais arrivés", "did not arrive"),
        "fund_falls": Term(
            "La cagnotte qui descend, et la posture", "The fund going down, and the posture"
        ),
        "available": Term("disponible", "available"),
        "floor": Term("la réserve", "the floor"),
        "spent_on": Term("À quoi elle a servi", "What it was spent on"),
        "receiving": Term("recevoir", "receiving"),
        "replies": Term("répondre", "replies"),
        "verdicts": Term("Verdicts par raison", "Verdicts by reason"),
        "detached": Term(
            "le numéro était débranché", "the number was detached"
        ),
        "waits": Term(
            "Attente au-delà du délai, pour ceux qui ont eu leur réponse",
            "Time waited past due, of those answered",
        ),
        "up_to": Term("jusqu'à {hours}", "up to {hours}"),
        "more_than": Term("plus de {hours}", "more than {hours}"),
        "settings": Term("Réglages", "Settings"),
        "none": Term("aucun", "none"),
    },
    "weekday": {
        "0": Term("lun", "Mon"),
        "1": Term("mar", "Tue"),
        "2": Term("mer", "Wed"),
        "3": Term("jeu", "Thu"),
        "4": Term("ven", "Fri"),
        "5": Term("sam", "Sat"),
        "6": Term("dim", "Sun"),
    },
    "status": {
        "to_do": Term("à faire", "to do"),
        "the_number": Term("Le numéro", "The number"),
        "posture": Term("posture", "posture"),
        "number": Term("numéro", "number"),
        "attached": Term("branché", "attached"),
        "detached": Term("débranché", "detached"),
        "unknown": Term("inconnu", "unknown"),
        "last_webhook": Term("dernier message reçu", "last webhook"),
        "dead_records": Term("messages non traitables", "dead records"),
        "the_fund": Term("La cagnotte", "The fund"),
        "donated": Term("dons", "donated"),
        "available": Term("disponible", "available"),
        "reserved": Term("réservé", "reserved"),
        "spent_receive": Term("dépensé à recevoir", "spent receive"),
        "spent_reply": Term("dépensé à répondre", "spent reply"),
        "fees": Term("frais", "fees"),
        "floor": Term("réserve", "floor"),
        "provider_credit": Term("crédit chez l'opérateur", "provider credit"),
        "messages": Term("Messages", "Messages"),
        "received": Term("reçus", "received"),
        "deliberating": Term("en délibéré", "deliberating"),
        "judged_reply": Term("jugés : réponse", "judged reply"),
        "silent": Term("silence : {reason}", "judged {reason}"),
        "replies": Term("Réponses", "Replies"),
        "none": Term("aucune", "none"),
        "to_answer_all": Term(
            "pour répondre à tous ceux qui attendent", "to answer all who wait"
        ),
    },
}  # fmt: skip


def gloss(group: str, code: str, language: Language, **values: object) -> str:
    """What a code means to a person.

    Args:
        group: of ``GLOSS``.
        values: for the braces in the text.

    Returns:
        the words; a code that no table knows, such as a newer version's, as it is.
    """
    term = GLOSS[group].get(code)
    words = code if term is None else getattr(term, language)
    return words.format(**values) if values else words


def choose_language(setting: Language | None, environment: Mapping[str, str]) -> Language:
    """The setting's, else the environment's, else French.

    Args:
        environment: of the process: the first of ``LC_ALL``, ``LC_MESSAGES``, ``LANG`` counts, as
            POSIX has it.
    """
    if setting is not None:
        return setting
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return Language.EN if locale.lower().startswith("en") else Language.FR


def write_figure(value: float, language: Language, *, decimals: int = 0) -> str:
    """``1 039,40`` in French, ``1,039.40`` in English. The space is a plain one: it copies."""
    return _localize(f"{value:,.{decimals}f}", language)


def write_euros(amount_microeuros: int | None, language: Language, *, decimals: int = 2) -> str:
    """An amount; a dash where it is not known."""
    if amount_microeuros is None:
        return UNKNOWN
    amount = Decimal(format_euros(amount_microeuros, decimals=decimals)) + 0  # no "-0.00"
    return f"{_localize(f'{amount:,}', language)} €"


def _localize(figure: str, language: Language) -> str:
    return figure.translate(FRENCH_FIGURES) if language is Language.FR else figure


@dataclass(frozen=True, slots=True)
class Voice:
    """How figures, amounts, times and codes are told to a person.

    Attributes:
        zone: whose clock is shown.
    """

    language: Language
    zone: ZoneInfo

    def word(self, group: str, code: str, **values: object) -> str:
        """As ``gloss``."""
        return gloss(group, code, self.language, **values)

    def figure(self, value: float, *, decimals: int = 0) -> str:
        """As ``write_figure``."""
        return write_figure(value, self.language, decimals=decimals)

    def euros(self, amount_microeuros: int | None, *, decimals: int = 2) -> str:
        """As ``write_euros``."""
        return write_euros(amount_microeuros, self.language, decimals=decimals)

    def time(self, at: datetime | str | None) -> str:
        """On the clock of the zone, which is named; with its offset in the hour that comes twice.

        Args:
            at: aware, or RFC 3339; None: not known.
        """
        if at is None:
            return UNKNOWN
        at = datetime.fromisoformat(at) if isinstance(at, str) else at
        local = at.astimezone(self.zone)
        place = self.zone.key.rpartition("/")[2].replace("_", " ")
        if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            place += f", UTC{local.isoformat()[-6:]}"
        date = f"{local:%d/%m/%Y}" if self.language is Language.FR else f"{local:%Y-%m-%d}"
        return f"{date} {local:%H:%M} ({place})"

    def day(self, at: datetime) -> str:
        """A day of the zone's calendar, such as ``sam 28``."""
        local = at.astimezone(self.zone)
        return f"{self.word('weekday', str(local.weekday()))} {local:%d}"
