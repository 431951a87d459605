"""The job and the verb: pages, JSON, sets of pictures, messages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.datasets.formats import dataset_writer
from digitlab.diagnosis import Answer, Costs, Network
from digitlab.diagnosis.mistakes import IMAGES, MISTAKES, Cost
from digitlab.diagnosis.pictures import open_pictures
from digitlab.diagnosis.whole_set import _count, _Sums
from digitlab.diagnosis.wording import sentence_of
from digitlab.errors import DatasetError, UsageError
from digitlab.examples.paper_video import Layout, digits_of, paper_page
from digitlab.jobs import diagnose, load_model
from digitlab.jobs.events import Counted, Note
from digitlab.reading import digit_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

TEST = load_dataset("mnist").split("test")


def paper(text: str, seed: int = 3, size: tuple[int, int] = (640, 480), height: int = 150) -> np.ndarray:
    """A photo of paper, drawn by code."""
    return paper_page(digits_of(text, seed=seed), Layout(size, digit_height=height, pen="blue"), seed=seed).image


@pytest.fixture
def five(tmp_path: Path) -> Path:
    Image.fromarray(paper("5")).save(tmp_path / "five.jpg")
    return tmp_path / "five.jpg"


def test_a_photo_of_paper(five: Path, plain: Path) -> None:
    """What students send: dark on grey, and small."""
    found = diagnose(plain, five).photos[0]
    assert {"polarity", "background", "crop"} <= {*found.causes}
    assert re.match(r"(Three|Four) things are wrong with your photo: it is dark on light, its back", found.sentence)
    assert (found.truth, found.known_by) == (5, "reader")
    assert found.first.digit != 5
    assert found.last.digit == 5


def test_the_verb_writes_a_page_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(255 - TEST.images[TEST.labels == 5][1]).save(tmp_path / "five.png")
    out = tmp_path / "five.html"
    assert run(["diagnose", "reader", str(tmp_path / "five.png"), "--label", "5", "--out", str(out)]) == 0
    assert "dark on light; your network has only seen light on dark. Inverted, it answers 5" in capsys.readouterr().out
    page = out.read_text("utf-8")
    assert 'src="data:image/png' in page
    assert "http" not in page
    assert "<script" not in page
    assert page.count("<svg") == 1
    content = json.loads(out.with_suffix(".json").read_text("utf-8"))
    assert content["photos"][0]["cause"] == "polarity"
    assert len(content["photos"][0]["differences"]) == 10
    assert len(content["photos"][0]["lines"]) == 3
    assert len(content["mnist"]["mistakes"]) == len(MISTAKES) + 1


def test_a_name_with_markup_stays_text(tmp_path: Path) -> None:
    photo = tmp_path / "<b>5 & 'six'.png"
    Image.fromarray(TEST.images[15]).save(photo)
    diagnose("reader", photo, out=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<b>5" not in page
    assert "&lt;b&gt;5 &amp; &#x27;six&#x27;.png" in page


def test_several_photos_of_which_some_are_none(tmp_path: Path, five: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(paper("527", height=110)).save(tmp_path / "many.jpg")
    Image.fromarray(paper_page([], Layout((640, 480)), seed=2).image).save(tmp_path / "blank.jpg")
    (tmp_path / "empty.png").write_bytes(b"")
    photos = [str(tmp_path / name) for name in ("five.jpg", "many.jpg", "blank.jpg", "empty.png")]
    assert run(["diagnose", "reader", *photos, "--json", "--out", str(tmp_path / "all.html")]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["photo"] == "five.jpg"
    lines = captured.err.strip().splitlines()
    assert len(lines) == 3
    assert "many.jpg: shows several digits; expected one" in lines[0]
    assert "blank.jpg: the shipped reader finds no digit in it" in lines[1]
    assert "empty.png: " in lines[2]


def test_where_no_photo_can_be_diagnosed_there_is_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [str(tmp_path / name) for name in ("a.png", "b.png")]
    assert run(["diagnose", "reader", *photos, "--out", str(tmp_path / "all.html")]) == 2
    said = capsys.readouterr()
    assert len(said.err.strip().splitlines()) == 2
    assert not said.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reader", "{blank}"], "finds no digit in it; if there is one, give it"),
        (["{five}", "{five}"], "is a picture; expected a model file"),
        (["nowhere.onnx", "{five}"], "there is no file or folder 'nowhere.onnx'"),
        (["reader"], "nothing to diagnose; expected a picture of one digit"),
        (["reader", "--data", "{folder}/nowhere"], "nowhere"),
        (["reader", "{five}", "--out", "page.txt"], "expected a name that ends in .html"),
        (["reader", "--data", "mnist", "--images", "0"], "images is 0; expected 1 or more"),
    ],
)
def test_mistakes_get_a_line_each(
    words: list[str], said: str, five: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(paper_page([], Layout((640, 480)), seed=2).image).save(tmp_path / "blank.jpg")
    named = {"five": five, "blank": tmp_path / "blank.jpg", "folder": tmp_path}
    page = [] if "--out" in words else ["--out", str(tmp_path / "page.html")]
    assert run(["diagnose", *(word.format(**named) for word in words), *page]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "page.html").exists()


def test_too_many_photos_belong_into_a_folder() -> None:
    with pytest.raises(UsageError, match="101 pictures given; expected at most 100: give their folder as data"):
        diagnose("reader", *[TEST.images[0]] * 101)


# The lines of Python -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "convention",
    [
        {"scale": "0…1"},
        {"scale": "0…255", "shape": (28, 28, 1)},
        {"scale": "standardised", "shape": (784,)},
        {"scale": "−1…1", "inverted": True, "shape": (28, 28)},
        {"scale": "0…1", "transposed": True},
    ],
    ids=lambda convention: ", ".join(map(str, convention.values())),
)
def test_the_lines_prepare_an_image_for_the_models_own_file(networks: Write, five: Path, convention: Any) -> None:
    """Run as they stand, they give the file what it takes: it answers as it does when it is asked by digitlab."""
    model = networks(" ".join(map(str, convention.values())), **convention)
    found = diagnose(model, five)
    names: dict[str, Any] = {}
    exec("\n".join(found.photos[0].lines), names)  # noqa: S102 - they are ours
    session = onnxruntime.InferenceSession(model)
    answer = session.run(None, {"input": np.asarray(names["x"], np.float32)})[0][0]
    assert answer.shape == (10,)
    np.testing.assert_allclose(answer.max(), found.photos[0].prepared.confidence, atol=2e-3)
    assert int(answer.argmax()) == found.photos[0].prepared.digit


def test_the_lines_for_a_model_of_ours(five: Path) -> None:
    names: dict[str, Any] = {}
    exec("\n".join(diagnose("reader", five).photos[0].lines), names)  # noqa: S102
    np.testing.assert_array_equal(names["x"], digit_image(five)[None])
    assert load_model("reader").probabilities(names["x"]).argmax() == 5


# What mistakes cost ------------------------------------------------------------------------------------------------


def test_the_cost_of_each_mistake(plain: Path) -> None:
    costs = diagnose(plain, TEST.images[0]).costs
    assert costs.images == IMAGES
    assert costs.accuracy > 0.85
    assert costs.of("polarity") < 0.3
    assert costs.of("photo") < 0.3
    assert 0.4 < costs.of("thin strokes") < costs.accuracy + 0.05
    assert [each.name for each in costs.mistakes] == ["scale 0…255", *MISTAKES]
    assert (costs.inverted, costs.transposed) == (False, False)


def test_an_error_on_a_picture_without_any_difference_is_the_networks_own() -> None:
    """Also if the picture prepared anew, which moves it by less than the limits, is answered correctly."""
    examination: Any = SimpleNamespace(
        names=(),
        sets=[],
        differences={},
        probabilities=lambda sets: np.eye(10)[[3] * len(sets)],
        image=lambda _: np.zeros((28, 28), np.uint8),
        answer=lambda _: Answer(3, 1.0),
    )
    sums = _Sums()
    _count(sums, examination, truth=5, prepared=5)
    assert dict(sums.explained) == {None: 1}


def test_a_network_that_was_trained_on_other_strokes_is_told() -> None:
    """It is clearly better with a mistake than without: these are the images that it knows."""
    mistakes = (Cost("thin strokes", "thin strokes", 0.93), Cost("crop", "half as large", 0.2))
    costs = Costs(1000, 0.62, inverted=False, transposed=False, mistakes=mistakes)
    assert costs.suits().name == "thin strokes"
    answers = {"as given": Answer(8, 0.6), "causes": Answer(8, 0.6), "all": Answer(8, 0.6), "reader": Answer(5, 0.99)}
    network = Network.of(load_model("reader"))
    said = sentence_of(network, {}, None, answers, (5, "label"), costs)
    assert said.endswith("it has 38.0 % wrong, and 7.0 % with thin strokes, so it was trained on such.")
    assert Costs(1000, 0.91, inverted=False, transposed=False, mistakes=mistakes).suits() is None


def test_costs_are_measured_once_a_model(networks: Write, fresh_cache: Path) -> None:
    model = networks("own", own=True)
    told: list[Counted] = []

    def listen(event: object) -> None:
        if isinstance(event, Counted):
            told.append(event)

    first = diagnose(model, TEST.images[0], listener=listen).costs
    assert told[-1].done == told[-1].of == len(MISTAKES) + 1
    told.clear()
    assert diagnose(model, TEST.images[0], listener=listen).costs == first
    assert not told
    (kept,) = (fresh_cache / "diagnosis").iterdir()
    kept.write_text("[1", "utf-8")  # cut off: it is measured again
    assert diagnose(model, TEST.images[0]).costs == first


def test_an_onnx_file_is_diagnosed_without_the_network_library(five: Path, plain: Path, tmp_path: Path) -> None:
    """Whose loading takes longer than all the rest; the convention was found before."""
    diagnose(plain, five)
    check = "import sys; from digitlab import diagnose; diagnose(*sys.argv[1:]); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check, plain, five], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Sets ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty photos in folders by class, as students take them, and one that is none."""
    folder = tmp_path_factory.mktemp("own")
    for label in range(10):
        (folder / str(label)).mkdir()
        for seed in range(2):
            Image.fromarray(paper(str(label), seed, (160, 120), 60)).save(folder / str(label) / f"{seed}.png")
    (folder / "3" / "broken.jpg").write_bytes(b"\xff\xd8 cut off")
    return folder


