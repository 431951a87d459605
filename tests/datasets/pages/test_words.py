from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from digitlab.datasets.pages.words import ALPHABETS, LONE_LETTERS, joined, token, with_look_alikes, word
from digitlab.datasets.pages.writers import sentence

LIKE_DIGITS = set("OoIl|0123456789оОοΟ")


@pytest.mark.parametrize("script", ALPHABETS)
def test_words_are_seeded_of_their_script_and_never_one_letter(script: str) -> None:
    first = [word(np.random.default_rng(seed), script) for seed in range(300)]
    assert first == [word(np.random.default_rng(seed), script) for seed in range(300)]
    assert len(set(first)) > 150
    assert all(len(letters) >= 2 and set(letters) <= ALPHABETS[script] for letters in first)


def test_text_without_digits_has_none_and_text_with_them_has_many() -> None:
    rng = np.random.default_rng(0)
    scripts = (*ALPHABETS, "latin")
    plain = " ".join(token(rng, scripts, digits=False) for _ in range(2000))
    mixed = " ".join(token(rng, scripts) for _ in range(2000))
    assert not set("0123456789") & set(plain)
    assert set("0123456789") <= set(mixed)
    known = set().union(*ALPHABETS.values()) | {" "}
    assert set(plain) | set(mixed) <= known


def test_what_stands_alone_looks_like_no_digit() -> None:
    rng = np.random.default_rng(0)
    alone = {piece for _ in range(5000) for piece in token(rng, digits=False).split() if len(piece) == 1}
    assert not alone & LIKE_DIGITS


def test_lone_letters_stand_between_words_and_never_after_a_number() -> None:
    rng = np.random.default_rng(0)
    texts = [sentence(rng, 12, ("latin",), numbers=0.2).split() for _ in range(300)]
    lone = [(before, part) for parts in texts for before, part in pairwise(parts) if part == "I"]
    assert len(lone) > 10
    assert not any(before[-1].isdigit() for before, _ in lone)
    assert not {"I"} & {end for parts in texts for end in (parts[0], parts[-1])}
    greek = " ".join(sentence(rng, 12, ("greek",)) for _ in range(200)).split()
    assert not set(LONE_LETTERS) & set(greek)


def test_look_alikes_keep_the_length_and_case_of_a_word() -> None:
    rng = np.random.default_rng(0)
    replaced = with_look_alikes(rng, "STRING", share=1.0)
    assert len(replaced) == 6
    assert set(replaced) <= set("SGOIZBQD")
    assert set(with_look_alikes(rng, "string", share=1.0)) <= set("slozbgqi")
    assert with_look_alikes(rng, "é-12", share=1.0) == "é-12"  # only ASCII letters are replaced
    assert with_look_alikes(rng, "STRING", share=0.0) == "STRING"


def test_arabic_letters_take_the_form_of_their_place() -> None:
    # kaf begins, teh is in the middle, alef ends its part, beh stands alone since alef never reaches out
    assert joined("كتاب") == "ﻛﺘﺎﺏ"
