"""What the second generator's crowd says: acts of speech, a corpus to chain words from, habits.

No line, name or place is the first generator's. Insults are mild: their number is the point.
"""

# fmt: off
NAMES = (
    "Amaury", "Baptiste", "Corentin", "Driss", "Enzo", "Félix", "Grégoire", "Hakim", "Ismaël",
    "Joffrey", "Killian", "Léandre", "Malik", "Nolan", "Octave", "Pablo", "Raphaël", "Sofiane",
    "Timothée", "Ulysse", "Victor", "Wassim", "Yohan", "Zinedine", "Anthony", "Bruno", "Cédric",
    "Didier", "Erwan", "Farid", "Gilles", "Harry", "Jacques", "Kader", "Lilian", "Manu",
)
NUDGES = (
    "cc", "slt toi", "bjr", "kikou", "wesh", "yo la miss", "hey la belle", "tu dors ?", "re moi",
    "devine qui c'est", "bonsoir mademoiselle", "cc sa va", "slt sava", "hey toi :)", "coucouuu",
    "salam", "hola", "dispo ?", "hey hey", "bsr", "toujours debout ?", "bjr c moi", "👋🏼", "😏",
    "hi",
    "c'est ok pour le numero ?", "test voir si c bien toi", "alors bien rentrée ?", "yop", "cc twa",
)
OPENERS = (
    "Bonsoir mademoiselle", "Cc", "Hey la belle", "Yo", "Bjr", "Re-bonjour", "Dis donc",
    "Bonjour jolie inconnue", "Chère passante", "Wesh", "Ola", "Hey toi", "Dites", "Ma chère",
    "Me revoilà", "Surprise", "Pouic", "Bonjour madame",
)
SELVES = (
    "ici {name}", "{name} comme promis", "moi c {name}", "c ton voisin de siège {name}",
    "{name} le grand brun", "je m'appelle {name}, on a le même âge je crois",
    "{name} tt simplement",
    "je suis le serveur, {name}", "{name}, du cours de salsa", "c'est encore {name}",
    "votre dévoué {name}", "l'homme au parapluie ({name})", "{name} qui courait après son train",
)
RECALLS = (
    "dans le RER C tu lisais un polar", "à la brocante de Montreuil", "près de la fontaine à Aix",
    "tu cherchais la rue Oberkampf et je t'ai guidée", "ta copine aux cheveux roses riait",
    "pendant la panne de la ligne 13", "au kebab vers deux heures du mat", "devant l'amphi B",
    "tu avais perdu ton gant", "à l'Aquaboulevard", "le jour de la braderie",
    "au karaoké tu chantais"
    " Céline Dion", "quand il a plu des cordes sur la Canebière", "à l'escalade, voie 6a",
    "au guichet de la préfecture", "dans la queue du Bataclan", "tu promenais un beagle",
    "au stand de fromages", "sur le ferry", "au lavomatic j'avais plus de monnaie",
    "à l'anniv de ta cousine", "au club de lecture", "sous l'abribus avec ton violoncelle",
)
WISHES = (
    "on se fait un ramen", "un tour en barque ça te branche", "je t'invite au théâtre d'impro",
    "on partage une planche", "tu m'apprends le tricot", "je te montre mon atelier",
    "une glace chez Berthillon", "un escape game", "on va chiner", "je cuisine un couscous",
    "viens à mon match", "on joue aux échecs", "balade à Fontainebleau", "un mojito et on refait"
    " le monde", "on écoute ce vinyle", "je te rends ton stylo", "un petit dej au soleil",
)
WHENS = (
    "mardi", "tantôt", "au printemps", "lundi midi", "à l'occaz", "vers 21h", "pendant les vacs",
    "après mes partiels", "en sortant du taf", "le 14", "d'ici peu", "si tu es d'humeur",
)
CLOSERS = (
    "à + tard", "bizz", "tcho", "biz", "bonne noche", "la bise", "prends soin de toi", "ciao bella",
    "respectueusement", "hâte", "tiens moi au jus", "tkt je mords pas", "voili voilou",
)
PINGS = (
    "tu boudes", "t mort ?", "vu a 18h et pas de rep", "hé ho", "y a personne ??", "j'insiste mdr",
    "jsuis en bas", "tu fais la timide", "rep quand tu pe", "on mange quoi finalement", "bn",
    "jtai appelée 2 fois", "g du credit pr rien alors", "tu préfères whatsapp ?", "hello la terre",
    "je relance au cas où", "pas un faux num j'espère", "tjs vivante ?", "okayyy",
    "tu as perdu ta langue", "je pars en réu, écris moi", "bof", "réveille toi", "hm", "😴", "🥺🥺",
)
STINGS = (
    "tu t'es bien moquée de moi", "allumeuse", "tu sais pas ce que tu perds pauvre naze",
    "toutes les memes", "g perdu mon temps avec une gamine", "faux num c ça ? bravo la classe",
    "t'es même pas belle en vrai", "assume au moins", "ça se paiera", "va crever", "grosse vache",
    "je sais où tu prends ton bus", "tu vas me répondre oui ou merde", "espèce de mytho",
)
MISTAKES = (
    "Papa peux-tu passer prendre Zoé au judo", "Le colis est chez la gardienne",
    "RDV dentiste 15h40",
    "Chéri j'ai pris du saumon", "Réunion décalée salle Vauban, merci de confirmer",
    "On a gagné 3-1 !",
    "Vous êtes bien le couvreur ? Ma gouttière fuit toujours", "J'ai oublié mes clefs ouvre stp",
)
CORPUS = (
    "je voulais te dire que ton sourire m'a suivi toute la journée et que je pense encore à toi",
    "je pense que tu es quelqu'un de rare et que je voulais pas passer à côté de ça",
    "toute la journée j'ai hésité à écrire parce que je voulais pas te faire peur",
    "j'ai hésité à prendre le même bus que toi pour te parler encore un peu",
    "parce que tu es partie trop vite je sais même pas si tu aimes le chocolat",
    "si tu aimes la musique je joue dans un groupe et on répète tous les mardis",
    "on répète tous les soirs dans un garage et tu es la bienvenue si tu veux",
    "si tu veux on peut juste marcher et parler de tout et de rien",
    "et de rien on arrive à tout comme disait mon grand père qui était facteur",
    "mon grand père disait toujours que les gens polis répondent même pour dire non",
    "même pour dire non c'est plus sympa que le silence je trouve",
    "je trouve que les rencontres dans la rue c'est devenu rare de nos jours",
    "de nos jours tout le monde est sur son écran alors que toi tu regardais les arbres",
    "tu regardais les vitrines avec un air perdu qui m'a donné envie de t'aider",
    "qui m'a donné envie de reprendre le dessin que j'avais laissé tomber",
    "que j'avais laissé mon carnet sur le banc et tu me l'as rapporté en courant",
    "en courant tu as fait tomber ton badge je l'ai gardé au chaud",
    "je l'ai dit à ma soeur elle m'a traité de fou mais elle voulait tout savoir",
    "tout savoir de toi ça prendra du temps et j'ai tout mon temps",
    "j'ai tout de suite vu que tu venais du sud avec ton accent",
    "avec ton manteau trop grand tu ressemblais à une actrice de ce vieux film",
    "ce vieux café ferme bientôt il faudrait y aller une dernière fois ensemble",
    "ensemble on aurait pu refaire la file d'attente trois fois",
    "trois fois j'ai composé ton numéro et trois fois j'ai raccroché comme un ado",
    "comme un ado je guette mon téléphone c'est ridicule à mon âge",
    "à mon avis on a plein de choses à se raconter toi et moi",
    "toi et tes amies vous aviez l'air de bien vous amuser ça faisait plaisir à voir",
)

