// The page in Spanish: what stands in English in index.html and in the code, and how it is said here.

export default {
  // index.html
  "digitlab: draw a digit and see the network think": "digitlab: dibuja una cifra y mira cómo piensa la red",
  "To what the network does": "A lo que hace la red",
  "Draw a digit and see the network think.": "Dibuja una cifra y mira cómo piensa la red.",
  Model: "Modelo",
  Language: "Idioma",
  "Dark theme": "Tema oscuro",
  "Your digit": "Tu cifra",
  "Where the digit comes from": "De dónde viene la cifra",
  Draw: "Dibujar",
  Photo: "Foto",
  Camera: "Cámara",
  Gallery: "Galería",
  "Drawing pad. Draw with mouse, pen or finger; or with the keys: space puts the pen down and lifts it, the arrows move it, Escape lets go.":
    "Lienzo. Dibuja con ratón, lápiz o dedo; o con las teclas: espacio baja y levanta el lápiz, las flechas lo mueven, Escape lo suelta.",
  "Draw here": "Dibuja aquí",
  Tools: "Herramientas",
  Undo: "Deshacer",
  Redo: "Rehacer",
  Eraser: "Goma",
  Clear: "Vaciar",
  "Drop a photo or PDF of digits here, paste one, or": "Suelta aquí una foto o un PDF con cifras, pégalo, o",
  "Choose a picture": "Elige una imagen",
  "Take a photo": "Haz una foto",
  "The photo": "La foto",
  "The camera's picture": "La imagen de la cámara",
  "Start the camera": "Encender la cámara",
  "Stop the camera": "Apagar la cámara",
  "Keep this picture": "Guardar esta imagen",
  "The pictures go to the server of this page and nowhere else; it keeps none.":
    "Las imágenes van al servidor de esta página y a ningún otro sitio; no guarda ninguna.",
  "Digits from": "Cifras de",
  "Digits to put on the pad": "Cifras para el lienzo",
  "Choose one, and it is put on the pad.": "Elige una y se pondrá en el lienzo.",
  "Digits that were found": "Cifras encontradas",
  "What the network does": "Lo que hace la red",
  "What to look at": "Qué mirar",
  "The network": "La red",
  "Why?": "¿Por qué?",
  "Misread?": "¿Mal leída?",
  "Two models": "Dos modelos",
  Tour: "Recorrido",
  Training: "Entrenar",
  "Draw a digit, and here you see what the network makes of it.":
    "Dibuja una cifra y aquí verás lo que la red hace con ella.",
  "This model's layers cannot be looked into; another one can be chosen at the top.":
    "No se puede mirar dentro de este modelo; arriba se puede elegir otro.",
  "Take an example": "Usar un ejemplo",
  "Everything here is computed by the server of this page; nothing is sent elsewhere, and no picture is kept.":
    "Todo lo calcula el servidor de esta página; no se envía nada a otro sitio ni se guarda ninguna imagen.",
  "The same as an interface for programs": "Lo mismo, para programas",

  // Misread?
  "Why this answer?": "¿Por qué esta respuesta?",
  "asking the network …": "preguntando a la red …",
  "This picture cannot be diagnosed.": "De esta imagen no se puede hacer un diagnóstico.",
  "In the words of the server, in English:": "Con palabras del servidor, en inglés:",
  "It shows": "Muestra",
  "as it is read": "lo que se lee",
  "The shipped reader answers {answer}.": "El lector incluido responde {answer}.",
  "The shipped reader finds no digit.": "El lector incluido no encuentra ninguna cifra.",
  "made 28×28: {answer}": "reducida a 28×28: {answer}",
  "all mended: {answer}": "todo corregido: {answer}",
  "what it was trained on": "con lo que se entrenó",
  "Each difference, mended in turn": "Cada diferencia, corregida por turno",
  difference: "diferencia",
  measured: "medido",
  "mended up to here": "corregido hasta aquí",
  answer: "respuesta",
  "this one alone": "solo esta",
  "all but this one": "todas menos esta",
  "as in MNIST": "como en MNIST",
  "Python that prepares an image for this model": "Python que prepara una imagen para este modelo",
  "What such mistakes cost this model": "Lo que estos errores le cuestan al modelo",
  "no mistake": "sin error",
  "Accuracy on {n} of MNIST's test images, each mistake made on purpose.":
    "Exactitud en {n} imágenes de prueba de MNIST, con cada error hecho adrede.",
  "scale of the numbers": "escala de los números",
  polarity: "polaridad",
  background: "fondo",
  "grey level": "nivel de gris",
  "rows and columns": "filas y columnas",
  rotation: "giro",
  crop: "recorte",
  "20×20 box": "caja de 20×20",
  "centre of mass": "centro de masas",
  "stroke width": "grosor del trazo",

  // Gallery
  "test digits of MNIST": "cifras de prueba de MNIST",
  "turned by 35°": "giradas 35°",
  "moved out of the middle": "fuera del centro",
  "with noise": "con ruido",
  "thin strokes": "trazos finos",
  "with a bar rubbed out": "con una franja borrada",
  "out-of-distribution images (no digits)": "imágenes fuera de la distribución (sin cifras)",
  "a {digit}": "un {digit}",
  "no digit": "no es una cifra",

  // The answer
  none: "ninguna",
  "no digit was found": "no se encontró ninguna cifra",
  "not answered: its confidence does not reach the threshold": "sin respuesta: su confianza no llega al umbral",
  "several digits": "varias cifras",
  steady: "estable",
  "looking …": "mirando …",
  "somebody is drawing …": "alguien está dibujando …",
  "old: this was {seconds} seconds ago": "antiguo: de hace {seconds} segundos",
  "This browser cannot show such a file; digitlab on a computer can: `digitlab serve`.":
    "Este navegador no puede mostrar un archivo así; digitlab en un ordenador sí: `digitlab serve`.",
  "A diagnosis needs digitlab on a computer: `digitlab serve`, `digitlab diagnose`.":
    "Un diagnóstico necesita digitlab en un ordenador: `digitlab serve`, `digitlab diagnose`.",
  "confidence {share}": "confianza: {share}",
  "confidence {share} = a digit {there} × a {digit} {which}":
    "confianza {share} = hay un dígito {there} × es un {digit} {which}",
  "Draw a digit, and the answer comes while you draw.": "Dibuja una cifra y la respuesta llega mientras dibujas.",
  "The reader's answer: probability of each digit": "La respuesta del lector: probabilidad de cada cifra",
  "Probability of each digit": "Probabilidad de cada cifra",
  "Probabilities of digit {n} of {all}: {digit}": "Probabilidades de la cifra {n} de {all}: {digit}",
  "Probabilities of the most certain digit: {digit}": "Probabilidades de la cifra más segura: {digit}",
  "answered in {n} ms": "respuesta en {n} ms",
  "from the end of the stroke to the answer; median of the last {count}: {n} ms":
    "del final del trazo a la respuesta; mediana de las últimas {count}: {n} ms",
  "read in {ms} ms, {latency} ms after it came": "leído en {ms} ms, {latency} ms después de llegar",
  "reading …": "leyendo …",
  "no digits found": "no se encontró ninguna cifra",
  "{n} digits in {ms} ms": "{n} cifras en {ms} ms",
  "lies upside down; turned and read": "está al revés; se giró y se leyó",
  "lies turned to the left; turned and read": "está girada a la izquierda; se giró y se leyó",
  "lies turned to the right; turned and read": "está girada a la derecha; se giró y se leyó",
  "it cannot be told which way up this lies": "no se puede saber cómo está orientada",
  "{n} of them not answered": "{n} de ellas sin respuesta",
  "Previous page": "Página anterior",
  "Next page": "Página siguiente",
  Page: "Página",
  "of {n}": "de {n}",

  // Trouble
  "The server does not answer. Is it still running?": "El servidor no responde. ¿Sigue en marcha?",
  "The server is busy; try again in a moment.": "El servidor está ocupado; inténtalo dentro de un momento.",
  "The server cannot read this as a picture.": "El servidor no puede leer esto como imagen.",
  "The server cannot use this model.": "El servidor no puede usar este modelo.",
  "A part of digitlab that this needs is not installed.": "Falta por instalar una parte de digitlab que esto necesita.",
  "This training cannot be started, stopped or found.": "Este entrenamiento no se puede empezar, parar o encontrar.",
  "The server wants its token: open its address with ?token=TOKEN once.":
    "El servidor pide su token: abre su dirección una vez con ?token=TOKEN.",
  "The server takes requests from its own page only.": "El servidor solo admite peticiones de su propia página.",
  "The server does not go by this address.": "El servidor no responde por esta dirección.",
  "The picture has too many bytes for the server.": "La imagen tiene demasiados bytes para el servidor.",
  "The server took too long for this.": "El servidor tardó demasiado en esto.",
  "The picture came too slowly.": "La imagen llegó demasiado despacio.",
  "The server does not take this value.": "El servidor no admite este valor.",
  "The server made a mistake; its log says more.": "El servidor cometió un error; su registro dice más.",
  "The server refuses this.": "El servidor rechaza esto.",
  "Browsers give the camera only to pages on this machine or over https.":
    "Los navegadores solo dan la cámara a páginas de este equipo o con https.",
  "The browser was not allowed to use the camera.": "El navegador no tiene permiso para usar la cámara.",
  "No camera was found, or another program has it.": "No se encontró ninguna cámara, o la tiene otro programa.",
  "The line to the server was cut; start the camera again.":
    "Se cortó la conexión con el servidor; enciende la cámara otra vez.",
  "A frame could not be read.": "No se pudo leer un fotograma.",

  // The network
  Layer: "Capa",
  "layer {n} of {all}: {name}": "capa {n} de {all}: {name}",
  "{model}: {layers} layers, {parameters} parameters (numbers that training has found)":
    "{model}: {layers} capas, {parameters} parámetros (números que encontró el entrenamiento)",
  "Your digit as the network takes it": "Tu cifra como la recibe la red",
  "your digit, 28×28": "tu cifra, 28×28",
  "The chosen map. Arrow keys walk over its numbers, Enter explains one.":
    "El mapa elegido. Las flechas recorren sus números, Intro explica uno.",
  "Maps of {name}": "Mapas de {name}",
  "All activation maps of this layer": "Todos los mapas de activación de esta capa",
  "All activations of this layer": "Todas las activaciones de esta capa",
  "This network's softmax for the prepared 28×28 image": "La softmax de esta red para la imagen preparada de 28×28",
  "{n} parameters": "{n} parámetros",
  "receptive field {size} pixels": "campo receptivo de {size} píxeles",
  "receptive field: the whole image": "campo receptivo: toda la imagen",
  "{share} of its activations are 0": "el {share} de sus activaciones es 0",
  "{share} of its numbers are 0.": "El {share} de sus números es 0.",
  "Point at the large map to see what a number of it sees; click to see how it came about.":
    "Señala el mapa grande para ver qué mira cada número; haz clic para ver de dónde sale.",
  "Choose a number below to see how it came about.": "Elige un número de abajo para ver de dónde sale.",
  "map {n}": "mapa {n}",
  "number {n}": "número {n}",
  "digit {digit}": "cifra {digit}",
  "map {n} of {all}": "mapa {n} de {all}",
  "activation map {n} of {all}": "mapa de activación {n} de {all}",
  "filter {n}": "filtro {n}",
  "filter {n} of {name}": "filtro {n} de {name}",
  "its weights for channel {n}": "sus pesos para el canal {n}",
  "its {n} strongest channels of {all}": "sus {n} canales más fuertes de {all}",
  "too many weights to be shown": "demasiados pesos para mostrarlos",
  "map {n}, row {row}, column {column}: {value}": "mapa {n}, fila {row}, columna {column}: {value}",
  "How {name}, map {n}, row {row}, column {column} came about":
    "De dónde sale {name}, mapa {n}, fila {row}, columna {column}",
  "How {name}, number {n} came about": "De dónde sale {name}, número {n}",
  "How the logit of {digit} came about": "De dónde sale el logit de {digit}",
  "Preprocessing: the pixels are brought into the range that the network was trained with.":
    "Preprocesado: los píxeles se llevan al intervalo con el que se entrenó la red.",
  "Convolution: each filter is laid on every place: multiply number by number, add up, write the sum down. Each makes an activation map.":
    "Convolución: cada filtro se pone en todos los sitios: multiplicar número por número, sumar, anotar la suma. Cada uno hace un mapa de activación.",
  "ReLU: what is below 0 becomes 0, all else stays.": "ReLU: lo que es menor que 0 pasa a ser 0, lo demás queda igual.",
  "Normalisation: each map is moved and stretched to the range that training found useful.":
    "Normalización: cada mapa se desplaza y se estira al intervalo que resultó útil al entrenar.",
  "Pooling: of each window one number is kept: less to look at, and a little shift matters less.":
    "Pooling: de cada ventana queda un número: menos que mirar, y un pequeño desplazamiento importa menos.",
  "Global pooling: of each whole map one number is kept.": "Pooling global: de cada mapa entero queda un número.",
  "Addition: two layers are added, number by number.": "Adición: se suman dos capas, número por número.",
  "The mean of several layers, number by number.": "La media de varias capas, número por número.",
  "Concatenation: two vectors are put one behind the other.": "Concatenación: dos vectores se ponen uno tras otro.",
  "Flatten: all maps are put into one row of numbers, a vector.":
    "Flatten (aplanado): todos los mapas se ponen en una sola fila de números, un vector.",
  "Dense (fully connected): each unit has a weight for every number before it: multiply, add up, add the bias.":
    "Densa (totalmente conectada): cada unidad tiene un peso para cada número anterior: multiplicar, sumar, añadir el sesgo.",
  "Softmax: e to the power of each logit, divided by their sum: ten probabilities that add up to 1.":
    "Softmax: e elevado a cada logit, dividido por la suma: diez probabilidades que suman 1.",
  "A step of its own kind.": "Un paso de otro tipo.",
  "Activation function, a rule for each number alone: {name}.":
    "Función de activación, una regla para cada número por separado: {name}.",

  // Sums
  window: "ventana",
  filter: "filtro",
  products: "productos",
  product: "producto",
  input: "entrada",
  value: "valor",
  weight: "peso",
  "channel {n}": "canal {n}",
  "sum + bias": "suma + sesgo",
  "The network itself got {n} here.": "La propia red obtuvo aquí {n}.",
  "The sums of all channels, the same way; the others together: {rest}":
    "Las sumas de todos los canales, igual; los demás juntos: {rest}",
  "{n} sums, one a channel": "{n} sumas, una por canal",
  "and the products of all others together: {rest}": "y los productos de todos los demás juntos: {rest}",

  // Why
  "Why this one, and not that one?": "¿Por qué esta y no aquella?",
  Why: "Por qué",
  "and not": "y no",
  Show: "Mostrar",
  "fall of the logit margin over the other": "caída del margen de logit sobre la otra",
  "fall of the probability": "caída de la probabilidad",
  "Heat map: the stronger the orange, the more the answer needs what is there":
    "Mapa de calor: cuanto más naranja, más necesita la respuesta lo que hay ahí",
  "Occlusion sensitivity: a square of paper is laid on every place in turn, and the network is asked again. Where the map is orange, covering takes away what speaks for the answer; where it is blue, covering makes the answer more probable.":
    "Sensibilidad a la oclusión: se pone un cuadrado de papel en cada sitio y se pregunta otra vez a la red. Donde el mapa es naranja, tapar quita lo que habla a favor de la respuesta; donde es azul, tapar la hace más probable.",
  "Choose two different digits.": "Elige dos cifras distintas.",
  "asking the network, covered place by place …": "preguntando a la red, tapando sitio por sitio …",
  "why {digit} and not {against}": "por qué {digit} y no {against}",
  "covered here, the probability of {digit} falls by {n} percentage points":
    "tapado aquí, la probabilidad de {digit} baja {n} puntos porcentuales",
  "covered here, the logit of {digit} loses {n} of its margin over {against}":
    "tapado aquí, el logit de {digit} pierde {n} de su margen sobre {against}",
  "Rub it out yourself": "Bórralo tú",
  "Your digit, to be rubbed out: with the pointer, or with arrow keys and Enter":
    "Tu cifra, para borrar: con el puntero, o con las flechas e Intro",
  "Rub parts out and see what is left of the answer.": "Borra partes y mira qué queda de la respuesta.",
  "Probability of each digit, after rubbing out": "Probabilidad de cada cifra después de borrar",
  "Put everything back": "Ponerlo todo otra vez",
  "still {digit}: {share}": "sigue siendo {digit}: {share}",
  "now {digit}: {share}; it was {before}": "ahora {digit}: {share}; era {before}",

  // Two models
  "Two models, the same digit": "Dos modelos, la misma cifra",
  "First model": "Primer modelo",
  "Second model": "Segundo modelo",
  "Depth in the networks": "Profundidad en las redes",
  "Both predict {digit}.": "Los dos predicen {digit}.",
  "They disagree: {one} and {two}.": "No coinciden: {one} y {two}.",
  "Neither answers: no probability reaches the threshold.": "Ninguno responde: ninguna probabilidad llega al umbral.",
  "test accuracy {share}": "exactitud de prueba: {share}",
  "This network makes no maps.": "Esta red no hace mapas.",
  "There is one model here, and it needs another one to be compared with: train one, or start the server with more: digitlab serve --model RUN.":
    "Aquí hay un solo modelo, y hace falta otro para compararlo: entrena uno, o arranca el servidor con más: digitlab serve --model RUN.",
  "Train a second model": "Entrenar otro modelo",

  // Training
  "Train a network while you watch": "Entrena una red y mira",
  "It trains on some of MNIST's 60,000 training images, each once an epoch. For each batch of 128 the gradient of the loss is computed (backpropagation), and the optimiser, Adam, moves all weights a little against it. After each epoch it is tested on 1,000 test images that it never trains on.":
    "Se entrena con algunas de las 60.000 imágenes de entrenamiento de MNIST, cada una una vez por época. Para cada lote de 128 se calcula el gradiente de la pérdida (retropropagación), y el optimizador, Adam, mueve todos los pesos un poco en contra. Después de cada época se prueba con 1.000 imágenes de prueba con las que nunca se entrena.",
  Network: "Red",
  Images: "Imágenes",
  Epochs: "Épocas",
  "Learning rate": "Tasa de aprendizaje",
  "the default": "la predeterminada",
  Seed: "Semilla",
  "Start the training": "Empezar a entrenar",
  Stop: "Parar",
  "Use it on the pad": "Usarla en el lienzo",
  "Progress of the epoch": "Progreso de la época",
  "Loss (cross-entropy)": "Pérdida (entropía cruzada)",
  Accuracy: "Exactitud",
  "each training batch": "cada lote de entrenamiento",
  "test images, after each epoch": "imágenes de prueba, después de cada época",
  epoch: "época",
  "epoch {epoch} of {epochs}, batch {batch} of {batches}": "época {epoch} de {epochs}, lote {batch} de {batches}",
  "The filters of its first convolution": "Los filtros de su primera convolución",
  "Misclassified test images, the highest probability first":
    "Imágenes de prueba mal clasificadas, primero la probabilidad más alta",
  "This network has no convolution.": "Esta red no tiene convoluciones.",
  "true {label}, predicted {answer}": "real {label}, predicho {answer}",
  "true {label}": "real {label}",
  "predicted {answer}": "predicho {answer}",
  "Test accuracy: {share}.": "Exactitud de prueba: {share}.",
  "No training can be started now.": "Ahora no se puede entrenar.",
  "Training needs a server on this machine alone, or one with a token.":
    "Para entrenar hace falta un servidor solo para este equipo, o uno con token.",
  "Training needs parts of digitlab that are not installed.":
    "Para entrenar hacen falta partes de digitlab que no están instaladas.",
  "Another training is at work; wait for its end, or stop it.":
    "Hay otro entrenamiento en marcha; espera a que termine, o páralo.",
  "It is being prepared …": "Se está preparando …",
  "The images are being loaded …": "Se cargan las imágenes …",
  "The result is being made ready …": "Se prepara el resultado …",
  "It learns …": "Está aprendiendo …",
  "It stops after this batch …": "Para después de este lote …",
  "It is done.": "Ha terminado.",
  "It was stopped.": "Se ha parado.",
  "It failed.": "Ha fallado.",
  "the smallest, seconds an epoch": "la más pequeña, segundos por época",
  "S1's first: one convolution 5×5": "la primera de S1: una convolución 5×5",
  "S2's: two convolutions": "la de S2: dos convoluciones",
  "made for speed on a processor": "hecha para ser rápida en un procesador",
  "S0's: two convolutions, dropout": "la de S0: dos convoluciones, dropout",
  "S3's: one convolution, dropout": "la de S3: una convolución, dropout",
  "S1's: dense layers, no convolution": "la de S1: capas densas, sin convolución",

  // Tour
  "step {n} of {all}": "paso {n} de {all}",
  Back: "Atrás",
  Next: "Siguiente",
  "Arrow keys go on and back.": "Las flechas avanzan y retroceden.",
  "A picture is numbers": "Una imagen son números",
  "The reader finds the ink, brings it to 28 by 28 pixels, and puts it in the middle. That is all that the network sees: 784 numbers from 0 (paper) to 255 (ink).":
    "El lector encuentra la tinta, la lleva a 28 por 28 píxeles y la centra. Eso es todo lo que ve la red: 784 números de 0 (papel) a 255 (tinta).",
  "Point at the picture to read its numbers.": "Señala la imagen para leer sus números.",
  "Point at a pixel.": "Señala un píxel.",
  "Your digit as the network takes it. Arrow keys read its numbers.":
    "Tu cifra como la recibe la red. Las flechas leen sus números.",
  "row {row}, column {column}: {value}": "fila {row}, columna {column}: {value}",
  "five by five of them": "cinco por cinco de ellos",
  "Convolution: a filter looks everywhere": "Convolución: un filtro mira en todas partes",
  "A filter is a small picture of numbers. It is laid on the image, each of its numbers is multiplied with the pixel under it, the products are added up, and one more number, the bias, is added too. Then it moves on by a pixel.":
    "Un filtro es una pequeña imagen de números. Se pone sobre la imagen, cada número se multiplica por el píxel que tiene debajo, se suman los productos y se suma otro número más, el sesgo. Después avanza un píxel.",
  "Follow the window as it moves over your digit, or place it yourself.":
    "Sigue la ventana mientras recorre tu cifra, o colócala tú.",
  "Your digit, and the window on it": "Tu cifra con la ventana encima",
  "The map that comes about. Arrow keys move the window.": "El mapa que resulta. Las flechas mueven la ventana.",
  "Let it move": "Que se mueva",
  "Stop it": "Pararla",
  "Every filter makes an activation map": "Cada filtro hace un mapa de activación",
  "All the sums of one filter make a new picture, its activation map (feature map). Orange is above 0: here the filter found what it looks for. Blue is below: here it found the opposite. Most first filters look for edges of one direction.":
    "Todas las sumas de un filtro forman una imagen nueva, su mapa de activación (o de características). Naranja es mayor que 0: aquí el filtro encontró lo que busca. Azul es menor: aquí encontró lo contrario. Casi todos los primeros filtros buscan bordes en una dirección.",
  "ReLU: the simplest activation function": "ReLU: la función de activación más sencilla",
  "What is below 0 becomes 0, all else stays. Without such a bend between them, many layers would be no more than one. After it a filter can only say how much of its pattern is there, not that the opposite is.":
    "Lo que es menor que 0 pasa a ser 0, lo demás queda igual. Sin esa esquina entre ellas, muchas capas no serían más que una. Después, un filtro solo puede decir cuánto hay de su patrón, no que hay lo contrario.",
  before: "antes",
  after: "después",
  "Which map": "Qué mapa",
  "{share} of the numbers of this layer are 0 now.": "El {share} de los números de esta capa ahora es 0.",
  "Pooling: less to look at": "Pooling: menos que mirar",
  "Max pooling: of each window of two by two numbers only the greatest is kept. A quarter of the numbers is left, and whether a stroke lies a pixel further to the left matters less than before. (S1 compared it with average pooling; max pooling won.)":
    "Max pooling: de cada ventana de dos por dos números solo queda el mayor. Queda la cuarta parte de los números, y que un trazo esté un píxel más a la izquierda importa menos que antes. (S1 lo comparó con el average pooling, la media; ganó el max pooling.)",
  "Point at the right picture: the window in the left one, and its greatest number.":
    "Señala la imagen derecha: la ventana en la izquierda y su número mayor.",
  "Deeper: from edges to parts": "Más hondo: de bordes a partes",
  "The next filters look at the maps of those before, and so on. The receptive field grows: each number now sees more of your digit, and each map has become choosy: a bar, a bow, an end of a stroke. Nobody told the network what to look for.":
    "Los filtros siguientes miran los mapas de los anteriores, y así sucesivamente. El campo receptivo crece: cada número ve ahora más de tu cifra, y cada mapa se ha vuelto exigente: una barra, un arco, el final de un trazo. Nadie dijo a la red qué buscar.",
  "Your digit, and what one number sees": "Tu cifra y lo que ve un número",
  "what one number of {name} sees": "lo que ve un número de {name}",
  "Dense: all of it at once": "Densa: todo a la vez",
  "Now the maps become one row of numbers, a vector, and each of the ten digits has a weight for every one of them: multiply, add up, add the bias. The ten sums are called logits. They may be above or below 0; only their differences count.":
    "Ahora los mapas pasan a ser una fila de números, un vector, y cada una de las diez cifras tiene un peso para cada uno: multiplicar, sumar, añadir el sesgo. Las diez sumas se llaman logits. Pueden ser mayores o menores que 0; solo cuentan sus diferencias.",
  "the vector: {n} numbers, and ten times as many weights": "el vector: {n} números, y diez veces más pesos",
  "the vector": "el vector",
  digit: "cifra",
  logit: "logit",
  probability: "probabilidad",
  "Softmax: logits become probabilities": "Softmax: de logits a probabilidades",
  "The softmax takes e to the power of each logit and divides by their sum, so that they are probabilities that add up to 1. Ten less in the logit is about twenty thousand times less in the probability.":
    "La softmax eleva e a cada logit y divide por la suma, para que sean probabilidades que suman 1. Diez menos en el logit es unas veinte mil veces menos en la probabilidad.",
  "They are what this network says of the prepared 28×28 image. The reader's answer joins them with what it has seen in the picture itself, so its numbers are others.":
    "Es lo que esta red dice de la imagen preparada de 28×28. La respuesta del lector las une con lo que ha visto en la imagen misma, así que sus números son otros.",
  "Make the network less certain: divide all logits by a temperature first. The order stays, the differences shrink.":
    "Haz la red menos segura: divide antes todos los logits por una temperatura. El orden queda, las diferencias se reducen.",
  Temperature: "Temperatura",
  "Dropout: learning with gaps": "Dropout: aprender con huecos",
  "During training, a part of the activations is set to 0 at random, others each time, so that the network cannot rely on any single one: the dropout rate says how many. S0 found: with dropout it trains for more epochs, and its test accuracy is 95.4 % instead of 94.5 %. In use, nothing is dropped.":
    "Durante el entrenamiento, una parte de las activaciones se pone a 0 al azar, cada vez otras, para que la red no dependa de ninguna: la tasa de dropout dice cuántas. S0 vio que con dropout se entrena durante más épocas y la exactitud de prueba es del 95,4 % en vez del 94,5 %. En el uso no se quita nada.",
  "Throw the dice yourself: the answer should survive it.": "Tira tú los dados: la respuesta debería resistirlo.",
  "Dropout rate": "Tasa de dropout",
  "Throw again": "Tirar otra vez",
  "what is left of the vector": "lo que queda del vector",
  "The answer is computed here, from rounded weights; the numbers that are left are made larger, as in training.":
    "La respuesta se calcula aquí, con pesos redondeados; los números que quedan se agrandan, como al entrenar.",
  "This network's last weights are too many to be sent.":
    "Los últimos pesos de esta red son demasiados para enviarlos.",
  "Filters made by hand": "Filtros hechos a mano",
  "Before filters were learned, people designed them. This filter bank is that of S2's slides: lines, edges (Sobel), spots (Laplacian), smoothing. Compare them with the first filters of the network: some of those it has found by itself.":
    "Antes de que los filtros se aprendieran, los diseñaban las personas. Este banco de filtros es el de las diapositivas de S2: líneas, bordes (Sobel), manchas (laplaciano), suavizado. Compáralos con los primeros filtros de la red: algunos los ha encontrado sola.",
  "They are shown on your photo, if you have opened one, else on your drawing.":
    "Se muestran sobre tu foto, si has abierto una; si no, sobre tu dibujo.",
  "the picture, grey": "la imagen, en gris",
  "horizontal lines": "líneas horizontales",
  "vertical lines": "líneas verticales",
  "lines of 45°": "líneas de 45°",
  "lines of 135°": "líneas de 135°",
  "Sobel, horizontal edges": "Sobel, bordes horizontales",
  "Sobel, vertical edges": "Sobel, bordes verticales",
  "Laplacian, 4 neighbours": "laplaciano, 4 vecinos",
  "Laplacian, 8 neighbours": "laplaciano, 8 vecinos",
  "Laplacian of Gaussian": "laplaciano de la gaussiana",
  mean: "media",
  Gaussian: "gaussiano",
  // Links and lessons.
  "Copy link": "Copiar enlace",
  Lesson: "Lección",
  Lessons: "Lecciones",
  "The link is copied: it has the drawing, the view and the settings in it.":
    "El enlace está copiado: lleva el dibujo, la vista y los ajustes.",
  "The model of this link, {name}, is not here; {other} answers.":
    "El modelo de este enlace, {name}, no está aquí; responde {other}.",
  "part {n} of {all}": "parte {n} de {all}",
  "Show it again": "Mostrarlo otra vez",
  "End the lesson": "Terminar la lección",
  // Without a server.
  "Open a model": "Abrir un modelo",
  "Everything here is computed in this browser: no picture leaves it, and none is kept.":
    "Todo se calcula en este navegador: ninguna imagen sale de él ni se guarda.",
  "There is one model here, and it needs another one to be compared with: open one at the top, a file of ONNX.":
    "Aquí hay un solo modelo y hace falta otro con que compararlo: abre uno arriba, un archivo ONNX.",
  "The pictures stay in this browser; none is kept.": "Las imágenes se quedan en este navegador; ninguna se guarda.",
  "Training needs digitlab on a computer: `digitlab serve` opens this page with it.":
    "Para entrenar hace falta digitlab en un ordenador: `digitlab serve` abre esta página con él.",
  "The server is told of models when it is started: digitlab serve --model {name}":
    "Los modelos se le indican al servidor al arrancarlo: digitlab serve --model {name}",
  "This page cannot answer that.": "Esta página no puede responder a eso.",
  "This browser cannot run the page's networks.": "Este navegador no puede ejecutar las redes de la página.",
};
