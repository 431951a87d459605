"""The explorer page: what it holds, and what a browser makes of clicks, keys and addresses."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitlab.datasets import load_dataset
from digitlab.reports.explorer import Exploration, Pictured, write_explorer

WIDTHS = (1280, 400)
HEIGHT = 2600
PAPER = {"light": (255, 255, 255), "dark": (0x17, 0x19, 0x1D)}
# In each frame: click a cell, its first image, a filter, the other map; press an arrow key; tell what is seen then.
CLICKS = """
const press = (frame, selector) => frame.contentDocument.querySelector(selector).click();
const seen = frame => {
  const page = frame.contentDocument, canvas = page.getElementById("map"), told = {};
  told.deep = [page.getElementById("about-cell").textContent, page.querySelector("#detail p").textContent];
  press(frame, "[data-cell='3,5']");
  told.cell = [page.getElementById("about-cell").textContent, page.querySelectorAll("#cell .thumb").length];
  press(frame, "#cell .thumb");
  told.detail = page.querySelector("#detail p").textContent;
  told.near = page.querySelectorAll("#detail .gallery .thumb").length;
  told.address = frame.contentWindow.location.hash;
  press(frame, "[data-kind='wrong']");
  told.wrong = page.getElementById("count").textContent;
  press(frame, "[data-digit='3']");
  told.threes = page.getElementById("count").textContent;
  press(frame, "[data-digit='all']"); press(frame, "[data-kind='all']"); press(frame, "[data-map='PCA']");
  const Key = frame.contentWindow.KeyboardEvent;
  canvas.dispatchEvent(new Key("keydown", {key: "ArrowRight"}));
  told.walked = page.querySelector("#detail p").textContent;
  press(frame, "[data-class='7']");
  told.typical = [...page.querySelectorAll("#typical .thumb b")].map(each => each.textContent).join("");
  press(frame, "[data-drawn='images']");
  const brush = canvas.getContext("2d"), pixels = brush.getImageData(0, 0, canvas.width, canvas.height).data;
  told.inked = pixels.filter((value, at) => at % 4 == 3 && value > 100).length / (pixels.length / 4);
  const wide = frame.clientWidth, beyond = [];
  for (const each of page.body.querySelectorAll("*")) {
    if (each.getBoundingClientRect().right > wide + 1 && !each.closest(".scroll, pre")) beyond.push(each.tagName);
  }
  told.wide = [page.documentElement.scrollWidth, wide, beyond.length, beyond.slice(0, 3)];
  return told;
};
onload = () => {
  let told;
  try {
    told = [...document.querySelectorAll("iframe")].map(seen);
  } catch (error) {
    told = String(error.stack);
  }
  document.getElementById("found").textContent = JSON.stringify(told);
};
"""


def make_exploration(name: str = "thesis-2conv", count: int = 600) -> Exploration:
    """Answers as of a network that is right two times of three; the places are the brightest pixels' ones."""
    mnist, rng = load_dataset("mnist"), np.random.default_rng(1)
    test, train = mnist.split("test")[:count], mnist.split("train")[: count // 2]

    def pictured(split: str, digits: object) -> Pictured:
        scores = rng.normal(size=(len(digits), 10)) + 2.2 * np.eye(10)[digits.labels]  # type: ignore[attr-defined, arg-type, operator]
        powers = np.exp(scores)
        shares = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return Pictured(split, digits, shares, np.arange(len(digits)))  # type: ignore[arg-type]

    points, others = pictured("test", test), pictured("train", train)
    said = points.probabilities.argmax(axis=1)
    wrong = np.flatnonzero(said != test.labels)
    angles = 2 * np.pi * test.labels / 10
    places = 0.5 + 0.35 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + rng.normal(0, 0.04, (count, 2))
    rows = [np.flatnonzero(train.labels == digit).tolist() for digit in range(10)]
    return Exploration(
        model=name,
        data="mnist",
        layers=["dense:relu"],
        points=points,
        others=others,
        places={"t-SNE": places.astype(np.float32), "PCA": places[:, ::-1].astype(np.float32)},
        confusion=np.bincount(test.labels * 10 + said, minlength=100).reshape(10, 10),
        neighbours={int(row): rows[int(said[row])][:8] for row in wrong},
        prototypes=[each[:12] for each in rows],
        unusual=[each[-12:] for each in rows],
    )


@dataclass(frozen=True)
class Shown:
    """What each frame said, by its width, and its picture."""

    told: dict[int, dict[str, object]]
    pictures: dict[int, np.ndarray]


@pytest.fixture(scope="module")
def exploration() -> Exploration:
    return make_exploration()


@pytest.fixture(scope="module")
def page(exploration: Exploration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    assert write_explorer(exploration, path) == path.stat().st_size
    return path


@pytest.fixture(scope="module", params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def shown(
    page: Path, scheme: str, needs_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Shown:
    """The page at both widths in one window, and a script beside it that clicks: a start takes seconds."""
    folder = tmp_path_factory.mktemp("browser")
    frames = "".join(
        f'<iframe style="border:0;flex:none;height:100vh;width:{width}px" '
        f'src="{page.as_uri()}#cell=4,9&amp;image=train:5"></iframe>'
        for width in WIDTHS
    )
    window, picture = page.with_name("window.html"), folder / "window.png"
    window.write_text(
        f'<!doctype html><meta charset="utf-8"><body style="margin:0;display:flex">{frames}'
        f'<p id="found" hidden></p><script>{CLICKS}</script>'
    )
    command = [
        needs_program("chromium", "chromium-browser", "google-chrome"),
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
        "--allow-file-access-from-files",  # the window may click in its frames
        f"--user-data-dir={folder / 'profile'}", f"--window-size={sum(WIDTHS)},{HEIGHT}",
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
        "--dump-dom", f"--screenshot={picture}", window.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<p id="found"[^>]*>([^<]+)</p>', done.stdout)
    assert found, f"the browser showed nothing: {done.stderr[-500:]}"
    told = json.loads(html.unescape(found[1]))
    assert isinstance(told, list), told
    with Image.open(picture) as whole:
        pixels = np.asarray(whole.convert("RGB"))
    edges = np.cumsum([0, *WIDTHS])
    return Shown(
        dict(zip(WIDTHS, told, strict=True)),
        {width: pixels[:, left:right] for width, left, right in zip(WIDTHS, edges[:-1], edges[1:], strict=True)},
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_clicks_and_keys_show_what_was_asked_for(shown: Shown, exploration: Exploration, width: int) -> None:
    told, points = shown.told[width], exploration.points
    said, truth = points.probabilities.argmax(axis=1), points.digits.labels
    of_cell = np.flatnonzero((truth == 3) & (said == 5))
    assert told["deep"][0].startswith(f"True 4, predicted 9: {exploration.confusion[4, 9]} image")  # type: ignore[index]
    assert told["deep"][1] == f"training image 5, true class {exploration.others.digits.labels[5]}"  # type: ignore[index]
    assert told["cell"][0].startswith(f"True 3, predicted 5: {len(of_cell)} image")  # type: ignore[index]
    assert told["cell"][1] == len(of_cell) > 0  # type: ignore[index]
    assert told["detail"] == f"test image {of_cell[0]}, true class 3"
    assert told["near"] == 8
    assert told["address"] == f"#cell=3,5&image={of_cell[0]}"
    assert str(told["wrong"]).startswith(f"{(said != truth).sum()} of {len(truth)} ")
    assert str(told["threes"]).startswith(f"{((said != truth) & (truth == 3)).sum()} of ")
    assert str(told["walked"]).startswith("test image ")
    assert told["walked"] != told["detail"]
    assert told["typical"] == "7" * 12


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_reaches_beyond_the_page(shown: Shown, width: int) -> None:
    told: Any = shown.told[width]["wide"]
    scrolled, wide, beyond, which = told
    assert (scrolled, wide, beyond) == (width, width, 0), which


@pytest.mark.parametrize("width", WIDTHS)
def test_the_map_is_drawn_on_the_scheme_s_paper(shown: Shown, scheme: str, width: int) -> None:
    assert 0.005 < float(shown.told[width]["inked"]) < 0.6  # type: ignore[arg-type]
    apart = np.abs(shown.pictures[width].astype(int) - np.array(PAPER[scheme])).sum(axis=2)
    assert (apart[:, 0] == 0).mean() > 0.99, "the left edge is not paper"
    assert 0.02 < (apart > 200).mean() < 0.4


def test_a_page_of_thousands_is_small_and_loads_nothing(page: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(r"""(src|href)=["']?(?!data:|#)\w""", text)
    assert "http" not in text.replace("http-equiv", "")
    assert write_explorer(make_exploration(count=3000), tmp_path / "large.html") < 2_500_000


def test_a_model_s_name_cannot_end_the_script(tmp_path: Path) -> None:
    name = "</script><script>alert(1)</script>"
    write_explorer(make_exploration(name, count=120), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "alert(1)</script>" not in text
    assert text.count("<script") == 2
