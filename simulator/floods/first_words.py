"""The grammar of the first generator's crowd: ``<name>`` stands for any line under that name.

Insults are mild: their number is the point.
"""

# fmt: off
PEOPLE: dict[str, tuple[str, ...]] = {
    "prenom": (
        "Bastien", "Clément", "Damien", "Édouard", "Fabrice", "Gaël", "Hervé", "Idriss", "Jérôme",
        "Kylian", "Loïc", "Marwan", "Nassim", "Olivier", "Pierrick", "Rachid", "Samuel", "Tristan",
        "Valentin", "William", "Xavier", "Youssef", "Zacharie", "Benoît", "Cyril", "Denis",
        "Emeric", "Franck", "Guillaume", "Ilyes", "Jonathan", "Laurent", "Mathis", "Noé",
    ),
    "salut": (
        "Coucou", "Salut", "Hello", "Bonsoir", "Hey", "Bonjour", "salut", "coucou", "Re",
        "Hello toi", "Salut toi", "Coucou miss",
    ),
    "court": (
        "Coucou", "Salut", "Salut ça va ?", "Coucou ça va ?", "Hello", "Hey", "Bonsoir", "Bonjour",
        "Salut !", "Ça va ?", "Coucou toi", "Hey :)", "Salut, tu vas bien ?", "Bonsoir ça va ?",
        "👋", "😉", "Coucou 😊", "Hello !", "C'est <prenom>", "salut", "coucou", "Salut sa va",
        "<salut> <prenom> ici", "Hello ça roule ?", "<salut> 😊", "<salut> comment tu vas ?",
    ),
    "lieu": (
        "à la soirée de <prenom>", "dans le train de Rennes", "au supermarché", "à la librairie",
        "devant le cinéma", "à l'arrêt du tram", "au concert", "sur le quai",
        "à la terrasse du Zinc",
        "au vernissage", "dans la file de la boulangerie", "au parc de la Tête d'Or",
        "à la piscine",
        "en bas de chez toi", "à la médiathèque", "sur les quais", "au marché de Noël", "au pub",
        "dans le bus 38", "au festival", "à la laverie", "à la pharmacie", "place Bellecour",
        "dans l'ascenseur", "au resto U", "chez <prenom>", "à la sortie du métro", "au bowling",
    ),
    "moment": (
        "hier soir", "tout à l'heure", "ce midi", "samedi", "vendredi soir", "ce matin",
        "dimanche aprem", "y a une heure", "avant-hier", "jeudi", "en début de soirée",
        "cette nuit",
    ),
    "habit": (
        "le blouson vert", "la casquette bleue", "les lunettes rondes", "le sac à dos jaune",
        "la chemise à carreaux", "le bonnet gris", "le vélo rouge", "la barbe", "le chien",
        "le manteau long", "les béquilles", "l'écharpe orange", "la guitare",
    ),
    "sujet": (
        "ton livre", "la Bretagne", "ton stage", "ce film coréen", "tes études", "les chats",
        "le prix des loyers", "la course à pied", "ta coloc", "la grève", "ton tatouage",
        "les champignons", "cette série", "ton accent", "le Portugal", "la cuisine thaï",
    ),
    "projet": (
        "boire un café", "aller au ciné", "faire un tour", "prendre un verre", "dîner",
        "visiter l'expo", "manger une crêpe", "aller courir", "marcher un peu", "voir un concert",
        "bruncher", "faire un billard",
    ),
    "bientot": (
        "demain", "dans la semaine", "mercredi", "ce week-end", "après le boulot",
        "un de ces soirs",
        "dimanche", "quand tu veux", "la semaine prochaine", "vers 19h", "ce soir",
    ),
    "rencontre": (
        "on s'est croisés <lieu> <moment>", "on a papoté <lieu>", "le type avec <habit> <lieu>",
        "tu m'as filé ton numéro <lieu> <moment>", "on parlait de <sujet> <lieu>",
        "je t'ai tenu la porte <lieu> <moment>", "on attendait ensemble <lieu>",
        "j'étais avec <prenom> <lieu> <moment>", "celui qui a renversé son verre <lieu>",
        "je t'ai demandé l'heure <lieu> <moment>, <habit> si tu te rappelles",
        "le mec bavard <lieu>", "on a bien ri <moment>", "j'ai ramassé ton écharpe <lieu>",
    ),
    "suite": (
        "j'ai trouvé ça super", "ça te dirait de <projet> <bientot> ?", "dis-moi quand t'es dispo",
        "je repensais à <sujet>", "tu avais l'air pressée", "j'espère que t'es bien rentrée",
        "j'aimerais bien te revoir", "on pourrait <projet> <bientot>",
        "t'as fini par voir <prenom> ?",
        "désolé si j'étais un peu lourd", "j'ai pas osé te le dire mais t'as un joli sourire",
        "tu m'as bien fait rire avec <sujet>", "sans pression hein", "tu fais quoi <bientot> ?",
        "j'ai retrouvé le nom dont on parlait pour <sujet>", "tu m'as dit d'écrire alors j'écris",
    ),
    "signe": (
        "", "", "", " 😊", " 🙂", " ;)", " bises", " à bientôt", " bonne soirée", "...", " !",
    ),
    "premier": (
        "<salut> c'est <prenom>, <rencontre><signe>", "<salut> <rencontre>. <suite><signe>",
        "C'est <prenom>. <rencontre>, <suite><signe>", "<salut> ! <suite> <prenom>",
        "<prenom>, <rencontre><signe>", "<salut>, moi c'est <prenom>. <suite><signe>",
        "Alors voilà j'ose : <rencontre>. <suite> <suite><signe>",
        "<rencontre>, <prenom> tu te souviens ?", "<salut> tu vas bien depuis <moment> ? <suite>",
        "<salut> c'est le <prenom> de <moment>, <suite><signe>", "Tu es bien rentrée ? <prenom>",
        "<salut>, <rencontre> et <rencontre>. Bref <suite> <prenom><signe>",
        "<suite> <salut> c'est <prenom> au fait", "Je suis <habit> <lieu>. <suite><signe>",
        "<salut> je crois qu'on s'est mal compris <moment>, <suite> <prenom>",
        "Bonsoir, excuse-moi de te déranger, <rencontre>. Je voulais juste te dire : <suite>"
        " Et puis si tu veux <projet> <bientot>, je suis libre. <prenom>",
    ),
    "relance": (
        "Tu réponds pas ?", "Alors <bientot> ?", "T'as vu mon message ?", "C'est <prenom> hein",
        "Ok bon", "Allô", "??", "...", "J'ai dit un truc de travers <moment> ? Sur <sujet> ?",
        "Toujours ok pour <projet> <bientot> ?", "<suite><signe>", "Du coup <bientot> ça marche ?",
        "Je suis <lieu> là", "Bon tant pis", "Bonne nuit alors", "Dsl pour <moment>", "🤔",
        "C'est bien ton numéro ?", "J'ai essayé d'appeler", "Fais signe <bientot>", "<signe>?",
        "Sinon <projet> <bientot> ?", "<prenom> me dit que <suite>", "Et <sujet>, alors ?",
        "Je passe <lieu> <bientot>, tu viens ?", "<bientot> ou <bientot> comme tu préfères<signe>",
    ),
    "vexe": (
        "Franchement t'abuses <prenom> avait raison", "Pourquoi m'écouter parler de <sujet> alors",
        "T'es vraiment une menteuse", "Encore une qui se croit mieux",
        "Tu te fous de moi ou quoi", "Réponds !", "Sérieux ?? <suite>", "Salope va",
        "Va te faire voir avec <sujet>", "Je t'attends <lieu> depuis une heure", "OK connasse",
        "C'est pas correct ce que tu fais <prenom> et moi on est dégoûtés", "Décroche <bientot>",
        "Et <moment> tu souriais, hypocrite", "Garde <sujet> pour toi alors",
    ),
    "erreur": (
        "Maman je suis bien arrivé <lieu>", "<salut> c'est pour l'annonce, <sujet>, encore dispo ?",
        "Je serai là <bientot>, préviens <prenom>", "Le plombier passe <bientot>, <prenom> y sera",
        "Docteur, je dois décaler mon rendez-vous, plutôt <bientot>. M. <prenom>",
        "T'as pensé au pain ?", "Code du portail 4B12", "J'ai récupéré les petits <lieu>",
    ),
    "bouche_a_oreille": (
        "<premier>", "<premier>", "<court>", "Est-ce que c'est toi <lieu> ? <suite>",
        "<salut> on m'a donné ce numéro <lieu>, <suite> <prenom>",
    ),
}

