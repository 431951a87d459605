// What the pages of a class say in French, beside ../french.js.

export default {
  // pupil.html, pupil.js
  "digitlab: draw with the class": "digitlab : dessine avec la classe",
  "Draw digits with your class": "Dessine des chiffres avec ta classe",
  "The code on the wall": "Le code affiché au mur",
  "A nickname": "Un pseudonyme",
  "Your nickname and your digits are shown on the wall, and stay in this server's memory until the class is over. They are kept only if your teacher keeps them. Nothing else about you is stored: choose a name that is not your own.":
    "Ton pseudonyme et tes chiffres sont affichés au mur, et restent dans la mémoire de ce serveur jusqu'à la fin du cours. Ils ne sont gardés que si ton professeur les garde. Rien d'autre sur toi n'est enregistré : choisis un nom qui n'est pas le tien.",
  Join: "Entrer",
  Done: "Terminé",
  "Your digits on the wall": "Tes chiffres au mur",
  "None yet: what you draw is shown there at once, and stays when you press Done.":
    "Aucun pour l'instant : ce que tu dessines s'y voit aussitôt, et reste quand tu appuies sur « Terminé ».",
  "Draw first, then press Done.": "Dessine d'abord, puis appuie sur « Terminé ».",
  "Draw a {digit}": "Dessine un {digit}",
  "Draw an {digit}": "Dessine un {digit}",
  "What is on your pad still counts as {digit}.": "Ce qui est sur ton ardoise compte encore comme un {digit}.",
  "The reader is not sure.": "Le lecteur n'est pas sûr.",
  "Read as {digit}": "Lu comme {digit}",
  "not read": "pas lu",
  "read as {digit}": "lu comme {digit}",
  "Take back this {digit}, {said}": "Retirer ce {digit}, {said}",
  "Your teacher has taken you out of the class, or begun again.":
    "Ton professeur t'a retiré de la classe, ou a tout recommencé.",
  // wall.html, wall.js
  "digitlab: the class's wall": "digitlab : le mur de la classe",
  "To the network": "Vers le réseau",
  Projector: "Projecteur",
  "The class": "La classe",
  "Draw with us": "Dessine avec nous",
  "The link for phones, as a QR code": "Le lien pour téléphones, en code QR",
  Code: "Le code",
  "Another address": "Une autre adresse",
  "Nobody else can join now.": "Personne d'autre ne peut entrer maintenant.",
  "For the teacher": "Pour le professeur",
  "The task": "La tâche",
  "More pupils may join": "D'autres élèves peuvent entrer",
  "What was drawn": "Ce qui a été dessiné",
  "Keep it": "Le garder",
  "Train on it": "Entraîner dessus",
  "Begin again": "Recommencer",
  "Progress of the training": "Progression de l'entraînement",
  "The pupils' digits": "Les chiffres des élèves",
  "Nobody is here yet: photograph the code with a phone, or type the address.":
    "Personne n'est encore là : photographiez le code avec un téléphone, ou tapez l'adresse.",
  "No drawing was handed in.": "Aucun dessin n'a été rendu.",
  "Remove the name": "Retirer le nom",
  "Remove with all drawings": "Retirer avec tous ses dessins",
  Close: "Fermer",
  "All pupils and all drawings are forgotten; what you kept stays in its file. Phones join again with a new code.":
    "Tous les élèves et tous les dessins sont oubliés ; ce que vous avez gardé reste dans son fichier. Les téléphones entrent de nouveau avec un nouveau code.",
  "Go on with this class": "Continuer avec cette classe",
  "Draw your digit": "Dessine ton chiffre",
  "pupils: {pupils}, drawings: {drawings}": "élèves : {pupils}, dessins : {drawings}",
  "Only this computer can reach the class. For phones: {command}":
    "Seul cet ordinateur a accès à la classe. Pour les téléphones : {command}",
  "In {file}: {kept} drawings with the names of who drew them. Not kept: {unkept}.":
    "Dans {file} : {kept} dessins avec les noms de leurs auteurs. Non gardés : {unkept}.",
  "Still in the file, but removed or renamed here: {removed}.":
    "Encore dans le fichier, mais retirés ou renommés ici : {removed}.",
  "Press “Keep it” again to rewrite it.": "Appuyez de nouveau sur « Le garder » pour le réécrire.",
  "Nothing is left on the wall: press “Keep it” again to delete the file.":
    "Il ne reste rien au mur : appuyez de nouveau sur « Le garder » pour supprimer le fichier.",
  "Nothing is kept until you press “Keep it”; then the digits are in a file, with the names shown here.":
    "Rien n'est gardé avant que vous n'appuyiez sur « Le garder » ; les chiffres sont alors dans un fichier, avec les noms affichés ici.",
  "nothing yet": "rien encore",
  "handed in {digit}": "a rendu un {digit}",
  "draws {digit}": "dessine un {digit}",
  "{right} of {all} drawings read as meant": "{right} dessins sur {all} lus comme voulu",
  "a drawing of {digit}": "un dessin d'un {digit}",
  kept: "gardé",
  Remove: "Retirer",
  "Each goes through 0 to 9": "Chacun dessine de 0 à 9",
  "It learns: epoch {epoch} of {epochs}. Its curves are under Training in the network's page.":
    "Il apprend : époque {epoch} sur {epochs}. Ses courbes sont sous « Entraîner », dans la page du réseau.",
  "{model}: {right} of {images} digits ({share}) of {left} pupils that it had never seen; the shipped reader's network: {readers}.":
    "{model} : {right} chiffres sur {images} ({share}) de {left} élèves qu'il n'avait jamais vus ; le réseau du lecteur fourni : {readers}.",
  "{model}: {right} of {images} digits ({share}) of the one pupil, which it had never seen; the shipped reader's network: {readers}.":
    "{model} : {right} chiffres sur {images} ({share}) du seul élève, qu'il n'avait jamais vus ; le réseau du lecteur fourni : {readers}.",
  // api.js
  "This is not the class's code; the wall shows it.": "Ce n'est pas le code de la classe ; il est affiché au mur.",
  "You are not in the class, or no longer; join again.":
    "Tu n'es pas dans la classe, ou tu n'y es plus ; entre de nouveau.",
  "Nobody else can join now; ask your teacher.":
    "Personne d'autre ne peut entrer maintenant ; demande à ton professeur.",
  "The class is full, or you already have the largest number of drawings on the wall.":
    "La classe est pleine, ou tu as déjà le nombre maximal de dessins au mur.",
  "Somebody in the class has this name already; choose another one.":
    "Quelqu'un dans la classe a déjà ce nom ; choisis-en un autre.",
  "A name has 1 to 20 characters, at least one of them a letter or a digit.":
    "Un nom a de 1 à 20 caractères, dont au moins une lettre ou un chiffre.",
  "The task has changed meanwhile; draw the new one.": "La tâche a changé entre-temps ; dessine la nouvelle.",
  "There is nothing to keep or hand in yet.": "Il n'y a encore rien à garder ou à rendre.",
  "It is not there any more.": "Ce n'est plus là.",
  "That was too often; wait a moment.": "Trop de fois de suite ; attends un moment.",
  "This is the teacher's page: open its address with ?token=TOKEN once.":
    "C'est la page du professeur : ouvrez une fois son adresse avec ?token=JETON.",
};
