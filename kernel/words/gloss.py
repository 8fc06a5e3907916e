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
    "doctor": {
        "settings": Term("réglages", "settings"),
        "number": Term("numéro", "number"),
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
