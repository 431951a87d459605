"""Steadiness at every frame rate, on made sequences whose truth is known at every moment.

Each sequence is drawn and read once, at 60 frames a second. Of these frames every second, fourth, sixth and twelfth,
with a few lost, are what a camera of 30, 15, 10 and 5 frames a second would have given; each has its own tracker.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.bench.machine import described, processor
from digitlab.examples.drawn_scenes import FIRST_OF_BENCH, times_of_frames
from digitlab.examples.scene_kinds import made_scene
from digitlab.live.frame_reading import look
from digitlab.live.tracks import Tracker
from digitlab.reading import Reader

if TYPE_CHECKING:
    from digitlab.bench.live import Advice
    from digitlab.examples.drawn_scenes import Scene, Truth

__all__ = ["RATES", "Moment", "RateFigures", "SteadinessFigures", "follow", "judged", "measure_made_sequences"]

RATES = (5, 10, 15, 30, 60)
KINDS = ("canvas", "paper", "air", "corrected", "joined", "pushed", "lights")
_FULL_RATE = 60
_LOST = 0.03  # of the frames
_LEAST = 0.9 - 1e-6  # seconds that something must stand to be counted
_GRACE = 0.2 - 1e-6  # seconds in which a change need not have been noticed
_REGION = (60, 20, 260, 220)  # of the scene's picture, in mode "region"


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame: when, what stands there, what was read in it, what is steady, and how many texts were told so far."""

    at: float
    truth: Truth
    read: str
    steady: str | None
    told: int


