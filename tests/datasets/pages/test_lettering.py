from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitlab.datasets.pages import lettering, typefaces
from digitlab.datasets.pages.lettering import Font, Hand, draw_digit_glyph, draw_text, fonts, fonts_folder, random_hand
from digitlab.datasets.pages.words import ALPHABETS, line
from digitlab.errors import DatasetError, UsageError

INK = 64


@pytest.fixture
def dejavu(fresh_cache: Path) -> Font:
    """A font that the development environment has anyway, installed as `make fonts` does."""
    import matplotlib as mpl

    file = Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    unknown = ("thai", "devanagari", "kana", "hangul")
    characters = set().union(*(letters for script, letters in ALPHABETS.items() if script not in unknown))
    row = {"name": "dejavu", "kind": "print", "split": "train"}
    row |= {"files": [{"file": str(file), "characters": "".join(sorted(characters))}]}
    fonts_folder().mkdir(parents=True)
    (fonts_folder() / typefaces.CATALOGUE).write_text(json.dumps({"fonts": [row]}))
    return fonts("train")[0]


def fetched() -> tuple[Font, ...]:
    try:
        return fonts("train") + fonts("validation")
    except DatasetError as error:
        pytest.skip(str(error))


def outside(alpha: np.ndarray, boxes: np.ndarray) -> float:
    """The share of the ink that lies in no box."""
    covered = np.zeros(alpha.shape, bool)
    for x0, y0, x1, y1 in boxes:
        covered[max(0, int(np.floor(y0))) : int(np.ceil(y1)), max(0, int(np.floor(x0))) : int(np.ceil(x1))] = True
    return float((alpha[~covered] >= INK).sum() / (alpha >= INK).sum())


def test_without_fonts_one_is_told_to_make_them(fresh_cache: Path) -> None:
    with pytest.raises(DatasetError, match="make fonts"):
        fonts("train")


def test_a_split_without_fonts_and_a_damaged_list_say_so(dejavu: Font) -> None:
    with pytest.raises(DatasetError, match=r"no fonts for validation.*make fonts"):
        fonts("validation")
    with pytest.raises(UsageError, match="'test' was asked for"):
        fonts("test")
    (fonts_folder() / typefaces.CATALOGUE).write_text("{")
    typefaces._installed.cache_clear()
    with pytest.raises(DatasetError, match=r"damaged.*make fonts"):
        fonts("train")


def test_the_same_seed_draws_the_same(dejavu: Font) -> None:
    def drawn(seed: int) -> lettering.Lettering:
        rng = np.random.default_rng(seed)
        return draw_text("am 12. Mai", dejavu, 30, rng, random_hand(rng, dejavu))

    first, again, other = drawn(1), drawn(1), drawn(2)
    np.testing.assert_array_equal(first.alpha, again.alpha)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    assert first.alpha.shape != other.alpha.shape or (first.alpha != other.alpha).any()


@pytest.mark.parametrize("pixels", [8, 20, 33, 90, 300])
@pytest.mark.parametrize(
    "hand",
    [
        Hand(),
        Hand(slant=0.35, width=0.8, spacing=0.2, jitter=0.1, wave=0.15, unevenness=1.0, weight=1.0),
        Hand(slant=-0.3, width=1.3, jitter=0.05, wave=0.1, unevenness=1.0, weight=-0.6),
    ],
    ids=["print", "heavy", "light"],
)
def test_boxes_hold_the_ink_and_are_tight(dejavu: Font, hand: Hand, pixels: float) -> None:
    for seed in range(5):
        drawn = draw_text("x2 + 31 = 4,7 jÄ", dejavu, pixels, np.random.default_rng(seed), hand)
        assert drawn.characters == "x2+31=4,7jÄ"
        assert drawn.boxes.shape == (11, 4)
        assert outside(drawn.alpha, drawn.boxes) < 0.005
        height, width = drawn.alpha.shape
        for x0, y0, x1, y1 in drawn.boxes:
            assert -0.6 <= x0 < x1 <= width + 0.6
            assert -0.6 <= y0 < y1 <= height + 0.6
            inside = drawn.alpha[round(max(0, y0)) : round(y1), round(max(0, x0)) : round(x1)]
            rows, columns = np.flatnonzero((inside >= 24).any(1)), np.flatnonzero((inside >= 24).any(0))
            slack = 2 + 0.05 * pixels
            assert rows[-1] - rows[0] + 1 >= (y1 - y0) - slack
            assert columns[-1] - columns[0] + 1 >= (x1 - x0) - slack


