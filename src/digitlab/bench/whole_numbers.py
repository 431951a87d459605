"""Whole numbers: the share that is read correctly, and the share answered if only confident readings count; and peers.

ZIP codes, dates, telephone numbers, amounts, student numbers and clock times, written with MNIST test images, which no
training has seen, one per picture (`digitlab.datasets.pages.numbers`). A number is right if all its digits are, with
none missing and none added; a digit without an answer makes it wrong. Then the same again, given what is known about
such a field: the number of digits, that it is a date, or a list that contains the number. For peers, which cannot be
given this, the entry of the list with the smallest edit distance is taken.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.bench.answering import edits
from digitlab.bench.read import reading_machine
from digitlab.evaluation.intervals import wilson
from digitlab.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from digitlab.bench.answering import Answerer
    from digitlab.datasets.pages.numbers import DrawnNumber
    from digitlab.values import ReadDigit, Reading

__all__ = ["KNOWN", "NumbersBench", "OfKind", "measure_numbers"]

LISTED = 300  # student numbers on the list, including those that are written
_IMAGES = 4000  # MNIST test images used for writing
_TARGET = 0.2  # maximum ratio to the peer's whole-number error
_BINS = 10

# What is known about a field of each kind, in words; see `_known`.
KNOWN = {
    "zip": "5 digits",
    "date": "a day",
    "phone": "10 digits",
    "amount": "nothing",
    "student": f"a list of {LISTED}",
    "time": "4 digits",
}


@dataclass(frozen=True, slots=True)
class Share:
    """Errors among ``of`` numbers, and the shares that can be answered with at most 1 % and 0.1 % of those wrong."""

    wrong: int
    of: int
    coverage_99: float | None = None
    coverage_999: float | None = None

    @property
    def error(self) -> float:
        """Error rate, 0 … 1."""
        return self.wrong / self.of if self.of else math.nan


@dataclass(frozen=True, slots=True)
class OfKind:
    """Results for the numbers of one kind.

    read, known: digitlab's, without and with prior knowledge; signs: numbers with wrong digits or punctuation
    peers, peers_known: by name
    """

    kind: str
    read: Share
    known: Share
    signs: int
    milliseconds: float
    peers: dict[str, Share] = field(default_factory=dict)
    peers_known: dict[str, Share] = field(default_factory=dict)
    peer_milliseconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NumbersBench:
    """Results for all kinds, the total last; calibration: expected calibration error of whole numbers' confidence."""

    machine: str
    kinds: list[OfKind]
    calibration: float
    calibration_known: float
    seed: int
    missing: list[str]

    @property
    def met(self) -> bool | None:
        """Whether the whole-number error is at most a fifth of each peer's; None without peers."""
        total = self.kinds[-1]
        return all(total.read.error <= _TARGET * share.error for share in total.peers.values()) if total.peers else None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "met": self.met}

    def header(self) -> list[str]:
        """Return the header of the table."""
        peers = list(self.kinds[-1].peers)
        ours = ["of", "wrong", "95 %", "at 99 %", "at 99.9 %", "known", "wrong", "at 99 %", "at 99.9 %", "signs too"]
        return ["", *ours, "ms", *(cell for each in peers for cell in (each, "known", "of its error"))]

    def rows(self) -> list[list[str]]:
        """Return the rows of the table: shares in per cent."""
        return [self._row(kind) for kind in self.kinds]

    def _row(self, result: OfKind) -> list[str]:
        low, high = wilson(result.read.wrong, result.read.of)
        ours = [_percent(result.read.error), f"{100 * low:.1f}–{100 * high:.1f}", *_coverages(result.read)]
        with_known = [KNOWN.get(result.kind, ""), _percent(result.known.error), *_coverages(result.known)]
        peers = [
            cell
            for name, share in result.peers.items()
            for cell in (
                _percent(share.error), _percent(result.peers_known[name].error),
                f"{result.read.error / share.error:.2f}" if share.wrong else "–",
            )
        ]  # fmt: skip
        signs = _percent(result.signs / result.read.of)
        return [result.kind, str(result.read.of), *ours, *with_known, signs, f"{result.milliseconds:.0f}", *peers]


