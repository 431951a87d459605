"""Counts for a synthetic sequence: how soon a text is steady, how correct it is, and what is announced."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.examples.drawn_scenes import Scene, Truth

__all__ = ["Moment", "RateFigures", "judged", "judged_walk"]

_LEAST = 0.9 - 1e-6  # seconds that something must stand to be counted
_GRACE = 0.2 - 1e-6  # seconds within which a change need not be noticed
_WHOLE = 0.15  # of the frame's height: at that distance from its edge a number is certainly whole


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame: time, truth, the reading in it, the steady text, and the number of texts announced so far.

    numbers: numbers announced with it, where the page moves
    """

    at: float
    truth: Truth
    read: str
    steady: str | None
    told: int
    numbers: tuple[str, ...] = ()


@dataclass
class RateFigures:
    """Counts at one frame rate.

    delays: seconds from a finished digit or number to its steady text; infinite if that never came
    frames, wrong: frames later than 0.2 s after a change; those with a steady text that is not the truth
    standing, read, right: frames from 0.9 s on in which something stands; those with the right reading; those with
        the right steady text
    told: finished digits and numbers; wrongly, doubled, lost: announced wrongly, repeatedly, never
    drawn, early: times that ink appeared or vanished; announcements meanwhile
    unread: finished digits and numbers that are read wrongly in most of their frames: the reader's own error, which
        no filter can correct. They are left out of all other counts
    numbers: on pages over which the camera walks back and forth; lost: never announced; doubled: announced again;
        wrong: announced but not there; numbers_unread: read wrongly in most frames, and left out of the other counts
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
    numbers: int = 0
    numbers_lost: int = 0
    numbers_doubled: int = 0
    numbers_wrong: int = 0
    numbers_unread: int = 0

    def add(self, other: RateFigures) -> None:
        """Add the counts of another sequence."""
        self.delays += other.delays
        for name in (counter.name for counter in fields(self) if counter.type == "int" and counter.name != "rate"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def stood(self) -> int:
        """Number of digits and numbers, whether read correctly or not."""
        return self.told + self.unread + self.numbers + self.numbers_unread

    @property
    def median(self) -> float:
        """Median of the delays, in seconds."""
        return float(np.percentile(self.delays, 50, method="inverted_cdf")) if self.delays else 0.0

    @property
    def late(self) -> float:
        """95th percentile of the delays, in seconds."""
        return float(np.percentile(self.delays, 95, method="inverted_cdf")) if self.delays else 0.0

    def row(self) -> list[str]:
        """Return the row of the table."""
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

    def walk_row(self) -> list[str]:
        """Return the row of the table of the walks."""
        counts = (f"{getattr(self, f'numbers_{name}')} of {self.numbers}" for name in ("wrong", "doubled", "lost"))
        return [f"{self.rate}/s", *counts, f"{self.numbers_unread} of {self.numbers + self.numbers_unread}"]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON; a text that was never steady has no delay (null)."""
        delays = [None if np.isinf(delay) else round(delay, 3) for delay in self.delays]
        return {**vars(self), "delays": delays}

    @classmethod
    def of_dict(cls, plain: dict[str, Any]) -> RateFigures:
        """Restore figures from the result of `as_dict`."""
        delays = [float("inf") if delay is None else float(delay) for delay in plain["delays"]]
        return cls(**{**plain, "delays": delays})


def judged(moments: list[Moment], rate: int) -> RateFigures:
    """Count what was right, late, wrong and announced in a sequence."""
    figures = RateFigures(rate)
    announcements = [
        (current.at, current.steady, current.truth)
        for previous, current in zip([None, *moments], moments, strict=False)
        if current.told != (0 if previous is None else previous.told)
    ]
    for span in _spans(moments):
        begin, end, truth = span[0].at, span[-1].at, span[0].truth
        announced = [text for time, text, _ in announcements if begin <= time <= end]
        if truth.kind == "standing":
            if 2 * sum(moment.read == truth.text for moment in span) < len(span):
                figures.unread += end - begin >= _LEAST
                continue
            if end - begin >= _LEAST:
                _judge_standing(figures, span, announced)
        elif truth.kind == "drawing":
            figures.drawn += span[0] is not moments[0]
            figures.early += len(announced)
        if truth.kind != "drawing":
            figures.wrongly += sum(text != truth.text for text in announced)
        settled = [moment for moment in span if moment.at - begin >= _GRACE]
        figures.frames += len(settled)
        figures.wrong += sum(1 for moment in settled if moment.steady and moment.steady != truth.text)
    return figures


def _judge_standing(figures: RateFigures, span: list[Moment], announced: list[str | None]) -> None:
    """Count a text that stands long enough: when it was steady, whether it stayed so, how often it was announced."""
    begin, text = span[0].at, span[0].truth.text
    settled = [moment for moment in span if moment.at - begin >= _LEAST]
    figures.standing += len(settled)
    figures.read += sum(moment.read == text for moment in settled)
    figures.right += sum(moment.steady == text for moment in settled)
    figures.told += 1
    figures.delays.append(next((moment.at - begin for moment in span if moment.steady == text), float("inf")))
    figures.doubled += max(0, announced.count(text) - 1)
    figures.lost += text not in announced


def _spans(moments: list[Moment]) -> list[list[Moment]]:
    """Split the moments at each change of the truth."""
    spans: list[list[Moment]] = []
    for moment in moments:
        if spans and spans[-1][-1].truth == moment.truth:
            spans[-1].append(moment)
        else:
            spans.append([moment])
    return spans


def judged_walk(scene: Scene, moments: Sequence[Moment], rate: int) -> RateFigures:
    """Count the numbers that were announced while the camera walked over a page."""
    figures = RateFigures(rate)
    announced = [text for moment in moments for text in moment.numbers]
    for text in {text for text, *_ in scene.numbers}:
        occurrences = [occurrence for occurrence in scene.numbers if occurrence[0] == text]
        read_when_visible = [
            text in moment.read
            for moment in moments
            if any(_in_view(scene, occurrence, moment.at) for occurrence in occurrences)
        ]
        announced_count = announced.count(text)
        announced = [other for other in announced if other != text]
        if 2 * sum(read_when_visible) < len(read_when_visible):  # the reader's own error
            figures.numbers_unread += len(occurrences)
            continue
        figures.numbers += len(occurrences)
        figures.numbers_lost += max(0, len(occurrences) - announced_count)
        figures.numbers_doubled += max(0, announced_count - len(occurrences))
    figures.numbers_wrong = max(0, len(announced) - figures.numbers_unread)  # misread numbers are announced, too: once
    return figures


def _in_view(scene: Scene, number: tuple[str, int, int, int, int], time: float) -> bool:
    """Return whether a number is completely in the frame."""
    _, left, top, right, bottom = number
    x, y = (0.0, 0.0) if scene.walk is None else scene.walk.place(time)
    margin = _WHOLE * scene.size[1]
    digit_height = 0.2 * scene.size[1]  # height of the digits: the numbers have the positions of their tops
    in_width = left - x > margin and right - x < scene.size[0] - margin
    return in_width and top - y > margin and bottom + digit_height - y < scene.size[1]
