"""Compare the page without a server with the reader of Python: `python tools/compare_browser.py`.

Writes the page, opens it from disk in Chromium, gives both readers the same pictures and compares their results: all
of digits-8x8, 2,000 of MNIST's test images drawn on paper, and drawn pages. Equal means the same digits, in the same
order, in the same boxes, with the same signs between them, with confidences and probabilities to 1e-3. Exit code 1
if anything differs.

    python tools/compare_browser.py --quick                  # some of each
    python tools/compare_browser.py --only pages --count 30  # thirty drawn pages; lists those that differ
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets import load_dataset
from digitlab.examples.paper import Layout, paper_page
from digitlab.examples.paper_video import digits_of
from digitlab.jobs import write_page
from digitlab.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ALLOWED = 1e-3
READ = """async ([width, height, text, page]) => {
  const rgb = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let at = 0; at < width * height; at++)
    for (let part = 0; part < 3; part++) data[4 * at + part] = rgb[3 * at + part];
  return page ? await digitlab.read({ width, height, data }) : await digitlab.classify({ width, height, data });
}"""


@dataclass
class Compared:
    """Differences between both readers: pictures with different digits, and with numbers further apart than ALLOWED.

    unlike: both readings of those pictures, with the picture's index from 0: the page's and Python's
    """

    pictures: int = 0
    digits: int = 0
    numbers: int = 0
    most: float = 0.0
    unlike: list[str] = field(default_factory=list)

    def add(self, browser: list[Any], python: list[Any], apart: float) -> None:
        """Count one picture: both readings, and the largest difference of their numbers."""
        if browser != python:
            self.unlike.append(f"{self.pictures}: the page {browser}, Python {python}")
        elif apart > ALLOWED:
            self.unlike.append(f"{self.pictures}: {apart:.2g} apart")
        self.pictures += 1
        self.digits += browser != python
        self.numbers += apart > ALLOWED
        self.most = max(self.most, apart)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.digits and not self.numbers


def small_digits(count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield images of digits-8x8, uint8 (H, W, 3)."""
    digits = load_dataset("digits-8x8")
    images = np.concatenate([digits.split(name).images for name in ("train", "test")])
    for image in images[np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)]:
        yield np.repeat(image[:, :, None], 3, axis=2)


def on_paper(count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield MNIST's test images, each drawn on a separate sheet of paper."""
    test = load_dataset("mnist").split("test")
    for row in range(count):
        yield paper_page([test[np.array([row])]], Layout((320, 240)), seed=row).image


def pages(count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield pages of several lines; every third is rotated by a multiple of 90°."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        lines = ["".join(map(str, rng.integers(0, 10, rng.integers(3, 7)))) for _ in range(rng.integers(1, 4))]
        size = [(640, 480), (1024, 768), (1300, 900)][seed % 3]
        page = paper_page(digits_of("\n".join(lines), seed=seed), Layout(size), seed=seed).image
        yield np.ascontiguousarray(np.rot90(page, seed % 4)) if seed % 3 == 2 else page


def compare(page: Any, pictures: Iterator[NDArray[np.uint8]], *, whole: bool) -> Compared:
    """Let both read the pictures, and compare.

    page: a tab of Chromium with the page open; whole: read pages, not one digit
    """
    reader, compared = Reader(threads=1), Compared()
    for picture in pictures:
        text = base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode()
        python: list[Any]
        browser: list[Any]
        answer = page.evaluate(READ, [picture.shape[1], picture.shape[0], text, whole])
        if whole:
            read = reader.read(picture)
            python = [[each.digit, list(each.box), each.line] for each in read.digits]
            browser = [[each["digit"], each["box"], each["line"]] for each in answer["digits"]]
            numbers = [each.confidence for each in read.digits], [each["confidence"] for each in answer["digits"]]
            python += [read.note, read.turned, *read.written]
            python += [[each.text, list(each.box)] for each in read.numbers]
            browser += [
                answer["note"],
                answer["turned"],
                *answer["written"],
                *([each["text"], each["box"]] for each in answer["numbers"]),
            ]
        else:
            prediction = reader.classify(picture)
            python, browser = [prediction.digit, prediction.note], [answer["digit"], answer["note"]]
            numbers = (
                [prediction.confidence, *prediction.probabilities],
                [answer["confidence"], *answer["probabilities"]],
            )
        compared.add(browser, python, max((abs(a - b) for a, b in zip(*numbers, strict=False)), default=0.0))
    return compared


def main() -> int:
    """Compare, and print the results."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some of each")
    parser.add_argument("--only", choices=("digits-8x8", "paper", "pages"), help="one of the three")
    parser.add_argument("--count", type=int, help="so many pictures of each, from the first on")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    sets = {"digits-8x8": (small_digits, 1797), "paper": (on_paper, 2000), "pages": (pages, 120)}
    good = True
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        written = write_page(Path(folder) / "page")
        browser = play.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto((written.folder / "index.html").as_uri())
        for name, (pictures, usual) in sets.items():
            if options.only not in (None, name):
                continue
            start = time.perf_counter()
            count = options.count or (usual // 40 if options.quick else usual)
            result = compare(tab, pictures(count), whole=name == "pages")
            good = good and result.equal
            sys.stdout.write(
                f"{name}: {result.pictures} pictures, other digits in {result.digits}, numbers further apart than "
                f"{ALLOWED:g} in {result.numbers}, at most {result.most:.2g} apart; "
                f"{time.perf_counter() - start:.0f} s\n"
            )
            sys.stdout.writelines(f"  {each}\n" for each in result.unlike)
            sys.stdout.flush()
        browser.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