@dataclass
class RateFigures:
    """What was counted at one frame rate.

    delays: seconds from a finished digit or number to its steady text, infinite where that never came
    frames, wrong: later than 0.2 s after a change; with a steady text that is not what stands there
    standing, read, right: frames from 0.9 s on in which something stands; those whose own reading is right; whose
        steady text is
    told: digits and numbers that came to stand; wrongly, doubled, lost: tellings of them
    drawn, early: times that ink came or went; tellings meanwhile
    unread: of what came to stand, so much is read wrongly in most of its frames: the reader's own error, which no
        filter can mend. It is left out of all other counts
    """

    rate: int
    delays: list[float] = field(default_factory=list)
    frames: int = 0
    wrong: int = 0
    standing: int = 0
    read: int = 0
    right: int = 0
    told: int = 0
    wrongly: int = 0
    doubled: int = 0
    lost: int = 0
    early: int = 0
    drawn: int = 0
    unread: int = 0

    def add(self, other: RateFigures) -> None:
        """Add what was counted in another sequence."""
        self.delays += other.delays
        for name in (each.name for each in fields(self) if each.type == "int" and each.name != "rate"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def median(self) -> float:
        """Of the delays, in seconds."""
        return float(np.percentile(self.delays, 50, method="inverted_cdf")) if self.delays else 0.0

    @property
    def late(self) -> float:
        """The delay that 95 % do not exceed."""
        return float(np.percentile(self.delays, 95, method="inverted_cdf")) if self.delays else 0.0

    def row(self) -> list[str]:
        """For the table."""
        share = 100.0 / max(1, self.standing)
        return [
            f"{self.rate}/s",
            f"{self.median:.2f} s",
            f"{self.late:.2f} s",
            f"{100.0 * self.wrong / max(1, self.frames):.1f} %",
            f"{self.early} of {self.drawn}",
            f"{self.wrongly}, {self.doubled}, {self.lost} of {self.told}",
            f"{share * self.right:.1f} % ({share * self.read:.1f} %)",
            f"{self.unread} of {self.told + self.unread}",
        ]


@dataclass(frozen=True)
class SteadinessFigures:
    """The result of `digitlab bench steadiness`."""

    machine: str
    mode: str
    rates: tuple[RateFigures, ...]
    by_kind: dict[str, tuple[RateFigures, ...]]

    HEADER = (
        "frames",
        "median",
        "95 %",
        "another steady",
        "told early",
        "told wrongly, twice, never",
        "right (read)",
        "not read",
    )

    def rows(self) -> list[list[str]]:
        """For the table."""
        return [each.row() for each in self.rates]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""

        def plain(figures: RateFigures) -> dict[str, Any]:
            return {**vars(figures), "delays": [round(each, 3) for each in figures.delays]}

        kinds = {kind: [plain(each) for each in all_rates] for kind, all_rates in self.by_kind.items()}
        return {"machine": self.machine, "mode": self.mode, "kinds": kinds}


def measure_made_sequences(
    *, sequences: int, mode: str = "page", kinds: tuple[str, ...] = KINDS, advise: Advice
) -> SteadinessFigures:
    """Read this many sequences of each kind, four digits or numbers each, and count."""
    reader = Reader(threads=1)
    by_kind: dict[str, tuple[RateFigures, ...]] = {}
    for kind in kinds:
        figures = tuple(RateFigures(rate) for rate in RATES)
        for number in range(sequences):
            scene = made_scene(kind, FIRST_OF_BENCH + number)
            for total, moments in zip(figures, follow(scene, mode, reader).values(), strict=True):
                total.add(judged(moments, total.rate))
        by_kind[kind] = figures
        advise(f"{kind}: " + "; ".join(f"{each.rate}/s {each.median:.2f} s" for each in figures))
    totals = tuple(RateFigures(rate) for rate in RATES)
    for figures in by_kind.values():
        for total, one in zip(totals, figures, strict=True):
            total.add(one)
    return SteadinessFigures(described(processor("unknown processor"), {}), mode, totals, by_kind)


def follow(scene: Scene, mode: str, reader: Reader) -> dict[int, list[Moment]]:
    """A scene as cameras of all rates see it, frame by frame."""
    rng = np.random.default_rng((scene.seed, 5))
    trackers = {rate: Tracker(whole=mode == "page") for rate in RATES}
    phases = {rate: int(rng.integers(_FULL_RATE // rate)) for rate in RATES}
    moments: dict[int, list[Moment]] = {rate: [] for rate in RATES}
    for number, at in enumerate(times_of_frames(scene.seconds, _FULL_RATE)):
        image, truth = scene.image(at), scene.truth(at)
        found = look(image, mode, _REGION, reader)  # type: ignore[arg-type]
        for rate, tracker in trackers.items():
            if number % (_FULL_RATE // rate) != phases[rate] or rng.random() < _LOST:
                continue
            tracker.add(found.detections, at, image)
            steady = None if tracker.steady is None else tracker.steady.replace("\n", "")
            read = found.reading.text.replace("\n", "")
            moments[rate].append(Moment(at, truth, read, steady, tracker.telling))
    return moments


def judged(moments: list[Moment], rate: int) -> RateFigures:
    """Count what was right, late, wrong and told in a sequence."""
    figures = RateFigures(rate)
    tellings = [
        (now.at, now.steady, now.truth)
        for before, now in zip([None, *moments], moments, strict=False)
        if now.told != (0 if before is None else before.told)
    ]
    for span in _spans(moments):
        begin, end, truth = span[0].at, span[-1].at, span[0].truth
        own = [text for at, text, _ in tellings if begin <= at <= end]
        if truth.kind == "standing":
            if 2 * sum(each.read == truth.text for each in span) < len(span):
                figures.unread += end - begin >= _LEAST
                continue
            if end - begin >= _LEAST:
                _judge_standing(figures, span, own)
        elif truth.kind == "drawing":
            figures.drawn += span[0] is not moments[0]
            figures.early += len(own)
        if truth.kind != "drawing":
            figures.wrongly += sum(text != truth.text for text in own)
        later = [each for each in span if each.at - begin >= _GRACE]
        figures.frames += len(later)
        figures.wrong += sum(1 for each in later if each.steady and each.steady != truth.text)
    return figures


def _judge_standing(figures: RateFigures, span: list[Moment], told: list[str | None]) -> None:
    """Count what stands long enough: when it was steady, whether it stayed so, and how often it was told."""
    begin, text = span[0].at, span[0].truth.text
    settled = [each for each in span if each.at - begin >= _LEAST]
    figures.standing += len(settled)
    figures.read += sum(each.read == text for each in settled)
    figures.right += sum(each.steady == text for each in settled)
    figures.told += 1
    figures.delays.append(next((each.at - begin for each in span if each.steady == text), float("inf")))
    figures.doubled += max(0, told.count(text) - 1)
    figures.lost += text not in told


def _spans(moments: list[Moment]) -> list[list[Moment]]:
    """The moments between two changes of the truth."""
    spans: list[list[Moment]] = []
    for each in moments:
        if spans and spans[-1][-1].truth == each.truth:
            spans[-1].append(each)
        else:
            spans.append([each])
    return spans