def test_a_capital_is_as_high_as_asked(dejavu: Font) -> None:
    for pixels in (7, 24, 41, 120, 400):
        drawn = draw_text("H", dejavu, pixels, np.random.default_rng(0))
        assert drawn.boxes[0, 3] - drawn.boxes[0, 1] == pytest.approx(pixels, abs=1 + 0.04 * pixels)


def test_what_a_font_lacks_is_left_out_and_told(dejavu: Font) -> None:
    rng = np.random.default_rng(0)
    assert draw_text("a あ7", dejavu, 30, rng).characters == "a7"
    assert dejavu.covers("a 7")
    assert not dejavu.covers("aあ")
    with pytest.raises(DatasetError, match=r"dejavu has no character of 'あ'"):
        draw_text("あ", dejavu, 30, rng)


def test_hebrew_runs_from_the_right_and_numbers_in_it_from_the_left(dejavu: Font) -> None:
    drawn = draw_text("אב 12 ג", dejavu, 30, np.random.default_rng(0))
    assert drawn.characters == "ג12בא"
    assert (np.diff(drawn.boxes[:, 0]) > 0).all()


def test_text_of_every_script_of_every_font_is_drawn() -> None:
    rng = np.random.default_rng(0)
    scripts = set()
    for font in fetched():
        for script in font.scripts:
            drawn = draw_text(line(rng, (script,), length=12), font, 24, rng, random_hand(rng, font))
            assert len(drawn.characters) >= 4
            assert (drawn.alpha >= INK).mean() > 0.01
            assert outside(drawn.alpha, drawn.boxes) < 0.02
            scripts.add(script)
    assert scripts == set(ALPHABETS)


def test_training_and_validation_share_no_font() -> None:
    every = fetched()
    assert len({font.name for font in every}) == len(every)
    share = sum(font.split == "validation" for font in every) / len(every)
    assert 0.2 <= share <= 0.3
    assert all(font.covers("0123456789") for font in every)


def test_digits_are_cropped_and_not_blank(dejavu: Font) -> None:
    rng = np.random.default_rng(0)
    for digit in range(10):
        for _ in range(20):
            alpha = draw_digit_glyph(digit, dejavu, 40, rng)
            assert alpha.dtype == np.uint8
            edges = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
            assert all(edge.any() for edge in edges)
            assert 25 <= len(alpha) <= 70


def test_some_sevens_have_a_bar_and_some_zeros_a_slash(dejavu: Font) -> None:
    rng = np.random.default_rng(0)

    def holes(alpha: np.ndarray) -> int:
        return int(cv2.connectedComponents(np.pad(alpha < 96, 1, constant_values=True).astype(np.uint8))[0]) - 2

    zeros = [holes(draw_digit_glyph(0, dejavu, 60, rng)) for _ in range(80)]
    assert 1 <= sum(count == 2 for count in zeros) <= 20
    # A row through the bar is wider than any through the stem alone.
    lower = [(draw_digit_glyph(7, dejavu, 60, rng)[24:44] >= 128).sum(1).max() for _ in range(80)]
    assert 10 <= sum(width > 22 for width in lower) <= 40


def test_an_accent_that_a_font_lacks_is_left_away(dejavu: Font) -> None:
    without = Font("plain", "print", "train", ((dejavu.files[0][0], frozenset("sz")),), frozenset("sz"), ("latin",))
    assert draw_text("šž", without, 30, np.random.default_rng(0)).characters == "sz"
