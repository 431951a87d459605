"""One ONNX file from pixels to candidates: scaling, detector, peaks, crops, classifier and suppression in the graph.

So every runtime (Python, a browser, C++) reads identically, and nothing of it has to be reimplemented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper

from digitlab.training.page_reader.calibration import (
    ALIKE,
    ALONG,
    BESIDE,
    COUNTED,
    ENOUGH,
    MANY,
    MIDDLE,
    MOST_LETTERS,
    WORD,
)
from digitlab.training.page_reader.graph import Graph
from digitlab.training.page_reader.networks import AREA, AREAS, KNOWN
from digitlab.training.page_reader.targets import CONTEXT, CROP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["compose"]

OPSET = 18
SCALES = (128, 384, 1024)  # pixels: the picture's longest side in each detector pass; the first is always run
LARGER = 1.4  # a picture is enlarged by at most this factor, except for the first pass
BEYOND = 1.15  # a picture larger than this factor times a scale is also processed at the next scale
MULTIPLE = 64
LEAST_PEAK = 0.12
MOST = 500  # maximum number of candidates for the classifier
LEAST_LETTER = 0.2  # minimum probability for a letter to count
AROUND = 3.0  # times a box's longest side: the region of the detector's feature map that the head sees
# Weight of the region head's logit in its mean with the previous one. On drawn pages the mean has the same log loss as
# the head alone; on photos it is less confident, as it should be.
HEAD = 0.75
WHOLE = 0.4  # times the log of a box's longest side: added to the logit of its score for non-maximum suppression
SAME, INSIDE = 0.42, 0.72  # suppression thresholds: IoU; intersection as a share of the smaller box


def compose(
    detector: onnx.ModelProto,
    classifier: onnx.ModelProto,
    metadata: dict[str, str],
    scale: Sequence[float] | None = None,
    head: onnx.ModelProto | None = None,
    context: Sequence[float] | None = None,
) -> onnx.ModelProto:
    """Compose the complete page reader.

    scale: calibration of the score: weights of the detector's and the classifier's logit that a digit is there, and a
        bias (Platt 1999). None: for the file on which these are fitted; both logits are then an additional output,
        "witnesses", float32 (N, 2)
    head: classifies each candidate again, from both networks' features and its surroundings: see
        `networks.region_head`. None: for the file whose candidates it is trained on; its inputs, "areas" and "known",
        are then additional outputs
    context: weights of each candidate's context features (`calibration.context_of`), and a bias; None: each candidate
        is judged alone, as in the file on which these are fitted; "letters", float32 (M, 3), x, y and the probability
        that a letter's centre lies there, is then an additional output
    detector: float32 (1, H, W, 3) → float32 (1, H/8, W/8, 64), and its feature map (1, H/8, W/8, 64); classifier:
        float32 (N, 32, 32, 3) → (N, 11), and its features (N, 256)

    Returns:
        A model from "picture", uint8 (H, W, 3) RGB of any size, to "boxes", float32 (N, 4), x0, y0, x1, y1 in pixels;
        "scores", float32 (N,), the probability that a digit is there; "probabilities", float32 (N, 10), which digit it
        is. Best first.
    """
    g = Graph()
    boxes, peaks, kinds, crops, areas, letters = _all_looks(g, detector)
    boxes, peaks, kinds, crops, areas = _best(g, peaks, MOST, boxes, peaks, kinds, crops, areas)
    digits, accepted, logits, inner = _classified(g, classifier, crops)
    detected, kinds = _logit(g, peaks), _log(g, kinds, 1e-4)
    scores = _scaled(g, detected, accepted, scale or (0.5, 0.5, 0.0))
    one = g.constant([1], np.int64)
    witnesses = g("Concat", g("Unsqueeze", detected, one), g("Unsqueeze", accepted, one), axis=1)
    which = g("Add", _log(g, digits, 1e-6), g("Mul", g.constant(0.5), kinds))
    probabilities = g("Softmax", which, axis=1)
    ranks = g("Add", _logit(g, scores), _larger(g, boxes))
    known = g("Concat", witnesses, logits, kinds, inner, axis=1)
    boxes, scores, probabilities, witnesses, areas, known = _suppressed(
        g, ranks, boxes, scores, probabilities, witnesses, areas, known
    )
    if head is not None:
        scores, probabilities = _judged(g, head, areas, known, scores, probabilities)
    if context is not None:
        scores = _in_context(g, boxes, scores, letters, context)
    boxes, scores, probabilities, witnesses, areas, known = _best(
        g, scores, MOST, boxes, scores, probabilities, witnesses, areas, known
    )
    answers = {"boxes": (boxes, "candidates", 4), "scores": (scores, "candidates", None),
               "probabilities": (probabilities, "candidates", 10)}  # fmt: skip
    if scale is None:
        answers["witnesses"] = witnesses, "candidates", 2
    if head is None:
        answers["areas"] = areas, "candidates", AREAS
        answers["known"] = known, "candidates", KNOWN
    if context is None:
        answers["letters"] = letters, "signs", 3
    return _model(g, answers, metadata)


def _all_looks(g: Graph, detector: onnx.ModelProto) -> list[str]:
    """Run the detector at all scales and concatenate the results: see `_look`, without the planes."""
    planes = g("Transpose", g("Unsqueeze", "picture", g.constant([0], np.int64)), perm=[0, 3, 1, 2])  # (1, 3, H, W)
    size = g("Cast", g("Slice", g("Shape", "picture"), g.constant([0], np.int64), g.constant([2], np.int64)),
             to=TensorProto.FLOAT)  # fmt: skip
    longest = g("ReduceMax", size, keepdims=1)
    looks = []
    for place in reversed(range(len(SCALES))):  # from the largest down, each resized from the previous one
        *found, planes = _look(g, detector, planes, size, longest, place)
        looks.append(found)
    return [g("Concat", *each, axis=0) for each in zip(*looks, strict=True)]


def _larger(g: Graph, boxes: str) -> str:
    """Compute what a box's size adds to its rank: a whole digit must win over its part, e.g. a 3's upper half."""
    one = g.constant([1], np.int64)
    sides = g("Sub", *(g("Split", boxes, g.constant([2, 2], np.int64), axis=1, outputs=2)[::-1]))
    longest_side = g("Squeeze", g("ReduceMax", sides, one, keepdims=1), one)
    return str(g("Mul", _log(g, longest_side, 1.0), g.constant(WHOLE)))


def _classified(g: Graph, classifier: onnx.ModelProto, crops: str) -> tuple[str, str, str, str]:
    """Classify crops: probabilities (N, 10), logit that it is a digit (N,), all logits (N, 11), features (N, 256)."""
    logits, inner = g.put_in(classifier, {classifier.graph.input[0].name: crops}, "what_")
    digits, is_digit = _digits_of(g, logits)
    return digits, _logit(g, is_digit), logits, inner


def _judged(
    g: Graph, head: onnx.ModelProto, areas: str, known: str, scores: str, probabilities: str
) -> tuple[str, str]:
    """Combine the region head's outputs with the previous scores (N,) and probabilities (N, 10) by averaging logits.

    The head, trained only on drawn digits, is overconfident on photos.
    """
    (logits,) = g.put_in(head, {"areas": areas, "known": known}, "head_")
    which, there = _digits_of(g, logits)
    both = g("Add", _log(g, which, 1e-7), _log(g, probabilities, 1e-7))
    logit = g("Add", g("Mul", _logit(g, there), g.constant(HEAD)), g("Mul", _logit(g, scores), g.constant(1.0 - HEAD)))
    return g("Sigmoid", logit), g("Softmax", g("Mul", both, g.constant(0.5)), axis=1)


def _digits_of(g: Graph, logits: str) -> tuple[str, str]:
    """Convert logits (N, 11) to the probabilities of ten digits (N, 10), and that it is one of them (N,)."""
    digits, other = g("Split", g("Softmax", logits, axis=1), g.constant([10, 1], np.int64), axis=1, outputs=2)
    return digits, g("Squeeze", g("Sub", g.constant(1.0), other), g.constant([1], np.int64))


def _log(g: Graph, value: str, least: float) -> str:
    return str(g("Log", g("Max", value, g.constant(least))))


def _scaled(g: Graph, detected: str, accepted: str, weights: Sequence[float]) -> str:
    """Combine both logits into the score."""
    both = g("Add", g("Mul", detected, g.constant(weights[0])), g("Mul", accepted, g.constant(weights[1])))
    scores: str = g("Sigmoid", g("Add", both, g.constant(weights[2])))
    return scores


def _model(g: Graph, answers: Mapping[str, tuple[str, str, int | None]], metadata: dict[str, str]) -> onnx.ModelProto:
    """Build the model with these outputs: by name, the value, the name of its row dimension, and the row length."""
    outputs = []
    for name, (value, rows, width) in answers.items():
        g.nodes.append(helper.make_node("Identity", [value], [name]))
        shape = [rows] if width is None else [rows, width]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    picture = helper.make_tensor_value_info("picture", TensorProto.UINT8, ["height", "width", 3])
    graph = helper.make_graph(g.nodes, "page-reader", [picture], outputs, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return model


def _look(g: Graph, detector: onnx.ModelProto, planes: str, size: str, longest: str, place: int) -> list[str]:
    """Add one detector pass, resized from ``planes``: uint8 (1, 3, h, w) for the largest scale, then `_units` of it.

    Returns:
        Boxes (N, 4) in pixels of the whole picture, peaks (N,), the detector's digits (N, 10), crops (N, 32, 32, 3),
        areas (N, 3136), letters (M, 3), and this pass' own planes. If this scale is not needed, nothing is found, and
        the planes are the given ones.
    """
    if place == 0:
        return _seen(g, detector, planes, size, longest, place)
    needed = g("Squeeze", g("Greater", longest, g.constant([BEYOND * SCALES[place - 1]])))
    inner = g.inside()
    seen = _seen(inner, detector, planes, size, longest, place)
    other = g.inside()
    none = [other("Identity", other.constant(np.zeros(shape, np.float32))) for shape in
            ((0, 4), (0,), (0, 10), (0, CROP, CROP, 3), (0, AREAS), (0, 3))]  # fmt: skip
    same = _units(other, planes) if _is_first(place) else other("Identity", planes)
    return g.either(needed, (inner, seen), (other, [*none, same]))


def _seen(g: Graph, detector: onnx.ModelProto, planes: str, size: str, longest: str, place: int) -> list[str]:
    side = g.constant([float(SCALES[0])])
    if place:
        side = g("Min", g.constant([float(SCALES[place])]), g("Mul", longest, g.constant([LARGER])))
    wanted = g("Max", g("Round", g("Mul", size, g("Div", side, longest))), g.constant([8.0, 8.0]))
    whole = g("Cast", wanted, to=TensorProto.INT64)
    four = g("Concat", g.constant([1, 3], np.int64), whole, axis=0)
    small = g("Resize", planes, "", "", four, mode="linear", antialias=1, coordinate_transformation_mode="half_pixel")
    multiple = g.constant([MULTIPLE] * 2, np.int64)
    rest = g("Mod", g("Sub", multiple, g("Mod", whole, multiple)), multiple)
    small = _units(g, small) if _is_first(place) else small
    units = g("Pad", small, g("Concat", g.constant([0] * 6, np.int64), rest, axis=0), mode="edge")
    given = {detector.graph.input[0].name: g("Transpose", units, perm=[0, 2, 3, 1])}
    answers, inner = g.put_in(detector, given, "where_")  # (1, h, w, 64) each
    cells = g("DepthToSpace", g("Transpose", answers, perm=[0, 3, 1, 2]), blocksize=2, mode="DCR")  # (1, 16, 2h, 2w)
    rows = g("Squeeze", g("Transpose", cells, perm=[0, 2, 3, 1]), g.constant([0], np.int64))  # (2h, 2w, 16)
    chosen, middle = _peaks(g, cells, rows, 0, LEAST_PEAK)
    logit, distances, kinds, _ = g("Split", chosen, g.constant([1, 4, 10, 1], np.int64), axis=1, outputs=4)
    distances = g("Mul", g("Exp", g("Clip", distances, g.constant(-4.0), g.constant(5.0))), g.constant(8.0))
    to_low, to_high = g("Split", distances, g.constant([2, 2], np.int64), axis=1, outputs=2)
    low, high = g("Sub", middle, to_low), g("Add", middle, to_high)
    factor = g("Gather", g("Div", size, wanted), g.constant([1, 0], np.int64))  # x, y
    limit = g("Gather", size, g.constant([1, 0], np.int64))
    corners = [g("Min", g("Max", g("Mul", each, factor), g.constant([0.0, 0.0])), limit) for each in (low, high)]
    peaks = g("Squeeze", g("Sigmoid", logit), g.constant([1], np.int64))
    letters, place_of_letters = _peaks(g, cells, rows, 15, LEAST_LETTER)
    sure = g("Sigmoid", g("Slice", letters, *(g.constant([each], np.int64) for each in (15, 16, 1))))
    there = g("Concat", g("Mul", place_of_letters, factor), sure, axis=1)  # (M, 3)
    middles, longest_side = g("Mul", g("Add", low, high), g.constant(0.5)), _longest(g, low, high)
    crops = g("Transpose", _squares(g, units, middles, longest_side, CONTEXT, CROP, 2), perm=[0, 2, 3, 1])
    cells_of_inner = g("Transpose", inner, perm=[0, 3, 1, 2])
    eighth = g.constant(0.125)
    areas = _squares(g, cells_of_inner, g("Mul", middles, eighth), g("Mul", longest_side, eighth), AROUND, AREA, 1)
    areas = g("Reshape", areas, g.constant([-1, AREAS], np.int64))
    return [g("Concat", *corners, axis=1), peaks, g("Softmax", kinds, axis=1), crops, areas, there, small]


def _peaks(g: Graph, cells: str, rows: str, channel: int, least: float) -> tuple[str, str]:
    """Find the local maxima of a map of logits that are above a probability.

    cells: (1, 16, h, w), rows: the same as (h, w, 16)

    Returns:
        The detector's outputs for these cells, (N, 16), and their centres, (N, 2), x and y in pixels of this scale.
    """
    heat = g("Slice", cells, *(g.constant([each], np.int64) for each in (channel, channel + 1, 1)))
    highest = g("MaxPool", heat, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    high_enough = g("Greater", heat, g.constant(np.log(least / (1 - least))))
    peak = g("And", g("GreaterOrEqual", heat, highest), high_enough)
    found = g("Transpose", g("NonZero", peak), perm=[1, 0])  # (N, 4): 0, 0, y, x
    where = g("Slice", found, *(g.constant([each], np.int64) for each in (2, 4, 1)))  # (N, 2): y, x
    middle = g("Add", g("Mul", g("Cast", where, to=TensorProto.FLOAT), g.constant(4.0)), g.constant(2.0))
    return g("GatherND", rows, where), g("Gather", middle, g.constant([1, 0], np.int64), axis=1)


def _is_first(place: int) -> bool:
    return place == len(SCALES) - 1


def _units(g: Graph, pixels: str) -> str:
    """Normalise like `networks.normalised`, in one operation: (uint8 - 128) / 64. Smaller scales use these floats."""
    return str(g("DequantizeLinear", pixels, g.constant(1 / 64.0), g.constant(128, np.uint8)))


def _best(g: Graph, ranks: str, most: int, *values: str) -> list[str]:
    """Select the ``most`` rows with the highest ranks, best first."""
    count = g("Min", g("Shape", ranks), g.constant([most], np.int64))
    order = g("TopK", ranks, count, axis=0, outputs=2)[1]
    return [g("Gather", value, order, axis=0) for value in values]


def _longest(g: Graph, low: str, high: str) -> str:
    return str(g("Max", g("ReduceMax", g("Sub", high, low), g.constant([1], np.int64), keepdims=1), g.constant(2.0)))


def _squares(g: Graph, planes: str, middles: str, longest: str, parts: float, cells: int, samples: int) -> str:
    """Cut squares around centres out of a map, (1, C, h, w): float32 (N, C, cells, cells), with 0 beyond the map.

    middles: (N, 2), x and y; longest: (N, 1), a box's longest side; parts: a square's side as a multiple of it;
        samples: number per cell in each direction, which are averaged
    """
    half = g("Mul", longest, g.constant(parts / 2))
    corners = g("Concat", g("Sub", middles, half), g("Add", middles, half), axis=1)
    rows = g("Cast", g("Mul", g("Squeeze", half, g.constant([1], np.int64)), g.constant(0.0)), to=TensorProto.INT64)
    return str(g("RoiAlign", planes, corners, rows, output_height=cells, output_width=cells, mode="avg",
                 sampling_ratio=samples, coordinate_transformation_mode="half_pixel"))  # fmt: skip


def _logit(g: Graph, probability: str) -> str:
    inside = g("Clip", probability, g.constant(1e-4), g.constant(1 - 1e-4))
    return str(g("Log", g("Div", inside, g("Sub", g.constant(1.0), inside))))


def _in_context(g: Graph, boxes: str, scores: str, letters: str, weights: Sequence[float]) -> str:
    """Recompute the scores in the context of the page: `calibration.context_of`'s features, weighted by ``weights``."""
    one, first = g.constant(1.0), g.constant([0], np.int64)
    x0, y0, x1, y1 = g("Split", boxes, axis=1, num_outputs=4, outputs=4)  # (N, 1)
    wide, high = (g("Max", g("Sub", upper, lower), one) for lower, upper in ((x0, x1), (y0, y1)))
    side = g("Max", wide, high)
    size, x, y = (
        g("Log", side),
        g("Mul", g("Add", x0, x1), g.constant(0.5)),
        g("Mul", g("Add", y0, y1), g.constant(0.5)),
    )

    def across(column: str) -> str:
        return str(g("Transpose", column, perm=[1, 0]))  # (1, N)

    def apart(column: str) -> str:
        return str(g("Abs", g("Sub", column, across(column))))  # (N, N)

    score = g("Unsqueeze", scores, g.constant([1], np.int64))  # (N, 1)
    number = g("Unsqueeze", g("Range", g.constant(0, np.int64), g("Squeeze", g("Shape", scores), first),
                              g.constant(1, np.int64)), g.constant([1], np.int64))  # fmt: skip
    other = g("Not", g("Equal", number, across(number)))
    similar = g("And", other, g("Less", apart(size), g.constant(ALIKE)))
    larger = g("Max", side, across(side))
    near = g("And", g("Less", apart(y), g("Mul", larger, g.constant(BESIDE))),
             g("Less", apart(x), g("Mul", larger, g.constant(ALONG))))  # fmt: skip
    others, alike, line = (
        g("Cast", mask, to=TensorProto.FLOAT) for mask in (other, similar, g("And", similar, near))
    )  # fmt: skip
    ones = g("Add", g("Mul", score, g.constant(0.0)), one)  # (N, 1)
    count = g("MatMul", alike, ones)
    page_mean = g("Div", g("Add", g("MatMul", alike, score), one), g("Add", count, g.constant(2.0)))
    line_mean = g("Div", g("Add", g("MatMul", line, score), g.constant(0.5)), g("Add", g("MatMul", line, ones), one))
    counted = g("Mul", score, g("Cast", g("Greater", score, g.constant(COUNTED)), to=TensorProto.FLOAT))
    weight = g("MatMul", others, counted)
    usual = g("Div", g("MatMul", others, g("Mul", counted, size)), g("Max", weight, g.constant(1e-6)))
    enough = g("Cast", g("Greater", weight, g.constant(ENOUGH)), to=TensorProto.FLOAT)
    relative = g("Mul", g("Sub", size, usual), enough)
    none = g("Mul", ones, g.constant(0.0))  # ensures that there is a column even if there are no rows
    best = g("ReduceMax", g("Concat", g("Mul", others, across(score)), none, axis=1), g.constant([1], np.int64))
    *near_letters, elsewhere = _among_letters(g, letters, x, y, wide, high, side)
    many = g("Log", g("Add", g("Min", elsewhere, g.constant(MANY)), one))
    known = [_logit(g, score), _logit(g, page_mean), _logit(g, line_mean), relative, g("Abs", relative),
             g("Log", g("Div", wide, high)), g("Log", g("Add", count, one)),
             *near_letters, g("Mul", g("Sub", one, best), many), ones]  # fmt: skip
    logit = g("MatMul", g("Concat", *known, axis=1), g.constant(np.reshape(weights, (-1, 1))))
    return str(g("Sigmoid", g("Squeeze", logit, g.constant([1], np.int64))))


