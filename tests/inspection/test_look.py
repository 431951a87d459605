"""The folder of pictures: what is in it, and what is left out and said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from digitlab.errors import UsageError
from digitlab.inspection.look import look_at_digit, look_at_network, open_album
from digitlab.models import build
from digitlab.models.backend import keras

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from digitlab.values import Digits

pytestmark = pytest.mark.xdist_group("keras")


def wide() -> Any:
    """Seventy maps behind seventy channels, five layers of them."""
    layers = keras.layers
    stack = [layers.Conv2D(70, 3, strides=2 if number < 2 else 1, name=f"wide{number}") for number in range(3)]
    images = [keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))]
    head = [layers.GlobalMaxPooling2D(), layers.Dense(10, activation="softmax")]
    return keras.Sequential([*images, *stack, *head], name="wide")


def test_everything_that_there_is_to_see(make: Callable[[str], Any], few_digits: Digits, tmp_path: Path) -> None:
    said: list[str] = []
    album = open_album(make("nested"), tmp_path / "seen", on_note=said.append)
    told = look_at_network(album, few_digits.images)
    told |= look_at_digit(album, few_digits.images[8], why=4, unless=9)
    album.write(told)
    assert said == []
    names = {path.name for path in album.folder.iterdir()}
    assert names == {*album.pictures, "inspection.json"}
    assert {"diagram.svg", "filters-inner-lines.png", "maps-inner-lines-before.png", "maps-inner-lines.png",
            "maps-pool.png", "walk.png", "reasons.png", "reasons-by-class.png", "sanity.png",
            "changes.png"} <= names  # fmt: skip
    for name in names:
        if name.endswith(".png"):
            with Image.open(album.folder / name) as picture:
                assert 300 < max(picture.size) < 3000
    read = json.loads((album.folder / "inspection.json").read_text("utf-8"))
    assert read == json.loads(json.dumps(told))
    assert [entry["layer"] for entry in read["filters"]] == ["inner/lines", "corners"]
    assert set(read["filters"][0]["reads"]) == {"horizontal", "vertical", "diagonal", "blob", "nothing"}
    assert "reads" not in read["filters"][1]  # sees four channels
    assert [entry["layer"] for entry in read["image_maps"]] == [entry["layer"] for entry in read["maps"]]
    assert sum(read["answer"]["probabilities"]) == pytest.approx(1, abs=1e-4)
    gathered = read["reasons"]["integrated_gradients"]
    assert gathered["of"] == ["why 4", "why 9", "why 4, not 9"]
    np.testing.assert_allclose(gathered["sum"], gathered["rise"], rtol=0.01)
    assert set(read["reasons"]["sanity"]) == {"saliency", "integrated gradients", "Grad-CAM", "occlusion"}
    assert [change["kind"] for change in read["changes"]] == ["shift", "rotation", "erased square"]


def test_the_answer_and_the_next_likely_are_asked_about(
    make: Callable[[str], Any], few_digits: Digits, tmp_path: Path
) -> None:
    album = open_album(make("shared"), tmp_path)
    told = look_at_digit(album, few_digits.images[5])
    first, second = np.argsort(told["answer"]["probabilities"])[::-1][:2]
    assert told["answer"]["digit"] == first
    assert told["reasons"]["question"] == {"why": first, "not": second}


def test_a_network_without_convolutions_says_so(few_digits: Digits, tmp_path: Path) -> None:
    said: list[str] = []
    album = open_album(build("ann-397"), tmp_path, on_note=said.append)
    told = look_at_network(album, few_digits.images) | look_at_digit(album, few_digits.images[0])
    assert said == ["ann-397 has no convolution, so there are no filters, maps or Grad-CAM to draw"]
    assert told["filters"] == told["maps"] == told["image_maps"] == []
    assert set(told["reasons"]["sanity"]) == {"saliency", "integrated gradients", "occlusion"}
    assert set(album.pictures) == {
        "diagram.svg", "walk.png", "reasons.png", "reasons-by-class.png", "sanity.png", "changes.png"
    }  # fmt: skip


def test_many_channels_are_paged(few_digits: Digits, tmp_path: Path) -> None:
    album = open_album(wide(), tmp_path)
    told = look_at_network(album, few_digits.images)
    pages = {entry["layer"]: entry["pictures"] for entry in told["filters"]}
    assert pages["wide0"] == ["filters-wide0-1.png", "filters-wide0-2.png"]  # 64 and 6 filters
    assert len(pages["wide1"]) == 4  # 64 and 6 filters by 64 and 6 channels
    for name in album.pictures[1:]:
        with Image.open(tmp_path / name) as picture:
            assert max(picture.size) < 2200


def test_what_is_left_out_is_said_and_drawn_when_its_layer_is_named(
    few_digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digitlab.inspection.look.album._FEW_PAGES", 2)
    monkeypatch.setattr("digitlab.inspection.look.album._FEW_LAYERS", 2)
    said: list[str] = []
    told = look_at_network(open_album(wide(), tmp_path, on_note=said.append), few_digits.images)
    assert [len(entry["pictures"]) for entry in told["filters"]] == [2, 2, 0]
    assert said == [
        "filters: the first 2 of 3 layers are drawn; --layer draws another",
        "filters-wide1: 4 pages, the first 2 are drawn; --layer draws all of one layer",
    ]
    said.clear()
    told = look_at_network(open_album(wide(), tmp_path, layer="wide2", on_note=said.append), few_digits.images)
    assert [(entry["layer"], len(entry["pictures"])) for entry in told["filters"]] == [("wide2", 4)]
    assert [entry["layer"] for entry in told["maps"]] == ["wide2"]
    assert said == []


@pytest.mark.parametrize(
    ("layer", "message"),
    [("conv9", "no layer 'conv9'; it has: .*corners"), ("answer", "has no maps: its output is 10.*corners")],
)
def test_layers_that_cannot_be_drawn(layer: str, message: str, make: Callable[[str], Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        open_album(make("nested"), tmp_path / "nothing", layer=layer)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.slow
def test_a_thousand_images_in_three_seconds() -> None:
    """The issue's figure, with room for a busy machine; the processor's time is what is measured."""
    import time

    from digitlab.datasets import load_dataset
    from digitlab.inspection import lay_open, results

    network = lay_open(build("thesis-2conv"))
    images = load_dataset("mnist").split("test").images[:1000]
    steps = [step for step in network.steps.values() if step.part_of is None]
    results(network, images[:10], steps)
    start = time.process_time()
    made = results(network, images, steps)
    assert {len(each) for each in made} == {1000}
    assert time.process_time() - start < 2 * 3  # two cores