# -- attackers
PESTERS = (
    "wouaf", "bla bla bla", "rends l'argent", "caisse noire", "je suis un robot", "klaxon", "meuh",
    "tic tac", "hop là", "zzzz", "tirelire", "pouet pouet", "cocorico", "la suite au prochain sms",
    "ploum", "ah ah ah", "flop", "chiffre du jour", "gna gna", "mitraille", "paf", "bzzzz",
    "hihihi",
)
ADJECTIVES = (
    "aigries", "ratées", "hystéros", "laides", "fragiles", "bidon", "inutiles", "débiles",
    "perdues",
    "castratrices", "grotesques", "crédules", "jalouses", "minables",
)
NOUNS = (
    "gauchiasses", "vieilles filles", "mégères", "pimbêches", "pouffes", "féminounettes", "harpies",
    "bécasses", "grognasses", "princesses", "victimes professionnelles", "gourdes", "mal baisées",
)
RANTS = (
    "vous détruisez la galanterie française avec vos bêtises et vos numéros",
    "avec vos conneries plus personne ose parler à une fille dans ce pays",
    "dans ce pays on a des vrais problèmes et vous jouez au standard téléphonique",
    "vous jouez les héroïnes derrière un automate mais face à face y a plus personne",
    "plus personne vous écoute alors vous inventez des histoires de relous",
    "des histoires pareilles ma grand mère en aurait rigolé pendant des heures",
    "pendant des heures je vais vous écrire puisque ça vous plaît tant",
    "ça vous plaît de ruiner des types normaux qui demandaient rien",
    "qui demandaient un numéro gentiment et se font humilier par une machine",
    "par une belle journée comme ça vous feriez mieux de sortir prendre l'air",
    "vous feriez mieux de vous occuper des migrants ou des impôts",
    "moi je dis bravo vous avez réussi à vous mettre tout internet à dos",
    "tout internet se paie votre tête et c'est mérité franchement",
)
CHAINS = (
    "Alerte : des militantes font payer les dragueurs, riposte générale, balance ce sms à volonté",
    "Le 09 de la honte doit tomber ce soir. Un clic, un texto, zéro pitié. Relaye à tes contacts",
    "Petit rappel aux dames du standard : la drague n'est pas un crime, la haine des mâles oui",
    "Challenge accepté !! On sature leur ligne jusqu'à extinction, preuve en capture sur Discord",
    "Chers amis patriotes, montrons à ces personnes que le peuple masculin ne plie pas",
)
WRAPPERS = ("Tr: {}", "« {} »", "{} //", "[{}]", "{} #teamrelou", "-> {}", "{}\nsigné X", "{} cdt",
        "Hop: {}")
