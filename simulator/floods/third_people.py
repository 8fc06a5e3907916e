"""What sincere people write to the number, in the third generator's words.

``MEN`` were given the number; they write first, then once more, then again, and some get angry.
``CURIOUS`` read about it and try it. ``FOREIGN`` are men who write in another language.
"""

from simulator.floods.third_writing import read_words

SMILES = (
    *(
        "😊",
        "😉",
        "😏",
        "😘",
        "🙂",
        "😅",
        "😂",
        "🤣",
        "😁",
        "😍",
        "🥰",
        "🌹",
        "🍷",
        "🍹",
        "💪",
        "👋",
    ),
    *("🙏", "😎", "🔥", "❤️", "💋", "🙈", "☀️", "✨", ":)", ";)", ":p", "^^", "xD", "mdr", "lol"),
    *("...", "!", "!!", "bisous", "biz", "bises", "haha", "hihi", "<3", "ptdr", "jpp", "wsh"),
)

MEN = read_words("""
[salut]
Salut | Salut | Coucou | Coucou toi | Hello | Hey | Bonsoir | Bonjour | Yo | Wesh | Salam | Re
Cc | Slt | Kikou | Hello toi | Hey toi | Bonsoir mademoiselle | Salut la belle | Bonjour vous
Salut beauté | Hola | Coucou ma belle | Bien le bonsoir | Salut salut | Hé | Eh salut | Bjr
[prenom]
Karim | Julien | Mehdi | Thomas | Kévin | Sofiane | Antoine | Bilal | Maxime | Rachid | Nico
Alex | Yanis | Romain | Adama | Moussa | Pierre | Hugo | Loïc | Walid | Fred | Seb | Jérôme
Ousmane | Mathieu | Samir | Bruno | Théo | Amine | Florian | Djibril | Cyril | Steeve | Paulo
Jonathan | Hicham | Ludo | Éric | Franck | Gaël | Idriss | Ismaël | Jordan | Laurent | Marco
Nabil | Olivier | Pascal | Quentin | Rayan | Stéphane | Tarek | Ugo | Victor | William | Xavier
Youssef | Zinedine | Arnaud | Baptiste | Cédric | Damien | Emre | Fabrice | Guillaume | Hakim
Ivan | Jean-Marc | Khaled | Lamine | Momo | Nassim | Oscar | Philippe | Rudy | Salim | Tony
Vincent | Yohan | Adrien | Benoît | Clément | Dylan | Enzo | Ferdinand | Gauthier | Henri
Christophe | Mamadou | Serge | Malik | Léo | Ethan | Raphaël | Simon | Gilles | Abdel | Didier
[lieu]
à la gare | au Franprix | devant la fac | dans le métro | au Supersonic | à la salle de sport
au parc | sur les quais | dans le RER B | au Leclerc | à la boulangerie | en terrasse
au concert | à la soirée de Manu | au marché | au Monop | à l'arrêt du tram | place Bellecour
à Châtelet | à la Part-Dieu | au bar rue Oberkampf | chez Ikea | au café | à la bibliothèque
dans le bus 38 | au Macumba | à la pool party | au Carrefour | sur le parking | à la plage
dans la file d'attente | au kebab | dans le TGV | à Saint-Michel | au Vieux-Port | à Wazemmes
place du Capitole | à la fête de la musique | au karaoké | devant chez toi | à la pharmacie
au mariage de ton cousin | sur le quai de la ligne 13 | à la Défense | au Lidl | au McDo
place de la Victoire | à la laverie | au festival | au camping | devant le ciné | à Confluence
au salon de coiffure | à l'anniversaire de Chloé | au Decathlon | à la piscine | à République
[moment]
hier | hier soir | tout à l'heure | ce matin | cet aprem | tantôt | samedi | vendredi soir
ce midi | l'autre jour | avant-hier | dimanche | à l'instant | là y a 5 min | cette nuit
[signe]
le mec au bonnet | le grand brun | le gars avec le chien | celui qui t'a payé un verre
avec la veste en cuir | le barbu | celui à la casquette rouge | le mec en scooter | le serveur
le blond avec des lunettes | celui qui t'a aidée avec ta valise | le mec de la caisse 4
le gars en costard | le pote de Sam | le mec au vélo | celui qui fumait dehors | le DJ
[beau]
t'es vraiment charmante | t'as un sourire de fou | t'étais trop belle | t'as de beaux yeux
j'ai bien aimé discuter avec toi | j'ai kiffé ta robe | tu m'as tapé dans l'œil | t'es canon
je pense à toi depuis | t'as l'air d'une fille bien | tu m'as fait rire | j'adore ton accent
t'es mon style | t'es différente des autres | ton rire il est trop mignon | t'es magnifique
c'était cool de parler | tu danses trop bien | j'arrive pas à t'oublier | t'avais la classe
[quand]
ce soir | demain | ce week-end | vendredi | samedi soir | dans la semaine | mardi | jeudi | là
un de ces quatre | après le taf | demain midi | vers 20h | la semaine pro | dimanche aprem
[sortie]
boire un verre | manger un bout | prendre un café | aller au ciné | faire une balade | sortir
se poser quelque part | aller danser | venir chez moi | faire un resto | se voir | se capter
manger un tacos | aller à la plage | voir une expo | faire un bowling | chiller | boire un thé
[demande]
t'es libre {quand} ? | t'es dispo {quand} ? | tu fais quoi {quand} ? | on se voit quand ?
ça te dit de {sortie} {quand} ? | ça te dirait de {sortie} ? | tu veux {sortie} {quand} ?
je t'invite à {sortie} {quand} | on peut {sortie} {quand} si tu veux | tu m'appelles ?
je peux t'appeler ? | t'as snap ? | c'est quoi ton insta ? | t'habites où exactement ?
t'es célibataire j'espère ? | t'as quel âge au fait ? | tu bosses {quand} ? | tu sors {quand} ?
ça va ? | ça va toi ? | bien rentrée ? | la forme ? | quoi de neuf ? | tu te souviens de moi ?
[presente]
c'est {prenom} | c'est {prenom} de {moment} | moi c'est {prenom} | ici {prenom}
c'est {prenom}, {signe} | c'est moi, {signe} | c'est {prenom}, on s'est vus {lieu}
c'est {prenom} on s'est croisés {moment} {lieu} | c'est le mec de {moment} | c'est moi {prenom}
c'est {prenom} {lieu} {moment} | tu m'as donné ton numéro {lieu} | c'est {signe}
tu m'as filé ton numéro {moment}, moi c'est {prenom} | {prenom}, {lieu}, ça te parle ?
[opening]
{salut} {presente} | {salut} {presente} | {salut} {presente}, {demande}
{salut} {presente} {demande} | {salut}, {demande} | {salut} {presente}. {beau}
{salut} {presente} ! {beau}, {demande} | {salut} c'est {prenom} | {salut} ça va ?
{salut} {presente} je voulais te dire que {beau} | {presente} | {presente}, {demande}
{salut} | {salut} | {salut} ? | {salut} c'est moi | {salut} c'est bien toi ? | {demande}
{salut} t'es la fille {lieu} {moment} ? | {salut} c'est bien le numéro de la fille {lieu} ?
Voilà mon numéro {prenom} | Mon num. {prenom} | {prenom} {lieu} | C'est {prenom} enregistre moi
{salut} comme promis je t'écris. {presente} | {salut} désolé du retard, {presente}. {demande}
{salut}, alors tu t'appelles comment déjà ? {presente}
{salut} je sais pas si tu te rappelles, {presente}. {beau}. {demande}
{salut} ! {presente}. J'espère que t'es {bien}, {beau} et je me disais qu'on pourrait {sortie}
Test | C'est qui ? | Je t'ai appelée ça répond pas, {presente} | T'es où ? | Alors ? | Ok | ?
{salut} {presente}, {oublie} {lieu} | {salut}, {presente}. {oublie}, je peux te la ramener
{salut} petit message pour avoir ton vrai prénom, {presente} | Je suis encore {lieu} tu viens ?
{salut} {presente}. Je sais que ça se fait pas d'écrire un roman mais {beau}, et puis {beau}.
{salut} {presente}. {long} {beau}. {long2} {demande} | {salut}. {long2} {presente}. {long} {demande}
[long]
Je voulais pas passer pour un lourd {moment} alors je suis parti vite, mais je le regrette.
Mes potes me disent de laisser tomber mais moi je crois au hasard et on s'est pas croisés pour rien.
Je sors d'une longue histoire, je cherche rien de compliqué, juste discuter et voir ce que ça donne.
[long2]
Si tu veux pas répondre tout de suite je comprends, on a tous une vie, prends ton temps.
Je travaille jusqu'à 19h et après je suis tranquille toute la soirée, tu me dis ce que tu préfères.
Moi c'est restau, ciné, balade, ce que tu veux, c'est moi qui invite et je te ramène après.
[bien]
bien rentrée | pas trop fatiguée | en forme | arrivée tranquille | bien réveillée
[oublie]
t'as oublié ton écharpe | t'as laissé ton briquet | t'as fait tomber ta carte
[again]
Tu réponds pas ? | T'es là ? | Allô ? | ? | ?? | Tu dors ? | T'as eu mon message ? | Coucou ?
Alors {quand} ? | T'es occupée ? | {demande} | {demande} | Réponds moi s'il te plaît | Hello ?
Je te dérange ? | Bon tu me dis | Tu m'as oublié ? | J'attends ta réponse | Dis moi quelque chose
C'est {prenom} hein | C'est encore {prenom} | {prenom}, {lieu} {moment} | {beau} tu sais
T'as pas vu mon texto ? | Tu boudes ? | Ton tel est éteint ? | Je passe {lieu} {quand} si jamais
Fais pas ta timide | Juste un verre, promis | Tu bosses ? | Bonne nuit alors | Bonjour toi
Bien dormi ? | Bon app | Bonne journée | J'ai essayé de t'appeler | On avait dit {quand} non ?
T'inquiète je mords pas | Allez dis oui | Je suis {lieu} là | Je t'offre un verre quand tu veux
Je peux passer te prendre {quand} | C'est le bon numéro au moins ? | J'ai deux places {quand}
Je pense fort à toi là | Alors on fait quoi pour {quand} ? | Et sinon {quand} ? | Toc toc
Bon écoute {beau}, je lâche pas l'affaire | Tu voulais {sortie} nan ? | Youhou
[angry]
Ok laisse tomber | Sympa de répondre | Pourquoi tu donnes ton numéro alors ? | Tu te fous de moi
Vas-y c'est bon | T'es une menteuse | Pff toutes les mêmes | T'as un mec c'est ça ? | Tant pis
T'es pas si belle en fait | Va te faire voir | Franchement c'est pas correct | Genre tu snobes
Tu te prends pour qui ? | Fallait dire non direct | Tu joues à quoi là ? | J'aime pas les fausses
Ça se fait pas ce que tu fais | T'es sérieuse là ? | Sale allumeuse | Je te respecte moi
Bon dernière fois que je t'écris | Ok ciao | Bloque moi pendant que t'y es | Connasse | Bouffonne
[after]
C'est quoi ce message ? | C'est une blague ? | Hein ? | C'est qui ça ? | Mdr quoi ? | Pardon ?
J'ai rien fait moi | J'insiste pas j'ai écrit une fois | Ok compris | D'accord désolé | Ok.
Wtf | C'est un robot ? | Tu m'as donné un faux numéro ? | Ah ok je vois | T'aurais pu le dire
Désolé si j'ai été lourd | Je voulais pas déranger | Je vois pas le rapport | Vous êtes qui ?
Passez moi la fille {lieu} | Vous vous trompez de personne je crois | Ok j'arrête, bonne soirée
""")