def measure_numbers(
    count: int,
    on_progress: Callable[[str], None],
    *,
    model: str | None = None,
    peers: Sequence[Answerer] = (),
    missing: Sequence[str] = (),
    seed: int = 0,
) -> NumbersBench:
    """Read ``count`` drawn numbers of each kind, and have ``peers`` read the same pictures.

    Raises:
        ModelError: for an unknown model.
    """
    from digitlab.datasets.pages.numbers import KINDS

    reader = Reader(model, threads=1)
    on_progress(f"drawing the digits of {_IMAGES:,} MNIST test images …")
    draw = drawing(seed)
    rng = np.random.default_rng((seed, 1))
    kinds: list[OfKind] = []
    sure: tuple[list[float], list[float]] = ([], [])
    right: tuple[list[bool], list[bool]] = ([], [])
    for kind in KINDS:
        pictures = [draw(kind, number) for number in range(count)]
        listed = _list_of(pictures, rng) if kind == "student" else ()
        on_progress(f"digitlab: {count} × {kind} …")
        of_kind, kind_sure, kind_right = _ours(reader, kind, pictures, listed)
        for index in (0, 1):
            sure[index].extend(kind_sure[index])
            right[index].extend(kind_right[index])
        for peer in peers:
            on_progress(f"{peer.name}: {count} × {kind} …")
            _ask(peer, pictures, listed, of_kind)
        peer_wrong = "".join(f", {name} {share.wrong}" for name, share in of_kind.peers.items())
        on_progress(
            f"{kind}: digitlab {of_kind.read.wrong} of {count} wrong, "
            f"with what is known {of_kind.known.wrong}{peer_wrong}"
        )
        kinds.append(of_kind)
    return NumbersBench(
        reading_machine(), [*kinds, _total(kinds)], _calibration_error(sure[0], right[0]),
        _calibration_error(sure[1], right[1]), seed, list(missing),
    )  # fmt: skip


def drawing(seed: int) -> Callable[[str, int], DrawnNumber]:
    """Return a function that draws the n-th number of a kind with test images; the same for the same seed."""
    from digitlab.datasets import load_dataset
    from digitlab.datasets.pages.numbers import KINDS, draw_number, number_alphabets

    test = load_dataset("mnist").split("test")
    rows = np.random.default_rng((seed, 2)).permutation(len(test))[:_IMAGES]
    alphabets = number_alphabets(test.images[rows], test.labels[rows], seed)
    return lambda kind, n: draw_number(alphabets, np.random.default_rng((seed, KINDS.index(kind), n)), kind=kind)


def _list_of(pictures: Sequence[DrawnNumber], rng: np.random.Generator) -> tuple[str, ...]:
    """Make a class list: the numbers that are written, and others."""
    listed = dict.fromkeys(picture.digits for picture in pictures)
    while len(listed) < max(LISTED, len(pictures)):
        listed[f"{rng.integers(1_000_000, 10_000_000)}"] = None
    return tuple(sorted(listed))


def _known(kind: str, number: DrawnNumber, listed: tuple[str, ...]) -> dict[str, Any]:
    if kind == "student":
        return {"among": listed}
    if kind == "date":
        return {"check": "date"}
    return {} if kind == "amount" else {"count": len(number.digits)}


def _ours(
    reader: Reader, kind: str, pictures: Sequence[DrawnNumber], listed: tuple[str, ...]
) -> tuple[OfKind, tuple[list[float], list[float]], tuple[list[bool], list[bool]]]:
    """Read the pictures: return confidences and correctness, each without and with prior knowledge."""
    sure: tuple[list[float], list[float]] = ([], [])
    right: tuple[list[bool], list[bool]] = ([], [])
    answered: tuple[list[bool], list[bool]] = ([], [])
    signs, start = 0, time.perf_counter()
    readings = [reader.read(picture.image) for picture in pictures]
    milliseconds = (time.perf_counter() - start) * 1000.0 / len(pictures)
    for picture, plain in zip(pictures, readings, strict=True):
        constraints = _known(kind, picture, listed)
        constrained = reader.read(picture.image, **constraints) if constraints else plain
        for index, reading in enumerate((plain, constrained)):
            guess, confidence, complete = _answer(reading)
            sure[index].append(confidence)
            right[index].append(guess == picture.digits)
            answered[index].append(complete)
        written = "".join(number.text for number in plain.numbers)
        signs += written.replace(" ", "") != picture.text.replace(" ", "")
    shares = [_share(*columns) for columns in zip(sure, right, answered, strict=True)]
    return OfKind(kind, shares[0], shares[1], signs, milliseconds), sure, right