ATTACK: dict[str, tuple[str, ...]] = {
    "martele": (
        "gneugneu", "ding dong", "toc toc", "<compte>", "facture salée", "plouf", "et un de plus",
        "y a quelqu'un", "vidange", "coucou la caisse", "ratatata", "spammm", "0,16 merci",
        "je lâche rien", "boucle infinie lancée", "<compte>/1000", "bip", "on dort pas ici",
        "encore <compte> sms gratuits sur mon forfait", "la banque saute dans <compte>",
    ),
    "raideuse_cible": (
        "les pleureuses", "bande de clowns", "les féminazies", "espèces de frustrées", "les moches",
        "sales dindes", "les coincées", "tas de cruches", "les donneuses de leçons",
        "vieilles pies",
    ),
    "ordre": (
        "allez vous coucher", "fermez-la", "retournez au ménage", "trouvez un vrai travail",
        "arrêtez de chouiner", "faites la vaisselle", "lâchez l'affaire", "changez de planète",
        "prenez des vacances", "débranchez ce truc", "payez votre note",
    ),
    "moquerie": (
        "votre numéro c'est du vent", "on vous a trouvées", "c'est nous qu'on harcèle en fait",
        "jamais vu un truc aussi bête", "personne vous drague de toute façon",
        "tout le fofo est là",
        "vous chialez encore", "ça pique hein", "votre cagnotte va fondre",
        "merci pour le fou rire",
        "on tient toute la nuit", "c'est de la misandrie pure", "mes potes arrivent",
    ),
    "raid": (
        "<raideuse_cible> <ordre>", "Hé <raideuse_cible>, <moquerie>", "<moquerie>, <ordre>",
        "<ordre> <raideuse_cible> !", "<moquerie> 😂", "<moquerie> <raideuse_cible>",
        "salut <raideuse_cible> <ordre>", "<raideuse_cible> <moquerie> <ordre>", "<moquerie>",
        "de la part de <pseudo> : <moquerie>", "<pseudo> vous salue <raideuse_cible>",
        "🤡🤡 <ordre>",
        "alors <raideuse_cible> on fait moins les malines, <moquerie>", "<ordre>",
    ),
    "pseudo": (
        "RisitasDu44", "Jvcon", "LeChevalier", "gorafi_fan", "xX_Max_Xx", "Celestin", "Noelshack",
        "PetitRenard", "TurboGoret", "Alpha77", "SuedeMan",
    ),
    "tract": (
        "Opération caisse vide : chaque message coûte 16 centimes, envoyez celui-ci et partagez",
        "Ce numéro piège des hommes honnêtes, réponds-leur avec ce texte et passe à ton voisin",
        "Nous exigeons la fermeture immédiate de ce service de délation, les hommes de France",
        "Message à celles qui humilient les garçons : votre petit jeu est fini, on ne lâche rien",
        "Recopie ce sms dix fois, appuie sur envoyer et regarde leur cagnotte fondre comme neige",
        "Pour la liberté de séduire, un sms par personne toutes les heures jusqu'à lundi minuit",
    ),
    "tract_ajout": (
        "svp", "à faire tourner", "merci les gars", "FAITES PASSER", ">>", "urgent",
        "copié d'un ami",
        "++", "on compte sur toi", "(1)",
    ),
    "passerelle": (
        "Gagnez un bon d'achat de <compte> euros en répondant OUI",
        "Votre dossier <compte> est incomplet",
        "Rappel : rdv n°<compte> à confirmer", "Test passerelle <compte>", "<moquerie>", "<raid>",
        "Vous avez 1 nouveau message vocal, ref <compte>", "Solde exceptionnel, code <compte>",
        "salut tu es là ?", "Compte suspendu, identifiant <compte>", "ok <compte>",
    ),
    "goutte": (
        "Salut c'est <faux_prenom>, on s'est vus au <faux_lieu>", "Coucou ça va ?", "Hello",
        "<faux_prenom> du <faux_lieu>, tu te rappelles ?", "Salut ça va ?", "Coucou",
        "Hey, tu fais quoi de beau ? <faux_prenom>", "Bonsoir c'est <faux_prenom>", "Salut",
        "Tu m'as donné ton num au <faux_lieu>, partante pour un verre ?", "C'est <faux_prenom> !",
        "Salut <faux_prenom> ici, sympa la rencontre au <faux_lieu> l'autre jour",
        "Je t'ai pas oubliée depuis le <faux_lieu>. <faux_prenom>",
    ),
    "faux_prenom": (
        "Jean", "Marc", "Steeve", "Bryan", "Dylan", "Mickaël", "Patrick", "Eric", "Momo", "Fred",
        "Ludo", "Stéphane", "Bilel", "Rayan",
    ),
    "faux_lieu": ("bar", "parc", "café", "Macumba", "métro", "bal", "Leclerc", "stade", "karting"),
}
# fmt: on
"""``<compte>`` is a number that the generator draws."""

GRAMMAR = PEOPLE | ATTACK

LETTERS = ("Bonanza", "Livraizon", "CreditPlus", "TopForfait", "ANTIFEM", "Sondages24")
SHORT_CODES = ("31222", "36105", "38777", "82002")