def test_a_folder_of_ones_own_pictures(own_pictures: Path, plain: Path, tmp_path: Path) -> None:
    told: list[Any] = []
    result = diagnose(plain, data=str(own_pictures), out=tmp_path / "page.html", listener=told.append)
    found = result.data
    assert (found.images, found.of, found.labelled) == (20, 21, True)
    assert found.given < 0.4 < found.prepared
    having = {each.name: each.images for each in found.differences}
    assert having["polarity"] == 20
    by_name = {each.name: each for each in found.differences}
    assert by_name["polarity"].without < found.mended
    assert sum(count for _, count in found.explained) == 20 - round(20 * found.given)
    assert result.sentence.startswith(f"As given, your network has {round(20 * found.given)} of 20 pictures right")
    assert "broken.jpg" in found.refused[0]
    assert any(isinstance(event, Note) and "broken.jpg" in event.text for event in told)
    kept = json.loads((tmp_path / "page.json").read_text("utf-8"))
    assert kept["data"]["accuracy"] == found.given
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "What has to be corrected for the misread ones" in page
    assert "http" not in page


def test_a_folder_with_splits_is_looked_at_in_its_test_images(own_pictures: Path, tmp_path: Path) -> None:
    for split, label in (("train", 3), ("test", 5)):
        (tmp_path / f"own/{split}/{label}").mkdir(parents=True)
        for file in own_pictures.glob(f"{label}/?.png"):
            (tmp_path / f"own/{split}/{label}/{file.name}").write_bytes(file.read_bytes())
    for split, label in ((None, 5), ("test", 5), ("train", 3)):
        assert open_pictures(str(tmp_path / "own"), split, 9).labels == (label, label)