def _among_letters(g: Graph, letters: str, x: str, y: str, wide: str, high: str, side: str) -> list[str]:
    """Compute the letter features of candidates, four columns (N, 1); see `calibration._among_letters`."""
    none = g.constant([[-1e6, -1e6, 0.0]])
    third = g("Slice", letters, *(g.constant([each], np.int64) for each in (2, 3, 1)))
    (best,) = _best(g, g("Squeeze", third, g.constant([1], np.int64)), MOST_LETTERS, letters)
    columns = g("Split", g("Concat", best, none, axis=0), axis=1, num_outputs=3, outputs=3)
    there_x, there_y, sure = (g("Transpose", column, perm=[1, 0]) for column in columns)  # (1, M)
    right, down = g("Abs", g("Sub", x, there_x)), g("Abs", g("Sub", y, there_y))  # (N, M)

    def within(over: str, share: float, high_share: float, tall: str) -> str:
        return str(g("And", g("Less", right, g("Mul", over, g.constant(share))),
                     g("Less", down, g("Mul", tall, g.constant(high_share)))))  # fmt: skip

    inside = within(wide, MIDDLE, MIDDLE, high)
    own = g("ReduceMax", g("Mul", g("Cast", inside, to=TensorProto.FLOAT), sure), g.constant([1], np.int64))
    outside = g("Not", inside)

    def total(which: str) -> str:
        return str(g("MatMul", g("Cast", which, to=TensorProto.FLOAT), g("Transpose", sure, perm=[1, 0])))

    around = [total(g("And", outside, within(side, reach, BESIDE, side))) for reach in (WORD, ALONG)]
    return [own, *(g("Log", g("Add", each, g.constant(1.0))) for each in around), total(outside)]