PITCHES = (
    "Votre compte CPF expire, appelez vite", "Amende impayee, reglez sur antai-{code}.info",
    "Bjr je suis bloque avec votre colis {code}", "Bravo ! Tirage {code} : iPhone a recuperer",
    "Msg auto {code}", "ping{code}", "Nouveau tarif fibre, repondez FIBRE", "verif ligne {code} ok",
    "Cher client, pass navigo suspendu ({code})", "dsl erreur {code}", "n{code}",
    "Tarot gratuit 24h/24",
)
BAITS = (
    "{name} de la salle de muscu, tu te souviens", "cc c {name}",
    "{name} ! on s'est parlé au forum",
    "bsr, tu m'avais laissé ton 09, {name}", "c'est le livreur {name} ;-)",
    "hey c {name} de la plage",
    "alors ce dîner ? {name}", "cc", "bjr", "kikou", "slt toi",
    "tu m'as dit de t'écrire donc voilà",
    "je suis {name}, on dansait ensemble", "t'étais canon en rouge. {name}", "dispo ?",
)
BAIT_NAMES = ("Roger", "Tony", "Jordan", "Kévin", "Bébert", "Ahmed", "Sacha", "Gégé", "Lorenzo",
        "Ivan")
BRANDS = ("MaBanque-FR", "FORMACPF", "Chrono24h", "AMENDE", "Voyance", "Netflux", "LeVraiMec")
CODES = ("20777", "61616", "3949", "31008", "71200")

# -- habits
SHORTHAND = {
    "je suis": "jsuis", "c'est": "c", "j'ai": "g", "tu es": "t", "t'es": "t", "quelqu'un": "qqn",
    "pour": "pr", "avec": "ac", "toujours": "tjs", "beaucoup": "bcp", "quand": "qd", "que": "ke",
    "parce que": "pcq", "tout": "tt", "dans": "ds", "pas": "pa", "vous": "vs", "mais": "mé",
}
NEIGHBOURS = {
    "a": "zq", "e": "rz", "i": "uo", "o": "ip", "u": "yi", "n": "b,", "s": "dq", "t": "ry",
    "r": "et",
    "l": "km", "m": "lù", "d": "sf", "p": "om", "c": "xv",
}
FACES = ("😂", "😘", "🌹", "😅", "🙃", "😍", "🤙", "xD", ":-)", "^^", "<3", "ahah", "🍷", "mdrr")
LOOKALIKES = {"a": "а", "e": "е", "o": "0", "i": "1", "s": "$", "c": "с", "p": "р"}
# fmt: on
