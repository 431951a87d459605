// Written by tools/write_page_types.py: what the server sends (apps/web/*schemas.py, classroom/messages.py).

export interface Answered {
  digit: number;
  /** the probability of that digit */
  confidence: number;
}

export type Architecture = "tiny-cnn" | "first-cnn" | "slides-cnn" | "fast-cnn" | "thesis-2conv" | "exercise-cnn" | "ann-397";

export interface ClassLink {
  /** without the code */
  address: string;
  /** with the code, behind #, which browsers send to nobody */
  link: string;
  side: number;
  /** base64 of plain bytes */
  dark: string;
}

export interface ClassSettings {
  /** a digit for all; round: each goes through all ten */
  task: number | "round" | null;
  /** whether more may join */
  open: boolean | null;
}

export interface ClassState {
  code: string;
  open: boolean;
  /** null: each goes through all ten */
  task: number | null;
  pupils: number;
  drawings: number;
  /** drawings that are not in the file */
  unkept: number;
  /** drawings in the file that were removed since, or whose writer's name was */
  removed: number;
  /** the name of the file with what was kept last */
  file: string | null;
  links: ClassLink[];
  /** whether only this machine can reach the server */
  local: boolean;
  /** whether the server can train */
  training: boolean;
}

export interface Classified {
  /** null where no digit was found, or the answer is below the threshold */
  digit: number | null;
  /** how likely the most likely digit stands there, also where digit is null */
  confidence: number;
  /** which digit, if it is one: ten, class 0 first; all 0: none found */
  probabilities: number[];
  model: string;
  ms: number;
  /** such as that the picture holds several digits, which /v1/read reads */
  note: string | null;
}

export interface Diagnosed {
  model: string;
  /** the outcome */
  sentence: string;
  /** names of the differences that have to be corrected for the right answer */
  causes: string[];
  /** what the picture shows, as far as is known */
  truth: number;
  /** how: the label asked with, the shipped reader, or this model when all is corrected */
  known_by: "label" | "reader" | "mended";
  /** the picture only made grey and 28×28 */
  shown: string;
  /** to that */
  first: Answered;
  /** with all differences corrected */
  mended: string;
  /** to that */
  last: Answered;
  /** to the image that `lines` prepare; null where they find no ink */
  prepared: Answered | null;
  /** of the shipped reader; null where it finds no digit */
  reader: Answered | null;
  /** some of the training images of that digit, as the network wants them */
  trained: string[];
  /** all ten, in the order in which they are corrected */
  differences: Difference[];
  /** Python that prepares an image for this model */
  lines: string[];
  ms: number;
}

export interface Difference {
  name: "scale" | "polarity" | "background" | "grey level" | "transposition" | "rotation" | "crop" | "box" | "centre" | "stroke width";
  /** in words; null where the picture does not differ in this */
  measured: string | null;
  /** with all differences corrected up to this one, as the network is given it */
  image: string;
  /** to that image */
  answer: Answered;
  /** where this one alone is corrected */
  alone: Answered;
  /** where all are corrected but this one */
  without: Answered;
}

export interface ExplainQuestion {
  /** base64 of 784 bytes: 28×28, row by row, light ink on dark */
  glyph: string;
  model: string | null;
  layer: string;
  /** which map; of a row of units: which unit */
  channel: number;
  row: number;
  column: number;
}

export interface Explained {
  layer: string;
  kind: string;
  channel: number;
  row: number;
  column: number;
  /** x0, y0, x1, y1 of the receptive field in the glyph, cut to 0 … 28 */
  field: number[] | null;
  /** which input maps or units the lists are about */
  inputs: number[];
  patch: number[][][];
  kernel: number[][][] | null;
  products: number[][][] | null;
  /** of the products, one an input map */
  sums: number[] | null;
  rest: number;
  bias: number;
  /** the sum of all products and the bias */
  before: number;
  /** the function that follows, e.g. Relu; null for none */
  activation: string | null;
  /** activation(before), or before where there is none */
  after: number;
  /** the same number (before) as the network itself computed it */
  network: number;
}

export interface FilterBank {
  width: number;
  height: number;
  /** a PNG file: what the filters took */
  grey: string;
  results: FilterResult[];
}

export interface FilterResult {
  /** lines-horizontal, sobel-vertical, laplacian-4, mean … (S2) */
  name: string;
  kernel: number[][];
  low: number;
  high: number;
  /** a grey PNG file */
  png: string;
}

export interface FoundDigit {
  digit: number | null;
  confidence: number;
  /** x0, y0, x1, y1 in pixels of the upright picture, x1 and y1 exclusive */
  box: number[];
  line: number;
}

export interface FoundNumber {
  /** digits, , . - / : and spaces as they stand; ? for a digit that was not answered */
  text: string;
  /** how likely all of it is right */
  confidence: number;
  /** x0, y0, x1, y1 in pixels of the upright picture, x1 and y1 exclusive */
  box: number[];
  /** indices of its digits in the page's digits */
  digits: number[];
}

