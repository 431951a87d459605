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
    "photo_multi: character error": 0.02,
    "pages_mixed a: character error": 0.12,
    "pages_mixed c: character error": 0.12,
    "pages_mixed d: character error": 0.15,
    "pages_mixed e: character error": 0.04,
    "pages_mixed f: character error": 0.03,
    "pages_mixed b: digits claimed": 0.3,
    "pages_of_text: digits claimed": 0.3,
    "real digits refused": 0.01,
    "page of 1.5 megapixels": 80.0,
    "page of 12 megapixels": 200.0,
    "one cropped digit": 1.0,
    "start: one photo": 1000.0,
    "shipped models": 6.0,
    "peak memory": 1000.0,
    "slowest bad picture": 2000.0,
}
_AT_LEAST = {
    "photo_single, through read": 0.99,
    "photo_single": 0.995,
    "drawn_misc, through read": 0.98,
    "drawn_misc": 0.99,
    "drawn_hwd1000, through read": 0.98,
    "drawn_hwd1000": 0.99,
    "webcam": 0.99,
    "photo_sudoku_cells, by hand": 0.985,
    "scan_cells": 0.97,
    "scan_children": 0.96,
    "scan_tiny": 0.98,
    "MNIST's test images": 0.993,
    "neg_greek": 0.95,
    "neg_letters": 0.95,
    "neg_": 0.98,
    "photo_multi: exact pages": 0.85,
    "pages_mixed b: pages without": 0.85,
    "pages_of_text: pages without": 0.85,
    "digits in batches": 20_000.0,
}
"""The first that a name begins with counts, so the more particular ones stand before the others."""


def target_of(name: str) -> Target | None:
    """The target whose name begins like this one; None where there is none.

    >>> str(target_of("neg_operators"))
    '≥ 0.98'
    >>> target_of("page of 12 megapixels, from array").met(140)
    True
    """
    for targets, most in ((_AT_MOST, True), (_AT_LEAST, False)):
        for start, bound in targets.items():
            if name.startswith(start):
                return Target(bound, most)
    return None
