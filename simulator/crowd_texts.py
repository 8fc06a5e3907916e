"""What the crowd of the weekend writes. Insults are mild: their number is the point."""

NAMES = (
    "Thomas", "Kevin", "Nicolas", "Julien", "Maxime", "Antoine", "Karim", "Lucas", "Hugo",
    "Mehdi", "Romain", "Alexandre", "Paul", "Adrien", "Florian", "Yanis", "Quentin", "Theo",
)  # fmt: skip
DAYS = ("hier", "vendredi", "samedi", "ce soir", "tout à l'heure", "jeudi")
PLACES = (
    "dans le bus", "au Rex", "dans le métro", "à la gare", "au bar", "rue de Rivoli",
    "à Bastille", "au marché", "à la fac", "au parc", "chez Simon", "à la salle de sport",
)  # fmt: skip

FIRST = (
    "Coucou", "Salut", "Hello", "Salut ça va ?", "Coucou ça va ?", "Bonsoir", "Hey", "Slt",
    "Salut c'est {name} de {day}",
    "Salut c'est {name}",
    "Coucou c'est {name}, on s'est vus {place}",
    "Bonsoir, c'est {name}, je t'ai parlé {place}",
    "C'est {name} {place} {day} :)",
    "Hello c'est {name}, tu m'as donné ton num {day}",
    "Salut, {name}. On s'est croisés {place} {day}, tu te souviens ?",
    "Yo c'est {name} {place}",
    "Bonjour mademoiselle, c'est {name} {place} {day}",
)  # fmt: skip
NEXT = (
    "Alors ?", "?", "Tu réponds pas ?", "Tu fais quoi {day} ?", "T'es là ?", "Ok", "Allo",
    "C'est {name} au fait", "On boit un verre {day} ?", "Tu habites où ?", "Bon...",
    "Tu m'avais dit de t'appeler {day}, {name} {place}", "Je te rappelle {place} {day} alors", "😘",
    "C'était sympa {place}", "Réponds stp", "Dispo {day} ?", "{place}, tu viens ?",
)  # fmt: skip
STOP = ("STOP", "Stop", "stop svp")

TROLL = (
    "a", "mdr", "lol", "spam", "SPAM SPAM SPAM", "on va vider votre cagnotte", "ptdr", "1", "2",
    "encore un", "16 centimes", "et hop 16 centimes de moins", "coucou les feministes", "🤡",
    "payez", "ouin ouin", "test", "aaaaaaaaaaaaaa", "allez on continue", "qui c'est le boss",
)  # fmt: skip
RAID = (
    "Khey envoie ce message au 09 37 00 00 00, chaque sms leur coûte 16 centimes, on vide tout",
    "Rappel du forum : un sms chacun avant minuit, copiez collez ce texte et faites tourner",
)  # fmt: skip
INSULTS = (
    "Bande de nulles", "Vous êtes ridicules", "Retourne à la cuisine", "Pauvre fille",
    "Vous servez à rien", "Idiotes", "Sale folle", "Tu te prends pour qui", "Hystérique va",
    "Ce numéro est une honte", "Dégage", "Vos gueules les féministes",
)  # fmt: skip
ADVERTS = (
    "PROMO -50% ce week-end seulement, STOP au 36179",
    "Votre colis est en attente, suivez-le en ligne",
    "Votre code de vérification : 482915",
)  # fmt: skip