def _suppressed(g: Graph, ranks: str, boxes: str, *values: str) -> list[str]:
    """Apply non-maximum suppression: drop boxes that overlap one of a higher rank too much."""
    boxes, *rest = _best(g, ranks, MOST, boxes, *values)
    x0, y0, x1, y1 = g("Split", boxes, axis=1, num_outputs=4, outputs=4)  # (N, 1)
    across = [g("Transpose", each, perm=[1, 0]) for each in (x0, y0, x1, y1)]  # (1, N)
    zero = g.constant(0.0)
    wide = g("Max", g("Sub", g("Min", x1, across[2]), g("Max", x0, across[0])), zero)
    high = g("Max", g("Sub", g("Min", y1, across[3]), g("Max", y0, across[1])), zero)
    shared = g("Mul", wide, high)  # (N, N)
    area = g("Mul", g("Sub", x1, x0), g("Sub", y1, y0))  # (N, 1)
    other = g("Transpose", area, perm=[1, 0])
    union = g("Sub", g("Add", area, other), shared)
    close = g("Greater", shared, g("Mul", union, g.constant(SAME)))
    inside = g("Greater", shared, g("Mul", g("Min", area, other), g.constant(INSIDE)))
    both = g("Cast", g("Or", close, inside), to=TensorProto.FLOAT)
    better = g("Trilu", both, g.constant(-1, np.int64), upper=0)  # row i, column j < i: a better one
    none = g("Mul", x1, zero)  # (N, 1): ensures that there is a column even if there are no rows
    worst = g("ReduceMax", g("Concat", better, none, axis=1), g.constant([1], np.int64), keepdims=0)
    kept = g("Squeeze", g("NonZero", g("Less", worst, g.constant(0.5))), g.constant([0], np.int64))
    return [g("Gather", value, kept, axis=0) for value in (boxes, *rest)]
