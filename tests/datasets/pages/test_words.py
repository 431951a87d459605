from __future__ import annotations

import numpy as np
import pytest

from digitlab.datasets.pages.words import ALPHABETS, joined, line, token, word

LIKE_DIGITS = set("OoIl|0123456789оОοΟ")


@pytest.mark.parametrize("script", ALPHABETS)
def test_words_are_seeded_of_their_script_and_never_one_letter(script: str) -> None:
    first = [word(np.random.default_rng(seed), script) for seed in range(300)]
    assert first == [word(np.random.default_rng(seed), script) for seed in range(300)]
    assert len(set(first)) > 150
    assert all(len(letters) >= 2 and set(letters) <= ALPHABETS[script] for letters in first)


def test_text_without_digits_has_none_and_text_with_them_has_many() -> None:
    rng = np.random.default_rng(0)
    scripts = tuple(ALPHABETS)
    plain = "".join(line(rng, scripts, length=60, digits=False) for _ in range(300))
    mixed = "".join(line(rng, scripts, length=60) for _ in range(300))
    assert not set("0123456789") & set(plain)
    assert set("0123456789") <= set(mixed)
    known = set().union(*ALPHABETS.values()) | {" "}
    assert set(plain) | set(mixed) <= known


def test_a_line_is_as_long_as_asked() -> None:
    rng = np.random.default_rng(0)
    assert all(40 <= len(line(rng, length=40)) <= 100 for _ in range(200))


def test_what_stands_alone_looks_like_no_digit() -> None:
    rng = np.random.default_rng(0)
    alone = {piece for _ in range(5000) for piece in token(rng, digits=False).split() if len(piece) == 1}
    assert not alone & LIKE_DIGITS


def test_arabic_letters_take_the_form_of_their_place() -> None:
    # kaf begins, teh is in the middle, alef ends its part, beh stands alone since alef never reaches out
    assert joined("كتاب") == "ﻛﺘﺎﺏ"
