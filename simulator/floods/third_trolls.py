"""What attackers write to the number, in the third generator's words.

``TROLLS`` insult, mock and boast. ``MIMICS`` pass for men who were given the number: their words
and sentences are their own, not those of ``third_people``. ``BRIEF`` stays under 25 letters.
``PASTES`` are copied by hundreds. Insults are those of such a forum, none worse than needed.
"""

from simulator.floods.third_writing import read_words

GRINS = (
    *(
        "mdr",
        "ptdr",
        "lol",
        "xptdr",
        "😂",
        "🤣",
        "🤡",
        "🖕",
        "💀",
        "🐸",
        "😹",
        "🍿",
        "🥱",
        "😈",
        "💩",
    ),
    *("!!!", "...", "jpp", "ayaa", "issou", "kek", "lmao", "XD", "²²", ":hap:", ":noel:", ":rire:"),
)

WINKS = (
    *("😇", "🤗", "😋", "🙃", "😜", "☺️", "💐", "🎉", "🤞", "👍", "🤙", "💙", "🥂", "😌", "😄"),
    *(
        "=)",
        ":-)",
        ";-)",
        ":D",
        "hehe",
        "héhé",
        "bye",
        "a+",
        "tchuss",
        "la bise",
        "!",
        "..",
        "voilà",
    ),
)

TROLLS = read_words("""
[nom]
bouffonnes | clowns | cassos | rageuses | féministes en carton | pleureuses | mythos | guignols
tocards | hystériques | bobos | harpies | frustrées | moralisateurs | fragiles | bande de nazes
justicières du dimanche | feminazies | cerveaux vides | boloss | victimes | fins de race
[injure]
allez vous faire voir | vos gueules | cassez-vous | trouvez-vous un taf | retournez à l'école
mangez vos morts | allez chialer ailleurs | fermez-la | prenez une douche | lâchez ce téléphone
touchez de l'herbe | achetez un miroir | vous servez à rien | sortez de Paris | pleurez encore
[but]
on va vider votre cagnotte | 16 centimes de moins | votre fric part en fumée | ruinées ce soir
je vous coûte combien là ? | ça pique le portefeuille ? | merci pour le SMS gratuit
un texto = un café de moins | on arrête quand c'est à zéro | c'est moi qui régale
dites adieu à votre forfait | c'est vos dons qui payent mes blagues | la facture va être salée
[forum]
le forum est là | salutations du 18-25 | la brigade passe dire bonjour | l'élite est de sortie
les kheys débarquent | topic à 400 pages | on est 3000 derrière | épinglé par les modos
le discord vous salue | raid du dimanche | {pseudo} au rapport | {pseudo} est passé par là
[pseudo]
xXdarkloupXx | gigachad_du_{dept} | KheyMasque{dept} | papyrusé | pingouin{dept} | SergentRisitas
tonton_fatigué | LePouletBraisé | jean-kevin{dept} | miaousse{dept} | TurboSelTV | zinzin{dept}
boulanger_fou | ElChancla | chaussette{dept} | RatonLaveur{dept} | NordVPN_gratuit | patate{dept}
[dept]
13 | 59 | 67 | 33 | 69 | 06 | 77 | 93 | 44 | 35 | 80 | 2 | 31 | 62 | 974 | 42 | 57 | 76 | 91
[chose]
des pâtes | mon chat | la raclette | une tondeuse | le code de la route | un dinosaure | Jul
un tracteur | trois poneys | la Joconde | ma belle-mère | une friteuse | le PSG | des tongs
un parpaing | la ligue 2 | du gruyère | une perceuse | le maire | un canard | la SNCF | un radis
[verbe]
bouffe | repasse | adopte | vend | insulte | épouse | déménage | chatouille | photocopie
recrute | congèle | engueule | tond | promène | taxe | déguise | peint | télécharge | chante
[absurde]
mon {chose2} {verbe} {chose} | pourquoi {chose} {verbe} {chose} ? | {chose} > {chose}
on m'a dit que {chose} {verbe} {chose}, confirmez | avis sur {chose} ? | urgent cherche {chose}
je {verbe} {chose} et je vous emm... | {chose} ou {chose} ? répondez vite
[chose2]
oncle | voisin | dentiste | hamster | beau-frère | boucher | notaire | stagiaire | grille-pain
[clavier]
qsdfgh | azertyuiop | mlkjhg | wxcvbn | sqdfsqdf | jkljkl | fdsqfdsq | poiuyt | hjkhjkhjk | aaaaaa
[nombre]
{chiffre}{chiffre}{chiffre} | {chiffre}{chiffre}{chiffre}{chiffre}{chiffre}
[chiffre]
0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
[line]
{injure} {nom} | {nom}, {injure} | {but} {nom} | {but} | {but}, {forum} | {forum} | {forum}, {but}
{injure}, {but} | {absurde} | {absurde} | {absurde} {nom} | {clavier}{clavier} | {clavier} {nombre}
Alors les {nom} on s'amuse ? | Spam numéro {nombre} | {nombre} messages et je continue | {nom}
Eh les {nom}, {absurde} | {pseudo} vous fait coucou, {injure} | Vive {chose} | {chose} | {chose} !!
Bonsoir les {nom}. {absurde} | Pour {nombre} euros je {verbe} {chose} | Not all men | {injure}
Vous avez gagné {chose}, rappelez le {nombre} | {but} ({pseudo}) | Répondez {nom} | {forum} {nom}
Ton numéro il sert à rien | Sale robot | Bip bip je suis {chose} | ah ouais ? {absurde}
""")

