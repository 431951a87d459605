"""The pages as a browser shows them: on a telephone and on a screen, in the light and in the dark."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from digitlab.datasets import load_dataset
from digitlab.evaluation import keep, measure
from digitlab.reports import write_comparison, write_report
from digitlab.runs import Run

WIDTHS = (1280, 400)
HEIGHT = 2400
PAGES = ("report", "comparison")
PAPER = {"light": (255, 255, 255), "dark": (0x17, 0x19, 0x1D)}
# Everything that reaches beyond the page's right edge and cannot be reached by scrolling a box of its own.
MEASURE = """
onload = () => {
  const beyond = frame => {
    const page = frame.contentDocument, wide = frame.clientWidth, found = [];
    for (const each of page.body.querySelectorAll("*")) {
      const box = each.getBoundingClientRect();
      if (box.right > wide + 1 && !each.closest(".scroll, pre, svg")) found.push(each.tagName + "." + each.className);
    }
    return [page.documentElement.scrollWidth, wide, found.length, found.slice(0, 3).join(",")].join("/");
  };
  document.getElementById("found").textContent = [...document.querySelectorAll("iframe")].map(beyond).join(" ");
};
"""


@dataclass(frozen=True)
class Shown:
    """One start of the browser: for each page and width its measures, and its picture."""

    measures: dict[tuple[str, int], str]
    pictures: dict[tuple[str, int], np.ndarray]


def make_run(folder: Path, name: str, seed: int) -> Run:
    """A run with much to show: names that are long, mistakes, batches, all of MNIST's test images."""
    run, test, rng = Run.create(name, folder), load_dataset("mnist").split("test"), np.random.default_rng(seed)
    scores = rng.normal(size=(10_000, 10)) + 4.5 * np.eye(10)[test.labels]
    powers = np.exp(scores)
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    metrics = measure(probabilities, test.labels, bootstrap=20)
    keep(run, metrics, probabilities, test, {"model": name, "data": "mnist", "split": "test"})
    run.write_config(
        {"architecture": name, "dataset": "mnist", "epochs": 3, "seed": seed, "optimiser": "adam", "batch_size": 32}
    )
    run.write_json(run.environment, {"processor": "Some Processor(TM) with a Very Long Name @ 2.50GHz", "cores": 2})
    columns = ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds", "learning_rate")
    rows = [
        [epoch, 0.3 / epoch, 1 - 0.1 / epoch, 0.2 / epoch, 1 - 0.07 / epoch, 12.3, 0.1 / epoch] for epoch in (1, 2, 3)
    ]
    run.write_table(run.history, columns, rows)
    batches = [[1 + place // 400, 1 + place % 400, 2 / (1 + place), 0.9] for place in range(1200)]
    run.write_table(run.batches, ("epoch", "batch", "loss", "accuracy"), batches)
    return run


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    runs = [
        make_run(folder, name, seed) for seed, name in enumerate(("thesis-2conv-with-a-long-name-mnist", "final-cnn"))
    ]
    write_report(runs[0])
    write_comparison(runs, folder / "comparison.html")
    return {"report": runs[0].report, "comparison": folder / "comparison.html"}


@pytest.fixture(scope="module", params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    return request.param


@pytest.fixture(scope="module")
def shown(
    pages: dict[str, Path], scheme: str, needs_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Shown:
    """All pages at all widths in one window, side by side: a start takes seconds."""
    folder = tmp_path_factory.mktemp("browser")
    asked = [(name, width) for name in PAGES for width in WIDTHS]
    style, pages_in_full = (
        "border:0;flex:none;height:100vh",
        {name: html.escape(pages[name].read_text()) for name in PAGES},
    )
    frames = "".join(
        f'<iframe style="{style};width:{width}px" srcdoc="{pages_in_full[name]}"></iframe>' for name, width in asked
    )
    window = folder / "window.html"
    window.write_text(
        f'<!doctype html><meta charset="utf-8"><body style="margin:0;display:flex">{frames}'
        f'<p id="found" style="position:absolute;left:-99em"></p><script>{MEASURE}</script>'
    )
    picture = folder / "window.png"
    command = [
        needs_program("chromium", "chromium-browser", "google-chrome"),
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", f"--window-size={sum(width for _, width in asked)},{HEIGHT}",
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
        "--dump-dom", f"--screenshot={picture}", window.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<p id="found"[^>]*>([^<]+)</p>', done.stdout)
    assert found, f"the browser showed nothing: {done.stderr[-500:]}"
    measures = dict(zip(asked, found[1].split(" "), strict=True))
    with Image.open(picture) as whole:
        pixels = np.asarray(whole.convert("RGB"))
    edges = np.cumsum([0, *(width for _, width in asked)])
    return Shown(
        measures, {each: pixels[:, left:right] for each, left, right in zip(asked, edges[:-1], edges[1:], strict=True)}
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_reaches_beyond_the_page(shown: Shown, name: str, width: int) -> None:
    scrolled, wide, beyond, which = shown.measures[name, width].split("/")
    assert int(wide) == width
    assert int(scrolled) == width
    assert int(beyond) == 0, which


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_full_of_words_and_curves_on_its_paper(shown: Shown, scheme: str, name: str, width: int) -> None:
    pixels = shown.pictures[name, width].astype(int)
    paper = np.array(PAPER[scheme])
    apart = np.abs(pixels - paper).sum(axis=2)
    assert (apart[:, 0] == 0).mean() > 0.99, "the left edge is not paper"
    assert 0.02 < (apart > 200).mean() < 0.4
    bands = (apart > 200).any(axis=1).reshape(-1, HEIGHT // 24).mean(axis=1)
    assert (bands > 0.1).all(), "a tenth of the height is empty"
    blue = {"light": (0x00, 0x72, 0xB2), "dark": (0x56, 0xB4, 0xE9)}[scheme]
    assert (np.abs(pixels - np.array(blue)).sum(axis=2) < 12).sum() > 200, "no curve is drawn"


def test_the_report_of_a_real_run_is_small(pages: dict[str, Path]) -> None:
    assert all(page.stat().st_size < 1_000_000 for page in pages.values())