FOREIGN = read_words("""
[prenom]
Dan | Pablo | Luca | João | Andrei | Mike | Diego | Marco | Tiago | Ahmed | Brahim | Anouar
Oleg | Ravi | Chidi | Stefan | Mustafa | Hamza | Piotr | Lukas | Farid | Zak
[opening]
Hi it's {prenom}, we met last night | Hey {prenom} here from the bar, how are you? | Hello beautiful
Hey are you free tonight? it's {prenom} | Hi! {prenom} from the hostel :) wanna grab a drink?
Hola soy {prenom}, nos conocimos ayer | Hola guapa, qué tal?
Buenas, {prenom} del bar, te acuerdas?
Ciao sono {prenom}, ci siamo visti ieri sera | Ciao bella come stai? | Oi é o {prenom}, tudo bem?
Oi linda, sou o {prenom} do café | Buna sunt {prenom}, ce faci?
Hallo hier ist {prenom} von gestern
Salam cv? ana {prenom} | Salam khti labas 3lik? {prenom} hna | Wech rak, c {prenom} li chetek lbareh
Slm zin, kifech dayra? ana {prenom} dyal tram | Labes? {prenom} m3ak, nchoufouk ghedwa?
Bghit nhder m3ak chwiya, c {prenom} | Привет это {prenom} | مرحبا انا {prenom} | Selam ben {prenom}
Cześć tu {prenom}, pamiętasz mnie? | سلام كيف حالك | Hi dear how is your day | Namaste {prenom} here
[again]
Hello? | You there? | Did you get my text | Estás? | Dime algo guapa | Ci sei? | Rispondi dai
Tá aí? | Win raki? | Jawbini 3afak | Rodi 3liya | Wa fin a zwina | 3lach ma tjawbich? | Hm?
Bist du da? | Neredesin | Where r u | Still up for that drink? | Alo? | Ты где? | وينك
""")