export interface Gallery {
  sets: GallerySet[];
}

export interface GallerySet {
  /** mnist, hard-…, or strangers: out-of-distribution images */
  name: string;
  count: number;
  /** the true labels; null for out-of-distribution images */
  labels: (number | null)[];
  /** base64 of plain bytes */
  data: string;
}

export interface GlyphQuestion {
  glyphs: string[];
  /** none: the server's default */
  models: string[];
}

export interface HandedIn {
  number: number;
  label: number;
  /** base64 of plain bytes */
  picture: string;
  answer: number | null;
  confidence: number;
  kept: boolean;
}

export interface Health {
  status: "ok";
  version: string;
  models: number;
  uptime_seconds: number;
}

export interface Inspected {
  digit: number | null;
  /** the largest of the probabilities */
  confidence: number;
  /** of the network's softmax, class 0 first; all 0 without ink */
  probabilities: number[];
  model: string;
  /** what the network took; null where there is no ink, and then no layers */
  glyph: string | null;
  layers: LayerMaps[];
  ms: number;
}

export interface Joined {
  /** opens this pupil's drawings, and nothing else */
  key: string;
  state: OwnState;
}

export interface Joining {
  /** the class's code, as it stands on the wall */
  code: string;
  /** a nickname */
  name: string;
}

export interface Kernels {
  /** filters, input maps, rows, columns; a dense layer: outputs, inputs, 1, 1 */
  shape: number[];
  /** the largest absolute weight */
  scale: number;
  /** int8 in the order of shape */
  data: string;
  /** one a filter, or null where the layer has none */
  bias: number[] | null;
}

export interface LabelledGlyphs {
  labels: number[];
  /** base64 of plain bytes */
  data: string;
  /** whether the bytes are in zlib's form */
  packed: boolean;
}

export interface LayerDetail {
  /** unique in the model, e.g. conv-1, relu-1, pool-1, dense-1, softmax */
  name: string;
  kind: "preparation" | "convolution" | "activation" | "normalisation" | "pooling" | "addition" | "mean" | "concatenation" | "flatten" | "dense" | "softmax" | "other";
  /** what it computes, e.g. Conv 3×3, Relu, MaxPool 2×2 */
  operator: string;
  /** rows, columns, maps; or one number for a row of units */
  shape: number[];
  parameters: number;
  /** the layers it computes from; none for the first */
  takes: string[];
  /** null where every unit sees the whole glyph */
  field: ReceptiveField | null;
  /** whether /v1/explain can take one of its units apart */
  explainable: boolean;
  /** of convolutions and small dense layers */
  kernels: Kernels | null;
}

export interface LayerMaps {
  name: string;
  /** maps, rows, columns; a row of units: units, 1, 1 */
  shape: number[];
  low: number;
  high: number;
  /** uint8 in the order of shape: map by map */
  data: string;
}

export interface LearningDigits {
  /** of MNIST's training images, as many of each digit */
  train: LabelledGlyphs;
  /** of MNIST's test images */
  test: LabelledGlyphs;
}

export interface Lesson {
  name: string;
  /** by language */
  title: Record<string, string>;
  parts: LessonPart[];
  /** that the page must have for it */
  model: string | null;
}

export interface LessonPart {
  /** by language, e.g. en; a blank line parts paragraphs */
  text: Record<string, string>;
  /** the fragment of the page's address */
  link: string;
}

export interface Lessons {
  lessons: Lesson[];
}

export interface LiveAnswer {
  frame: number;
  text: string;
  /** what surely stands there, over the frames so far; null: not sure */
  steady: string | null;
  /** whether ink is likely coming or going */
  drawing: boolean;
  /** with mode=digit one at most, its box the whole frame */
  digits: FoundDigit[];
  /** with mode=digit: ten, class 0 first; all 0: none found */
  probabilities: number[];
  /** quarter turns, clockwise, by which it was turned; boxes are as it was sent */
  turned: number;
  width: number;
  height: number;
  /** of reading */
  ms: number;
  /** from the frame's arrival to this answer */
  latency_ms: number;
  /** frames so far that newer ones overtook */
  skipped: number;
  error: string | null;
}

export interface Mistake {
  /** base64 of 784 bytes: 28×28, row by row, light ink on dark */
  glyph: string;
  label: number;
  answer: number;
  confidence: number;
}

export interface MistakeCost {
  name: string;
  words: string;
  accuracy: number;
  /** base64 of 784 bytes: 28×28, row by row, light ink on dark */
  example: string;
}

export interface ModelDetail {
  name: string;
  architecture: string;
  parameters: number;
  /** what happens to the pixels first, in words */
  preparation: string;
  /** what the model's card says of it */
  training: Record<string, string | number | number | boolean | null>;
  layers: LayerDetail[];
}

