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
  "Drop a photo of digits here, paste one, or": "Suelta aquí una foto con cifras, pégala, o",
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
  "Two models": "Dos modelos",
  Tour: "Visita guiada",
  Training: "Entrenar",
  "Draw a digit, and here you see what the network makes of it.":
    "Dibuja una cifra y aquí verás lo que la red hace con ella.",
  "This model's layers cannot be looked into; another one can be chosen at the top.":
    "No se puede mirar dentro de este modelo; arriba se puede elegir otro.",
  "Take an example": "Usar un ejemplo",
  "Everything here is computed by the server of this page; nothing is sent elsewhere, and no picture is kept.":
    "Todo lo calcula el servidor de esta página; no se envía nada a otro sitio ni se guarda ninguna imagen.",
  "The same as an interface for programs": "Lo mismo, para programas",

  // Gallery
  "test digits of MNIST": "cifras de prueba de MNIST",
  "turned by 35°": "giradas 35°",
  "moved out of the middle": "fuera del centro",
  "with noise": "con ruido",
  "thin strokes": "trazos finos",
  "with a bar rubbed out": "con una franja borrada",
  "what is no digit": "lo que no es una cifra",
  "a {digit}": "un {digit}",
  "no digit": "no es una cifra",

  // The answer
  none: "ninguna",
  "no ink": "no hay tinta",
  "no digit that I would be sure of": "ninguna cifra segura",
  "several digits": "varias cifras",
  steady: "estable",
  "looking …": "mirando …",
  "{share} sure": "seguridad: {share}",
  "Draw a digit, and the answer comes while you draw.": "Dibuja una cifra y la respuesta llega mientras dibujas.",
  "How sure, for each digit": "Seguridad para cada cifra",
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
  "{name} is not a picture that this browser can show; JPEG and PNG always work.":
    "{name} no es una imagen que este navegador pueda mostrar; JPEG y PNG siempre funcionan.",

  // Trouble
  "The server does not answer. Is it still running?": "El servidor no responde. ¿Sigue en marcha?",
  "The server is busy; try again in a moment.": "El servidor está ocupado; inténtalo dentro de un momento.",
  "Browsers give the camera only to pages on this machine or over https.":
    "Los navegadores solo dan la cámara a páginas de este equipo o con https.",
  "The browser was not allowed to use the camera.": "El navegador no tiene permiso para usar la cámara.",
  "No camera was found, or another program has it.": "No se encontró ninguna cámara, o la tiene otro programa.",
  "The line to the server was cut; start the camera again.":
    "Se cortó la conexión con el servidor; enciende la cámara otra vez.",

  // The network
  Layer: "Capa",
  "{model}: {layers} layers, {parameters} numbers that training has found":
    "{model}: {layers} capas, {parameters} números que encontró el entrenamiento",
  "Your digit as the network takes it": "Tu cifra como la recibe la red",
  "your digit, 28×28": "tu cifra, 28×28",
  "The chosen map. Arrow keys walk over its numbers, Enter explains one.":
    "El mapa elegido. Las flechas recorren sus números, Intro explica uno.",
  "Maps of {name}": "Mapas de {name}",
  "All maps of this layer": "Todos los mapas de esta capa",
  "All numbers of this layer": "Todos los números de esta capa",
  "{n} parameters": "{n} parámetros",
  "each number sees {size} pixels": "cada número ve {size} píxeles",
  "each number sees all pixels": "cada número ve todos los píxeles",
  "{share} of its numbers are 0": "el {share} de sus números es 0",
  "{share} of its numbers are 0.": "El {share} de sus números es 0.",
  "Point at the large map to see what a number of it sees; click to see how it came about.":
    "Señala el mapa grande para ver qué mira cada número; haz clic para ver de dónde sale.",
  "Choose a number below to see how it came about.": "Elige un número de abajo para ver de dónde sale.",
  "map {n}": "mapa {n}",
  "number {n}": "número {n}",
  "map {n} of {all}": "mapa {n} de {all}",
  "filter {n}": "filtro {n}",
  "filter {n} of {name}": "filtro {n} de {name}",
  "for input map {n}": "para el mapa de entrada {n}",
  "its strongest {n} of {all} slices": "sus {n} planos más fuertes de {all}",
  "too many weights to be shown": "demasiados pesos para mostrarlos",
  "map {n}, row {row}, column {column}: {value}": "mapa {n}, fila {row}, columna {column}: {value}",
  "How {name}, map {n}, row {row}, column {column} came about":
    "De dónde sale {name}, mapa {n}, fila {row}, columna {column}",
  "How {name}, number {n} came about": "De dónde sale {name}, número {n}",
  "The pixels are brought into the range that the network was trained with.":
    "Los píxeles se llevan al intervalo con el que se entrenó la red.",
  "Each filter is laid on every place: multiply number by number, add up, write the sum down. Each makes a map.":
    "Cada filtro se pone en todos los sitios: multiplicar número por número, sumar, anotar la suma. Cada uno hace un mapa.",
  "ReLU: what is below 0 becomes 0, all else stays.": "ReLU: lo que es menor que 0 pasa a ser 0, lo demás queda igual.",
  "Each map is moved and stretched to the range that training found useful.":
    "Cada mapa se desplaza y se estira al intervalo que resultó útil al entrenar.",
  "Of each window one number is kept: less to look at, and a little shift matters less.":
    "De cada ventana queda un número: menos que mirar, y un pequeño desplazamiento importa menos.",
  "Of each whole map one number is kept.": "De cada mapa entero queda un número.",
  "Two layers are added, number by number.": "Se suman dos capas, número por número.",
  "The mean of several layers, number by number.": "La media de varias capas, número por número.",
  "Two rows of numbers are put one behind the other.": "Dos filas de números se ponen una tras otra.",
  "All maps are put into one row of numbers.": "Todos los mapas se ponen en una sola fila de números.",
  "Each unit has a weight for every number before it: multiply, add up.":
    "Cada unidad tiene un peso para cada número anterior: multiplicar, sumar.",
  "e to the power of each number, divided by the sum: ten shares of 1.":
    "e elevado a cada número, dividido por la suma: diez partes de 1.",
  "A step of its own kind.": "Un paso de otro tipo.",
  "A rule for each number alone: {name}.": "Una regla para cada número por separado: {name}.",

  // Sums
  window: "ventana",
  filter: "filtro",
  products: "productos",
  product: "producto",
  input: "entrada",
  value: "valor",
  weight: "peso",
  "input map {n}": "mapa de entrada {n}",
  "sum + bias": "suma + sesgo",
  "The network itself got {n} here.": "La propia red obtuvo aquí {n}.",
  "The sums of all input maps, the same way; the others together: {rest}":
    "Las sumas de todos los mapas de entrada, igual; los demás juntos: {rest}",
  "{n} sums, one an input map": "{n} sumas, una por mapa de entrada",
  "and the products of all others together: {rest}": "y los productos de todos los demás juntos: {rest}",

  // Why
  "Why this one, and not that one?": "¿Por qué esta y no aquella?",
  Why: "Por qué",
  "and not": "y no",
  Show: "Mostrar",
  "what speaks against the other": "lo que habla contra la otra",
  "what the answer needs": "lo que la respuesta necesita",
  "Heat map: the stronger the orange, the more the answer needs what is there":
    "Mapa de calor: cuanto más naranja, más necesita la respuesta lo que hay ahí",
  "A square of paper is laid on every place in turn, and the network is asked again. Where the map is orange, covering takes away what speaks for the answer; where it is blue, covering makes the answer surer.":
    "Se pone un cuadrado de papel en cada sitio y se pregunta otra vez a la red. Donde el mapa es naranja, tapar quita lo que habla a favor de la respuesta; donde es azul, tapar la hace más segura.",
  "Choose two different digits.": "Elige dos cifras distintas.",
  "asking 784 times …": "preguntando 784 veces …",
  "why {digit} and not {against}": "por qué {digit} y no {against}",
  "covered here, {digit} loses {n} points of a hundred": "tapado aquí, {digit} pierde {n} puntos de cien",
  "covered here, {digit} loses {n} of its lead over {against} (in logits)":
    "tapado aquí, {digit} pierde {n} de su ventaja sobre {against} (en logits)",
  "Rub it out yourself": "Bórralo tú",
  "Your digit, to be rubbed out: with the pointer, or with arrow keys and Enter":
    "Tu cifra, para borrar: con el puntero, o con las flechas e Intro",
  "Rub parts out and see what is left of the answer.": "Borra partes y mira qué queda de la respuesta.",
  "How sure, after rubbing out": "Seguridad después de borrar",
  "Put everything back": "Ponerlo todo otra vez",
  "still {digit}: {share}": "sigue siendo {digit}: {share}",
  "now {digit}: {share}; it was {before}": "ahora {digit}: {share}; era {before}",

  // Two models
  "Two models, the same digit": "Dos modelos, la misma cifra",
  "First model": "Primer modelo",
  "Second model": "Segundo modelo",
  "How deep in the networks": "Profundidad en las redes",
  "Both say {digit}.": "Los dos dicen {digit}.",
  "They disagree: {one} and {two}.": "No coinciden: {one} y {two}.",
  "Neither is sure of a digit.": "Ninguno está seguro.",
  "{share} on test images": "{share} con imágenes de prueba",
  "This network makes no maps.": "Esta red no hace mapas.",
  "The server has one model only. Train another under “Training”, or start it with more: digitlab serve --model RUN.":
    "El servidor tiene un solo modelo. Entrena otro en «Entrenar», o arráncalo con más: digitlab serve --model RUN.",

  // Training
  "Train a network while you watch": "Entrena una red y mira",
  "It sees some of MNIST's 60,000 training digits, many times, and after each epoch it is asked about 1,000 that it never trains on.":
    "Ve algunas de las 60.000 cifras de entrenamiento de MNIST, varias veces, y después de cada época se le pregunta por 1.000 con las que no se entrena.",
  Network: "Red",
  Images: "Imágenes",
  Epochs: "Épocas",
  "Learning rate": "Tasa de aprendizaje",
  "the usual one": "la habitual",
  Seed: "Semilla",
  "Start the training": "Empezar a entrenar",
  Stop: "Parar",
  "Use it on the pad": "Usarla en el lienzo",
  "Progress of the epoch": "Progreso de la época",
  Loss: "Pérdida",
  Accuracy: "Exactitud",
  training: "entrenamiento",
  "test images": "imágenes de prueba",
  epochs: "épocas",
  "epoch {epoch}: {share} of the batches": "época {epoch}: {share} de los lotes",
  "The filters of its first convolution": "Los filtros de su primera convolución",
  "What it has wrong, the surest first": "Lo que confunde, primero lo más seguro",
  "This network has no convolution.": "Esta red no tiene convoluciones.",
  "a {label}, taken for {answer}": "un {label}, tomado por {answer}",
  "{share} of the test images are right.": "Acierta el {share} de las imágenes de prueba.",
  "No training can be started now.": "Ahora no se puede entrenar.",
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
  "S1's without convolutions": "la de S1 sin convoluciones",

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
  "Every filter makes a map": "Cada filtro hace un mapa",
  "All the sums of one filter make a new picture, its activation map. Orange is above 0: here the filter found what it looks for. Blue is below: here it found the opposite. Most first filters look for edges of one direction.":
    "Todas las sumas de un filtro forman una imagen nueva, su mapa de activación. Naranja es mayor que 0: aquí el filtro encontró lo que busca. Azul es menor: aquí encontró lo contrario. Casi todos los primeros filtros buscan bordes en una dirección.",
  "ReLU: the simplest of all rules": "ReLU: la regla más sencilla",
  "What is below 0 becomes 0, all else stays. Without such a bend between them, many layers would be no more than one. After it a filter can only say how much of its pattern is there, not that the opposite is.":
    "Lo que es menor que 0 pasa a ser 0, lo demás queda igual. Sin esa esquina entre ellas, muchas capas no serían más que una. Después, un filtro solo puede decir cuánto hay de su patrón, no que hay lo contrario.",
  before: "antes",
  after: "después",
  "Which map": "Qué mapa",
  "{share} of the numbers of this layer are 0 now.": "El {share} de los números de esta capa ahora es 0.",
  "Pooling: less to look at": "Pooling: menos que mirar",
  "Of each window of two by two numbers only the greatest is kept. A quarter of the numbers is left, and whether a stroke lies a pixel further to the left matters less than before. (S1 compared it with the average; the greatest won.)":
    "De cada ventana de dos por dos números solo queda el mayor. Queda la cuarta parte de los números, y que un trazo esté un píxel más a la izquierda importa menos que antes. (S1 lo comparó con la media; ganó el mayor.)",
  "Point at the right picture: the window in the left one, and its greatest number.":
    "Señala la imagen derecha: la ventana en la izquierda y su número mayor.",
  "Deeper: from edges to parts": "Más hondo: de bordes a partes",
  "The next filters look at the maps of those before, and so on. Each number now sees more of your digit, and each map has become choosy: a bar, a bow, an end of a stroke. Nobody told the network what to look for.":
    "Los filtros siguientes miran los mapas de los anteriores, y así sucesivamente. Cada número ve ahora más de tu cifra, y cada mapa se ha vuelto exigente: una barra, un arco, el final de un trazo. Nadie dijo a la red qué buscar.",
  "Your digit, and what one number sees": "Tu cifra y lo que ve un número",
  "what one number of {name} sees": "lo que ve un número de {name}",
  "Dense: all of it at once": "Densa: todo a la vez",
  "Now the maps become one row of numbers, and each of the ten digits has a weight for every one of them: multiply, add up. The ten sums are called logits. Only their differences count.":
    "Ahora los mapas pasan a ser una fila de números, y cada una de las diez cifras tiene un peso para cada uno: multiplicar, sumar. Las diez sumas se llaman logits. Solo cuentan sus diferencias.",
  "{n} numbers, and ten times as many weights": "{n} números, y diez veces más pesos",
  "the row of numbers": "la fila de números",
  digit: "cifra",
  logit: "logit",
  share: "parte",
  "Softmax: sums become shares": "Softmax: de sumas a partes",
  "The softmax takes e to the power of each logit and divides by their sum, so that they are shares of 1. Ten less in the logit is about twenty thousand times less in the share.":
    "La softmax eleva e a cada logit y divide por la suma, para que sean partes de 1. Diez menos en el logit es unas veinte mil veces menos en la parte.",
  "Make the network less sure of itself: divide all logits by a temperature first. The order stays, the sureness goes.":
    "Haz la red menos segura: divide antes todos los logits por una temperatura. El orden queda, la seguridad se va.",
  Temperature: "Temperatura",
  "Dropout: learning with gaps": "Dropout: aprender con huecos",
  "While a network learns, a part of its numbers is set to 0 at random, others each time, so that it cannot rely on any single one. S0 found: with dropout it learns longer, and reads 95.4 % instead of 94.5 % of its test digits. When it reads, nothing is dropped.":
    "Mientras una red aprende, una parte de sus números se pone a 0 al azar, cada vez otros, para que no dependa de ninguno. S0 vio que con dropout aprende más tiempo y lee el 95,4 % en vez del 94,5 % de sus cifras de prueba. Cuando lee, no se quita nada.",
  "Throw the dice yourself: the answer should survive it.": "Tira tú los dados: la respuesta debería resistirlo.",
  "Share that is dropped": "Parte que se quita",
  "Throw again": "Tirar otra vez",
  "what is left of the row": "lo que queda de la fila",
  "The answer is computed here, from rounded weights; the numbers that are left are made larger, as in training.":
    "La respuesta se calcula aquí, con pesos redondeados; los números que quedan se agrandan, como al entrenar.",
  "This network's last weights are too many to be sent.":
    "Los últimos pesos de esta red son demasiados para enviarlos.",
  "Filters made by hand": "Filtros hechos a mano",
  "Before filters were learned, people thought them out. These are those of S2's slides: lines, edges (Sobel), spots (Laplace), smoothing. Compare them with the first filters of the network: some of those it has found by itself.":
    "Antes de que los filtros se aprendieran, los pensaban las personas. Estos son los de las diapositivas de S2: líneas, bordes (Sobel), manchas (Laplace), suavizado. Compáralos con los primeros filtros de la red: algunos los ha encontrado sola.",
  "They are shown on your photo, if you have opened one, else on your drawing.":
    "Se muestran sobre tu foto, si has abierto una; si no, sobre tu dibujo.",
  "the picture, grey": "la imagen, en gris",
  "horizontal lines": "líneas horizontales",
  "vertical lines": "líneas verticales",
  "lines of 45°": "líneas de 45°",
  "lines of 135°": "líneas de 135°",
  "Sobel, horizontal edges": "Sobel, bordes horizontales",
  "Sobel, vertical edges": "Sobel, bordes verticales",
  "Laplace, 4 neighbours": "Laplace, 4 vecinos",
  "Laplace, 8 neighbours": "Laplace, 8 vecinos",
  "Laplace of Gauss": "Laplace de Gauss",
  mean: "media",
  Gauss: "Gauss",
};
