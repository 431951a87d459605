"""What reading should reach: the targets of the project, by the name of a set or of a speed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Target", "target_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound: at least (``most`` False) or at most (True) so much."""

    bound: float
    most: bool = False

    def met(self, value: float) -> bool:
        """Whether a value is within it."""
        return value <= self.bound if self.most else value >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {self.bound:,g}"


_AT_MOST = {
    "photo_multi: character error": 0.03,
    "real digits refused": 0.01,
    "page of 1.5 megapixels": 40.0,
    "page of 12 megapixels": 150.0,
    "one cropped digit": 0.15,
    "shipped models": 5.0,
    "peak memory": 1000.0,
    "slowest bad picture": 2000.0,
}
_AT_LEAST = {
    "photo_single": 0.985,
    "drawn_misc": 0.99,
    "drawn_hwd1000": 0.995,
    "photo_sudoku_cells, by hand": 0.99,
    "webcam": 0.97,
    "neg_": 0.98,
    "photo_multi: exact pages": 0.75,
    "digits in batches": 20_000.0,
}


def target_of(name: str) -> Target | None:
    """The target whose name begins like this one; None where there is none.

    >>> str(target_of("neg_letters"))
    '≥ 0.98'
    >>> target_of("page of 12 megapixels, from array").met(140)
    True
    """
    for targets, most in ((_AT_MOST, True), (_AT_LEAST, False)):
        for start, bound in targets.items():
            if name.startswith(start):
                return Target(bound, most)
    return None
