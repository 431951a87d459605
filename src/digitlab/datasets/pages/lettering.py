"""Letters and signs of running handwriting as strokes, so that words are drawn as digits are (`hands.FORMS`).

In the notation of `digitlab.datasets.ood.alphabet`, whose forms are used here, too. Added are letters that look like
digits (O, l, S, Z, b, g, q) and can be distinguished only by the word around them. All share a baseline: y = 9, or the
value in `BASELINES` for those that reach below it.
"""

from __future__ import annotations

from digitlab.datasets.ood.alphabet import GREEK, LATIN, OPERATORS
from digitlab.datasets.pages.hands import SIGNS

__all__ = ["BASELINES", "LETTERS"]

_OWN: dict[str, tuple[str, ...]] = {
    "B": ("09 00, ~00 50 62 54 04, ~04 64 87 59 09", "19 10, ~00 51 53 14, ~14 65 77 49 09"),
    "G": ("~60 21 06 28 58 76, 46 76", "~71 30 05 18 49 77 65, 45 85", "~70 30 13 17 39 69 75 45"),
    "I": ("40 49", "20 60, 40 49, 29 69", "50 39"),
    "O": ("~40 11 05 18 49 78 85 71 40", "~50 21 05 18 49 78 85 71 30"),
    "S": (
        "~81 50 20 12 34 65 77 58 28 07",
        "~71 40 12 24 55 67 49 08",
        "~80 30 12 44 76 58 09",
        "80 20 13, ~13 44 76 58 08",  # with corners, like a hasty 5
        "~70 20 12 44 66 58 09",
        "71 21 14 65 68 08",
    ),
    "Z": ("00 80 09 89", "01 71 08 88", "~01 30 70 08 38 88", "00 80 09 89, 24 64"),
    "b": ("00 09, ~05 33 64 67 49 08", "~10 09 39 66 44 06", "~40 22 09 49 66 45 17"),
    "c": ("~63 33 15 18 39 68", "~73 43 16 29 68"),
    "g": ("~60 20 03 16 36 60, ~60 67 39 08", "~70 20 13 36 63 70, ~70 67 49 17", "~61 30 12 25 55 61, 61 58 29 08"),
    "i": ("43 49, 40 41", "~33 37 49 58, 40 41"),
    "l": ("40 49", "~40 47 49 68", "~28 52 40 31 37 49 68"),
    "o": ("~43 24 16 28 49 67 65 53 43", "~53 33 15 28 49 67 64 43 73"),
    "q": ("~60 20 03 16 36 60, 60 69", "~61 30 12 25 55 61, 61 69 87"),
    "s": ("~63 43 24 46 67 49 18", "~53 33 25 56 58 39 18", "~43 56 58 39 18"),
    "z": ("13 73 19 79", "~13 63 19 49 79"),
    "+": ("15 75, 42 48", "06 86, 43 49"),
    "-": ("15 75", "26 66"),
    "−": ("05 85",),
    "=": ("14 74, 17 77", "05 75, 07 77"),
    "(": ("~40 22 14 15 27 49", "~50 22 14 16 28 59"),
    ")": ("~10 32 44 45 37 19", "~10 42 54 56 48 19"),
    "[": ("50 20 29 59", "40 10 19 49"),
    "]": ("20 50 59 29", "10 40 49 19"),
    "/": ("80 09", "70 19"),
    ":": ("44 45, 48 49",),
    ",": ("47 39", "~47 48 39"),
    ".": ("48 49",),
    ";": ("44 45, 47 39",),
    '"': ("30 32, 50 52", "20 22, 40 42"),
    "'": ("40 42",),
    "<": ("73 16 79",),
    ">": ("13 76 19",),
    "_": ("09 89",),
    "·": ("45 46",),
    "×": ("24 68, 64 28",),
    "*": ("43 48, 24 67, 64 27",),
    "!": ("40 46, 48 49",),
    "?": (
        "10 70 44 46, 48 49",  # like a 7
        "~11 30 60 62 44 46, 48 49",
        "~12 21 50 61 53 35 37, 39 49",
        "~10 40 61 63 44 35 37, 47 48",
        "~20 60 71 54 46, 47 49",  # the dot joined to the hook
        "~02 11 30 51 53 35, 37 38",
    ),
    "&": (
        "~88 57 34 22 30 50 52 34 16 28 58 75",
        "~71 40 22 34 54 24 16 28 49 78, 40 49",  # an epsilon with a bar
        "~89 56 23 21 40 61 53 26 18 39 68 86",
        "~85 58 28 16 43 51 30 22 45 88",
    ),
}  # fmt: skip
_NAMED = {
    "÷": "divided", "≠": "not equal", "±": "plus minus", "≤": "at most", "≈": "about", "√": "root", "∫": "integral",
    "∑": "sum", "∞": "infinity", "#": "hash", "%": "percent", "@": "at", "&": "and", "$": "dollar", "?": "question",
    "~": "tilde", "→": "arrow", "↑": "up", "✓": "tick",
}  # fmt: skip
_GREEK = dict(zip("αβγδεζηθκλμνξπρστυφχψωΓΔΛΞΠΣΦΨΩ", GREEK, strict=False))  # GREEK ends with Cyrillic letters
BASELINES = {"g": 6, "j": 7, "p": 7, "q": 6, "y": 7, ",": 8, ";": 8, "β": 7, "γ": 7, "μ": 8, "ρ": 7}


def _forms(character: str) -> tuple[str, ...]:
    own = _OWN.get(character, ())
    name = _NAMED.get(character) or _GREEK.get(character) or character
    first = (LATIN | GREEK | OPERATORS).get(name)
    return own + (() if first is None else (first, *SIGNS.get(name, ())))


_ALL = (*"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", *_OWN, *_NAMED, *_GREEK)
LETTERS: dict[str, tuple[str, ...]] = {character: _forms(character) for character in dict.fromkeys(_ALL)}