export interface ModelMistakes {
  model: string;
  images: number;
  /** without a mistake */
  accuracy: number;
  /** an image without a mistake */
  example: string;
  mistakes: MistakeCost[];
}

export interface ModelSummary {
  name: string;
  architecture: string;
  parameters: number;
  source: "shipped" | "given" | "trained";
  /** on test images, as the model's own card says; null where it does not */
  accuracy: number | null;
  /** whether its layers can be looked into */
  layers: boolean;
}

export interface Models {
  default: string;
  models: ModelSummary[];
}

export interface Occluded {
  model: string;
  digit: number;
  against: number;
  /** the ten probabilities without a square */
  before: number[];
  size: number;
  stride: number;
  fall: number[][];
  towards: number[][];
}

export interface OcclusionQuestion {
  /** base64 of 784 bytes: 28×28, row by row, light ink on dark */
  glyph: string;
  model: string | null;
  /** why this digit …; null: the most likely */
  digit: number | null;
  /** … and not that one; null: the next most likely */
  against: number | null;
  /** of the square, in pixels */
  size: number;
  /** from place to place; 1 takes four times as long as 2 */
  stride: number;
}

export interface OwnDrawing {
  number: number;
  /** what was to be drawn */
  label: number;
  /** what was read; null: the reader is not sure */
  answer: number | null;
}

export interface OwnResult {
  /** who were left out; 0: a part of the one pupil's drawings */
  pupils: number;
  images: number;
  right: number;
  /** how many of them the shipped reader's classifier has right */
  reader_right: number;
}

export interface OwnState {
  name: string;
  /** the digit to draw now */
  label: number;
  drawings: OwnDrawing[];
}

export interface Probabilities {
  models: string[];
  probabilities: number[][][];
}

export interface Problem {
  /** urn:digitlab:problem:WORD, for programs; the words are stable */
  type: string;
  title: string;
  status: number;
  /** what was given, what was expected, what to do */
  detail: string;
}

export interface PupilDrawings {
  number: number;
  name: string;
  drawings: HandedIn[];
}

export interface ReadPage {
  /** the lines; a character a digit, ? for one that was found but not answered */
  text: string;
  lines: string[];
  /** the same lines with the signs that stand between digits, as in 12,50 */
  written: string[];
  digits: FoundDigit[];
  /** the digits in groups that belong together */
  numbers: FoundNumber[];
  /** such as that the page was upside down and was rotated first */
  note: string | null;
  /** quarter turns, clockwise, by which it was turned; boxes are as it was sent */
  turned: number;
  /** which page of the file this is, from 1 */
  page: number;
  /** how many pages the file has */
  pages: number;
  ms: number;
  /** of the upright picture, in pixels */
  width: number;
  height: number;
  model: string;
}

export interface ReceptiveField {
  /** down, across */
  size: number[];
  /** between neighbours' fields */
  step: number[];
  /** of the first unit's field, in pixel indices */
  middle: number[];
}

export interface SketchRead {
  number: number;
  answer: number | null;
  confidence: number;
}

export interface Sketched {
  /** of this pupil's sketches, from 1; 0: the pad was wiped */
  number: number;
}

export interface Tile {
  number: number;
  name: string;
  shown: TileSketch | null;
  drawings: number;
  /** of the drawings, read as what they were meant to be */
  right: number;
}

export interface TileSketch {
  /** of this pupil's sketches, or of the drawings where it is handed in */
  number: number;
  handed_in: boolean;
  label: number;
  /** a small grey PNG file */
  picture: string;
  read: boolean;
  answer: number | null;
  confidence: number;
}

export interface TrainingEpoch {
  epoch: number;
  loss: number;
  accuracy: number;
  validation_loss: number | null;
  /** on 1,000 test images that are not trained on */
  validation_accuracy: number | null;
  seconds: number;
  /** of the first convolution, or null where the network has none */
  filters: Kernels | null;
  /** at most 24, the surest first */
  mistakes: Mistake[];
}

export interface TrainingProgress {
  epoch: number;
  /** the last one that was trained on; from 1 */
  batch: number;
  /** of an epoch */
  batches: number;
  /** of each batch since the last event; the last one is that of `batch` */
  losses: number[];
  /** the same */
  accuracies: number[];
}

export interface TrainingQuestion {
  architecture: Architecture;
  images: number;
  epochs: number;
  /** null: the optimiser's usual one */
  learning_rate: number | null;
  seed: number;
}

export interface TrainingState {
  id: string;
  state: "starting" | "running" | "stopping" | "done" | "stopped" | "failed";
  question: TrainingQuestion;
  epochs: TrainingEpoch[];
  model: string | null;
  error: string | null;
  /** where a class's digits were trained on */
  own: OwnResult | null;
}

export interface Trainings {
  allowed: boolean;
  /** why not */
  reason: string | null;
  /** the same in a word */
  refused: "untrusted" | "missing" | "busy" | null;
  trainings: TrainingState[];
}
