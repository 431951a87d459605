// What the pages of a class say in Spanish, beside ../spanish.js.

export default {
  // pupil.html, pupil.js
  "digitlab: draw with the class": "digitlab: dibuja con la clase",
  "Draw digits with your class": "Dibuja dígitos con tu clase",
  "The code on the wall": "El código de la pared",
  "A nickname": "Un apodo",
  "Your nickname and your digits are shown on the wall, and stay in this server's memory until the class is over. They are kept only if your teacher keeps them. Nothing else about you is stored: choose a name that is not your own.":
    "Tu apodo y tus dígitos se muestran en la pared, y siguen en la memoria de este servidor hasta que acabe la clase. Solo se guardan si tu docente los guarda. No se almacena nada más sobre ti: elige un nombre que no sea el tuyo.",
  Join: "Entrar",
  Done: "Listo",
  "Your digits on the wall": "Tus dígitos en la pared",
  "None yet: what you draw is shown there at once, and stays when you press Done.":
    "Aún ninguno: lo que dibujas se ve allí enseguida, y se queda cuando pulsas «Listo».",
  "Draw first, then press Done.": "Primero dibuja, luego pulsa «Listo».",
  "Draw a {digit}": "Dibuja un {digit}",
  "Draw an {digit}": "Dibuja un {digit}",
  "What is on your pad still counts as {digit}.": "Lo que hay en tu lienzo aún cuenta como un {digit}.",
  "The reader is not sure.": "El lector no está seguro.",
  "Read as {digit}": "Leído como {digit}",
  "not read": "sin leer",
  "read as {digit}": "leído como {digit}",
  "Take back this {digit}, {said}": "Retirar este {digit}, {said}",
  "Your teacher has taken you out of the class, or begun again.":
    "Tu docente te ha sacado de la clase, o ha empezado de nuevo.",
  // wall.html, wall.js
  "digitlab: the class's wall": "digitlab: la pared de la clase",
  "To the network": "A la red",
  Projector: "Proyector",
  "The class": "La clase",
  "Draw with us": "Dibuja con la clase",
  "The link for phones, as a QR code": "El enlace para teléfonos, como código QR",
  Code: "Código",
  "Another address": "Otra dirección",
  "Nobody else can join now.": "Ahora no puede entrar nadie más.",
  "For the teacher": "Para el docente",
  "The task": "La tarea",
  "More pupils may join": "Pueden entrar más alumnos",
  "What was drawn": "Lo dibujado",
  "Keep it": "Guardarlo",
  "Train on it": "Entrenar con ello",
  "Begin again": "Empezar de nuevo",
  "Progress of the training": "Progreso del entrenamiento",
  "The pupils' digits": "Los dígitos de los alumnos",
  "Nobody is here yet: photograph the code with a phone, or type the address.":
    "Aún no hay nadie: fotografía el código con un teléfono, o escribe la dirección.",
  "No drawing was handed in.": "No se ha entregado ningún dibujo.",
  "Remove the name": "Quitar el nombre",
  "Remove with all drawings": "Quitar con todos sus dibujos",
  Close: "Cerrar",
  "All pupils and all drawings are forgotten; what you kept stays in its file. Phones join again with a new code.":
    "Se olvidan todos los alumnos y todos los dibujos; lo guardado se queda en su archivo. Los teléfonos entran otra vez con un código nuevo.",
  "Go on with this class": "Seguir con esta clase",
  "Draw your digit": "Dibuja tu dígito",
  "pupils: {pupils}, drawings: {drawings}": "alumnos: {pupils}, dibujos: {drawings}",
  "Only this computer can reach the class. For phones: {command}":
    "Solo este ordenador llega a la clase. Para teléfonos: {command}",
  "In {file}: {kept} drawings with the names of who drew them. Not kept: {unkept}.":
    "En {file}: {kept} dibujos con los nombres de quienes los hicieron. Sin guardar: {unkept}.",
  "Still in the file, but removed or renamed here: {removed}.":
    "Aún en el archivo, pero quitados o renombrados aquí: {removed}.",
  "Press “Keep it” again to rewrite it.": "Pulsa «Guardarlo» otra vez para reescribirlo.",
  "Nothing is left on the wall: press “Keep it” again to delete the file.":
    "No queda nada en la pared: pulsa «Guardarlo» otra vez para borrar el archivo.",
  "Nothing is kept until you press “Keep it”; then the digits are in a file, with the names shown here.":
    "Nada se guarda hasta que pulses «Guardarlo»; entonces los dígitos quedan en un archivo, con los nombres que se ven aquí.",
  "nothing yet": "nada todavía",
  "handed in {digit}": "ha entregado un {digit}",
  "draws {digit}": "dibuja un {digit}",
  "{right} of {all} drawings read as meant": "{right} de {all} dibujos leídos como se pretendía",
  "a drawing of {digit}": "un dibujo de un {digit}",
  kept: "guardado",
  Remove: "Quitar",
  "Each goes through 0 to 9": "Cada uno dibuja del 0 al 9",
  "It learns: epoch {epoch} of {epochs}. Its curves are under Training in the network's page.":
    "Está aprendiendo: época {epoch} de {epochs}. Sus curvas están en «Entrenar», en la página de la red.",
  "{model}: {right} of {images} digits ({share}) of {left} pupils that it had never seen; the shipped reader's network: {readers}.":
    "{model}: {right} de {images} dígitos ({share}) de {left} alumnos que nunca había visto; la red del lector incluido: {readers}.",
  "{model}: {right} of {images} digits ({share}) of the one pupil, which it had never seen; the shipped reader's network: {readers}.":
    "{model}: {right} de {images} dígitos ({share}) del único alumno, que nunca había visto; la red del lector incluido: {readers}.",
  // api.js
  "This is not the class's code; the wall shows it.": "Ese no es el código de la clase; está en la pared.",
  "You are not in the class, or no longer; join again.": "No estás en la clase, o ya no; entra otra vez.",
  "Nobody else can join now; ask your teacher.": "Ahora no puede entrar nadie más; pregunta a tu docente.",
  "The class is full, or you already have the largest number of drawings on the wall.":
    "La clase está llena, o ya tienes el máximo de dibujos en la pared.",
  "Somebody in the class has this name already; choose another one.":
    "Alguien de la clase ya tiene ese nombre; elige otro.",
  "A name has 1 to 20 characters, at least one of them a letter or a digit.":
    "Un nombre tiene de 1 a 20 caracteres, al menos uno de ellos letra o dígito.",
  "The task has changed meanwhile; draw the new one.": "La tarea ha cambiado entretanto; dibuja la nueva.",
  "There is nothing to keep or hand in yet.": "Aún no hay nada que guardar o entregar.",
  "It is not there any more.": "Ya no está.",
  "That was too often; wait a moment.": "Han sido demasiadas veces; espera un momento.",
  "This is the teacher's page: open its address with ?token=TOKEN once.":
    "Esta es la página del docente: abre su dirección con ?token=TOKEN una vez.",
};
