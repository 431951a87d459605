"""`digitlab bench numbers` on a few numbers; how good the reader is, only the command tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.bench import whole_numbers
from digitlab.bench.whole_numbers import _calibration_error, _coverage, _nearest
from digitlab.datasets.pages.numbers import KINDS, draw_number, number_alphabets, number_text

if TYPE_CHECKING:
    from digitlab.values import Digits


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_numbers, "_IMAGES", 120)


def test_every_kind_has_its_error_and_what_may_be_answered(
    few_images: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", "numbers", "--count", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in told["kinds"]] == [*KINDS, "all"]
    total = told["kinds"][-1]
    assert total["read"]["of"] == 12
    assert total["read"]["wrong"] == sum(each["read"]["wrong"] for each in told["kinds"][:-1])
    assert told["met"] is None
    assert 0.0 <= told["calibration"] <= 1.0


def test_a_count_that_cannot_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "numbers", "--count", "0"]) == 2
    assert "expected 1 to 10,000" in capsys.readouterr().err


def test_coverage_is_the_largest_share_with_few_enough_wrong() -> None:
    sure = np.linspace(1.0, 0.0, 200).tolist()
    right = [place not in (150, 160) for place in range(200)]
    assert _coverage(sure, right, 0.01) == 1.0
    assert _coverage(sure, right, 0.001) == 0.75
    assert _coverage([0.9], [False], 0.01) == 0.0
    assert _calibration_error([1.0] * 10 + [0.0] * 10, [True] * 10 + [False] * 10) == 0.0
    assert _nearest("4712", ["4711", "9999"]) == "4711"
    assert _nearest("4710", ["4711", "4712"]) == ""


def test_numbers_are_drawn_the_same_again_and_with_their_boxes(few_digits: Digits) -> None:
    alphabets = number_alphabets(few_digits.images, few_digits.labels)
    for kind in KINDS:
        one, again = (draw_number(alphabets, np.random.default_rng(4), kind=kind) for _ in range(2))
        assert np.array_equal(one.image, again.image)
        assert one.text == again.text
        assert len(one.boxes) == len(one.digits)
        assert (np.diff((one.boxes[:, 0] + one.boxes[:, 2]) / 2) > 0).all()
        assert one.boxes[:, 2].max() <= one.image.shape[1] + 1
    with pytest.raises(ValueError, match="expected one of zip"):
        number_text("iban", np.random.default_rng(0))