def _answer(reading: Reading) -> tuple[str, float, bool]:
    """Return the most likely digits on the whole picture, the confidence in them, and whether all are answered."""
    numbers = reading.numbers
    if reading.settled is not None:
        text = "".join(sign for number in numbers for sign in number.text if sign.isdigit() or sign == "?")
        if "?" in text or not text:
            return text, min((number.confidence for number in numbers), default=0.0), False
        return text, math.prod(number.confidence for number in numbers), True
    guess = "".join(_likeliest(digit) for digit in reading.digits)
    sure = math.prod(number.confidence for number in numbers) if numbers else 0.0
    return guess, sure, reading.fits and all(digit.digit is not None for digit in reading.digits)


def _likeliest(digit: ReadDigit) -> str:
    return str(max(range(10), key=digit.probabilities.__getitem__)) if digit.probabilities else digit.character


def _share(sure: Sequence[float], right: Sequence[bool], answered: Sequence[bool]) -> Share:
    wrong = sum(not (correct and complete) for correct, complete in zip(right, answered, strict=True))
    return Share(wrong, len(right), _coverage(sure, right, 0.01), _coverage(sure, right, 0.001))


def _coverage(sure: Sequence[float], right: Sequence[bool], error: float) -> float:
    """Return the largest share of answers, most confident first, of which at most ``error`` are wrong."""
    order = np.argsort(-np.asarray(sure), kind="stable")
    wrong = np.cumsum(~np.asarray(right, np.bool_)[order])
    enough = np.flatnonzero(wrong <= error * np.arange(1, len(order) + 1))
    return float(enough[-1] + 1) / len(order) if len(enough) else 0.0


def _ask(peer: Answerer, pictures: Sequence[DrawnNumber], listed: tuple[str, ...], results: OfKind) -> None:
    answers = [peer.page(picture.image) for picture in pictures]
    read = [text.replace("|", "") for text, _ in answers]
    nearest = [_nearest(text, listed) for text in read] if listed else read
    for shares, texts in ((results.peers, read), (results.peers_known, nearest)):
        wrong = sum(text != picture.digits for text, picture in zip(texts, pictures, strict=True))
        shares[peer.name] = Share(wrong, len(pictures))
    results.peer_milliseconds[peer.name] = float(np.mean([milliseconds for _, milliseconds in answers]))


def _nearest(text: str, listed: Sequence[str]) -> str:
    """Return the entry with the fewest edits; "" if there are several."""
    counted = sorted((edits(text, entry), entry) for entry in listed)
    return counted[0][1] if counted[0][0] < counted[1][0] else ""


def _total(kinds: Sequence[OfKind]) -> OfKind:
    def all_of(shares: Iterator[Share]) -> Share:
        listed = list(shares)
        coverages = [
            None if None in values else float(np.mean([value for value in values if value is not None]))
            for values in ([share.coverage_99 for share in listed], [share.coverage_999 for share in listed])
        ]
        return Share(sum(share.wrong for share in listed), sum(share.of for share in listed), *coverages)

    names = kinds[0].peers
    return OfKind(
        "all", all_of(result.read for result in kinds), all_of(result.known for result in kinds),
        sum(result.signs for result in kinds), float(np.mean([result.milliseconds for result in kinds])),
        {name: all_of(result.peers[name] for result in kinds) for name in names},
        {name: all_of(result.peers_known[name] for result in kinds) for name in names},
        {name: float(np.mean([result.peer_milliseconds[name] for result in kinds])) for name in names},
    )  # fmt: skip


def _calibration_error(sure: Sequence[float], right: Sequence[bool]) -> float:
    """Return the expected calibration error: mean gap between confidence and accuracy, over bins of equal size."""
    order = np.argsort(np.asarray(sure), kind="stable")
    values, correct = np.asarray(sure)[order], np.asarray(right, np.float64)[order]
    bins = np.array_split(np.arange(len(order)), _BINS)
    gaps = [len(rows) * abs(float(values[rows].mean() - correct[rows].mean())) for rows in bins if len(rows)]
    return float(sum(gaps) / len(order))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _coverages(share: Share) -> list[str]:
    return [
        "–" if coverage is None else f"{100 * coverage:.0f}" for coverage in (share.coverage_99, share.coverage_999)
    ]
