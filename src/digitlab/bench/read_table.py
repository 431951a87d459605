"""The table of `digitlab bench read`: each measure beside its interval, its target and the peers' values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digitlab.bench.targets import target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.bench.answering import PagesResult

__all__ = ["Measure", "ReadBench"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A line of the table: digitlab's value, its interval, its target, and the peers' by name."""

    what: str
    unit: str
    value: float
    count: int | None = None
    peers: dict[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        target = target_of(self.what)
        return None if target is None else target.met(self.value)

    def row(self, peers: Sequence[str]) -> list[str]:
        """Cells: what, how many, our value, its interval, the target, whether it is met, the peers' values."""
        target = target_of(self.what)
        return [
            f"{self.what} ({self.unit})" if self.unit else self.what,
            "" if self.count is None else f"{self.count:,}",
            _number(self.value),
            "" if self.interval is None else " to ".join(map(_number, self.interval)),
            "" if target is None else str(target),
            {None: "", True: "yes", False: "no"}[self.met],
            *(_number(self.peers[name]) if name in self.peers else "" for name in peers),
        ]


@dataclass(frozen=True)
class ReadBench:
    """All that was measured."""

    machine: str
    model: str
    measures: list[Measure]
    writers: dict[str, dict[str, dict[str, tuple[int, int]]]]  # set → who reads → writer → right, of
    pages: dict[str, dict[str, PagesResult]]  # set → who reads → pages
    peers: list[str]
    missing: list[str]
    bad_ms: dict[str, float]

    def header(self) -> list[str]:
        """Of `Measure.row`."""
        return ["", "of", "digitlab", "95 %", "target", "met", *self.peers]

    def rows(self) -> list[list[str]]:
        """The table."""
        return [each.row(self.peers) for each in self.measures]

    def writer_rows(self) -> list[list[str]]:
        """Set, writer, how many, and the share that each reader read rightly."""
        rows = []
        for name, said in self.writers.items():
            for writer, (_, of) in said["digitlab"].items():
                shares = [said[who][writer][0] / said[who][writer][1] for who in ("digitlab", *self.peers)]
                rows.append([name, writer, str(of), *map(_number, shares)])
        return rows

    def page_rows(self) -> list[list[str]]:
        """Page, pixels, milliseconds, what stands there, and what each reader read."""
        rows = []
        for said in self.pages.values():
            for place, page in enumerate(said["digitlab"].pages):
                read = [said[who].pages[place].read for who in ("digitlab", *self.peers)]
                size = f"{page.size[0]}×{page.size[1]}"
                rows.append([page.name, size, f"{page.milliseconds:.0f}", page.text, *read])
        return rows

    def as_dict(self) -> dict[str, Any]:
        """For other programs."""
        return {
            "machine": self.machine,
            "model": self.model,
            "measures": [
                {
                    "what": each.what,
                    "unit": each.unit,
                    "of": each.count,
                    "value": each.value,
                    "interval": None if each.interval is None else list(each.interval),
                    "target": None if (target := target_of(each.what)) is None else str(target),
                    "met": each.met,
                    "peers": each.peers,
                }
                for each in self.measures
            ],
            "writers": {
                name: {who: {writer: list(counts) for writer, counts in said.items()} for who, said in by_who.items()}
                for name, by_who in self.writers.items()
            },
            "pages": [
                {"page": row[0], "size": row[1], "ms": float(row[2]), "text": row[3],
                 "read": dict(zip(("digitlab", *self.peers), row[4:], strict=True))}
                for row in self.page_rows()
            ],
            "bad_pictures_ms": self.bad_ms,
            "missing": self.missing,
        }  # fmt: skip


def _number(value: float) -> str:
    if value != value:  # NaN: not measured
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 2 else f"{value:.3f}"
