"""The page reader's training: targets of drawn pages, losses, resuming, and the graph that is made of the networks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.datasets import pages as pages_module
from digitlab.datasets.ood import alphabet
from digitlab.datasets.pages import IGNORED, NOT_A_DIGIT, DrawnPage, draw_page
from digitlab.datasets.pages.alphabets import Alphabets, FontGlyphs, _letters
from digitlab.datasets.pages.drawing import Drawing, Hand
from digitlab.datasets.pages.formulas import formula
from digitlab.datasets.pages.glyphs import BODY, Glyph, bent, of_strokes
from digitlab.datasets.pages.hands import BARE_ONES, BARRED_SEVENS, FORMS, ONES_LIKE_SEVEN
from digitlab.datasets.pages.lettering import LETTERS
from digitlab.datasets.pages.surfaces import _streaks
from digitlab.datasets.pages.writers import Writer, digits
from digitlab.errors import ModelError
from digitlab.reading.candidates import Candidate
from digitlab.reading.page_network import page_network
from digitlab.training.page_reader import compose as compose_module
from digitlab.training.page_reader.calibration import context_of, fit_logistic
from digitlab.training.page_reader.graph import Graph
from digitlab.training.page_reader.making import as_units
from digitlab.training.page_reader.measure import _overlaps, by_kind, match, threshold_for, touching_parted
from digitlab.training.page_reader.networks import as_map
from digitlab.training.page_reader.restoring import history, restored
from digitlab.training.page_reader.targets import CROPS, cut_crops, draw_batch, map_targets

pytestmark = pytest.mark.xdist_group("keras")


@pytest.fixture(scope="session")
def alphabets() -> Alphabets:
    """Of strokes alone: no fonts need to be there."""
    digits = tuple(
        tuple(of_strokes(alphabet.strokes_of(form), digit, str(digit)) for form in FORMS[digit]) for digit in range(10)
    )
    letters = {
        sign: of_strokes(alphabet.strokes_of(form), -1, sign) for sign, form in alphabet.LATIN.items() if len(sign) == 1
    }
    signs = {
        kind: tuple(of_strokes(alphabet.strokes_of(form), -1, sign) for sign, form in forms.items())
        for kind, forms in (("latin", alphabet.LATIN), ("operator", alphabet.OPERATORS))
    }
    fonts = (
        FontGlyphs("handwriting", "handwriting", ("latin",), letters, letters),
        FontGlyphs("print", "print", ("latin",), letters, {}),
    )
    return Alphabets({"mnist": digits, "skeleton": digits, "strokes": digits}, signs, fonts)


def test_a_page_is_the_same_for_the_same_seed_and_its_boxes_lie_on_it(alphabets: Alphabets) -> None:
    for seed in range(40):
        page = draw_page(alphabets, np.random.default_rng(seed))
        again = draw_page(alphabets, np.random.default_rng(seed))
        assert (page.image == again.image).all()
        assert (page.boxes == again.boxes).all()
        assert page.image.shape == (320, 320, 3)
        assert (page.boxes[:, :2] >= 0).all()
        assert (page.boxes[:, 2:] <= 320).all()
        assert (page.boxes[:, 2:] > page.boxes[:, :2]).all()
        assert set(page.labels.tolist()) <= {*range(10), NOT_A_DIGIT, IGNORED}


def test_dirt_on_an_empty_sheet_is_small_and_no_digit(alphabets: Alphabets) -> None:
    pages = [draw_page(alphabets, np.random.default_rng((2, seed)), kind="nothing") for seed in range(60)]
    boxes = np.concatenate([page.boxes for page in pages])
    assert len(boxes) > 10  # most empty sheets have some, and a part of it is given as an example
    assert (boxes[:, 2:] - boxes[:, :2]).max() <= 20
    assert {label for page in pages for label in page.labels.tolist()} == {NOT_A_DIGIT}
    assert sum(len(page.letters) for page in pages) == 0


def test_a_digit_differs_from_the_paper_around_it(alphabets: Alphabets) -> None:
    """Within its box there is more contrast than in a ring about it, of digits that stand alone."""
    clear = 0
    pages = [draw_page(alphabets, np.random.default_rng((1, seed)), kind="single") for seed in range(80)]
    for page in pages:
        for box, label in zip(page.boxes, page.labels, strict=True):
            if 0 <= label <= 9:
                x0, y0, x1, y1 = box.astype(int)
                inside = page.image[y0:y1, x0:x1].astype(float).mean(axis=2)
                clear += np.ptp(inside) >= 8
    assert clear >= 0.9 * sum(int(((page.labels >= 0) & (page.labels < 10)).sum()) for page in pages)
    assert clear >= 40


def test_a_bent_glyph_is_another_of_the_same_size_and_its_box_follows() -> None:
    straight = of_strokes(alphabet.strokes_of(FORMS[4][0]), 4, "4")
    for seed in range(20):
        other = bent(straight, 2.0, np.random.default_rng(seed))
        assert not np.array_equal(other.field, straight.field)
        assert np.abs(other.points - straight.points).max() < BODY / 4
        ys, xs = np.nonzero(other.field > straight.field.max() - 12)  # within a pixel of the middle of a stroke
        low, high = other.points.min(axis=0), other.points.max(axis=0)
        assert np.abs([xs.min() - low[0], ys.min() - low[1], xs.max() - high[0], ys.max() - high[1]]).max() <= 4


def test_digits_that_overlap_side_by_side_are_parted_where_both_are_read() -> None:
    boxes = np.array([[10, 10, 30, 50], [28, 12, 50, 52], [100, 10, 120, 50], [12, 49, 30, 90]], np.float32)
    page = DrawnPage(np.zeros((200, 200, 3), np.uint8), boxes, np.array([1, 2, 3, 4], np.int8), "numbers")

    def candidates(*rows: int) -> list[Candidate]:
        return [Candidate(tuple(boxes[row].tolist()), 0.9, np.eye(10, dtype=np.float32)[row + 1]) for row in rows]

    assert touching_parted([match(page, candidates(0, 1, 2, 3))], 0.5) == (1, 1.0)
    assert touching_parted([match(page, candidates(0, 2))], 0.5) == (1, 0.0)
    assert touching_parted([match(page, candidates(0, 1)), match(page, candidates(1))], 0.5) == (2, 0.5)
    assert touching_parted([match(page, candidates(0, 1))], 0.95) == (1, 0.0)


def test_letters_are_told_apart_from_digits(alphabets: Alphabets) -> None:
    counts = {kind: [0, 0] for kind in ("text", "single", "notes")}
    for kind, count in counts.items():
        for seed in range(20):
            page = draw_page(alphabets, np.random.default_rng((4, seed)), size=256, kind=kind)
            assert page.letters.shape[1:] == (4,)
            assert ((page.letters >= 0) & (page.letters <= 256)).all()
            assert (page.letters[:, :2] <= page.letters[:, 2:]).all()
            count[0] += len(page.letters)
            count[1] += int(((page.labels >= 0) & (page.labels < 10)).sum())
    assert counts["text"][0] > 4 * counts["text"][1]
    assert counts["single"][0] == 0 < counts["single"][1]
    assert min(counts["notes"]) > 5


def test_what_nobody_can_see_is_not_asked_for() -> None:
    ink = np.zeros((80, 80), np.uint8)
    ink[20:60, 20:24] = ink[20:60, 60:64] = 255
    seen = np.full((80, 80, 3), 200, np.uint8)
    seen[20:60, 20:24], seen[20:60, 60:64] = 100, 198
    boxes = np.array([[10, 15, 34, 65], [50, 15, 74, 65], [0, 0, 8, 8]], np.float32)
    assert pages_module._Legibility(ink, seen)(boxes).tolist() == [True, False, True]  # dark, faint, nothing there
    rng = np.random.default_rng(0)
    ink = np.zeros((80, 80), np.uint8)
    ink[20:60:4, 20:60] = 255  # lines of one pixel, three between them
    box = np.array([[15, 15, 65, 65]], np.float32)
    for spoil, seen_of in (
        ("nothing", lambda picture: picture),
        ("blur", lambda picture: cv2.GaussianBlur(picture, (0, 0), 3.0)),
        ("noise", lambda picture: np.clip(picture + rng.normal(0, 250, picture.shape), 0, 255)),
    ):
        seen = seen_of(np.repeat(200.0 - 100.0 * (ink > 0)[..., None], 3, axis=2)).astype(np.uint8)
        assert pages_module._Legibility(ink, seen)(box).tolist() == [spoil == "nothing"], spoil


def test_measures_of_a_drawing_lie_on_little_else(alphabets: Alphabets) -> None:
    """A number that is written over lines and other numbers can be read by nobody."""
    covered = []
    for seed in range(30):
        page = draw_page(alphabets, np.random.default_rng((6, seed)), kind="diagram")
        boxes = page.boxes[(page.labels >= 0) & (page.labels < 10)]
        for box in boxes:
            others = boxes[(boxes != box).any(axis=1)]
            covered.append(len(others) > 0 and bool((_overlaps(tuple(box.tolist()), others) > 0.5).any()))
    assert len(covered) > 60
    assert np.mean(covered) < 0.03


def test_targets_say_where_how_large_and_which() -> None:
    boxes = np.array([[41, 61, 65, 101], [200, 200, 212, 230], [100, 100, 140, 160]], np.float32)
    letters = np.array([[201, 21, 213, 41], [0, 300, 100, 320]], np.float32)
    cells, digits = map_targets(boxes, np.array([7, 1, IGNORED], np.int8), letters, 320)
    assert cells.shape == (80, 80, 8)
    assert [tuple(place) for place in np.argwhere(cells[..., 7] == 1.0)] == [(7, 51), (77, 12)]
    assert (cells[6:9, 50:53, 7] > 0).all()
    assert (cells[:6, :, 7] == 0).all()
    assert [tuple(place) for place in np.argwhere(cells[..., 0] == 1.0)] == [(20, 13), (53, 51)]
    assert (digits[20, 13], digits[53, 51]) == (7, 1)
    left, top, right, bottom = np.exp(cells[20, 13, 2:6].astype(np.float64)) * 8
    middle = 13 * 4 + 2, 20 * 4 + 2
    np.testing.assert_allclose(
        [middle[0] - left, middle[1] - top, middle[0] + right, middle[1] + bottom], boxes[0], atol=0.1
    )
    assert (cells[26:39, 26:34, 1] == 0).all()  # whether a digit is found there does not count
    assert cells[20, 13, 1] == 1


def test_crops_show_the_box_and_half_as_much_around_it() -> None:
    image = np.full((100, 100, 3), 200, np.uint8)
    image[40:60, 40:60] = 10
    (crop,) = cut_crops(image, np.array([[40, 40, 60, 60]], np.float32))
    dark = crop[..., 0] < 100
    assert dark.sum() == pytest.approx((32 / 1.5) ** 2, rel=0.1)
    assert not dark[:4].any()
    (beyond,) = cut_crops(image, np.array([[-60, -60, -40, -40]], np.float32))
    assert (beyond == 128).all()


def test_letters_of_strokes_stand_on_one_line_and_keep_their_heights() -> None:
    rng = np.random.default_rng(0)
    tall, low, deep = (_letters(LETTERS[letter][0], letter, 20, rng) for letter in "Hxg")
    for letters in (tall, low, deep):
        for glyph in letters:
            assert glyph.advance > glyph.points[:, 0].max() - glyph.points[:, 0].min()
    height = [
        np.mean([glyph.origin[1] - glyph.points[:, 1].min() for glyph in letters]) for letters in (tall, low, deep)
    ]
    below = [
        np.mean([glyph.points[:, 1].max() - glyph.origin[1] for glyph in letters]) for letters in (tall, low, deep)
    ]
    assert height[0] > 1.3 * height[1]
    assert below[0] == pytest.approx(below[1], abs=5)
    assert below[2] > 10


def test_one_hand_keeps_to_one_form_of_a_letter(alphabets: Alphabets) -> None:
    forms: dict[str, tuple[tuple[Glyph, ...], ...]] = {
        "S": tuple((of_strokes(alphabet.strokes_of(form), -1, form),) for form in LETTERS["S"])
    }
    hand = Hand(0.1, 0.0, 0.0, 0.0)
    glyphs = replace(alphabets, letters=forms)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        writer = Writer(glyphs, hand, (("strokes", 1.0),), glyphs.fonts[0], 0.1, described=True, wobble=1.0)
        drawn = [writer.sign("S", rng) for _ in range(12)]
        assert len({glyph.name for glyph in drawn if glyph is not None}) == 1


def test_one_hand_keeps_to_one_form_of_a_digit_and_bars_the_seven_beside_a_one_like_it(alphabets: Alphabets) -> None:
    bare, barred = 0, []
    rows = [
        tuple(of_strokes(alphabet.strokes_of(form), label, str(row)) for row, form in enumerate(those))
        for label, those in sorted(FORMS.items())
    ]
    glyphs = replace(alphabets, digits={"strokes": tuple(rows)})
    for seed in range(200):
        rng = np.random.default_rng(seed)
        writer = Writer(glyphs, Hand(0.1, 0.0, 0.0, 0.0), (("strokes", 1.0),), glyphs.fonts[0], 0.1)
        forms = {label: [int(writer.digit(label, rng).name) for _ in range(20)] for label in (1, 7)}
        usual = {label: max(set(those), key=those.count) for label, those in forms.items()}
        assert all(those.count(usual[label]) >= 11 for label, those in forms.items())
        bare += usual[1] in BARE_ONES
        if usual[1] in ONES_LIKE_SEVEN:
            barred.append(usual[7] in BARRED_SEVENS)
    assert 60 <= bare <= 140  # nearly half
    assert np.mean(barred) > 0.8


def test_a_chisel_tip_is_broad_in_one_direction_and_its_box_holds_the_ink() -> None:
    cross = of_strokes([np.array([[0.0, 0.5], [1.0, 0.5]]), np.array([[0.5, 0.0], [0.5, 1.0]])], 4, "cross")
    for nib, wide, high in (((0.0, 0.0), 4, 4), ((0.12, 0.0), 16, 4), ((0.0, -0.12), 4, 16)):
        drawing = Drawing(160, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), (0.0, 0.0, 0.0))
        ink = drawing.layer()
        drawing.write(ink, cross, 30.0, 130.0, 100.0, Hand(0.04, 0.0, 0.0, 0.0, nib=nib), np.random.default_rng(0))
        dark = ink > 127
        assert dark[45].sum() == pytest.approx(wide, abs=2), "the upright stroke"
        assert dark[:, 45].sum() == pytest.approx(high, abs=2), "the level stroke"
        ys, xs = np.nonzero(dark)
        assert drawing.boxes[0] == pytest.approx((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), abs=3)


def test_a_markers_ink_is_paler_inside_broad_strokes() -> None:
    cover = np.zeros((60, 60), np.float32)
    cover[20:40] = 1.0
    factors = _streaks(cover, np.random.default_rng(3), np.zeros((60, 60), np.float32))
    assert factors[30].max() < factors[21].min() - 0.03
    thin = np.zeros((60, 60), np.float32)
    thin[30] = 1.0
    assert _streaks(thin, np.random.default_rng(3), np.zeros((60, 60), np.float32)).min() == 1.0


def test_ones_are_written_more_often_than_other_digits() -> None:
    rng = np.random.default_rng(0)
    written = digits(rng, 5_000) + "".join(re.findall(r"\d", " ".join(formula(rng) for _ in range(1_000))))
    counts = np.bincount([int(each) for each in written], minlength=10)
    assert 1.7 < counts[1] / np.delete(counts, 1).mean() < 2.6
    assert not re.search(r"\b0\d", " ".join(formula(rng) for _ in range(500)))  # no number begins with 0


def test_a_large_number_fills_the_picture(alphabets: Alphabets) -> None:
    shares = []
    for seed in range(30):
        page = draw_page(alphabets, np.random.default_rng(seed), kind="one_line")
        boxes = page.boxes[page.labels >= 0]
        assert len(boxes) <= 6
        if len(boxes):
            shares.append((boxes[:, 3] - boxes[:, 1]).max() / 320)
    assert max(shares) > 0.5
    assert np.median(shares) > 0.15


def test_a_batch_is_whole(alphabets: Alphabets) -> None:
    batch = draw_batch(alphabets, (0, 5), 6)
    assert batch.pages.shape == (6, 320, 320, 3)
    assert batch.crops.shape == (6 * CROPS, 32, 32, 3)
    assert set(batch.labels.tolist()) <= {*range(11), -1}
    assert (batch.pages == draw_batch(alphabets, (0, 5), 6).pages).all()


def test_candidates_are_matched_once_each_and_a_threshold_is_found() -> None:
    boxes = np.array([[0, 0, 10, 20], [50, 0, 60, 20], [100, 0, 110, 20]], np.float32)
    page = DrawnPage(np.zeros((64, 128, 3), np.uint8), boxes, np.array([3, 5, IGNORED], np.int8), "rows")

    def candidate(box: Any, digit: int, score: float) -> Candidate:
        return Candidate(tuple(float(side) for side in box), score, np.eye(10, dtype=np.float32)[digit])  # type: ignore[arg-type]

    found = [candidate(boxes[0], 3, 0.9), candidate(boxes[0] + 1, 3, 0.8), candidate(boxes[1], 6, 0.7),
             candidate(boxes[2], 1, 0.6), candidate((30, 30, 40, 50), 1, 0.2)]  # fmt: skip
    result = match(page, found)
    assert result.right.tolist() == [True, False, False, False]  # right, twice, another digit, nothing; one is ignored
    assert result.digits == 2
    assert threshold_for([result]) == pytest.approx(0.9)
    assert by_kind([result], 0.85)["rows"] == (2, 0.5, 1.0)


def test_scores_become_probabilities() -> None:
    rng = np.random.default_rng(0)
    said = rng.normal(0, 2, (4000, 2))
    truth = 1.5 * said[:, 0] + 0.5 * said[:, 1] - 1.0
    right = rng.random(4000) < 1 / (1 + np.exp(-truth))
    np.testing.assert_allclose(fit_logistic(said, right), (1.5, 0.5, -1.0), atol=0.2)


_NO_LETTERS = np.zeros((0, 3), np.float32)


def test_a_candidate_alone_on_its_page_is_known_by_its_own_score_only() -> None:
    known = context_of(np.array([[10, 10, 20, 40]], np.float32), np.array([0.8], np.float32), _NO_LETTERS)
    np.testing.assert_allclose(known, [[np.log(4), 0, 0, 0, 0, np.log(1 / 3), *[0] * 5]], atol=1e-6)


def test_a_candidate_is_known_by_those_beside_it_and_of_its_size() -> None:
    boxes = np.array(
        [[0, 0, 10, 20], [20, 0, 30, 20], [40, 0, 50, 20], [300, 300, 310, 320], [0, 100, 100, 200]], np.float32
    )
    known = context_of(boxes, np.array([0.5, 0.9, 0.9, 0.1, 0.5], np.float32), _NO_LETTERS)
    own, page, line, size, _, _, count, *_ = known[0]
    assert own == pytest.approx(0.0)
    assert page == pytest.approx(np.log(2.9 / 2.1))  # (0.9 + 0.9 + 0.1 + 1) of 5; the large one is not of its size
    assert line == pytest.approx(np.log(2.3 / 0.7))  # the faint one is far away
    assert count == pytest.approx(np.log(4))
    assert size < 0 < known[4][3]  # the large one is larger than the others usually are


def test_a_candidate_is_known_by_the_letters_around_it() -> None:
    boxes = np.array([[100, 100, 110, 120], [500, 100, 510, 120]], np.float32)
    letters = np.array([[105, 110, 0.7], [125, 112, 0.9], [160, 110, 0.8], [125, 300, 0.9]], np.float32)
    known = context_of(boxes, np.array([0.5, 0.5], np.float32), letters)[:, 7:10]
    np.testing.assert_allclose(known[0], [0.7, np.log(1.9), np.log(2.7)], atol=1e-6)  # itself, one beside it, two
    np.testing.assert_allclose(known[1], 0.0)


def test_a_lone_candidate_is_known_by_the_letters_of_the_whole_page() -> None:
    boxes = np.array([[100, 100, 110, 120], [300, 100, 310, 120]], np.float32)
    letters = np.array([[5, 10, 0.5], [200, 300, 0.5], [106, 111, 0.8]], np.float32)  # in place of the first, too
    known = context_of(boxes, np.array([0.4, 0.1], np.float32), letters)[:, 10]
    np.testing.assert_allclose(known, [0.9 * np.log(2), 0.6 * np.log(2.8)], atol=1e-6)
    many = np.tile(letters, (50, 1))
    assert context_of(boxes[:1], np.array([0.4], np.float32), many)[0, 10] == pytest.approx(np.log(6))


@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
@settings(max_examples=20, deadline=None)
def test_the_graph_knows_the_same_of_the_context(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 300, (count, 2)).astype(np.float32)
    boxes = np.concatenate([low, low + np.exp(rng.uniform(0, 4, (count, 2))).astype(np.float32)], axis=1)
    letters = rng.uniform(0, 1, (seed % 60, 3)).astype(np.float32) * np.array([320, 320, 1], np.float32)
    scores, weights = rng.uniform(0, 1, count).astype(np.float32), rng.normal(0, 1, 12)
    expected = 1 / (1 + np.exp(-(context_of(boxes, scores, letters) @ weights[:-1] + weights[-1])))
    graph = Graph()
    answer = compose_module._in_context(graph, "boxes", "scores", "letters", weights.tolist())
    value = onnx.helper.make_tensor_value_info
    given_values, answers = (
        [value("boxes", 1, ["n", 4]), value("scores", 1, ["n"]), value("letters", 1, ["m", 3])],
        [value(answer, 1, ["n"])],
    )
    whole = onnx.helper.make_graph(graph.nodes, "context", given_values, answers, graph.constants)
    opset = onnx.helper.make_opsetid("", compose_module.OPSET)
    model = onnx.helper.make_model(whole, opset_imports=[opset], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(
        session.run(None, {"boxes": boxes, "scores": scores, "letters": letters})[0], expected, atol=1e-4
    )  # the graph computes in float32, this test in float64


@pytest.mark.slow
def test_a_training_goes_on_where_it_was_left_and_becomes_one_file(
    alphabets: Alphabets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digitlab.reading.page_network import PageNetwork
    from digitlab.training.page_reader import region_head
    from digitlab.training.page_reader.export import converted, converted_head, export_page_reader
    from digitlab.training.page_reader.loop import train

    monkeypatch.setattr(region_head, "_EPOCHS", 1)
    lines: list[str] = []
    train(alphabets, tmp_path, steps=2, batch=2, workers=1, tell=lines.append)
    where, what = train(alphabets, tmp_path, steps=3, batch=2, workers=1, tell=lines.append)
    assert "goes on at step 2" in lines
    path = tmp_path / "page.onnx"
    networks, scale = converted(where, what), (1.0, 1.0, 3.0)
    path.write_bytes(export_page_reader(networks, {}, scale))

    def examples() -> list[Path]:
        return region_head.draw_examples(
            path, alphabets, tmp_path / "examples", pages=8, block=4, seed=0, workers=1, tell=lines.append
        )

    files = examples()
    told = [file.read_bytes() for file in files]
    files[1].unlink()
    first = files[0].stat().st_mtime_ns
    assert [file.read_bytes() for file in examples()] == told
    assert files[0].stat().st_mtime_ns == first, "what is there is not drawn again"
    path.write_bytes(export_page_reader(networks, {}, (1.0, 1.0, 2.0)))
    other = examples()
    assert not set(other) & set(files), "of other networks other candidates"
    assert sorted((tmp_path / "examples").iterdir()) == sorted(other)
    files = other
    with np.load(files[0]) as block:
        assert set(block["labels"].tolist()) <= set(range(11))
        assert block["areas"].shape == (len(block["labels"]), 3136)
        assert block["areas"].max() > 0
    head = converted_head(region_head.train_head(files, seed=0, tell=lines.append))
    path.write_bytes(export_page_reader(networks, {"threshold": "0.25"}, scale, head, (1.0, *[0.1] * 10, 0.0)))
    network = PageNetwork(path, 1)
    assert network.threshold == 0.25
    rng = np.random.default_rng(0)
    for shape in ((28, 28, 3), (200, 500, 3), (1500, 700, 3), (3, 900, 3), (1, 1, 3)):
        picture = rng.integers(0, 256, shape, np.uint8)
        found = network.find(picture)
        assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
        for each in found:
            x0, y0, x1, y1 = each.box
            assert 0 <= x0 <= x1 <= shape[1] + 1e-3
            assert 0 <= y0 <= y1 <= shape[0] + 1e-3
            assert each.probabilities.sum() == pytest.approx(1.0, abs=1e-4)
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    assert [(each.name, each.type) for each in session.get_inputs()] == [("picture", "tensor(uint8)")]
    assert [each.name for each in session.get_outputs()] == ["boxes", "scores", "probabilities"]


def test_the_shipped_networks_are_restored_with_normalisation_to_train_on(alphabets: Alphabets, tmp_path: Path) -> None:
    batch = draw_batch(alphabets, (5, 0), 8)
    pages, crops = as_units(batch.pages), as_units(batch.crops)
    shipped = page_network(1).path
    assert history(shipped)["batch"] > 0
    where, what = restored(shipped, pages, crops)
    known = batch.labels >= 0
    answers = np.asarray(what(crops[known], training=False)).argmax(axis=1)
    assert (answers == batch.labels[known]).mean() > 0.85
    is_centre = batch.cells[..., 0] > 0.999
    for training in (False, True):  # the statistics that were measured are those of a batch
        heat = np.asarray(as_map(where(pages, training=training)))[..., 0]
        assert np.median(heat[is_centre & (batch.cells[..., 1] > 0)]) > 0 > np.median(heat[~is_centre]) + 3
    other = tmp_path / "other.onnx"
    other.write_bytes((shipped.parent / "reader.onnx").read_bytes())
    with pytest.raises(ModelError, match="not a page reader"):
        restored(other, pages, crops)