PASTES = (
    "CHÈRE MADAME, ce téléphone est réservé aux pêcheurs à la mouche. Veuillez raccrocher.",
    "Ceci est un message de la brigade du rire : ce soir chacun son texto, on fait tourner !",
    "Mon premier est un relou, mon second est un robot, mon tout vous ruine. Qui suis-je ?",
    "Copie ce texto dix fois ou ta box tombera en panne vendredi, vrai de vrai, ma tante l'a vu",
    "Bravo le veau. Encore seize centimes à l'opérateur, et c'est vous qui payez, pas nous",
)
"""Texts that attackers copy, one a flood."""

MIMICS = read_words("""
[bj]
Bsoir | Hi | Heyy | Saluuut | Bonsoir toi | Re coucou | Hellooo | Salut miss
Bonjour jolie demoiselle
Salut ma jolie | Yop | Yo ça dit quoi | Slt toi | Coucou jeune fille | Enchanté | Salutations
Bonsoir princesse | Holaa | Dis donc | Tiens salut | Ohé | Ma chère | Heureux de t'écrire
[nom]
Kader | Jérémy | Anthony | Mathis | Nordine | Fabien | Gaétan | Ali | Boubacar | Thibault | Yacine
David | Michel | Jean | Robin | Axel | Reda | Sylvain | Driss | Nolan | Ronan | Erwan | Tom | Joël
Ibrahim | Lilian | Mickaël | Patrice | Aurélien | Hervé | Ilyes | Corentin | Valentin | Noah | Max
Cheikh | Charly | Gérard | Kenzo | Matteo | Luis | Alan | Omar | Sami | Grégory | Édouard | Denis
Tristan | Alban | Marwan | Killian | Thierry | Yves | Elias | Aurèle | Nathan | Medhi | Teddy | Ben
[ou]
au Bar des Amis | à Bastille | rue de la Soif | à la Villette | chez Paulette | au Rex | au Flunch
au Pub Saint-Germain | à Montparnasse | dans le Ouigo | à Gerland | au Zénith | à la foire
au club hier | au match | au boulot de ta pote | au Uniqlo | au bowling | dans l'avion | à la Fnac
sur la Croisette | au Café Leffe | près de la fontaine | à Gare du Nord | au Picard | à la mairie
au stand de churros | au cours de salsa | chez Sephora | à l'auto-école | au Burger King | au péage
[quand]
l'autre soir | en début de soirée | après minuit | vers 18h | lundi | mercredi | pendant les soldes
la veille | y a deux jours | à midi | juste avant la fermeture | à la pause | en rentrant
[truc]
un mojito | un kebab | une pizza | un petit café crème | une glace | un chocolat chaud | un sushi
un brunch | une pinte | un ciné | un apéro | une promenade | un match à la télé | une soirée films
un petit resto chinois | une crêpe | un tour en moto | une virée à la mer | un jus | un picon
[lien]
et du coup | sinon | au fait | en vrai | bref | donc voilà | franchement | par contre | dis
[vue]
on s'est parlé {ou} | tu étais avec ta copine {ou} | on a rigolé {ou} {quand} | j'étais assis {ou}
je t'ai abordée {ou} | on a partagé une table {ou} | on a dansé {ou} {quand} | tu cherchais ta route
tu m'as laissé ton 06 {quand} | tu m'as écrit ton numéro sur la main | on attendait {ou} {quand}
[plaire]
ton regard m'a scotché | t'as du charme | t'es rayonnante | tu me plais bien | tu m'as marqué
tu dégages un truc | je te trouve sublime | t'es vraiment à part | ta voix est douce
gros coup de cœur
j'ai adoré le moment | t'as illuminé ma journée | j'en dors plus | je suis tombé sous le charme
[inviter]
{truc} ça te tente ? | partante pour {truc} ? | je te paye {truc} | {truc} un de ces soirs ?
on se fait {truc} ? | je t'emmène prendre {truc} quand ça t'arrange | t'aimes ça toi {truc} ?
vous prendriez bien {truc} avec moi ? | t'es chaude pour {truc} ou pas ? | {truc} chez moi {apres} ?
[apres]
tout à l'heure | d'ici ce week-end | la semaine prochaine | quand tu finis | jeudi soir | cet été
[open]
{bj}, {nom} à l'appareil | {bj} moi {nom}, {vue} | {bj}, {vue}. {inviter} | {bj} {vue} tu remets ?
{bj}, ici c'est {nom}. {plaire} {lien} {inviter} | {nom} {lien} {vue} | {bj} {lien} {inviter}
{bj} {inviter} | {plaire} | {bj} {plaire} | {vue}, {plaire} | {bj}, j'espère que c'est le bon numéro
{nom} pour te servir, {inviter} | {bj} je me présente {nom}, {age} ans, {vue} | {inviter}
Je m'appelle {nom} et {plaire} | {bj} je suis {nom} du {ou2}, {inviter} | {bj}
{bj} on m'appelle {nom}, {lien} {plaire} | Voici mon contact, {nom} {ou}
{bj} c toi la fille {ou} ?
Message de {nom} : {vue} {lien} {plaire} | {lien} c'est {nom}, {vue} | {nom} {ou} {quand}
{bj} j'ose enfin t'écrire, {vue}. {inviter} | {bj} {nom}, tu vas bien depuis {quand} ?
[age]
19 | 22 | 24 | 25 | 27 | 29 | 31 | 33 | 34 | 38 | 41 | 45
[ou2]
deuxième étage | comptoir | rayon fruits | vestiaire | fond du bar | groupe de potes | guichet
[more]
Bah alors ? | {inviter} | {lien} {inviter} | Petit coucou de {nom} | Silence radio ?
Tu fais la morte | Rappelle quand tu peux | {plaire} | T'as perdu ta langue ? | Personne ?
Un signe ? | {vue} pourtant | Je patiente | Pas de réponse de ta part.. | {nom} again
On remet ça {apres} ? | Je reste poli moi | Un mot et je te laisse | Tu zappes ?
Repense à {truc} | Ça capte pas chez toi ? | T'es vivante ?
{lien} {plaire} | {vue} {lien} {plaire}
Je serai {ou} {apres} | Passe {ou} {apres} si t'as envie | {truc} {apres} ou jamais
{nom}, {vue}, ça te revient ? | {bj}, {inviter} | {bj}, toujours partante pour {truc} ?
{lien} t'aurais pas vu mes clés {ou} ? | Devine qui est {ou} | Je pensais à {truc} {apres}
J'ai gardé ta place {ou} | Mes potes parlent encore de toi {ou} | C'est {nom}, le patient
On m'a dit que tu serais {ou} {apres} | J'ai raconté à ma mère, {vue} | {bj} à toi de {nom}
Ton silence en dit long {lien} {inviter} | {quand} tu souriais pourtant | Moi j'attends {apres}
[plain]
Salut ça va ? | Coucou c'est moi | Salut c'est {nom} | T'es là ? | Tu réponds pas ? | Bonsoir
Salut c'est {nom} on s'est vus hier | Coucou ça va ? c'est {nom} | Tu fais quoi ce soir ?
Salut tu te souviens de moi ? | C'est qui ? | On se voit quand ? | T'es libre ce soir ?
Coucou c'est {nom} d'hier soir | Réponds s'il te plaît | T'as eu mon message ? | Bien rentrée ?
Salut c'est {nom}, on s'est croisés {ou} | C'est {nom}, tu m'as donné ton numéro {ou} | Salut toi
Je peux t'appeler ? | T'es dispo demain ? | Salut, on boit un verre ? | Je pense à toi | Bonjour
[cluster]
{salue} c'est {nom}, on s'est vus {ici} | {salue} {nom} {ici}, tu te rappelles ?
{salue} c'est {nom} de la soirée {ici} | c'est {nom}, {ici}, {suite}
{salue} moi c'est {nom}, sympa la soirée {ici}, {suite}
[salue]
Salut | Coucou | Hello | Hey
[suite]
{inviter} | bien rentrée ? | {plaire} | tu fais quoi demain ?
""")

BRIEF = read_words("""
[qui]
toi | miss | belle | vous | copine | gamine | la miss | darling | mad | ange | meuf | fillette
[fait]
viens | dis moi | rappelle | écris | souris | avoue | ose | parle | bouge | choisis | répète | note
[ton]
vite | un jour | là | svp | ok ? | hein | pas vrai ? | ou pas | alors | tkt | gratuit | promis | go
[nom]
Léon | Gus | Raf | Ned | Sid | Abel | Tim | Joe | Kim | Bob | Jo | Gil | Ray | Nils | Zed | Ari
[rien]
un thé ? | pizza ? | ça roule ? | cap ? | tu viens ? | t'es où ? | cinoche ? | on y va ? | pq non ?
[brief]
{fait} {ton} | {fait} {qui} | {qui} {rien} | {nom} ici, {rien} | {rien} {nom} | moi {nom} {ton}
hey {qui} {rien} | {fait}, {fait} {ton} | {nom} te dit {fait} | {rien} {ton}
""")
