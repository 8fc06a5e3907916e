"""One table of the house's words, French and English: for ``status``, alerts, dashboards, docs.

Codes stay what they are in records, metrics and ``--json``; this is how a person is told of them.
A test holds the table to the enums it explains, and ``docs/gloss.md`` to the table.
"""

import enum
from collections.abc import Mapping
from typing import NamedTuple


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
    "refusal": {
        "over_cap": Term(
            "elle coûterait plus que le plafond par réponse",
            "it would cost more than the cap of one reply",
        ),
        "no_number": Term(
            "le numéro de l'expéditeur manque", "the sender's number is missing"
        ),
        "opted_out": Term(
            "l'expéditeur a demandé l'arrêt (STOP) avant l'envoi",
            "the sender opted out (STOP) before it was sent",
        ),
        "blocked": Term(
            "le numéro a été bloqué à la main avant l'envoi",
            "the number was blocked by hand before it was sent",
        ),
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
        "unread": Term(
            "on ne sait pas combien de messages reçus restent à compter : rien n'est payé",
            "how many received messages are not booked is not known: nothing is paid",
        ),
        "price": Term(
            "l'opérateur demande plus que le tarif réglé ici",
            "the provider asks more than the tariff that is set here",
        ),
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
        "dear_receive": Term(
            "Un SMS reçu coûte {price} le segment ; PRICE_RECEIVE dit {tariff}.",
            "An SMS received costs {price} a segment; PRICE_RECEIVE says {tariff}.",
        ),
        "dear_reply": Term(
            "Une réponse coûte {price} le segment ; PRICE_REPLY dit {tariff}.",
            "A reply costs {price} a segment; PRICE_REPLY says {tariff}.",
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
    "erase": {
        "goes": Term(
            "Sera effacé : {count} enregistrements sur ce numéro (texte, numéro, décisions, "
            "réponses), et ce que les topics en gardent. Rien ne les fait revenir.",
            "Goes: {count} records about this number (text, number, verdicts, replies), and what "
            "the topics hold of it. Nothing brings them back.",
        ),
        "held": Term(
            "Reste : {records} enregistrements, tenus par le dossier {case} jusqu'au {until} : "
            "{reason}",
            "Stays: {records} records, held by case {case} until {until}: {reason}",
        ),
        "stays": Term(
            "Reste aussi : leur place dans le journal, qui n'en dit rien ; les sauvegardes et les "
            "exports déjà faits ; le pseudonyme dans les comptes ; les relevés de l'opérateur SMS.",
            "Stays as well: their place in the log, which says nothing of them; backups and "
            "exports made before; the pseudonym in the books; the provider's logs.",
        ),
        "locks": Term(
            "Les fichiers de la base sont réécrits, table par table : tant que cela dure, le "
            "travail attend et des messages peuvent être refusés à l'entrée, puis présentés de "
            "nouveau par l'opérateur. À faire quand tout est calme.",
            "The database's files are written anew, table by table: meanwhile work waits, and "
            "messages may be refused at the door, to be brought again by the provider. Better "
            "done when all is calm.",
        ),
        "ask": Term("Effacer ?", "Erase?"),
        "kept": Term("Rien n'a été effacé.", "Nothing was erased."),
    },
    "status": {
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
        "dear_receive": Term(
            "recevoir coûte plus que PRICE_RECEIVE, le segment",
            "receiving costs more than PRICE_RECEIVE, a segment",
        ),
        "dear_reply": Term(
            "répondre coûte plus que PRICE_REPLY, le segment",
            "replying costs more than PRICE_REPLY, a segment",
        ),
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
