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
        "skipped": Term("une personne l'a écartée", "a person said: not this one"),
    },
    "alert": {
        "suspended": Term("aucune réponse n'est plus payée", "no reply is paid for any more"),
        "guarded": Term(
            "les plus sincères d'abord ; de l'argent est gardé pour ceux qui viendront",
            "the most sincere are paid first; money is kept for those who will come",
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
        "gifts": Term(
            "un don n'est pas compté : autre monnaie, ou montant absurde",
            "a gift is not counted: another currency, or an absurd amount",
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
        "transfer": Term("versement à l'opérateur", "transfer to the provider"),
    },
    "gift": {
        "gift": Term("don", "gift"),
        "refund": Term("remboursement", "refund"),
        "dispute": Term("contestation", "dispute"),
        "reinstated": Term("contestation rendue", "dispute given back"),
        "fee": Term("frais de la plateforme", "the platform's fee"),
        "void": Term("ne vaut plus", "does not hold"),
    },
    "uncounted": {
        "currency": Term("pas en euros", "not in euros"),
        "zero": Term("montant nul ou illisible", "amount of zero, or unreadable"),
        "negative": Term("montant négatif", "negative amount"),
        "absurd": Term("montant au-delà de 100 000 €", "amount beyond 100,000 €"),
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
        "weight_phrases": Term(
            "  poids des phrases que beaucoup répètent", "  weight of phrases that many repeat"
        ),
        "weight_habit": Term(
            "  poids du nombre de textes, si beaucoup en envoient autant",
            "  weight of the number of texts, if many send as many",
        ),
        "weight_alike": Term("  poids des textes voisins", "  weight of like texts"),
        "weight_neighbours": Term("  poids des voisins", "  weight of neighbours"),
        "weight_texts": Term("  poids de l'insistance", "  weight of insistence"),
    },
    "step": {
        "over_cap": Term("coûterait plus que le plafond", "would cost more than the cap"),
        "no_number": Term("le numéro manque", "the number is missing"),
        "opted_out": Term("a demandé l'arrêt (STOP)", "opted out (STOP)"),
        "blocked": Term("bloqué à la main", "blocked by hand"),
        "skipped": Term("écartée par une personne", "a person said: not this one"),
        "operator": Term("tranché par une personne", "decided by a person"),
        "matched": Term("retrouvée après reprise", "found after a restore"),
        "already_answered": Term("avait déjà eu sa réponse", "was answered already"),
        "absent": Term("absente du journal de l'opérateur", "not in the provider's log"),
        "ambiguous": Term(
            "plusieurs possibles au journal de l'opérateur", "several in the provider's log"
        ),
        "unsealable": Term("le numéro ne peut être ouvert", "the number cannot be opened"),
    },
    "provider": {
        "400": Term(
            "il juge le numéro ou le texte invalide",
            "it takes this number or this text for invalid",
        ),
        "401": Term(
            "il ne nous connaît pas : ANTIRELOU_PLIVO_AUTH_ID, ANTIRELOU_PLIVO_AUTH_TOKEN",
            "it does not know us: ANTIRELOU_PLIVO_AUTH_ID, ANTIRELOU_PLIVO_AUTH_TOKEN",
        ),
        "402": Term(
            "plus de crédit : recharger chez l'opérateur SMS",
            "no credit is left; top it up at the provider",
        ),
        "403": Term(
            "envoi interdit : ouvrir le pays (geo permissions) chez l'opérateur SMS",
            "it may not be sent: enable the country (geo permissions) at the provider",
        ),
        "404": Term(
            "ni compte ni numéro de ce nom : ANTIRELOU_PLIVO_AUTH_ID, ANTIRELOU_NUMBER",
            "no such account or number there: ANTIRELOU_PLIVO_AUTH_ID, ANTIRELOU_NUMBER",
        ),
        "429": Term("trop d'un coup", "too many at once"),
        "over_cap": Term(
            "une réponse coûterait plus que CAP_PER_EXCHANGE",
            "a reply would cost more than CAP_PER_EXCHANGE",
        ),
        "unsealable": Term(
            "son numéro ne peut être ouvert : scellé par une autre SENDING_PRIVATE_KEY",
            "its number cannot be opened: another SENDING_PRIVATE_KEY sealed it",
        ),
    },
    "try": {
        "starting": Term(
            "La maison démarre : base, services, faux opérateur. Une dizaine de secondes…",
            "The house starts: database, services, a simulated provider. Some ten seconds…",
        ),
        "welcome": Term(
            "Le temps passe {speed} fois plus vite : la réponse d'une heure après vient en dix "
            "secondes. Écrire un texte, comme si {sender} l'envoyait au numéro.",
            "Time runs {speed} times as fast: the reply of an hour later comes within ten seconds. "
            "Write a text, as if {sender} sent it to the number.",
        ),
        "help": Term(
            "06 39 98 00 02: Coucou  écrit d'un autre téléphone · /foule 300 · /don 50 · "
            "/pourquoi NUMÉRO · /pause · /reprendre · /état · /quitter",
            "06 39 98 00 02: Hello  writes from another phone · /crowd 300 · /gift 50 · "
            "/why NUMBER · /pause · /resume · /status · /quit",
        ),
        "received": Term(
            "  reçu de {sender} ; la réponse, plus tard.",
            "  received from {sender}; the reply, later.",
        ),
        "crowd": Term("  {count} téléphones insultent le numéro.", "  {count} phones insult it."),
        "no_crowd": Term("Une foule : de 1 à {most} téléphones.", "A crowd: 1 to {most} phones."),
        "verdict": Term("  {sender} : {verdict}", "  {sender}: {verdict}"),
        "troll": Term(
            "Vous êtes toutes les mêmes, on va vous ruiner votre numéro, signé le forum",
            "You are all the same, we will ruin your number, yours the forum",
        ),
        "sms": Term("  SMS à {phone} ({cost}) : {text}", "  SMS to {phone} ({cost}): {text}"),
        "left": Term("  il reste {left} dans la cagnotte.", "  {left} left in the fund."),
    },
    "serve": {
        "runs": Term("La maison tourne, pour le {number}.", "The house runs, for {number}."),
        "webhooks": Term(
            "Les webhooks arrivent sur {listen} : un proxy TLS devant, et rien d'autre.",
            "Webhooks come in at {listen}: put a TLS proxy in front, nothing else.",
        ),
        "enter": Term(
            "Chez l'opérateur SMS, Message URL (POST) de l'application :",
            "At the provider, the application's message URL (POST):",
        ),
        "enter_calls": Term("et Answer URL (POST) :", "and its answer URL (POST):"),
        "look": Term("Comment ça va : {status} ({ready})", "How it is: {status} ({ready})"),
        "console": Term(
            "La console : {url} ; y entrer : antirelou operator add",
            "The console: {url}; to get in: antirelou operator add",
        ),
        "figures": Term("Chiffres pour Grafana : {metrics}", "Figures for Grafana: {metrics}"),
        "first_gift": Term(
            'Un don : antirelou fund add 50,00 --note "…"',
            'A donation: antirelou fund add 50.00 --note "…"',
        ),
        "stop": Term(
            "Arrêter : Ctrl-C ; ce qui est en main est fini d'abord.",
            "Stop it: Ctrl-C; what is in hand is finished first.",
        ),
    },
    "setup": {
        "begins": Term(
            "Quelques questions ; tout est écrit dans {folder}, rien n'est installé.",
            "A few questions; all is written into {folder}, nothing is installed.",
        ),
        "provider": Term(
            "Qui porte les SMS : plivo, ou smsgate pour un téléphone à soi (vide : plivo)",
            "Who carries the SMS: plivo, or smsgate for a phone of your own (empty: plivo)",
        ),
        "smsgate_url": Term(
            "SMSGate, adresse de l'API, sans /3rdparty/v1", "SMSGate, API address, no /3rdparty/v1"
        ),
        "smsgate_user": Term("SMSGate, utilisateur", "SMSGate, user"),
        "smsgate_password": Term("SMSGate, mot de passe", "SMSGate, password"),
        "smsgate_devices": Term(
            "SMSGate, identifiants des téléphones, séparés par des virgules",
            "SMSGate, device ids, separated by commas",
        ),
        "smsgate_mode": Term(
            "SMSGate, private ou local (vide : private)",
            "SMSGate, private or local (empty: private)",
        ),
        "number": Term("Notre numéro (+33…)", "Our number (+33…)"),
        "plivo_auth_id": Term("Plivo, Auth ID (MA…)", "Plivo, auth id (MA…)"),
        "plivo_auth_token": Term("Plivo, Auth Token", "Plivo, auth token"),
        "plivo_app_id": Term(
            "Plivo, App ID (vide : le numéro ne se débranche pas tout seul)",
            "Plivo, app id (empty: the number is never detached by itself)",
        ),
        "fund_floor": Term(
            "Réserve de la cagnotte, gardée pour recevoir, en euros (vide : 20)",
            "Floor of the fund, kept for receiving, in euros (empty: 20)",
        ),
        "host": Term(
            "Nom public de la machine (sms.example.org)",
            "Public name of the machine (sms.example.org)",
        ),
        "no_host": Term(
            "un nom comme sms.example.org, sans chemin", "a name such as sms.example.org, no path"
        ),
        "needed": Term("il en faut un", "one is needed"),
        "texts": Term(
            "Les réponses, telles qu'elles sont (en écrire remplace toutes celles-ci) :",
            "The replies as they are (writing some replaces all of these):",
        ),
        "text": Term("Une réponse à soi (vide : fini)", "A reply of your own (empty: done)"),
        "text_is": Term(
            "{alphabet}, {units} unités, {segments} segment(s), {cost}",
            "{alphabet}, {units} units, {segments} segment(s), {cost}",
        ),
        "nobody": Term(
            "setup : les réponses manquent ; répondre au clavier, ou une par ligne",
            "setup: answers are missing; type them, or give one a line",
        ),
        "plain_folder": Term(
            "FOLDER : {folder} a des blancs ou des signes ; lettres, chiffres et / . + @ - _",
            "FOLDER: {folder} has blanks or signs; accepted: letters, figures and / . + @ - _",
        ),
        "folder_taken": Term(
            "FOLDER : {folder} n'est pas vide ; rien n'y est écrit, en nommer un autre",
            "FOLDER: {folder} is not empty; nothing is written into it, name another",
        ),
        "written": Term("Écrit dans {folder}. Ensuite :", "Written into {folder}. Next:"),
        "look": Term("Voir ce qui manque :", "See what is missing:"),
        "install": Term(
            "Mettre en marche, à chaque démarrage aussi :", "Start it, now and at each boot:"
        ),
        "proxy": Term("Le proxy TLS (Caddy) :", "The TLS proxy (Caddy):"),
        "give": Term(
            "Un premier don, et un essai en vrai :", "A first donation, a look in earnest:"
        ),
        "offline": Term(
            "D'abord, ces deux clés quittent la machine, chacune chez une autre personne : "
            "{evidence} et {backup}",
            "First take these two keys off the machine, each to another person: {evidence} and "
            "{backup}",
        ),
        "account": Term(
            "La maison tourne sous un compte à elle, {account}, et non comme root :",
            "The house runs as an account of its own, {account}, not as root:",
        ),
        "no_apostrophe": Term("{name} : sans apostrophe", "{name}: without an apostrophe"),
    },
    "release": {
        "nobody": Term("Plus personne n'attend.", "Nobody is waiting any more."),
        "card": Term("{waiting} en attente ; la meilleure :", "{waiting} wait; the best:"),
        "keys": Term(
            "s : envoyer   n : pas celle-ci   l : plus tard   q : arrêter",
            "s: send   n: not this one   l: later   q: quit",
        ),
        "send": Term("Autorisée.", "Released."),
        "skip": Term("Écartée.", "Skipped."),
        "later": Term("Remise après toutes les autres.", "Put behind all others."),
        "taken": Term(
            "Quelqu'un d'autre s'en est occupé, ou elle n'attend plus.",
            "Another has acted, or it waits no more.",
        ),
        "no_money": Term(
            "pas d'argent pour elle maintenant ; elle attend (voir antirelou status)",
            "there is no money for it now; it waits on (`antirelou status` says why)",
        ),
        "held": Term(
            "toutes les réponses sont retenues ; elle attend (voir antirelou status)",
            "all replies are held back; it waits on (`antirelou status` says why)",
        ),
        "first_at": Term("premier SMS", "first text"),
        "last_at": Term("dernier SMS", "last text"),
        "texts": Term("SMS reçus de lui", "texts from him"),
        "score": Term("score (plus haut : plus sincère)", "score (higher: likelier sincere)"),
        "reasons": Term("d'après", "by"),
        "price": Term("prix", "price"),
        "expires_at": Term("périme", "expires"),
        "by_surge": Term("l'afflux", "the surge"),
        "by_text": Term("les mots", "the words"),
        "by_alike": Term("des textes voisins", "like texts"),
        "by_neighbours": Term("des numéros voisins", "neighbouring numbers"),
        "by_texts": Term("l'insistance", "insistence"),
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
            "Relancé, posture prudente ({cause}) : les plus sincères d'abord ; de l'argent est "
            "gardé pour ceux qui viendront.",
            "Resumed, posture guarded ({cause}): the most sincere are paid first; money is kept "
            "for those who will come.",
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
        "test_sent": Term("En route.", "On its way."),
        "test_taken": Term("L'opérateur SMS l'a pris.", "The provider has taken it."),
        "test_refused": Term(
            "Pas envoyé. L'opérateur SMS, ou la maison, l'a refusé : {why}",
            "Not sent. The provider, or the house, refused it: {why}",
        ),
        "test_waits": Term(
            "Pas encore envoyé ({why}). Nouvel essai pendant un moment.",
            "Not sent yet ({why}). It is tried again for a while.",
        ),
        "below_zero": Term(
            "Ce qui est dépensé et réservé le reste : il resterait {left} dans la cagnotte.",
            "What was spent and is reserved stays so: {left} would be left in the fund.",
        ),
        "reverse_all_the_same": Term("Annuler quand même ?", "Reverse it all the same?"),
        "what_became": Term(
            "Ce qu'il en est : antirelou explain {id}",
            "What became of it: antirelou explain {id}",
        ),
        "backfill": Term(
            "Demandé. Ce qui se retrouve paraît dans antirelou status.",
            "Asked for. What it finds appears in `antirelou status`.",
        ),
        "import": Term(
            "{count} dons à inscrire, {amount} en tout ; {known} déjà inscrits, {passed} lignes "
            "qui ne sont pas des dons",
            "{count} gifts to book, {amount} in all; {known} booked before, {passed} lines that "
            "are no gifts",
        ),
        "import?": Term("Les inscrire ?", "Book them?"),
        "imported": Term("{count} dons inscrits.", "{count} gifts booked."),
        "uncounted": Term("Pas comptés :", "Not counted:"),
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
        "reversed": Term(
            "Annulé. Il reste dans la cagnotte : {left}", "Reversed. Left in the fund: {left}"
        ),
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
        "raised": Term("collecté sur les plateformes", "raised on platforms"),
        "transferred": Term("dont versé à l'opérateur", "of it transferred to the provider"),
        "held": Term("dont retenu (GIFT_HOLD)", "of it held back (GIFT_HOLD)"),
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
    "doctor": {
        "settings": Term("réglages", "settings"),
        "number": Term("numéro", "number"),
        "release": Term("qui libère les réponses", "who releases replies"),
        "by_person": Term("une personne, une par une", "a person, one at a time"),
        "by_itself_known": Term(
            "la maison seule, et c'est voulu (RELEASE_AUTO_WORDS)",
            "the house by itself, and that is meant (RELEASE_AUTO_WORDS)",
        ),
        "by_itself": Term(
            "la maison seule : un automate ne peut répondre depuis un 06 ou 07 français",
            "the house by itself: no automaton may answer from a French 06 or 07",
        ),
        "by_itself_fix": Term(
            'RELEASE=person ; ou, en connaissance de cause, RELEASE_AUTO_WORDS="no person '
            'releases, and I know what the law says"',
            'RELEASE=person; or, if you know what you do, RELEASE_AUTO_WORDS="no person '
            'releases, and I know what the law says"',
        ),
        "reply texts": Term("textes de réponse", "reply texts"),
        "public URL": Term("adresse publique", "public URL"),
        "detaching": Term("débranchement", "detaching"),
        "fund floor": Term("réserve", "fund floor"),
        "evidence key": Term("clé des preuves", "evidence key"),
        "backup key": Term("clé des sauvegardes", "backup key"),
        "open files": Term("fichiers ouverts", "open files"),
        "account": Term("compte système", "account"),
        "database": Term("base de données", "database"),
        "log": Term("journal des messages", "log"),
        "running system": Term("système en marche", "running system"),
        "signed webhook": Term("webhook signé", "signed webhook"),
        "forged webhook": Term("webhook falsifié", "forged webhook"),
        "provider": Term("opérateur SMS", "provider"),
        "provider credit": Term("crédit chez l'opérateur", "provider credit"),
        "auto-recharge": Term("rechargement automatique", "auto-recharge"),
        "number attached": Term("numéro branché", "number attached"),
        "schemas": Term("schémas", "schemas"),
        "topics": Term("sujets Kafka", "topics"),
        "countries": Term("pays à qui l'on répond", "countries answered"),
        "countries_found": Term("{countries}", "{countries}"),
        "overseas": Term(
            "{countries} ; pas l'outre-mer, dont les numéros ont leurs propres indicatifs (+262, "
            "+590, +594, +596…) : ANTIRELOU_COUNTRIES=FR,GF,GP,MQ,RE,YT leur répond aussi ; "
            "chercher le tarif du fournisseur pour chacun, et mettre le plus haut dans "
            "ANTIRELOU_PRICE_REPLY",
            "{countries}; not overseas, where numbers have country codes of their own (+262, +590, "
            "+594, +596…): ANTIRELOU_COUNTRIES=FR,GF,GP,MQ,RE,YT answers them too; look up the "
            "provider's price for each, and set ANTIRELOU_PRICE_REPLY to the highest",
        ),
        "groups": Term("groupes", "groups"),
        "incomplete": Term("incomplets", "incomplete"),
        "complete": Term("complets", "complete"),
        "mobile": Term("un numéro français en 06 ou 07", "a French 06/07 number"),
        "mobile_phone": Term(
            "un 06 ou 07 : une personne doit envoyer chaque réponse (docs/providers.md)",
            "a 06 or 07: a person must send each reply (docs/providers.md)",
        ),
        "nothing_to_detach": Term(
            "n'épargne rien : recevoir est gratuit", "saves nothing: receiving is free"
        ),
        "phones": Term("téléphones", "phones"),
        "phones_found": Term("{count}, tous vus depuis une heure", "{count}, each seen this hour"),
        "phones_unknown": Term("inconnus du serveur : {names}", "not known to the server: {names}"),
        "phones_unknown_fix": Term(
            "les identifiants de ANTIRELOU_SMSGATE_DEVICES, tels que le serveur les montre",
            "the ids in ANTIRELOU_SMSGATE_DEVICES, as the server shows them",
        ),
        "phones_asleep": Term("endormis : {names}", "asleep: {names}"),
        "phones_asleep_fix": Term(
            "courant, réseau, économie de batterie coupée pour l'application",
            "mains, network, battery saving off for the app",
        ),
        "registrations": Term("webhooks des téléphones", "webhooks of the phones"),
        "registrations_good": Term("les nôtres, une fois chacun", "ours, each once"),
        "registrations_missing": Term("il en manque : {names}", "some are missing: {names}"),
        "registrations_double": Term(
            "en double, chaque texte vient deux fois : {names}",
            "twice, every text comes twice: {names}",
        ),
        "registrations_strange": Term(
            "d'autres lisent aussi les textes : {names}", "others read the texts too: {names}"
        ),
        "registrations_fix": Term(
            "`antirelou detach`, puis `antirelou attach` ; ôter les autres sur le serveur",
            "`antirelou detach`, then `antirelou attach`; remove the others on the server",
        ),
        "mobile_fix": Term(
            "ils sont fermés aux plateformes depuis 2023 : demander à l'opérateur un "
            "0937-0939, et s'il reçoit les SMS",
            "these are closed to platforms since 2023: ask the provider for 0937-0939, and "
            "whether it takes SMS",
        ),
        "number_fix": Term(
            "mettre dans ANTIRELOU_NUMBER le numéro loué à l'opérateur, au format E.164",
            "set ANTIRELOU_NUMBER to the number the provider rents to you, E.164",
        ),
        "no_number": Term("pas un numéro valable", "no valid number"),
        "kind": Term("{country}, {kind}", "{country}, {kind}"),
        "over_cap": Term("au-dessus du plafond", "over the cap"),
        "within_cap": Term("{count} sous le plafond", "{count} within the cap"),
        "no_https": Term("{scheme}, pas https", "{scheme}, not https"),
        "https_fix": Term(
            "les signatures V2 ne couvrent pas le contenu : placer un proxy TLS devant et "
            "mettre ANTIRELOU_PUBLIC_URL=https://…",
            "V2 signatures do not cover the body: put a TLS proxy in front and set "
            "ANTIRELOU_PUBLIC_URL=https://…",
        ),
        "detaching_off": Term(
            "impossible : un déluge peut vider la cagnotte sous sa réserve",
            "off: a flood can empty the fund below its floor",
        ),
        "detaching_fix": Term(
            "mettre dans ANTIRELOU_PLIVO_APP_ID l'application à laquelle le numéro est relié",
            "set ANTIRELOU_PLIVO_APP_ID to the application the number is linked to",
        ),
        "detaching_on": Term("possible", "on"),
        "outlast": Term(
            "{amount} EUR tiennent {rate} messages par seconde, pendant les {seconds} s avant"
            " que le numéro soit coupé",
            "{amount} EUR outlast {rate} messages a second, in the {seconds} s until the "
            "number is off",
        ),
        "floor_fix": Term(
            "augmenter ANTIRELOU_FUND_FLOOR : un déluge plus rapide prend de l'argent que la "
            "cagnotte n'a pas",
            "raise ANTIRELOU_FUND_FLOOR: a faster flood takes money that the fund does not "
            "hold",
        ),
        "key_here": Term(
            "sa moitié privée est encore sur cette machine",
            "its private half is still on this machine",
        ),
        "key_fix": Term(
            "donner {path} à une autre personne, sur un support non connecté, puis l'effacer "
            "ici",
            "give {path} to another person, on a medium that is not connected, and delete it "
            "here",
        ),
        "key_away": Term(
            "sa moitié privée n'est ni dans DATA_DIR, ni à côté des réglages, ni dans ce "
            "dossier",
            "its private half is neither in DATA_DIR, nor beside the settings, nor in this "
            "folder",
        ),
        "root": Term(
            "root, et PostgreSQL doit tourner sous un autre compte",
            "root, and PostgreSQL has to run as another",
        ),
        "root_fix": Term(
            "tout lancer sous un compte à part ; lancé par root, `antirelou serve` fera : "
            "{changes}",
            "run all as an account of its own; started by root, `antirelou serve` will do: "
            "{changes}",
        ),
        "files": Term("{count} à la fois", "{count} at once"),
        "files_fix": Term(
            "laisser le service en ouvrir {count} (LimitNOFILE= de systemd, ulimits de "
            "Compose, ulimit -Hn) : avec moins, moins de connexions d'inconnus tiennent avant"
            " que la plus ancienne cède",
            "let the service open {count} (systemd LimitNOFILE=, Compose ulimits, ulimit "
            "-Hn): with fewer, fewer strangers' connections are held before the oldest goes",
        ),
        "database_rests": Term(
            "embarquée, à l'arrêt : `antirelou serve` la démarre",
            "embedded, and does not run: `antirelou serve` starts it",
        ),
        "log_embedded": Term("embarqué, dans la base", "embedded, in the database"),
        "log_kafka": Term("Kafka répond", "Kafka answers"),
        "log_fix": Term(
            "le broker tourne-t-il, et l'atteint-on d'ici à ANTIRELOU_KAFKA_BOOTSTRAP ?",
            "is the broker running, and reachable at ANTIRELOU_KAFKA_BOOTSTRAP from here?",
        ),
        "database_fix": Term(
            "PostgreSQL tourne-t-il, et l'atteint-on d'ici à ANTIRELOU_DATABASE_URL ?",
            "is PostgreSQL running, and reachable at ANTIRELOU_DATABASE_URL from here?",
        ),
        "webhook_fix": Term(
            "l'adresse publique doit mener à LISTEN sans rien changer : chemin, paramètres et"
            " contenu tels quels",
            "the public URL must reach LISTEN unchanged: path, query and body as sent",
        ),
        "webhook_503_fix": Term(
            "il est arrivé, mais ingest ne peut le garder : son /readyz dit ce qui lui manque"
            " (le journal, sans doute)",
            "it arrived, and ingest cannot keep it: its /readyz says what it lacks (the log, "
            "most likely)",
        ),
        "forged_fix": Term("il doit être refusé par un 403", "it must be refused with 403"),
        "away": Term("ne répond pas", "away"),
        "no_answer_fix": Term(
            "pas de réponse ({error}) : tourne-t-il, son adresse est-elle juste ?",
            "no answer ({error}): is it running, is its address right?",
        ),
        "running": Term(
            "posture {posture}, messages non traitables : {dead}",
            "posture {posture}, dead records: {dead}",
        ),
        "provider_away": Term("pas de réponse ({reason})", "no answer ({reason})"),
        "provider_fix": Term(
            "401 : vérifier ANTIRELOU_PLIVO_AUTH_ID et _TOKEN ; sinon, sa page d'état",
            "401: check ANTIRELOU_PLIVO_AUTH_ID and _TOKEN; else its status page",
        ),
        "credit_unreadable_fix": Term(
            "le lire dans la console de l'opérateur ; les réponses ne cessent que quand il "
            "les refuse",
            "look it up in the provider's console; replies stop only when it refuses them",
        ),
        "unreadable": Term("illisible", "unreadable"),
        "credit_fix": Term(
            "prépayer autant que la cagnotte : quand il n'y en a plus, plus personne n'a de "
            "réponse",
            "prepay as much as the fund holds: when it is gone, nobody is answered",
        ),
        "recharge_on": Term("activé", "switched on"),
        "recharge_off": Term("désactivé", "off, as it is to be"),
        "recharge_fix": Term(
            "le couper dans la console de l'opérateur : il débite une carte, sans que la "
            "cagnotte le borne",
            "switch it off in the provider's console: it charges a card, and no fund bounds "
            "that",
        ),
        "attach_fix": Term(
            "relier le numéro à l'application (`antirelou attach`), puis regarder encore",
            "link the number to the application (`antirelou attach`), then look again",
        ),
        "link_unknown": Term("inconnu ({reason})", "unknown ({reason})"),
        "link_none": Term("à aucune application", "to no application"),
        "link_yes": Term("oui", "yes"),
        "link_other": Term("à une autre application", "to another application"),
        "because": Term("{error} : {fix}", "{error}: {fix}"),
        "groups_away": Term("le journal ne répond pas", "the log is away"),
        "groups_unknown": Term("{error}", "{error}"),
        "groups_unknown_fix": Term(
            "laisser tourner son service : il relit le topic de lui-même",
            "let its service run: it reads the topic again by itself",
        ),
        "groups_fix": Term("réparer d'abord le journal ({error})", "mend the log first ({error})"),
        "schemas_embedded": Term("faits par `antirelou serve`", "made by `antirelou serve`"),
        "schemas_hidden": Term("pas regardés : {error}", "not looked at: {error}"),
        "unknown": Term("inconnus", "unknown"),
        "schemas_missing": Term("il manque {count} migrations", "{count} migrations are missing"),
        "schemas_fix": Term(
            "lancer `antirelou migrate` ; la première qui manque : {first}",
            "run `antirelou migrate`; first missing: {first}",
        ),
        "up_to_date": Term("à jour", "up to date"),
        "topics_fix": Term("lancer `antirelou topics apply`", "run `antirelou topics apply`"),
        "all_there": Term("tous là", "all there"),
        "unread": Term("{left} non lus", "{left} unread"),
        "stuck": Term(
            "{left} non lus, et {count} partitions n'avancent pas, dont {place}",
            "{left} unread, and {count} partitions do not move, such as {place}",
        ),
        "stuck_fix": Term(
            "`antirelou serve {service}` tourne-t-il, prêt ? son /readyz dit ce qui lui "
            "manque",
            "is `antirelou serve {service}` running and ready? its /readyz says what it lacks",
        ),
        "mend": Term("À RÉGLER", "MEND"),
        "to_mend": Term("{count} à régler.", "{count} to mend."),
        "nothing": Term("Rien à régler.", "Nothing to mend."),
    },
    "page": {
        "now": Term("Maintenant", "Now"),
        "acts": Term("Actes", "Acts"),
        "money": Term("Argent", "Money"),
        "explain": Term("Expliquer", "Explain"),
        "events": Term("Événements", "Events"),
        "operators": Term("Opérateurs", "Operators"),
    },
    "safety": {
        "yes": Term(
            "Oui : le numéro peut être donné.", "Yes: the number may be given."
        ),
        "slowly": Term(
            "Oui, mais les réponses sont rares et lentes.",
            "Yes, but replies are few and slow.",
        ),
        "silent": Term(
            "Mieux vaut attendre : ce qui vient est reçu, rien n'est répondu.",
            "Better wait: what comes is received, nothing is answered.",
        ),
        "no": Term(
            "Non : le numéro est débranché, rien n'arrive.",
            "No: the number is detached, nothing comes in.",
        ),
        "unknown": Term(
            "On ne sait pas : l'opérateur SMS n'a pas encore dit si le numéro est branché.",
            "Not known: the provider has not said yet whether the number is attached.",
        ),
    },
    "need": {
        "attached": Term("Le numéro n'est pas branché.", "The number is not attached."),
        "paused": Term(
            "Une personne a mis en pause, ou la base vient d'une sauvegarde.",
            "A person paused it, or the database was restored.",
        ),
        "fund": Term("La cagnotte est à sa réserve.", "The fund is at its floor."),
        "credit": Term(
            "Le crédit chez l'opérateur SMS est plus bas que la réserve.",
            "The provider's credit is below the floor.",
        ),
        "unresolved": Term(
            "{count} réponses à trancher par une personne.",
            "{count} replies to be decided by a person.",
        ),
        "uncertain": Term(
            "{count} envois incertains : partis ou non ?", "{count} sends uncertain: sent or not?"
        ),
        "dead": Term(
            "{count} messages non traitables, ou le journal ne répond pas.",
            "{count} dead records, or the log does not answer.",
        ),
        "dear": Term(
            "L'opérateur SMS demande plus que le tarif réglé ici.",
            "The provider asks more than the tariff that is set here.",
        ),
        "delivery": Term(
            "Plus de la moitié des réponses n'arrivent pas.", "Most replies do not arrive."
        ),
    },
    "need_well": {
        "attached": Term("Le numéro est branché", "The number is attached"),
        "paused": Term("Rien n'est en pause", "Nothing is paused"),
        "fund": Term("La cagnotte dépasse sa réserve", "The fund is above its floor"),
        "credit": Term("Le crédit chez l'opérateur suffit", "The provider's credit will do"),
        "unresolved": Term("Aucune réponse à trancher", "No reply to be decided"),
        "uncertain": Term("Aucun envoi incertain", "No send is uncertain"),
        "dead": Term("Tous les messages sont traités", "Every record was handled"),
        "dear": Term("Les prix sont ceux du tarif", "Prices are the tariff's"),
        "delivery": Term("Les réponses arrivent", "Replies arrive"),
    },
    "role": {
        "view": Term("regarde", "view"),
        "operate": Term("agit", "operate"),
        "owner": Term("responsable", "owner"),
    },
    "way": {
        "link": Term("lien", "link"),
        "passkey": Term("clé d'accès", "passkey"),
    },
    "act": {
        "pause": Term("Mettre en pause", "Pause"),
        "resume": Term("Reprendre", "Resume"),
        "detach": Term("Débrancher le numéro", "Detach the number"),
        "attach": Term("Brancher le numéro", "Attach the number"),
        "block": Term("Bloquer un numéro", "Block a number"),
        "unblock": Term("Débloquer un numéro", "Unblock a number"),
        "test": Term("Essayer sur un téléphone à nous", "Test on a phone of ours"),
        "give": Term("Noter un don", "Add a donation"),
        "fee": Term("Noter des frais", "Add a fee"),
        "correct": Term("Annuler une écriture", "Reverse an entry"),
        "transfer": Term("Noter un versement à l'opérateur SMS", "Note a transfer to the provider"),
        "signed_in": Term("Connexion", "Signed in"),
        "explained": Term("A regardé une explication", "Looked at an explanation"),
        "downloaded": Term("A téléchargé le livre", "Downloaded the book"),
        "passkey_added": Term("Clé d'accès ajoutée", "Passkey added"),
        "operator_added": Term("Opérateur ajouté, ou lien refait", "Operator added, or a new link"),
        "operator_removed": Term("Opérateur retiré", "Operator removed"),
        "session_revoked": Term("Session terminée par un autre", "Session ended by another"),
        "stolen": Term(
            "Session terminée : son cookie venait d'un autre navigateur",
            "Session ended: its cookie came from another browser",
        ),
    },
    "act_does": {
        "pause": Term(
            "Plus aucune réponse n'est payée. Tout est encore reçu et gardé, et recevoir coûte "
            "encore.",
            "No reply is paid for any more. All is still received and kept, and receiving still "
            "costs.",
        ),
        "resume": Term(
            "Les réponses repartent : d'abord, combien attendent et ce qu'elles coûtent.",
            "Replies go out again: first, how many wait and what they cost.",
        ),
        "detach": Term(
            "Plus rien n'arrive, et plus rien ne coûte. Qui écrit n'est ni reçu ni répondu : "
            "celle qui a donné le numéro n'a plus cette protection.",
            "Nothing comes in and nothing costs any more. Whoever writes is neither received nor "
            "answered: she who gave the number has this protection no more.",
        ),
        "attach": Term(
            "Le numéro reçoit de nouveau, et chaque SMS reçu coûte.",
            "The number receives again, and each SMS received costs.",
        ),
        "block": Term(
            "Ce numéro n'aura plus de réponse. On garde son pseudonyme, jamais le numéro.",
            "This number is answered no more. Its pseudonym is kept, never the number.",
        ),
        "unblock": Term(
            "Ce numéro peut de nouveau avoir une réponse.", "This number may be answered again."
        ),
        "test": Term(
            "Un SMS part tout de suite, hors délai et fenêtre, et il est compté. Un mobile à nous.",
            "One SMS goes at once, outside delay and window, and it is booked. A mobile of ours.",
        ),
        "give": Term(
            "De l'argent arrivé chez l'opérateur SMS, noté dans la cagnotte.",
            "Money that reached the provider, booked into the fund.",
        ),
        "fee": Term("Ce qu'a coûté la maison elle-même.", "What the house itself did cost."),
        "transfer": Term(
            "De l'argent collecté, passé de la plateforme au crédit chez l'opérateur SMS.",
            "Money that was raised, moved from the platform to the provider's credit.",
        ),
        "correct": Term(
            "Une écriture ne se change pas : une autre l'annule, avec sa raison.",
            "An entry is never changed: another reverses it, with its reason.",
        ),
    },
    "source": {
        "console": Term("console", "console"),
        "command": Term("ligne de commande", "command line"),
        "helloasso": Term("HelloAsso", "HelloAsso"),
        "stripe": Term("Stripe", "Stripe"),
        "import": Term("relevé importé", "imported statement"),
    },
    "outcome": {
        "done": Term("fait", "done"),
        "refused": Term("refusé", "refused"),
        "asked": Term("demandé, suite inconnue", "asked, outcome unknown"),
    },
    "field": {
        "number": Term("Numéro", "Number"),
        "number_or_id": Term("Un numéro, ou l'id d'un message", "A number, or a message's id"),
        "amount": Term("Montant", "Amount"),
        "kind": Term("Quoi", "What"),
        "source": Term("D'où", "Source"),
        "note": Term("Note", "Note"),
        "id": Term("Id", "Id"),
        "amount_eur": Term("Montant en euros", "Amount in euros"),
        "entry": Term("Écriture (son id)", "Entry (its id)"),
        "why": Term("Pourquoi", "Why"),
        "why_rule": Term("gardé dans le journal ; pas de numéro", "kept in the log; no number"),
        "at": Term("Quand", "When"),
        "actor": Term("Qui", "Who"),
        "act": Term("Acte", "Act"),
        "outcome": Term("Suite", "Outcome"),
        "name": Term("Nom", "Name"),
        "name_rule": Term(
            "une lettre, puis lettres, chiffres, points ou tirets",
            "a letter, then letters, digits, dots or dashes",
        ),
        "role": Term("Rôle", "Role"),
        "passkeys": Term("Clés d'accès", "Passkeys"),
        "sessions": Term("Sessions ouvertes", "Open sessions"),
        "way": Term("Entré par", "Came in by"),
        "since": Term("Depuis", "Since"),
        "agent": Term("Navigateur", "Browser"),
    },
    "denied": {
        "not_ours": Term(
            "Cette demande ne vient pas d'une page de la console ouverte à son adresse "
            "(CONSOLE_URL). Recharger la page, puis recommencer.",
            "This request does not come from a page of the console at its address (CONSOLE_URL). "
            "Load the page again, then try again.",
        ),
        "signed_out": Term(
            "La session est finie. Se reconnecter.", "The session is over. Sign in again."
        ),
        "role": Term(
            "Ce rôle ne le permet pas. Demander à une personne responsable.",
            "This role does not allow it. Ask an owner.",
        ),
        "link": Term(
            "Ce lien a déjà servi, ou ses quinze minutes sont passées. En refaire un : "
            "antirelou operator add",
            "This link was used, or its fifteen minutes are over. Make another: "
            "antirelou operator add",
        ),
        "passkey": Term(
            "La clé d'accès n'a pas été acceptée. Recommencer, ou refaire un lien.",
            "The passkey was not taken. Try again, or make a link.",
        ),
        "too_many": Term(
            "Trop d'essais en une minute. Attendre une minute.",
            "Too many attempts within a minute. Wait a minute.",
        ),
        "too_large": Term("C'est trop long.", "This is too long."),
        "form": Term(
            "Un champ manque ou est trop long : revenir, puis tout remplir.",
            "A field is missing or too long: go back, and fill all in.",
        ),
        "number_kept": Term(
            "La raison est gardée : sans numéro de téléphone, s'il vous plaît.",
            "The reason is kept: leave the phone number out.",
        ),
        "name": Term(
            "Un nom commence par une lettre et n'a ni espace ni accent ; le rôle est l'un des "
            "trois.",
            "A name begins with a letter and has no blanks or accents; the role is one of three.",
        ),
        "yourself": Term("On ne se retire pas soi-même.", "Nobody removes himself."),
        "not_found": Term("Il n'y a rien à cette adresse.", "There is nothing at this address."),
        "away": Term(
            "La maison ne répond pas en ce moment. Rien n'est perdu ; réessayer bientôt.",
            "The house does not answer now. Nothing is lost; try again soon.",
        ),
        "defect": Term(
            "Une erreur de la console. Rien n'a été fait à moitié : regarder les événements.",
            "A defect of the console. Look at the events for what became of it.",
        ),
    },
    "console": {
        "skip": Term("Aller au contenu", "Skip to content"),
        "pages": Term("Pages", "Pages of the console"),
        "colon": Term(" :", ":"),
        "sign_in": Term("Se connecter", "Sign in"),
        "sign_out": Term("Se déconnecter", "Sign out"),
        "by_passkey": Term("Se connecter par clé d'accès", "Sign in by passkey"),
        "no_passkey_yet": Term("Pas encore de clé d'accès ?", "No passkey yet?"),
        "link_how": Term(
            "Sur le serveur, cette commande fait un lien et un code QR, pour quinze minutes et "
            "une seule fois :",
            "On the server, this command makes a link and a QR code, for fifteen minutes and one "
            "use:",
        ),
        "your_name": Term("VOTRE_NOM", "YOUR_NAME"),
        "no_passkeys": Term(
            "À cette adresse les clés d'accès n'existent pas : il faut un nom, pas une adresse IP "
            "(CONSOLE_URL=http://localhost:9200, ou https://console.example.org).",
            "There are no passkeys at this address: it takes a name, not an IP address "
            "(CONSOLE_URL=http://localhost:9200, or https://console.example.org).",
        ),
        "enter_as": Term("Vous entrez comme {name}.", "You come in as {name}."),
        "enter": Term("Entrer", "Come in"),
        "passkey": Term("Une clé d'accès", "A passkey"),
        "passkey_why": Term(
            "Une clé d'accès reste dans ce téléphone ou cet ordinateur, derrière votre doigt ou "
            "votre code. Sans elle, il faudra un nouveau lien à chaque fois.",
            "A passkey stays in this phone or computer, behind your finger or code. Without one, "
            "each time takes a new link.",
        ),
        "passkeys_are": Term("Clés d'accès déjà faites : {count}", "Passkeys made so far: {count}"),
        "passkey_add": Term("Ajouter une clé d'accès", "Add a passkey"),
        "later": Term("Plus tard", "Later"),
        "denied": Term("Refusé", "Refused"),
        "back": Term("Revenir", "Go back"),
        "away": Term("La maison ne répond pas.", "The house does not answer."),
        "needs": Term("Ce qui demande une main", "Needs a hand"),
        "share": Term("part des réponses arrivées", "share of replies delivered"),
        "no_script": Term(
            "Sans script la page ne change pas d'elle-même : la recharger.",
            "Without script the page does not change by itself: load it again.",
        ),
        "next": Term("Continuer", "Continue"),
        "do_it": Term("Oui : {act}", "Yes: {act}"),
        "cancel": Term("Annuler", "Cancel"),
        "type_waiting": Term(
            "Pour confirmer, écrire le nombre de ceux qui attendent : {count}",
            "To confirm, type how many wait: {count}",
        ),
        "typed_wrong": Term(
            "Ce n'est pas ce nombre, ou il a changé. Le voici de nouveau.",
            "That is not the number, or it has changed. Here it is again.",
        ),
        "log": Term("Journal des actes", "Log of acts"),
        "link_for": Term("Le lien de {name} :", "The link of {name}:"),
        "link_rule": Term(
            "Il sert une fois, pendant quinze minutes. Le donner à elle seule.",
            "It works once, for fifteen minutes. Give it to that person and no other.",
        ),
        "remove": Term("Retirer", "Remove"),
        "add_operator": Term(
            "Ajouter quelqu'un, ou refaire son lien", "Add somebody, or make a new link"
        ),
        "make_link": Term("Faire un lien", "Make a link"),
        "end": Term("Terminer", "End"),
        "this_one": Term("celle-ci", "this one"),
        "bar": Term("À quoi servent les dons", "What donations are for"),
        "gifts": Term("Ce que disent les plateformes", "What the platforms say"),
        "counts": Term("compte", "counts"),
        "book": Term("Le livre de la cagnotte", "The fund's book"),
        "csv": Term("Tout le livre, pour un tableur", "The whole book, for a spreadsheet"),
        "older_in_csv": Term(
            "{count} écritures plus anciennes sont dans le CSV.",
            "{count} older entries are in the CSV.",
        ),
        "explain_rule": Term(
            "« Je n'ai pas eu de SMS, pourquoi ? » : tout le chemin. Regarder est noté au journal, "
            "le numéro non.",
            "“I got no SMS, why?”: the whole way. That you look is noted in the log; the number "
            "never is.",
        ),
        "ways": Term("Messages trouvés : {count}", "Messages found: {count}"),
        "all": Term("tous", "all"),
        "show": Term("Montrer", "Show"),
        "older": Term("Plus anciens", "Older"),
        "operator_is": Term(
            "{role} ; clés d'accès : {passkeys} ; sessions : {sessions}",
            "{role}; passkeys: {passkeys}; sessions: {sessions}",
        ),
        "nobody": Term("personne", "nobody"),
        "removed": Term("{name} n'entre plus.", "{name} comes in no more."),
    },
    "public": {
        "title": Term(
            "Un numéro à donner quand on ne veut pas donner le sien",
            "A number to give when you would rather not give yours",
        ),
        "other_language": Term("In English", "En français"),
        "safe_yes": Term(
            "Vous pouvez donner ce numéro maintenant.", "You can give this number now."
        ),
        "safe_slowly": Term(
            "Vous pouvez donner ce numéro ; les réponses sont rares et lentes en ce moment.",
            "You can give this number; replies are few and slow at the moment.",
        ),
        "safe_silent": Term(
            "Ne donnez pas ce numéro maintenant : il ne répond à personne en ce moment.",
            "Do not give this number now: it answers nobody at the moment.",
        ),
        "safe_no": Term(
            "Ne donnez pas ce numéro maintenant : il est coupé, rien n'y arrive.",
            "Do not give this number now: it is off, nothing reaches it.",
        ),
        "safe_unknown": Term(
            "Ne donnez pas ce numéro maintenant : on ne sait pas s'il fonctionne.",
            "Do not give this number now: it is not known whether it works.",
        ),
        "as_of": Term(
            "Constaté le {at}. Si c'était il y a plus d'une heure, ne vous y fiez pas.",
            "As of {at}. If that is more than an hour ago, do not rely on it.",
        ),
        "not_head": Term("Ce que ce numéro n'est pas", "What this number is not"),
        "not_read": Term(
            "Personne ne lit ce qui y arrive : un programme répond, au plus une fois. "
            "Ce n'est pas un service d'aide, et il ne prévient personne.",
            "Nobody reads what arrives: a program answers, once at most. It is no helpline, and "
            "it alerts nobody.",
        ),
        "not_help": Term(
            "En danger : le 17, ou le 114 par SMS. Victime de violences : le 3919, gratuit et "
            "anonyme, jour et nuit.",
            "In danger in France: call 17, or text 114. Victim of violence: 3919, free and "
            "anonymous, day and night.",
        ),
        "rules_head": Term("Pour votre sécurité", "For your safety"),
        "rule_leave": Term(
            "D'abord partir, ensuite le numéro : si quelqu'un vous fait peur, éloignez-vous.",
            "Leave first: if somebody frightens you, get away before anything else.",
        ),
        "rule_phone": Term(
            "S'il appelle devant vous, votre téléphone ne sonnera pas : ne donnez pas ce numéro à "
            "quelqu'un qui pourrait le vérifier et se fâcher.",
            "If he calls in front of you, your phone will not ring: do not give this number to "
            "somebody who may check it and turn angry.",
        ),
        "rule_test": Term(
            "N'écrivez pas à ce numéro pour voir : chaque message reçu coûte à la cagnotte.",
            "Do not write to this number to see: each message received costs the fund.",
        ),
        "rule_known": Term(
            "Cette page est publique : celui à qui vous donnez le numéro peut le reconnaître.",
            "This page is public: the one you give the number to may recognise it.",
        ),
        "figures_head": Term("Les comptes", "The accounts"),
        "figures_note": Term(
            "Depuis le début, jusqu'au {day} : ces chiffres ont toujours un jour de retard au "
            "moins. Les nombres sont arrondis à la dizaine inférieure, les sommes à {step} € "
            "inférieurs, pour que personne n'y lise une heure.",
            "Since the beginning, until {day}: these figures are always at least a day old. Counts "
            "are rounded down to ten, amounts to {step} €, so that nobody reads an hour in them.",
        ),
        "figures_none": Term(
            "Pas encore de chiffres : les premiers paraissent deux jours après le début.",
            "No figures yet: the first appear two days after the beginning.",
        ),
        "few": Term("moins de dix", "fewer than ten"),
        "at_least": Term("{count} ou plus", "{count} or more"),
        "money_head": Term("L'argent", "The money"),
        "money_raised": Term("Donné sur les plateformes", "Given on the platforms"),
        "money_donated": Term("Versé à la cagnotte, en tout", "Paid into the fund, in all"),
        "money_provider_credit": Term(
            "Crédit chez le prestataire téléphonique", "Credit at the phone provider"
        ),
        "money_spent_receive": Term("Dépensé pour recevoir", "Spent on receiving"),
        "money_spent_reply": Term("Dépensé pour répondre", "Spent on replies"),
        "money_fees": Term("Frais", "Fees"),
        "money_available": Term("Reste à dépenser", "Left to spend"),
        "lasts": Term("À ce rythme, tient encore", "As it goes, lasts for"),
        "lasts_unknown": Term(
            "rien n'a été dépensé ces jours-ci", "nothing was spent these days"
        ),
        "lasts_short": Term("moins de dix jours", "fewer than ten days"),
        "lasts_days": Term("{count} jours ou plus", "{count} days or more"),
        "messages_head": Term("Les messages", "The messages"),
        "received": Term("Reçus", "Received"),
        "answered": Term("Ont eu leur réponse", "Were answered"),
        "pending": Term("Attendaient", "Were waiting"),
        "silent_head": Term("Sans réponse", "Not answered"),
        "silent_once": Term(
            "La même personne, déjà répondue ou en attente",
            "The same person, answered already or waiting",
        ),
        "silent_flood": Term("Trop de messages à la fois", "Too many messages at once"),
        "silent_stop": Term("Ont demandé l'arrêt (STOP)", "Asked to stop (STOP)"),
        "silent_not_mobile": Term(
            "Pas un mobile auquel ce numéro répond", "Not a mobile that this number answers"
        ),
        "silent_call": Term("Appels", "Calls"),
        "silent_other": Term("Autres raisons", "Other reasons"),
        "silent_unsent": Term(
            "Réponse qui n'a pu partir ou arriver", "A reply that could not leave or arrive"
        ),
        "for_machines": Term("Les mêmes faits, pour un programme", "The same facts, for a program"),
        "privacy_head": Term("Qui répond de ce numéro, et vos droits",
                             "Who answers for this number, and your rights"),
        "who": Term(
            "Ce numéro est tenu par {publisher}, responsable du traitement. Il est donné par des "
            "personnes qui ne souhaitent pas donner le leur.",
            "This number is run by {publisher}, the controller. People give it who do not wish to "
            "give their own.",
        ),
        "who_unknown": Term("[responsable à nommer]", "[controller to be named]"),
        "what": Term(
            "Vos messages et appels sont reçus par un programme. Il vous répond au plus une fois, "
            "par un SMS automatique, pour dire que la personne ne souhaite pas donner suite ; il "
            "ne décide rien d'autre.",
            "A program receives your messages and calls. It answers you at most once, with a "
            "standard text, to say that the person does not wish to be in touch; it decides "
            "nothing else.",
        ),
        "kept": Term(
            "Ce que nous gardons : le texte de vos messages, {text_days} jours. Votre message tel "
            "que reçu, chiffré pour une personne qui ne gère pas le serveur, {evidence_days} jours "
            "au plus, ou plus longtemps si une plainte l'exige. Le nombre et les dates de vos "
            "messages, sous un pseudonyme. Nous n'en faisons ni fichier de personnes, ni "
            "publicité, et ne les donnons à personne, sauf à un avocat, à la police ou à un juge. "
            "Notre prestataire téléphonique ({provider}) garde ses propres relevés.",
            "What we keep: the text of your messages, for {text_days} days. Your message as it "
            "came, encrypted for a person who does not run the server, for at most {evidence_days} "
            "days, or longer where a complaint requires it. How many messages you sent and when, "
            "under a pseudonym. We make no list of people and no advertising of it, and give it "
            "to nobody but a lawyer, the police or a court. Our phone provider ({provider}) keeps "
            "logs of its own.",
        ),
        "why": Term(
            "Pourquoi, et de quel droit : l'intérêt légitime de la personne qui a donné ce numéro "
            "à ne pas être importunée, et, s'il y a lieu, la défense de ses droits en justice "
            "(RGPD, art. 6, 1, f).",
            "Why, and on what basis: the legitimate interest of the person who gave this number "
            "not to be bothered, and, where needed, the defence of her rights in court (GDPR "
            "art. 6(1)(f)).",
        ),
        "rights": Term(
            "Vos droits : accès, effacement, opposition, limitation. Écrivez à {publisher} ; nous "
            "vous demanderons de montrer que la ligne est la vôtre. Envoyez STOP au numéro pour "
            "ne plus recevoir de SMS. L'effacement peut être refusé pour ce qu'une plainte exige ; "
            "nous vous le dirions. Vous pouvez saisir la CNIL (www.cnil.fr).",
            "Your rights: access, erasure, objection, restriction. Write to {publisher}; we shall "
            "ask you to show that the line is yours. Text STOP to the number to receive nothing "
            "any more. Erasure may be refused for what a complaint requires; we would tell you. "
            "You may complain to the CNIL (www.cnil.fr) or to your own authority.",
        ),
        "mistaken": Term(
            "Vous vous êtes trompé de numéro ? C'est sans conséquence : vous recevrez un SMS au "
            "plus.",
            "A wrong number? Nothing happens: you receive one text at most.",
        ),
        "no_trace": Term(
            "Cette page n'a ni cookie ni programme, et ne demande rien ailleurs.",
            "This page has no cookie and no script, and asks for nothing elsewhere.",
        ),
        "no_publisher": Term(
            "La page ne nomme pas encore de responsable : fixer ANTIRELOU_PUBLISHER.",
            "The page names nobody who is responsible yet: set ANTIRELOU_PUBLISHER.",
        ),
        "card_title": Term("Carte à imprimer", "Card to print"),
        "card_use": Term(
            "À donner quand on ne veut pas donner le sien. Personne ne lit : un programme répond.",
            "To give instead of yours. Nobody reads it: a program answers.",
        ),
        "card_help": Term(
            "En danger : 17, ou 114 par SMS. Violences : 3919.",
            "In danger in France: 17, or text 114. Violence: 3919.",
        ),
    },
}  # fmt: skip


def both(group: str, code: str, **values: object) -> Term:
    """What a code means, in each language; a value may be a ``Term`` itself.

    Args:
        group, code: of ``GLOSS``.
        values: for the braces in the text.
    """
    term = GLOSS[group][code]
    if not values:
        return term
    fr = {name: value.fr if isinstance(value, Term) else value for name, value in values.items()}
    en = {name: value.en if isinstance(value, Term) else value for name, value in values.items()}
    return Term(term.fr.format(**fr), term.en.format(**en))


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
