"""Symbols that are not digits, as strokes: letters of three alphabets, operators, brackets, doodles.

A symbol is a string of comma-separated strokes; a stroke is a list of points, each two digits 0 to 9, x to the right
and y down, joined by straight lines or, after a ``~``, by a smooth curve. Symbols that look like handwritten digits are
left out: O and o, I, l and upright strokes (1), S, Z, b, g, q. Some similar ones are kept (β, δ, θ, G): a reader has
to distinguish them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Strokes = tuple[NDArray[np.float64], ...]

__all__ = ["GREEK", "LATIN", "OPERATORS", "PICTURES", "strokes_of"]

LATIN = {
    "A": "09 40 89, 26 66",
    "C": "~81 40 11 05 18 49 88",
    "D": "00 09, ~00 50 83 86 59 09",
    "E": "80 00 09 89, 04 64",
    "F": "80 00 09, 04 64",
    "G": "~81 40 11 05 18 49 88, 88 85 55",
    "H": "00 09, 80 89, 04 84",
    "J": "~60 67 49 17, 20 90",
    "K": "00 09, 70 05 79",
    "L": "00 09 79",
    "M": "09 10 46 80 99",
    "N": "09 00 89 80",
    "P": "09 00, ~00 50 72 54 05",
    "Q": "~40 10 05 18 48 85 71 40, 56 99",
    "R": "09 00, ~00 50 72 54 05, 45 89",
    "T": "00 90, 40 49",
    "U": "~00 06 29 59 86 80",
    "V": "00 49 90",
    "W": "00 29 43 69 90",
    "X": "00 89, 80 09",
    "Y": "00 44 80, 44 49",
    "a": "~73 42 14 17 39 67 73, ~73 77 99",
    "d": "~74 43 15 18 49 77, 70 79",
    "e": "~05 75 63 33 05 28 59 88",
    "f": "~81 60 42 49, 14 74",
    "h": "00 09, ~05 33 64 79",
    "j": "~53 57 39 08, 50 51",
    "k": "00 09, 63 06 79",
    "m": "03 09, ~05 23 44 49, ~45 63 84 89",
    "n": "03 09, ~05 33 64 69",
    "p": "03 09, ~04 32 64 57 07",
    "r": "03 09, ~05 23 64",
    "t": "30 37 49 69, 03 73",
    "u": "~03 07 29 57 63, 63 69",
    "v": "03 39 63",
    "w": "03 28 44 68 83",
    "x": "03 69, 63 09",
    "y": "~03 06 37 64, ~63 66 49 19",
    "ae": "~23 04 28 44 33, ~45 85 63 44 58 88",
    "et": "~89 20 31 52 33 06 19 48 75",
}

GREEK = {
    "alpha": "~91 66 39 05 31 64 98",
    "beta": "~09 03 21 60 73 44 65 77 48 17",
    "gamma": "~01 23 46 39 27 46 80",
    "delta": "~71 40 22 54 77 59 28 16 44 64",
    "epsilon": "~81 31 12 34 54 34 06 18 49 88",
    "zeta": "~20 70 32 15 27 68 79 69",
    "eta": "~03 12 19, ~14 42 64 66 69",
    "theta": "~40 11 05 18 49 78 85 71 40, 15 75",
    "kappa": "13 19, 72 15 79",
    "lambda": "~00 21 46 79 99, 44 09",
    "mu": "12 19, ~12 17 48 72, ~72 76 98",
    "nu": "~02 26 38 66 72",
    "xi": "~70 31 33 63 24 26 67 48 59",
    "pi": "~03 21 81, 32 19, ~62 67 88",
    "rho": "~19 14 41 74 66 37 15",
    "sigma": "92 42, ~42 15 28 58 75 42",
    "tau": "~03 21 81, ~42 47 69",
    "upsilon": "~02 16 48 77 82",
    "phi": "~31 04 26 57 84 62 42 49",
    "chi": "~02 21 57 88, 81 08",
    "psi": "~01 14 47 74 81, 40 49",
    "omega": "~22 05 28 47 44 47 68 85 72",
    "Gamma": "09 00 80",
    "Delta": "40 09 89 40",
    "Lambda": "09 40 89",
    "Xi": "00 80, 14 64, 09 89",
    "Pi": "09 00 80 89",
    "Sigma": "80 00 45 09 89",
    "Phi": "~42 13 05 27 47 76 84 72 42, 40 49",
    "Psi": "~00 04 36 56 84 80, 40 49",
    "Omega": "09 29, ~29 05 11 50 82 86 69, 69 89",
    "zhe": "00 45 09, 80 45 89, 40 49",
    "i": "00 09 80 89",
    "sha": "00 09 89 80, 40 49",
    "yu": "00 09, 05 35, ~60 42 37 59 87 92 60",
    "ya": "89 80, ~80 40 22 44 84, 54 09",
}

OPERATORS = {
    "plus": "44 49 40, 05 85",
    "minus": "04 94",
    "times": "11 88, 81 18",
    "divided": "04 94, 40 41, 48 49",
    "slash, flat": "07 92",
    "backslash": "00 99",
    "ring, lying": "~05 13 43 73 95 77 47 17 05",
    "equals": "03 83, 06 86",
    "not equal": "03 83, 06 86, 61 28",
    "plus minus": "41 47, 04 84, 09 89",
    "less": "81 05 89",
    "more": "01 85 09",
    "at most": "80 03 86, 09 89",
    "about": "~03 21 53 82, ~06 24 56 85",
    "root": "04 15 39 50 90",
    "integral": "~71 50 42 47 29 08",
    "sum": "80 00 45 09 89",
    "infinity": "~44 22 04 26 44 62 84 66 44",
    "percent": "~10 01 12 21 10, 80 09, ~76 67 78 87 76",
    "hash": "20 19, 60 59, 03 83, 06 86",
    "at": "~64 43 35 46 64 65 86 83 51 22 05 28 59 88",
    "and": "~88 31 40 52 16 28 58 85",
    "dollar": "~81 41 12 34 65 77 48 08, 40 49",
    "star": "40 49, 02 87, 82 07",
    "question": "~02 20 61 63 45 47, 48 49",
    "exclamation": "40 46, 48 49",
    "comma": "~31 42 35 18",
    "hat": "06 42 86",
    "tilde": "~06 23 55 83",
    "arrow": "04 94, 71 94 77",
    "up": "49 40, 12 40 72",
    "tick": "05 39 90",
    "colon": "42 43, 47 48",
    "quotes": "20 23, 60 63",
    "therefore": "40 41, 18 19, 78 79",
    "box": "00 80 88 08 00",
    "crossed box": "00 80 88 08 00, 00 88, 80 08",
    "corner": "00 09 99",
    "tee": "40 49, 04 44",
    "cells": "00 90, 05 95, 00 09, 50 59",
}

# Most often mistaken for a one, so a separate kind.
BRACKETS = {
    "opening": "~50 22 14 15 27 59",
    "opening, wide": "~70 31 14 15 38 79",
    "opening, flat": "~40 22 14 15 27 49",
    "closing": "~10 42 54 55 47 19",
    "closing, wide": "~00 41 64 65 48 09",
    "closing, flat": "~20 42 54 55 47 29",
    "square": "40 10 19 49",
    "square, closing": "10 40 49 19",
    "brace": "~60 41 44 25 46 49 69",
    "brace, closing": "~10 31 34 55 36 39 19",
    "angle": "50 14 59",
    "angle, closing": "10 54 19",
}

PICTURES = {
    "heart": "~49 04 11 31 43 61 81 94 49",
    "star": "40 63 94 66 78 47 18 26 04 33 40",
    "house": "09 04 40 84 89 09, 39 36 56 59",
    "fish": "~05 32 65 99, ~05 38 65 91, 99 91",
    "tree": "49 45, ~45 14 12 30 60 82 74 45",
    "flower": "~44 22 42 44 62 64 44 66 46 44 26 24 44, 46 49",
    "face": "~40 11 05 18 49 78 85 71 40, 33 34, 53 54, ~36 47 57",
    "sun": "~43 35 47 65 43, 40 41, 49 48, 05 15, 95 85, 12 23, 82 73",
    "bolt": "50 15 44 29 74 45 80",
    "spiral": "~44 54 45 34 42 63 66 37 14 21 71 85 68 29",
    "cloud": "~07 15 24 43 54 73 85 97 07",
    "cup": "02 18 58 72 02, ~73 93 85 66",
    "key": "~22 04 26 44 22, 44 94, 74 76, 94 96",
    "man": "~40 31 42 51 40, 42 46, 04 84, 46 19, 46 79",
    "boat": "07 29 69 87 07, 47 40 84 47",
    "zigzag": "05 12 35 42 65 72 95",
    "leaf": "~09 14 40 90 95 59 09, 09 90",
    "moon": "~60 21 05 28 69 45 60",
    "eye": "~05 32 62 95 67 37 05, ~43 35 47 65 43",
    "ladder": "20 29, 70 79, 22 72, 25 75, 28 78",
}

_STEPS = 8  # points of a curve per segment between two given points


@functools.cache
def strokes_of(sign: str) -> Strokes:
    """Parse the strokes of a symbol: float64 (P, 2) each, in a unit box."""
    return tuple(_stroke(part.strip()) for part in sign.split(","))


def _stroke(text: str) -> NDArray[np.float64]:
    smooth = text.startswith("~")
    points = np.array([[int(digits[0]), int(digits[1])] for digits in text.removeprefix("~").split()], np.float64) / 9
    return curve(points) if smooth else points


def curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate points (P, 2) by a Catmull–Rom spline: float64 (8 (P − 1) + 1, 2)."""
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    previous, start, stop, following = (ends[index : index + len(points) - 1, None] for index in range(4))
    time = np.linspace(0, 1, _STEPS, endpoint=False)[None, :, None]
    bent = (
        2 * start
        + (stop - previous) * time
        + (2 * previous - 5 * start + 4 * stop - following) * time**2
        + (3 * start - previous - 3 * stop + following) * time**3
    )
    return np.concatenate([bent.reshape(-1, 2) / 2, points[-1:]])