CURIOUS = read_words("""
[bonjour]
Bonjour | Bonjour | Bonsoir | Hello | Salut | Coucou | Bonjour à vous | Bonsoir à toutes | Hey
Bonjour l'équipe | Salut les filles | Bonjour madame le robot | Allô | Bonjour monsieur relou
[moi]
Léa | Camille | Manon | Chloé | Inès | Sarah | Pauline | Julie | Marion | Anaïs | Clara | Lucie
Emma | Océane | Fatou | Amel | Nadia | Sophie | Claire | Elsa | Margaux | Yasmine | Charlotte
Élodie | Noémie | Hélène | Justine | Aurélie | Mathilde | Zoé | Solène | Agathe | Maëva | Axelle
Paul | Étienne | Lucas | Martin | Rémi | Sacha | Gabin | Basile | Augustin | Corentin | Joris
[ville]
Rennes | Lyon | Nantes | Lille | Bordeaux | Brest | Grenoble | Strasbourg | Toulouse | Dijon
Nancy | Tours | Caen | Pau | Metz | Le Mans | Montreuil | Annecy | Poitiers | Amiens | Nîmes
Besançon | Angers | Reims | Rouen | Orléans | Bayonne | Quimper | Limoges | Clermont | Marseille
[source]
Twitter | Insta | Facebook | le site du Monde | un article | la radio | France Inter | Konbini
ma sœur | une copine | mon prof de SVT | Reddit | TikTok | Brut | une story | le groupe WhatsApp
la télé ce soir | un podcast | Ouest-France | ma collègue | le journal | une affiche dans le bus
[essai]
je teste | je teste votre numéro | c'est pour voir si ça marche | test | petit test | essai
je voulais voir la réponse | j'essaie le numéro | je vérifie que ça répond bien | on teste ici
simple curiosité | alors ça répond quoi ? | est-ce que ça marche vraiment ? | testing
je suis curieuse de voir le message | je le garde pour plus tard | c'est pour essayer
[merci]
merci pour ce que vous faites | bravo pour l'idée | super initiative | génial votre truc
quelle bonne idée | merci d'exister | enfin ! | vous êtes des génies | ça va servir à ma fille
j'en ai rêvé vous l'avez fait | respect | continuez | c'est d'utilité publique | trop fort
ça fait du bien | longue vie à ce numéro | j'aurais aimé l'avoir à 20 ans | je partage partout
[recit]
hier encore un type m'a suivie jusqu'à {ville} | ça m'est arrivé {fois} | on me la fait {fois}
j'en ai marre des lourds dans le tram à {ville} | mon voisin insiste depuis des mois
un collègue me réclame mon numéro {fois} | je l'ai donné ce soir à un mec et il a écrit ?
ma coloc l'a déjà donné trois fois | j'ai noté le numéro dans mon agenda | je le mets en favori
un client du resto où je bosse est très lourd | je travaille de nuit à {ville}, ça va m'aider
[fois]
deux fois cette semaine | tous les jours | chaque été | à chaque sortie | tout le temps | hier
[question]
c'est gratuit ? | il faut attendre combien de temps ? | vous gardez les numéros ? | ça marche ?
ça répond quand ? | c'est quoi le texte envoyé ? | comment vous aider ? | on peut faire un don ?
ça marche en Belgique ? | je peux le mettre dans mon fanzine ? | c'est un vrai numéro ?
c'est tenu par qui ? | vous avez une affiche ? | il marche encore ? | c'est toujours actif ?
[opening]
{bonjour}, {essai} | {bonjour} {essai} | {essai} | {essai} | {essai} | {bonjour} | {bonjour} !
{bonjour}, vu sur {source}, {essai} | {bonjour}, {moi} de {ville}, {essai} | Vu sur {source}
{bonjour} j'ai vu ça sur {source}, {merci} | {merci} | {merci}, {moi} | {merci} ! {question}
{bonjour}, {question} | {question} | {bonjour}, {recit}. {merci} | {recit}, {merci}
{bonjour}, {source} parle de vous, {essai} | {moi} de {ville}, {essai} | {essai}, {merci}
{bonjour} c'est {moi}, {recit}. {question} | {source} dit que ça répond, {essai}
Donc si j'écris ici je reçois un message ? | Oups je voulais l'enregistrer et j'ai envoyé
Je fais semblant d'être un relou : t'es libre ce soir ? | Hé mademoiselle t'es charmante (je teste)
Coucou ça va ? (essai de {moi}) | On est {combien} à tester depuis {ville} | 👋 | 👀 | Test. | Hop
{bonjour} d'un bar de {ville}, {essai} | {essai} avec {combien} copines à {ville}
[combien]
deux | trois | quatre | cinq | toute une classe | douze
[again]
ça répond pas ? | toujours rien | ok j'attends | re test | c'est long haha | {question} | {merci}
bon ben merci quand même | reçu, {merci} | bien reçu | ah ça y est | excellent | {recit} | encore
je l'ai reçu, trop bien | ok c'est nickel | {essai} | mon mari teste aussi | deuxième essai
""")

SENTENCES = (
    "Bonjour, je ne veux pas de ton numéro, je veux rentrer tranquille.",
    "Salut c'est la fille du bar, tu te souviens de moi ?",
    "Dis bonjour au robot qui répond à ma place",
    "Toc toc, c'est le relou de service, on boit un verre ?",
    "Non c'est non, même par SMS.",
    "J'écris à ce numéro pour qu'il reste ouvert. Merci les filles",
    "Hé mademoiselle, vous êtes charmante, un petit sourire ?",
    "Je soutiens le numéro anti-relou, et toi ?",
)
"""The sentences of which a post suggests one."""