def test_a_split_of_a_folder_of_files_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for split, digits in (("train", TEST[:4]), ("t10k", TEST[4:7])):
        with dataset_writer(tmp_path / f"mnist/{split}-images-idx3-ubyte") as sink:
            sink.write(digits)
    assert [open_pictures("./mnist", split, 9).of for split in (None, "test", "train")] == [3, 3, 4]
    assert open_pictures("mnist", None, 9).of == 10_000, "names take precedence"


def test_pictures_without_labels_are_compared_with_the_reader(own_pictures: Path, plain: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, file in enumerate(sorted(own_pictures.glob("*/?.png"))):
        (flat / f"IMG{number + 1000}.png").write_bytes(file.read_bytes())
    found = diagnose(plain, data=str(flat), images=8).data
    assert (found.images, found.of, found.labelled, found.reader) == (8, 20, False, None)
    assert "your network agrees with the shipped reader on" in found.sentence
    assert {each.name for each in found.differences} >= {"polarity", "background"}


def test_a_file_is_taken_as_it_is(plain: Path, tmp_path: Path) -> None:
    """Other commands invert a file of dark ink; here that it is dark is what is to be told."""
    np.savez(tmp_path / "dark.npz", images=255 - TEST.images[:40], labels=TEST.labels[:40])
    found = diagnose(plain, data=str(tmp_path / "dark.npz")).data
    assert found.given < 0.3
    assert found.mended > 0.8
    assert found.explained[0][0] == ("polarity",)
    assert "polarity (40: dark on light)" in found.sentence


def test_a_preparation_in_the_name_leaves_the_polarity_as_it_is(tmp_path: Path) -> None:
    np.savez(tmp_path / "dark.npz", images=255 - TEST.images[:40], labels=TEST.labels[:40])
    for asked, expected in (("", 255 - TEST.images[:40]), ("#resized", 255 - TEST.images[:40]), ("#inverted", None)):
        shown = np.stack([pixels for pixels, _ in open_pictures(f"{tmp_path}/dark.npz{asked}", None, 40)])
        np.testing.assert_array_equal(shown, TEST.images[:40] if expected is None else expected)


def test_mnist_itself_differs_in_little(plain: Path) -> None:
    found = diagnose(plain, data="mnist", images=50).data
    assert found.of == 10_000
    assert "their preparation is not the reason" in found.sentence


def test_a_set_without_a_digit_is_refused(plain: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "black.npz", images=np.zeros((30, 28, 28), np.uint8), labels=np.zeros(30, np.uint8))
    with pytest.raises(DatasetError, match="none of the pictures that can be read shows a digit"):
        diagnose(plain, data=str(tmp_path / "black.npz"))
